"""When the server is away: what is Redis's own in it; the rest is in `tests/machines`."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from beautyspot.errors import BeautyspotError
from beautyspot.spot import Spot
from beautyspot_redis import RedisLimiter, RedisMetadataStore
from kinds import RAN
from servers import valkey
from servers.proxy import Link
from servers.working import is_settled

pytestmark = pytest.mark.usefixtures("hasty")


TIMEOUT = 1.0
CALLERS = 8


def at(url: str, namespace: str) -> dict[str, Any]:
    return {"use": "redis", "url": url, "namespace": namespace, "timeout": TIMEOUT}


def double(x: int) -> int:
    RAN.append(x)
    return x * 2


def entries(url: str, namespace: str) -> int:
    """How many results another client finds."""
    store = RedisMetadataStore(url, namespace=namespace)
    try:
        return sum(1 for _ in store.all_rows())
    finally:
        store.close()


# ------------------------------------------------------------------------------- partitions


def test_threads_that_connect_at_once_wait_once(link: Link) -> None:
    link.part()
    limiter = RedisLimiter(f"redis://127.0.0.1:{link.port}", rate=1, timeout=TIMEOUT)
    together = threading.Barrier(CALLERS)

    def refused(_: int) -> str:
        together.wait()
        with pytest.raises(BeautyspotError) as failed:
            limiter.consume()
        return str(failed.value)

    with ThreadPoolExecutor(CALLERS) as pool:
        said = set(pool.map(refused, range(CALLERS)))
    assert len(said) == 1
    link.mend()
    limiter.close()
    assert limiter.try_consume()
    limiter.close()


# ---------------------------------------------------------------------------------- the server


def test_a_server_that_is_restarted(
    make_spot: Callable[..., Spot],
    own: valkey.Valkey,
    namespace: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    spot = make_spot(metadata=at(own.url, namespace))
    marked = spot.mark(double)
    assert marked(1) == 2
    own.kill()
    assert [marked(x) for x in (2, 3, 4, 5, 2)] == [4, 6, 8, 10, 4]
    own.start()
    assert valkey.until(lambda: is_settled(spot))
    assert entries(own.url, namespace) == 4, "but 1, which it has dropped"
    assert [marked(x) for x in (2, 3, 4, 5, 1)] == [4, 6, 8, 10, 2]
    assert RAN == [1, 2, 3, 4, 5, 1]
    said = [message for message in caplog.messages if "could not" in message]
    assert len(said) == len({*said}), "each operation once for each cause"
    assert "app: the metadata store works again" in caplog.messages


def test_a_full_server(
    make_spot: Callable[..., Spot],
    own: valkey.Valkey,
    namespace: str,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # However slow the machine is, these failures are answers: look-ups go on.
    monkeypatch.setattr("beautyspot.resilience.guarded_backends.FAR_SLOW", 60.0)
    url = own.url
    spot = make_spot(metadata=at(url, namespace), limiter=None)
    marked = spot.mark(double)
    assert marked(1) == 2
    own.ask("CONFIG", "SET", "maxmemory", "1")
    assert [marked(2), marked(3)] == [4, 6]
    assert [marked(1), RAN] == [2, [1, 2, 3]], "what is there is found"
    assert "raise its maxmemory" in caplog.text
    own.ask("CONFIG", "SET", "maxmemory", "0")
    assert valkey.until(lambda: is_settled(spot))
    assert entries(url, namespace) == 3
