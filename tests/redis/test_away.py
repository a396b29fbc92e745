"""When the server is away: calls go on, wait once at most, and nothing that was made is lost."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
from beautyspot.errors import BeautyspotError, RateLimitError
from beautyspot_redis import RedisLimiter, RedisMetadataStore
from servers import valkey
from servers.proxy import Link

if TYPE_CHECKING:
    from beautyspot.spot import Spot

pytestmark = pytest.mark.usefixtures("hasty")

RAN: list[int] = []
DURING: list[Callable[[], object]] = []
TIMEOUT = 0.3
CALLERS = 8


@pytest.fixture(autouse=True)
def nothing_ran() -> None:
    RAN.clear()
    DURING.clear()


def at(url: str, namespace: str) -> dict[str, Any]:
    return {"use": "redis", "url": url, "namespace": namespace, "timeout": TIMEOUT}


@pytest.fixture
def far(make_spot: Callable[..., Spot], link: Link, namespace: str) -> Spot:
    """A Spot whose store and limiter are beyond the link."""
    there = at(f"redis://127.0.0.1:{link.port}", namespace)
    return make_spot(
        metadata={**there, "memory": 10_000, "memory_age": 3600},
        limiter={**there, "rate": 8, "workers": 8},
    )


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


def entries(url: str, namespace: str) -> int:
    """How many results another client finds."""
    store = RedisMetadataStore(url, namespace=namespace)
    try:
        return store.totals().entries
    finally:
        store.close()


# ------------------------------------------------------------------------------- partitions


def test_a_server_that_answers_nothing_is_waited_for_once(
    far: Spot, link: Link, redis_server: valkey.Valkey, namespace: str
) -> None:
    marked, later = far.mark(double), far.mark(double_later)
    assert [marked(1), marked(1), RAN] == [2, 2, [1]]
    link.part()
    assert [marked(2), link.lost] == [4, 1], "neither the lease nor the save is waited for"
    lost = link.lost
    assert marked(2) == 4, "it is in memory"
    assert asyncio.run(later(3)) == 6
    assert [far.stats()["unsaved"], RAN] == [2, [1, 2, 3]]
    assert marked(1) == 2, "that is in the memory tier of the store"
    assert link.lost <= lost + 4, "but for a probe, and what the thread tries that stores"
    link.mend()
    assert valkey.until(lambda: entries(redis_server.url, namespace) == 3), "no call has come"
    assert valkey.until(lambda: far.stats()["unsaved"] == 0)
    assert [marked(2), asyncio.run(later(3)), RAN] == [4, 6, [1, 2, 3]]


def test_a_partition_while_the_function_runs(
    far: Spot, link: Link, redis_server: valkey.Valkey, namespace: str
) -> None:
    """It holds the lease, and can neither renew nor release it."""
    DURING.append(link.part)
    assert [far.mark(disturbed)(1), far.mark(disturbed)(1)] == [1, 1]
    assert link.lost <= 3
    link.mend()
    assert valkey.until(lambda: entries(redis_server.url, namespace) == 1)
    assert RAN == [1]


def test_a_rate_is_kept_without_the_server(
    far: Spot, link: Link, caplog: pytest.LogCaptureFixture
) -> None:
    with far.limit(timeout=0):
        pass
    link.part()
    with far.limit(cost=1), pytest.raises(RateLimitError), far.limit(timeout=0):
        pytest.fail("there is a limit")
    assert "1/8 of the rate, since workers=8 share it" in caplog.text
    assert far.stats()["limiter_away"] == 1
    link.mend()
    bucket: Any = far.bucket
    bucket.breaker.insist()
    with far.limit():
        pass
    assert "the limiter 'redis' answers again" in caplog.text
    assert far.stats()["limiter_away"] == 0


def test_rates_that_are_kept_together_without_the_server(
    make_spot: Callable[..., Spot],
    link: Link,
    namespace: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    there = {**at(f"redis://127.0.0.1:{link.port}", namespace), "workers": 4}
    rates = [("requests", 4), ("tokens", 4000)]
    limits = [{**there, "name": name, "rate": rate} for name, rate in rates]
    spot = make_spot(limiter=limits)
    cost: dict[str, float] = {"requests": 1, "tokens": 500}
    limited = spot.limiter(cost=cost, timeout=0, max_concurrent=3)(double)
    assert limited(1) == 2
    link.part()
    assert limited(2) == 4
    assert link.lost == 1, "by the cap, the rates and the end of the call"
    with pytest.raises(RateLimitError):
        limited(3)
    with spot.limit(cost={"tokens": 1}, key="a", timeout=0) as permit:
        permit.settle({"tokens": 2})
    assert "1/4 of the rate, since workers=4 share it" in caplog.text
    assert "unlimited" not in caplog.text
    assert spot.stats()["limiter_away"] == 1


def test_threads_that_connect_at_once_wait_once(link: Link) -> None:
    link.part()
    limiter = RedisLimiter(f"redis://127.0.0.1:{link.port}", rate=1, timeout=TIMEOUT)
    together = threading.Barrier(CALLERS)

    def refused(_: int) -> str:
        together.wait()
        with pytest.raises(BeautyspotError) as failed:
            limiter.reserve()
        return str(failed.value)

    with ThreadPoolExecutor(CALLERS) as pool:
        said = set(pool.map(refused, range(CALLERS)))
    assert len(said) == 1
    assert link.connections < CALLERS, "not one after the other"
    link.mend()
    limiter.close()
    assert limiter.try_consume()
    limiter.close()


def test_connections_that_are_cut_cost_nothing(far: Spot, link: Link) -> None:
    marked = far.mark(double)
    assert marked(1) == 2
    for x in range(2, 5):
        link.cut()
        assert marked(x) == 2 * x
    link.cut()
    with far.limit():
        pass
    assert far.stats()["unsaved"] == far.stats()["errors"] == 0


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
    assert valkey.until(lambda: entries(own.url, namespace) == 4), "but 1, which it has dropped"
    assert [marked(x) for x in (2, 3, 4, 5, 1)] == [4, 6, 8, 10, 2]
    assert RAN == [1, 2, 3, 4, 5, 1]
    said = [message for message in caplog.messages if "could not" in message]
    operations = [message.partition(": ")[2].partition(" for ")[0] for message in said]
    assert len(operations) == len({*operations}), "each operation once"
    assert "app: the metadata store works again" in caplog.messages


def test_a_spot_that_is_made_while_the_server_is_down(
    make_spot: Callable[..., Spot],
    own: valkey.Valkey,
    namespace: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    own.kill()
    spot = make_spot(metadata=at(own.url, namespace))
    marked = spot.mark(double)
    assert [marked(1), marked(1)] == [2, 2]
    assert "could not open the metadata store" in caplog.text
    assert "start the server" in caplog.text
    own.start()
    assert valkey.until(lambda: entries(own.url, namespace) == 1)
    assert valkey.until(lambda: spot.stats()["unsaved"] == 0)
    assert [marked(1), RAN] == [2, [1]]


def test_what_can_not_be_stored_at_the_end_is_said(
    make_spot: Callable[..., Spot],
    own: valkey.Valkey,
    namespace: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    spot = make_spot(metadata=at(own.url, namespace))
    own.kill()
    for x in range(3):
        spot.mark(double)(x)
    spot.shutdown()
    assert "3 results of " in caplog.messages[-1]
    assert "could not be stored before the end" in caplog.messages[-1]


def test_a_full_server(
    make_spot: Callable[..., Spot],
    own: valkey.Valkey,
    namespace: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    url = own.url
    spot = make_spot(metadata=at(url, namespace), limiter=None)
    marked = spot.mark(double)
    assert marked(1) == 2
    own.ask("CONFIG", "SET", "maxmemory", "1")
    assert [marked(2), marked(3)] == [4, 6]
    assert [marked(1), RAN] == [2, [1, 2, 3]], "what is there is found"
    assert "raise its maxmemory" in caplog.text
    own.ask("CONFIG", "SET", "maxmemory", "0")
    assert valkey.until(lambda: entries(url, namespace) == 3)


def test_scripts_that_the_server_forgot(
    make_spot: Callable[..., Spot], redis_server: valkey.Valkey, namespace: str
) -> None:
    there = at(redis_server.url, namespace)
    spot = make_spot(metadata=there, limiter={**there, "rate": 1000})
    marked = spot.mark(spot.limiter(double))
    for x in range(3):
        redis_server.ask("SCRIPT", "FLUSH")
        assert [marked(x), marked(x)] == [2 * x, 2 * x]
    assert [RAN, spot.stats()["errors"]] == [[0, 1, 2], 0]
