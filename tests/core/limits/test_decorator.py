"""`Spot.limiter`: a permit before each execution, none for a hit, refusals before it runs."""

from __future__ import annotations

import asyncio
import inspect
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from typing import Any

import pytest
from beautyspot.contracts import Grant, LimiterBase, Rate
from beautyspot.errors import CostError, RateLimitError
from beautyspot.resilience.reporting import Trouble
from beautyspot.spot import Spot
from kinds import RAN


class Ledger(LimiterBase):
    """Grants everything at once up to `most`, and writes down what it was asked."""

    name = "ledger"

    def __init__(self, most: float = 100) -> None:
        self.limits = {"rate": Rate(1e9, most)}
        self.costs: list[float] = []
        self.threads: set[str] = set()
        self.broken = False

    def take(
        self, asked: Sequence[Mapping[str, float]], key: str = ""
    ) -> tuple[list[Grant], float]:
        self.threads.add(threading.current_thread().name)
        if self.broken:
            raise OSError("broken")
        grants = list[Grant]()
        for costs in asked:
            if sum(self.costs) + costs["rate"] > self.limits["rate"].max_cost:
                return grants, 1000.0
            self.costs.append(costs["rate"])
            grants.append(Grant(0.0, costs, key))
        return grants, 0.0

    def give_back(self, grant: Grant, real: Mapping[str, float]) -> None:
        self.costs.remove(grant.costs["rate"])

    def hold(self, seconds: float, key: str = "") -> None: ...


class RemoteLedger(Ledger):
    """One that may block: on a network, say."""

    name = "remote-ledger"
    blocking = True


@pytest.fixture(params=[Ledger, RemoteLedger])
def ledger(request: pytest.FixtureRequest) -> Ledger:
    made: Ledger = request.param()
    return made


@pytest.fixture
def limited(make_spot: Callable[..., Spot], ledger: Ledger) -> Spot:
    return make_spot(strict=True, limiter=ledger)


def work(x: int) -> int:
    RAN.append(x)
    return x


async def work_later(x: int) -> int:
    return work(x)


def work_stream(x: int) -> Iterator[int]:
    yield work(x)


async def work_stream_later(x: int) -> AsyncIterator[int]:
    yield work(x)


async def collect(source: AsyncIterator[int]) -> list[int]:
    return [item async for item in source]


def call_each_kind(spot: Spot, x: int, **options: Any) -> list[int]:
    limit = spot.limiter(**options)
    return [
        limit(work)(x),
        asyncio.run(limit(work_later)(x)),
        *limit(work_stream)(x),
        *asyncio.run(collect(limit(work_stream_later)(x))),
    ]


def test_every_kind_of_function_pays(limited: Spot, ledger: Ledger) -> None:
    assert call_each_kind(limited, 3) == [3] * 4
    assert ledger.costs == [1, 1, 1, 1]


def test_the_cost_may_follow_the_arguments(limited: Spot, ledger: Ledger) -> None:
    call_each_kind(limited, 3, cost=lambda x: x + 0.5)
    assert ledger.costs == [3.5] * 4


def test_a_limited_function_keeps_its_kind_and_signature(limited: Spot) -> None:
    assert inspect.iscoroutinefunction(limited.limiter(work_later))
    assert inspect.isgeneratorfunction(limited.limiter(work_stream))
    assert inspect.isasyncgenfunction(limited.limiter(work_stream_later))
    assert inspect.signature(limited.limiter(work)) == inspect.signature(work)
    assert limited.limiter(work).__wrapped__ is work


def test_a_hit_pays_nothing(limited: Spot, ledger: Ledger) -> None:
    marked = limited.mark(limited.limiter(cost=2)(work))
    later = limited.mark(limited.limiter(work_later))
    assert [marked(1), marked(1), asyncio.run(later(2)), asyncio.run(later(2))] == [1, 1, 2, 2]
    assert ledger.costs == [2, 1]


def test_the_limit_beneath_a_mark_changes_no_key(limited: Spot) -> None:
    assert limited.key(limited.mark(limited.limiter(work)), 1) == limited.key(work, 1)


def test_refusals_reach_the_caller_before_the_function_runs(
    make_spot: Callable[..., Spot], ledger: Ledger
) -> None:
    spot = make_spot(limiter=ledger)
    limit = spot.limiter(cost=60, timeout=0)
    limit(work)(1)
    with pytest.raises(RateLimitError):
        limit(work)(2)
    with pytest.raises(RateLimitError):
        asyncio.run(limit(work_later)(2))
    with pytest.raises(CostError):
        spot.mark(spot.limiter(cost=lambda x: 101)(work))(3)
    with pytest.raises(CostError):
        asyncio.run(collect(spot.limiter(cost=lambda x: 101)(work_stream_later)(3)))
    assert RAN == [1]


def test_a_limiter_that_fails_lets_calls_through(
    make_spot: Callable[..., Spot],
    ledger: Ledger,
    troubles: list[Trouble],
    caplog: pytest.LogCaptureFixture,
) -> None:
    spot = make_spot(limiter=ledger, on_error=troubles.append)
    ledger.broken = True
    assert call_each_kind(spot, 3) == [3] * 4
    assert len(caplog.records) == 1
    assert {trouble.operation for trouble in troubles} == {"ask the limiter"}


def test_a_limiter_that_may_block_is_asked_in_no_event_loop(
    make_spot: Callable[..., Spot],
) -> None:
    ledger = RemoteLedger()
    limited = make_spot(strict=True, limiter=ledger).limiter(work_later)

    async def main() -> list[int]:
        return await asyncio.gather(*map(limited, range(20)))

    assert asyncio.run(main()) == list(range(20))
    assert len(ledger.costs) == 20
    assert threading.current_thread().name not in ledger.threads


def test_what_the_cost_function_raises_is_the_users(limited: Spot) -> None:
    with pytest.raises(ZeroDivisionError):
        limited.limiter(cost=lambda x: 1 / x)(work)(0)
    assert RAN == []


def test_a_limit_above_a_mark_is_warned_of(
    limited: Spot, caplog: pytest.LogCaptureFixture, ledger: Ledger
) -> None:
    limited.limiter(limited.mark(work))
    assert "hits pay as well" in caplog.text
