"""What those get who wait for another call of the same key: what its caller gets, as a copy."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from beautyspot.spot import Spot
from gates import DEADLINE, Gate, State, followers, until

STATE = State()


@pytest.fixture(autouse=True)
def _fresh() -> None:
    STATE.gate, STATE.fails, STATE.now, STATE.results = Gate(), False, 1e9, []


def work(x: int) -> list[int]:
    STATE.gate.pass_through()
    if STATE.fails:
        raise ValueError(x)
    return [x]


async def later(x: int) -> list[int]:
    return await asyncio.to_thread(work, x)


def together(spot: Spot, kind: str, count: int, **options: Any) -> list[Any]:
    """Results or errors of calls that come while the first of them is under way."""
    marked: Any = spot.mark(**options)(work if kind == "sync" else later)

    def call() -> Any:
        try:
            return marked(1) if kind == "sync" else asyncio.run(marked(1))
        except ValueError as error:
            return error

    with ThreadPoolExecutor(count) as pool:
        futures = [pool.submit(call) for _ in range(count)]
        until(lambda: followers(spot) == count - 1, unless=futures)
        STATE.gate.open.set()
        return [future.result(DEADLINE) for future in futures]


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_each_falls_back_on_the_expired_result(spot: Spot, kind: str) -> None:
    spot._engine.cache.store.clock = lambda: STATE.now
    options: dict[str, Any] = {"ttl": 10, "stale_on_error": True}
    assert together(spot, kind, 1, **options) == [[1]]
    STATE.now += 20
    STATE.gate.open.clear()
    STATE.fails = True
    results = together(spot, kind, 3, **options)
    assert results == [[1]] * 3
    assert len({id(result) for result in results}) == 3
    assert STATE.gate.count == 2


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_without_an_expired_result_the_error_is_shared(spot: Spot, kind: str) -> None:
    STATE.fails = True
    results = together(spot, kind, 3, ttl=10, stale_on_error=True)
    assert [type(result) for result in results] == [ValueError] * 3
    assert STATE.gate.count == 1


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_what_cache_if_refuses_is_shared_and_not_stored(spot: Spot, kind: str) -> None:
    results = together(spot, kind, 3, cache_if=lambda result: result != [1])
    assert results == [[1]] * 3
    assert len({id(result) for result in results}) == 3, "no two callers share a mutable object"
    assert STATE.gate.count == 1
    assert spot.stats()["entries"] == 0


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_who_waits_for_an_error_that_is_a_result_has_a_hit(spot: Spot, kind: str) -> None:
    STATE.fails = True
    assert len(together(spot, kind, 3, cache_errors=ValueError)) == 3
    counted = spot.stats()
    assert (counted["misses"], counted["hits"]) == (1, 2)
