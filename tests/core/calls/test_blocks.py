"""`mode="refresh"`, and blocks of calls: another mode, and no result over an age."""

from __future__ import annotations

import asyncio
import contextvars
import threading
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Future
from contextlib import ExitStack
from typing import Any

import pytest
from beautyspot import CacheMissError, Spot
from beautyspot.testing import memory_spot
from gates import DEADLINE
from hypothesis import given
from hypothesis import strategies as st
from numbered import RUNS, every_kind, value_of, work, work_later
from owned_clock import Clock

FAILS = {"now": False}

MODES = ("normal", "readonly", "replay", "refresh")


def work_or_fail() -> int:
    if FAILS["now"]:
        raise ValueError("no")
    return next(RUNS)


@pytest.fixture
def clock(spot: Spot) -> Clock:
    spot._engine.cache.store.clock = spot._engine.behind.clock = clock = Clock()
    return clock


# ------------------------------------------------------------------------------------------ refresh


@every_kind
@pytest.mark.parametrize("place", ["spot", "mark", "environment", "block"])
def test_in_the_mode_refresh_each_call_runs_and_replaces_what_is_stored(
    make_spot: Callable[..., Spot],
    monkeypatch: pytest.MonkeyPatch,
    function: Any,
    place: str,
) -> None:
    before = make_spot(strict=True).mark(function)
    old = value_of(before(1))
    if place == "environment":
        monkeypatch.setenv("BEAUTYSPOT_MODE", "refresh")
    spot = make_spot(strict=True, **({"mode": "refresh"} if place == "spot" else {}))
    marked = spot.mark(**({"mode": "refresh"} if place == "mark" else {}))(function)
    with ExitStack() as stack:
        if place == "block":
            stack.enter_context(spot.using(mode="refresh"))
        first, second = value_of(marked(1)), value_of(marked(1))
    assert old < first < second
    assert value_of(before(1)) == second


def test_a_failing_run_leaves_what_is_stored(spot: Spot, monkeypatch: pytest.MonkeyPatch) -> None:
    f = spot.mark(work_or_fail)
    old = f()
    monkeypatch.setitem(FAILS, "now", True)
    with spot.using(mode="refresh"), pytest.raises(ValueError, match="no"):
        f()
    assert f() == old


# ------------------------------------------------------------------------------------------ max_age


@every_kind
@pytest.mark.parametrize("backend", ["sqlite", "memory"])
def test_a_result_over_the_age_is_made_anew(
    make_spot: Callable[..., Spot], function: Any, backend: str
) -> None:
    spot = make_spot(strict=True, metadata=backend)
    spot._engine.cache.store.clock = clock = Clock()
    marked: Any = spot.mark(function)
    old = value_of(marked(1))
    clock.now += 3599
    with spot.using(max_age="1h"):
        assert value_of(marked(1)) == old
        clock.now += 1
        new = value_of(marked(1))
        assert new > old
        assert value_of(marked(1)) == new, "it has been stored"
    assert value_of(marked(1)) == new


def test_questions_in_a_block_are_about_calls_in_it(spot: Spot, clock: Clock) -> None:
    marked = spot.mark(work)
    marked(1)
    clock.now += 100
    with spot.using(max_age=50):
        assert spot.peek(marked, 1) is None
        explained = spot.explain(marked, 1)
    assert (explained.hit, explained.differs) == (False, ("too old",))
    assert "longer ago than max_age= of this block" in explained.reason
    assert spot.peek(marked, 1) is not None
    assert spot.explain(marked, 1).hit


# ------------------------------------------------------------------------------------- other modes


@every_kind
def test_in_a_block_nothing_runs_that_is_not_stored(spot: Spot, function: Any) -> None:
    marked: Any = spot.mark(function)
    old = value_of(marked(1))
    with spot.using(mode="replay"):
        assert value_of(marked(1)) == old
        with pytest.raises(CacheMissError):
            value_of(marked(2))


@every_kind
def test_in_a_block_nothing_is_stored(spot: Spot, function: Any) -> None:
    marked: Any = spot.mark(function)
    with spot.using(mode="readonly"):
        first = value_of(marked(1))
        assert value_of(marked(1)) > first
    assert spot.peek(marked, 1) is None


@every_kind
@pytest.mark.parametrize("mode", MODES)
def test_a_block_wins_over_the_mark(spot: Spot, function: Any, mode: str) -> None:
    marked: Any = spot.mark(mode=mode)(function)
    with spot.using(mode="normal"):
        first = value_of(marked(1))
        assert value_of(marked(1)) == first


# -------------------------------------------------------------------------------- blocks in blocks

ages = st.sampled_from([None, 50, 200, "none"])
nested = st.tuples(st.sampled_from([None, *MODES]), ages).filter(
    lambda block: block != (None, None)
)


@given(st.lists(nested, min_size=1, max_size=4))
def test_the_inner_block_wins_in_what_it_gives(entered: list[tuple[Any, Any]]) -> None:
    modes = [mode for mode, _ in entered if mode is not None]
    limits = [age for _, age in entered if age is not None]
    mode, limit = (modes or ["normal"])[-1], (limits or ["none"])[-1]
    with memory_spot() as spot:
        spot._engine.cache.store.clock = clock = Clock()
        marked = spot.mark(work)
        old = marked(1)
        clock.now += 100
        with ExitStack() as stack:
            for inner_mode, age in entered:
                stack.enter_context(spot.using(mode=inner_mode, max_age=age))
            if mode == "replay" and limit == 50:
                with pytest.raises(CacheMissError):
                    marked(1)
            else:
                assert (marked(1) == old) == (mode != "refresh" and limit != 50)
        runs, stored = spot.stats()["misses"], spot.peek(marked, 1)
        assert stored is not None
        assert (stored.value == old) == (runs == 1 or mode == "readonly")
        assert marked(1) == stored.value, "no block is left"


# ---------------------------------------------------------------------------- threads and tasks


def test_other_threads_are_not_in_the_block(spot: Spot) -> None:
    marked = spot.mark(work)
    old = marked(1)
    got: list[int] = []
    with spot.using(mode="refresh"):
        for run in (marked, lambda x: contextvars.copy_context().run(marked, x)):
            thread = threading.Thread(
                target=contextvars.Context().run, args=(lambda run=run: got.append(run(1)),)
            )
            thread.start()
            thread.join(DEADLINE)
    assert got == [old, old]


def test_tasks_and_threads_that_are_started_in_a_block_are_in_it_until_it_ends(spot: Spot) -> None:
    marked = spot.mark(work_later)
    plain = spot.mark(work)

    async def main() -> None:
        old, over = await marked(1), asyncio.Event()
        plain(1)

        async def later() -> int:
            await over.wait()
            return await marked(1)

        with spot.using(mode="refresh"):
            task = asyncio.create_task(later())
            both = await asyncio.gather(marked(1), asyncio.to_thread(plain, 1))
            assert min(both) > old
        with spot.using(max_age="1h"):  # so that calls look for the blocks that they are in
            over.set()
            assert await task == both[0], "the block has ended"

    asyncio.run(main())


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
