"""Blocks of calls, and last calls, together with the options of `mark` and with `spot.map`."""

from __future__ import annotations

import asyncio
import contextvars
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any

import pytest
from beautyspot import CacheMissError
from numbered import RUNS, work, work_later
from owned_clock import Clock

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from beautyspot.spot import Spot

STATE: dict[str, Any] = {"error": None, "sent": [], "gate": None}


class NotFoundError(Exception):
    pass


@pytest.fixture(autouse=True)
def _fresh() -> None:
    STATE.update(error=None, sent=[], gate=None)


@pytest.fixture
def clock(spot: Spot) -> Clock:
    spot._engine.cache.clock = spot._engine.behind.clock = clock = Clock()
    return clock


def work_or_fail(x: int) -> int:
    STATE["sent"].append(x)
    if STATE["error"] is not None:
        raise STATE["error"]
    return next(RUNS)


# -------------------------------------------------------------------------------------------- stale


def test_a_stale_result_is_given_unless_it_is_too_old(spot: Spot, clock: Clock) -> None:
    marked = spot.mark(ttl=10, stale=100)(work)
    old = marked(1)
    clock.now += 50
    with spot.using(mode="readonly"):  # nothing is made behind: it would not be stored
        with spot.using(max_age=60):
            assert marked(1) == old
        last = spot.last_call()
        assert last is not None
        assert (last.hit, last.age) == (True, 50.0)
        with spot.using(max_age=40):
            assert marked(1) > old
        assert marked(1) == old
    with spot.using(mode="replay"):
        assert marked(1) == old
        with spot.using(max_age=40), pytest.raises(CacheMissError):
            marked(1)
    assert spot.stats()["misses"] == 2
    with spot.using(mode="refresh"):
        new = marked(1)
    assert new > old
    assert marked(1) == new


# ----------------------------------------------------------------------------------- stored errors


def test_a_stored_error_is_a_result_of_its_age(spot: Spot, clock: Clock) -> None:
    marked = spot.mark(cache_errors=NotFoundError)(work_or_fail)
    STATE["error"] = NotFoundError("gone")
    with pytest.raises(NotFoundError):
        marked(1)
    clock.now += 100
    with spot.using(max_age=200), pytest.raises(NotFoundError):
        marked(1)
    last = spot.last_call()
    assert last is not None
    assert (last.hit, last.reason, last.age) == (True, None, 100.0)
    assert STATE["sent"] == [1]
    STATE["error"] = None
    with spot.using(max_age=50):
        new = marked(1)
    assert marked(1) == new


# --------------------------------------------------------------------------------- lists of items


def send(xs: list[int]) -> list[int]:
    STATE["sent"].append(xs)
    return [next(RUNS) for _ in xs]


async def send_later(xs: list[int]) -> list[int]:
    return send(xs)


@pytest.mark.parametrize("later", [False, True])
def test_of_a_list_those_items_are_sent_that_the_block_asks_for(
    spot: Spot, clock: Clock, later: bool
) -> None:
    marked: Any = spot.mark(each="xs")(send_later if later else send)

    def call(*xs: int) -> list[int]:
        found: Any = marked([*xs])
        values: list[int] = asyncio.run(found) if later else found
        return values

    old = call(1, 2)
    clock.now += 100
    call(3)
    with spot.using(max_age=50):
        call(1, 2, 3)
    assert call(1, 2) > old
    with spot.using(mode="refresh"):
        new = call(2, 4)
    assert call(2, 4) == new
    with spot.using(mode="readonly"):
        call(4, 5)
    with spot.using(mode="replay"), pytest.raises(CacheMissError):
        call(4, 5)
    assert STATE["sent"] == [[1, 2], [3], [1, 2], [2, 4], [5]]


# ---------------------------------------------------------------------------------- spot.map


def mapped(spot: Spot, function: Any, inputs: Any) -> list[int]:
    """What `spot.map` gives, in the block in which it is read."""
    results: Any = spot.map(function, inputs, concurrency=2)

    async def collected(given: AsyncIterator[int]) -> list[int]:
        return [value async for value in given]

    return asyncio.run(collected(results)) if hasattr(results, "__aiter__") else list(results)


@pytest.mark.parametrize("function", [work, work_later])
def test_the_calls_of_a_map_are_in_its_block(spot: Spot, clock: Clock, function: Any) -> None:
    marked = spot.mark(function)
    old = mapped(spot, marked, range(20))
    with spot.using(mode="refresh"):
        new = mapped(spot, marked, range(10))
    assert min(new) > max(old)
    clock.now += 100
    assert mapped(spot, marked, range(20)) == new + old[10:]
    mapped(spot, marked, range(20, 25))
    with spot.using(max_age=50):
        assert min(mapped(spot, marked, range(20))) > max(new)
        runs = spot.stats()["misses"]
        mapped(spot, marked, range(25))
        assert spot.stats()["misses"] == runs
    with spot.using(mode="replay"), pytest.raises(CacheMissError):
        mapped(spot, marked, range(30))
    with spot.using(mode="readonly"):
        mapped(spot, marked, range(30))
    assert [spot.peek(marked, x) for x in range(25, 30)] == [None] * 5


class Elsewhere:
    """An executor whose workers have nothing of the caller's context, as those in processes."""

    def submit(self, function: Callable[..., Any], *args: Any) -> Future[Any]:
        future: Future[Any] = Future()
        try:
            future.set_result(contextvars.Context().run(function, *args))
        except Exception as error:
            future.set_exception(error)
        return future


@pytest.mark.parametrize("is_marked", [True, False])
def test_calls_in_other_processes_are_in_the_block(
    spot: Spot, clock: Clock, is_marked: bool
) -> None:
    marked = spot.mark(work) if is_marked else work

    def run(count: int) -> list[int]:
        return list(spot.map(marked, range(count), executor=Elsewhere()))

    old = run(2)
    assert run(2) == old
    with spot.using(mode="replay"), pytest.raises(CacheMissError):
        run(3)
    with spot.using(mode="refresh"):
        new = run(2)
    assert min(new) > max(old)
    assert run(2) == new
    clock.now += 100
    with spot.using(max_age=50), spot.using(max_age="none", mode="normal"):
        assert run(2) == new
    with spot.using(max_age=50):
        assert min(run(2)) > max(new)
