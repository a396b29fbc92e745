"""When the server is away: calls go on, wait once at most, and nothing that was made is lost."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from beautyspot.errors import MetadataError, RateLimitError
from beautyspot.spot import Spot
from kinds import RAN
from servers import valkey
from servers.proxy import Link
from servers.shared import Shared
from servers.working import is_settled

pytestmark = pytest.mark.usefixtures("hasty")


DURING: list[Callable[[], object]] = []
TIMEOUT = 1.0
CALLERS = 4


@pytest.fixture(autouse=True)
def undisturbed() -> None:
    DURING.clear()


@pytest.fixture
def there(server: Shared, link: Link, namespace: str) -> dict[str, Any]:
    """The store, or the limiter, beyond the link."""
    return server.at(port=link.port, namespace=namespace, timeout=TIMEOUT)


@pytest.fixture
def rests(monkeypatch: pytest.MonkeyPatch) -> None:
    """What failed is left alone for longer than a few calls take, however slow the machine is."""
    monkeypatch.setattr("beautyspot.resilience.circuit_breaker.FIRST_PAUSE", 3.0)


@pytest.fixture
def far(make_spot: Callable[..., Spot], there: dict[str, Any]) -> Spot:
    """A Spot whose store is beyond the link."""
    return make_spot(metadata=there)


def double(x: int) -> int:
    RAN.append(x)
    return x * 2


def disturbed(x: int) -> int:
    for disturb in DURING:
        disturb()
    RAN.append(x)
    return x


async def double_later(x: int) -> int:
    return double(x)


@pytest.mark.usefixtures("rests")
def test_a_server_that_answers_nothing_is_waited_for_once(
    far: Spot, server: Shared, link: Link, entries: Callable[[], int]
) -> None:
    marked, later = far.mark(double), far.mark(double_later)
    assert [marked(1), marked(1), RAN] == [2, 2, [1]]
    link.part()
    once = server.attempts
    assert [marked(2), link.lost] == [4, once], "neither the lease nor the save is waited for"
    lost = link.lost
    assert marked(2) == 4, "it is in memory"
    assert asyncio.run(later(3)) == 6
    assert [far.stats()["unsaved"], RAN] == [2, [1, 2, 3]]
    assert link.lost <= lost + 4 * once, "but for a probe, and what the thread tries that stores"
    link.mend()
    assert valkey.until(lambda: is_settled(far)), "no call has come"
    assert entries() == 3
    assert [marked(2), asyncio.run(later(3)), RAN] == [4, 6, [1, 2, 3]]


@pytest.mark.parametrize("kind", ["redis", "postgres"])
def test_connections_that_hang_cost_one_time_out_together(far: Spot, link: Link) -> None:
    """As where a server that hung was replaced: new connections are answered."""
    store = far.metadata
    together = threading.Barrier(CALLERS)

    def find(_: int) -> None:
        together.wait()
        store.find("0" * 32)

    link.delay = 0.02  # so that each asks while the others wait
    with ThreadPoolExecutor(CALLERS) as pool:
        while link.connections < CALLERS:
            assert [*pool.map(find, range(CALLERS))] == [None] * CALLERS
    link.delay = 0.0
    link.strand()
    with pytest.raises(MetadataError, match="timeout="):
        store.find("0" * 32)
    assert store.find("0" * 32) is None


@pytest.mark.usefixtures("rests")
def test_a_partition_while_the_function_runs(
    far: Spot, link: Link, entries: Callable[[], int]
) -> None:
    """It holds the lease, and can neither renew nor release it."""
    DURING.append(link.part)
    assert [far.mark(disturbed)(1), far.mark(disturbed)(1)] == [1, 1]
    assert link.lost <= 6, "of a bucket two requests side by side, in three attempts"
    link.mend()
    assert valkey.until(lambda: entries() == 1)
    assert RAN == [1]


def test_connections_that_are_cut_cost_nothing(
    make_spot: Callable[..., Spot], there: dict[str, Any], link: Link
) -> None:
    spot = make_spot(metadata={**there, "timeout": 30})
    marked = spot.mark(double)
    assert marked(1) == 2
    for x in range(2, 5):
        link.cut()
        assert marked(x) == 2 * x
    assert spot.stats()["unsaved"] == spot.stats()["errors"] == 0


def test_a_spot_that_is_made_meanwhile(
    make_spot: Callable[..., Spot],
    there: dict[str, Any],
    link: Link,
    entries: Callable[[], int],
    caplog: pytest.LogCaptureFixture,
) -> None:
    link.part()
    spot = make_spot(metadata=there)
    marked = spot.mark(double)
    assert [marked(1), marked(1)] == [2, 2]
    assert "could not open the metadata store" in caplog.text
    link.mend()
    assert valkey.until(lambda: is_settled(spot))
    assert entries() == 1
    assert [marked(1), RAN] == [2, [1]]


def test_what_can_not_be_stored_at_the_end_is_said(
    far: Spot, link: Link, caplog: pytest.LogCaptureFixture
) -> None:
    far.mark(double)(0)
    link.part()
    for x in range(1, 4):
        far.mark(double)(x)
    far.shutdown()
    assert "3 results of " in caplog.messages[-1]
    assert "could not be stored before the end" in caplog.messages[-1]


# ----------------------------------------------------------------------------------- limits


@pytest.fixture
def limited(
    make_spot: Callable[..., Spot], limiter: Callable[..., dict[str, Any]], link: Link
) -> Callable[..., Spot]:
    """Makes a Spot with limits beyond the link, each given by the options of its own."""

    def made(*limits: dict[str, Any]) -> Spot:
        tables = [limiter(port=link.port, timeout=TIMEOUT, **options) for options in limits]
        return make_spot(limiter=tables if len(tables) > 1 else tables[0])

    return made


def test_a_rate_is_kept_without_the_server(
    limited: Callable[..., Spot], link: Link, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    spot = limited({"rate": 8, "workers": 64})
    with spot.limit(timeout=0):
        pass
    link.part()
    with spot.limit(cost=1), pytest.raises(RateLimitError), spot.limit(timeout=0):
        pytest.fail("there is a limit")
    assert "1/64 of the rate, since workers=64 share it" in caplog.text
    assert spot.stats()["limiter_away"] == 1
    link.mend()
    bucket: Any = spot.bucket
    bucket.breaker.insist()
    with spot.limit():
        pass
    assert f"the limiter {kind!r} answers again" in caplog.text
    assert spot.stats()["limiter_away"] == 0


def test_rates_that_are_kept_together_without_the_server(
    limited: Callable[..., Spot], link: Link, caplog: pytest.LogCaptureFixture
) -> None:
    rates = [("requests", 2), ("tokens", 4000)]
    spot = limited(*[{"name": name, "rate": rate, "workers": 32} for name, rate in rates])
    cost: dict[str, float] = {"requests": 1, "tokens": 500}
    marked = spot.limiter(cost=cost, timeout=0, max_concurrent=3)(double)
    assert marked(1) == 2
    link.part()
    with pytest.raises(RateLimitError):  # that permit is 16 seconds of this process's share
        marked(2)
    assert link.lost == 1, "by the cap, the rates and the end of the call"
    with spot.limit(cost={"tokens": 1}, key="a", timeout=0) as permit:
        permit.settle({"tokens": 2})
    assert "1/32 of the rate, since workers=32 share it" in caplog.text
    assert "unlimited" not in caplog.text
    assert spot.stats()["limiter_away"] == 1
