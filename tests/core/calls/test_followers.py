"""What those get who wait for another call of the same key: what its caller gets, as a copy."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
from beautyspot import File
from gates import DEADLINE, Gate, followers, until

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from beautyspot.spot import Spot


class State:
    """What the functions share with their test; global, since what is captured counts as input."""

    gate: Gate
    fails: bool
    now: float
    results: list[Any]


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
    spot._engine.cache.clock = lambda: STATE.now
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


def test_what_cache_if_raises_on_is_shared_too(make_spot: Callable[..., Spot]) -> None:
    assert together(make_spot(), "sync", 3, cache_if=lambda result: result[5]) == [[1]] * 3
    assert STATE.gate.count == 1


def test_what_is_refused_and_has_no_copy_is_computed_by_each(
    make_spot: Callable[..., Spot], caplog: pytest.LogCaptureFixture
) -> None:
    spot = make_spot()

    @spot.mark(cache_if=lambda result: False)
    def make(x: int) -> object:
        STATE.gate.pass_through()
        return object()

    with ThreadPoolExecutor(2) as pool:
        futures = [pool.submit(make, 1) for _ in range(2)]
        until(lambda: followers(spot) == 1, unless=futures)
        STATE.gate.open.set()
        assert len({id(future.result(DEADLINE)) for future in futures}) == 2
    assert STATE.gate.count == 2
    assert not caplog.records, "its author did not want it stored"


def test_a_file_that_is_not_stored_is_shared_and_no_error(spot: Spot, tmp_path: Path) -> None:
    spot._engine.cache.clock = lambda: STATE.now

    def write(x: int) -> File:
        STATE.gate.pass_through()
        path = tmp_path / f"{len(STATE.results)}.txt"
        STATE.results.append(path)
        path.write_text(str(len(STATE.results)))
        return File(path)

    refuses = {"cache_if": lambda _: STATE.now < 2e9, "ignore": ("tmp_path",)}
    marked = spot.mark(ttl=10, stale_on_error=True, **refuses)(write)  # type: ignore[arg-type]
    STATE.gate.open.set()
    assert marked(1).read_bytes() == b"1"
    STATE.now, STATE.gate = 2e9, Gate()
    with ThreadPoolExecutor(2) as pool:
        futures = [pool.submit(marked, 1) for _ in range(2)]
        until(lambda: followers(spot) == 1, unless=futures)
        STATE.gate.open.set()
        assert [future.result(DEADLINE).read_bytes() for future in futures] == [b"2", b"2"]


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_who_waits_for_an_error_that_is_a_result_has_a_hit(spot: Spot, kind: str) -> None:
    STATE.fails = True
    assert len(together(spot, kind, 3, cache_errors=ValueError)) == 3
    counted = spot.stats()
    assert (counted["misses"], counted["hits"]) == (1, 2)
