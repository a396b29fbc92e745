"""What the tests of machines share: a server of each kind a test process, and a network a test.

All tests of a server share it, so each has a namespace of its own.
"""

from __future__ import annotations

import functools
import os
import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from typing import Any

import pytest
from beautyspot.contracts.store import totals_of
from beautyspot.spot import Spot
from beautyspot_local.remote.limiter import RemoteLimiter
from beautyspot_testing.limiter import ManualClock
from servers import limiters, machines, shared
from servers.machines import Network
from servers.proxy import Link
from servers.shared import Shared

QUICK = frozenset(
    {
        "test_many_machines_by_eight_threads_run_a_call_once",
        "test_a_partition_while_the_function_runs",
        "test_a_spot_that_was_told_nothing_is_refused_without_a_key",
    }
)
"""Tests of stores that each kind takes in the ordinary run. Of the others it takes the first."""


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Each test that takes `kind` is run for every kind of server."""
    marks = metafunc.definition.iter_markers("parametrize")
    if "kind" in metafunc.fixturenames and not any("kind" in mark.args[0] for mark in marks):
        if "limiter" in metafunc.fixturenames:
            metafunc.parametrize("kind", shared.LIMITERS)
        else:
            metafunc.parametrize("kind", _stores(metafunc.function.__name__))


def _stores(test: str) -> list[Any]:
    first, *others = shared.STORES
    slow = () if test in QUICK else (pytest.mark.slow,)
    return [first, *(pytest.param(kind, marks=slow) for kind in others)]


def pytest_collection_modifyitems(items: Sequence[pytest.Item]) -> None:
    """Each of them needs a server."""
    for item in items:
        if "kind" in getattr(item, "fixturenames", ()):
            item.add_marker("server")


@pytest.fixture(autouse=True)
def no_settings_of_others(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the developer's servers are, no test may use them unasked."""
    for name in [*os.environ]:
        if name.startswith(("REDIS", "VALKEY", "PG", "DATABASE_URL", "AWS_", "BOTO_")):
            monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Shared]]:
    """Gives the server of a kind, started by the first test that asks."""
    with ExitStack() as stack:
        running: dict[str, Shared] = {}

        def started(kind: str) -> Shared:
            if wanted := shared.missing(kind):
                pytest.skip(wanted)
            if kind not in running:
                folder = tmp_path_factory.mktemp(kind) / "server"
                running[kind] = stack.enter_context(shared.running(kind, folder))
            return running[kind]

        yield started


@pytest.fixture
def server(servers: Callable[[str], Shared], kind: str) -> Shared:
    """A server that nobody stops."""
    return servers(kind)


@pytest.fixture
def link(server: Shared) -> Iterator[Link]:
    """A network between the test and the server."""
    with Link(server.port) as made:
        yield made


@pytest.fixture
def entries(make_spot: Callable[..., Spot], server: Shared, namespace: str) -> Callable[[], int]:
    """How many results another client finds."""
    spot = make_spot(metadata=server.at(namespace=namespace))
    return lambda: totals_of(spot.metadata).entries


@pytest.fixture
def namespace() -> str:
    """One of the test's own."""
    return f"test-{secrets.token_hex(8)}"


@pytest.fixture
def network(server: Shared, namespace: str, tmp_path: Any) -> Iterator[Network]:
    """Machines whose programs find the server's address, and their lease time, in `STORE`."""
    with machines.network(tmp_path / "machines") as made:
        # SeaweedFS has those wait, a second at a time, who write one object at the same time.
        times = {"lease_time": server.shortest_lease, "timeout": server.shortest_lease}
        made.given["STORE"] = server.at(made.host, namespace=namespace, **times)
        yield made


@pytest.fixture
def limiter(server: Shared, namespace: str) -> Callable[..., dict[str, Any]]:
    """`Shared.at` for a limiter, whose server is one that limits rates."""
    return functools.partial(server.at, namespace=namespace)


@pytest.fixture
def clock() -> ManualClock:
    """What limiters of `make_limiter` go by."""
    return ManualClock()


@pytest.fixture
def make_limiter(
    limiter: Callable[..., dict[str, Any]], clock: ManualClock
) -> Iterator[Callable[..., RemoteLimiter]]:
    """Makes limiters of which each is one machine's view of the same limit: a permit a second."""
    with ExitStack() as ends:

        def made(**options: Any) -> RemoteLimiter:
            given = {"rate": 1, "max_cost": 100, "clock": clock, **options}
            one = limiters.made(limiter(**given))
            ends.callback(one.close)
            return one

        yield made


@pytest.fixture
def forget(limiter: Callable[..., dict[str, Any]], namespace: str) -> Callable[[], None]:
    """Has the server lose the test's limits."""
    return functools.partial(limiters.forget, limiter(), namespace)
