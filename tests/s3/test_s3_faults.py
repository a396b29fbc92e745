"""A Spot whose blobs are in S3, while the server or the way to it fails.

A real server, behind a proxy that misbehaves. Each fault: the result is right, the log says once
what is wrong and what to do, and when the fault is gone the same Spot caches again. The ordinary
run has each fault once, with another kind of function each; the slow one has them all.
"""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from beautyspot.spot import Spot
from beautyspot_s3 import S3Storage
from beautyspot_s3 import bucket as bucket_module
from kinds import KINDS, RAN, result
from servers import proxy, seaweedfs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

pytestmark = pytest.mark.server


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    RAN.clear()
    monkeypatch.setattr(bucket_module, "ATTEMPTS", 1)


@pytest.fixture
def way(server: seaweedfs.Server) -> Iterator[proxy.Proxy]:
    with proxy.Proxy(server.port) as between:
        yield between


class Always:
    """A plan of the proxy that never ends."""

    def __init__(self, behaviour: proxy.Behaviour) -> None:
        self.behaviour = behaviour

    def popleft(self) -> proxy.Behaviour:
        return self.behaviour


@contextmanager
def misbehaving(spot: Spot, way: proxy.Proxy, behaviour: proxy.Behaviour) -> Iterator[None]:
    storage: Any = spot.storage
    before, way.plan = way.plan, Always(behaviour)  # type: ignore[assignment]
    storage.close()  # or the client goes on with the connections that it has
    yield
    way.plan = before
    storage.close()


def answering(status: int) -> Any:
    return lambda spot, way, server: misbehaving(spot, way, proxy.answer(status))


def resetting(spot: Spot, way: proxy.Proxy, server: Any) -> Any:
    return misbehaving(spot, way, proxy.reset)


def breaking_off(spot: Spot, way: proxy.Proxy, server: Any) -> Any:
    return misbehaving(spot, way, proxy.cut(10))  # within "HTTP/1.1 200 OK"


@contextmanager
def silent(spot: Spot, way: proxy.Proxy, server: Any) -> Iterator[None]:
    """It hangs past the client's own time-out."""
    release = threading.Event()
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(bucket_module, "READ_TIMEOUT", 0.2)
        with misbehaving(spot, way, proxy.hold(release)):
            yield
            release.set()


@contextmanager
def refused(spot: Spot, way: proxy.Proxy, server: seaweedfs.Server) -> Iterator[None]:
    """Credentials that the server does not know (any more)."""
    storage: Any = spot.storage
    session = storage._bucket._options
    before = dict(session)
    session.update(seaweedfs.Identity().options())
    storage.close()
    yield
    session.update(before)
    storage.close()


@contextmanager
def read_only(spot: Spot, way: proxy.Proxy, server: seaweedfs.Server) -> Iterator[None]:
    storage: Any = spot.storage
    session = storage._bucket._options
    before = dict(session)
    session.update(server.reader.options())
    storage.close()
    yield
    session.update(before)
    storage.close()


@contextmanager
def bucket_gone(spot: Spot, way: proxy.Proxy, server: seaweedfs.Server) -> Iterator[None]:
    client, name = server.client(), spot.storage.bucket_name  # type: ignore[attr-defined]
    for page in client.get_paginator("list_objects_v2").paginate(Bucket=name):
        for found in page.get("Contents", ()):
            client.delete_object(Bucket=name, Key=found["Key"])
    client.delete_bucket(Bucket=name)
    yield
    client.create_bucket(Bucket=name)
    client.close()


NETWORK = "region_name and the network, then try again"
PERMISSIONS = "grant s3:GetObject, s3:PutObject, s3:DeleteObject and s3:ListBucket"

FAULTS: dict[str, tuple[Any, str]] = {
    "500": (answering(500), NETWORK),
    "503": (answering(503), "try again later"),
    "403": (answering(403), PERMISSIONS),
    "reset": (resetting, NETWORK),
    "cut": (breaking_off, NETWORK),
    "silent": (silent, NETWORK),
    "credentials refused": (refused, "check the credentials"),
    "read only": (read_only, PERMISSIONS),
    "bucket gone": (bucket_gone, "create the bucket"),
}
"""What goes wrong, and what its warnings say to do."""


@pytest.fixture
def spot(server: seaweedfs.Server, way: proxy.Proxy, tmp_path: Path) -> Iterator[Spot]:
    bucket = tmp_path.name.replace("_", "-").lower()[:40].strip("-")
    client = server.client()
    client.create_bucket(Bucket=bucket)
    storage = S3Storage(
        bucket, endpoint_url=way.url, region_name="us-east-1", **server.admin.options()
    )
    with Spot("app", directory=tmp_path / "cache", config=False, storage=storage) as spot:
        yield spot
    storage.close()
    client.close()


def pairs() -> Iterator[Any]:
    """Each fault with each kind of function; only one of each fault belongs to the ordinary run."""
    for number, fault in enumerate(FAULTS):
        for other, kind in enumerate(KINDS):
            ordinary = number % len(KINDS) == other
            yield pytest.param(fault, kind, marks=() if ordinary else pytest.mark.slow)


@pytest.mark.parametrize(("fault", "kind"), list(pairs()))
def test_results_are_right_and_caching_comes_back(
    server: seaweedfs.Server,
    way: proxy.Proxy,
    spot: Spot,
    caplog: pytest.LogCaptureFixture,
    fault: str,
    kind: str,
) -> None:
    function, call = KINDS[kind]
    marked: Callable[..., Any] = spot.mark(name="f", save_blob=True)(function)
    assert [call(marked, x) for x in (1, 2)] == [result(1), result(2)]
    assert not caplog.records
    misbehave, advice = FAULTS[fault]
    with misbehave(spot, way, server):
        for x in (1, 3, 1, 3, 4):
            assert call(marked, x) == result(x), "the result is right"
        ours = [record for record in caplog.records if record.name == "beautyspot"]
        said = [record.getMessage() for record in ours]
        rests = spot.stats()["resting"]
        asked = way.connections
        for x in (1, 3, 4):
            assert call(marked, x) == result(x)
        assert not rests or way.connections <= asked + 1, (
            "what keeps failing is not asked each time"
        )
    assert said, "it is said"
    assert len(said) <= 3, "looking up, saving, removing what is replaced"
    assert all(advice in text for text in said), "with what to do"
    spot.flush()
    RAN.clear()
    assert [call(marked, x) for x in (9, 9)] == [result(9), result(9)]
    assert RAN == [9], "when the fault is gone, caching works again"
    for _ in range(2):
        assert [call(marked, x) for x in (1, 2, 3, 4)] == [result(x) for x in (1, 2, 3, 4)]
    assert all(RAN.count(x) <= 1 for x in (1, 2, 3, 4))
