"""A small result of a task is stored in its event loop, where the store takes it at once.

Those that end in the same turn of it are stored together, each before its caller has it.
"""

from __future__ import annotations

import asyncio
import gc
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from contextvars import ContextVar
from typing import Any

import pytest
from beautyspot import Event, Saved
from beautyspot.contracts import Put
from beautyspot.memory import MemoryMetadataStore
from beautyspot.resilience.reporting import Trouble
from beautyspot.spot import Spot
from gates import DEADLINE, until


class Counting(ThreadPoolExecutor):
    """Counts what it was asked to do."""

    asked = 0

    def submit(self, *args: Any, **kwargs: Any) -> Future[Any]:
        self.asked += 1
        return super().submit(*args, **kwargs)


@pytest.fixture
def executor() -> Iterator[Counting]:
    with Counting(1) as made:
        yield made


@pytest.fixture
def spot(make_spot: Callable[..., Spot], executor: Counting, troubles: list[Trouble]) -> Spot:
    """A Spot whose log was begun, so that the next commit need not wait for the disk."""
    spot = make_spot(executor=executor, on_error=troubles.append)
    asyncio.run(spot.mark(double)(0))
    executor.asked = 0
    return spot


async def double(x: int) -> int:
    return 2 * x


def test_nothing_is_asked_of_the_executor(spot: Spot, executor: Counting) -> None:
    f = spot.mark(double)

    async def main() -> None:
        assert await asyncio.gather(*map(f, range(1, 20))) == [2 * x for x in range(1, 20)]
        assert await f(20) == 40

    asyncio.run(main())
    assert all(spot.peek(f, x) for x in range(21))
    assert executor.asked == 0
    assert not spot._engine.running
    assert len(spot._engine.flights) == 0


def test_a_loop_does_not_wait_for_the_lock_of_another_process(
    spot: Spot, executor: Counting
) -> None:
    f = spot.mark(double)
    with closing(sqlite3.connect(spot.db_path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")

        async def main() -> None:
            task = asyncio.ensure_future(f(1))
            while not executor.asked:  # in turn with the task, which is never in the way
                await asyncio.sleep(0)
            assert not task.done()
            other.execute("ROLLBACK")
            assert await task == 2

        asyncio.run(main())
    assert spot.peek(f, 1) is not None


def test_what_takes_more_than_a_row_is_stored_in_a_thread(spot: Spot, executor: Counting) -> None:
    f = spot.mark(save_blob=True)(double)
    assert asyncio.run(f(1)) == 2
    assert executor.asked == 1
    assert spot.peek(f, 1) is not None


def test_what_was_invalidated_meanwhile_is_not_stored(spot: Spot, executor: Counting) -> None:
    f = spot.mark(name="f")(lambda x: _invalidating(spot, f, x))  # noqa: F821

    assert asyncio.run(asyncio.wait_for(_awaited(f, 1), DEADLINE)) == 1
    assert spot.peek(f, 1) is None


async def _invalidating(spot: Spot, function: Any, x: int) -> int:
    spot.invalidate(function, x)
    return x


async def _awaited(function: Any, x: int) -> Any:
    return await function(x)


# ------------------------------------------------------------------------------ several in a turn


class Noting(MemoryMetadataStore):
    """Notes how many rows come by each put: in an event loop, if that may be, or from threads."""

    def __init__(self, *, may: bool = True) -> None:
        super().__init__()
        self.may, self.here, self.away = may, list[int](), list[int]()

    def put(self, rows: Sequence[Put]) -> set[str]:
        self.away.append(len(rows))
        return super().put(rows)

    def put_at_once(self, rows: Sequence[Put]) -> set[str] | None:
        if not self.may:
            return None
        self.here.append(len(rows))
        return super().put(rows)


NUMBERS = range(1, 9)


def together(spot: Spot) -> tuple[Any, asyncio.Event]:
    """A marked function whose calls end in one turn, once they may go on."""
    go_on = asyncio.Event()

    @spot.mark(name="f", ignore=("go_on",))
    async def f(x: int) -> int:
        await go_on.wait()
        return 2 * x

    return f, go_on


async def begun(spot: Spot, function: Any) -> list[asyncio.Task[int]]:
    """Calls, each in a task, that have begun."""
    tasks = [asyncio.ensure_future(function(x)) for x in NUMBERS]
    while len(spot._engine.running) < len(tasks):
        await asyncio.sleep(0)
    return tasks


@pytest.mark.parametrize("may", [True, False])
def test_those_of_a_turn_are_stored_by_one_put_before_their_callers_have_them(
    make_spot: Callable[..., Spot], may: bool
) -> None:
    store = Noting(may=may)
    spot = make_spot(metadata=store)

    async def main() -> None:
        f, go_on = together(spot)

        async def call(x: int) -> int:
            result: int = await f(x)
            assert store.find(spot.key(f, x)) is not None, "it is stored by now"
            return result

        tasks = await begun(spot, call)
        go_on.set()
        assert await asyncio.gather(*tasks) == [2 * x for x in NUMBERS]

    asyncio.run(main())
    assert (store.here, store.away) == (([8], []) if may else ([], [8]))
    assert not spot._engine.cache.leases.leases


WHO: ContextVar[str] = ContextVar("who", default="nobody")


@pytest.mark.parametrize("may", [True, False])
def test_observers_hear_of_them_in_the_context_of_none_of_these_tasks(
    make_spot: Callable[..., Spot], may: bool
) -> None:
    heard: list[tuple[bool, str]] = []

    def observe(event: Event) -> None:
        if isinstance(event, Saved):
            heard.append((event.later, WHO.get()))

    spot = make_spot(metadata=Noting(may=may), observers=[observe])

    async def main() -> None:
        f, go_on = together(spot)
        WHO.set("a user")
        tasks = await begun(spot, f)
        go_on.set()
        await asyncio.gather(*tasks)

    asyncio.run(main())
    assert heard == [(False, "nobody")] * 8, "their callers wait, whoever writes"


def test_a_task_that_is_cancelled_then_loses_no_result(make_spot: Callable[..., Spot]) -> None:
    store = Noting()
    spot = make_spot(metadata=store)

    async def main() -> None:
        f, go_on = together(spot)
        tasks = await begun(spot, f)
        go_on.set()
        while not spot._engine.cache.writer.pending:
            await asyncio.sleep(0)
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        assert all(task.cancelled() for task in tasks)

    asyncio.run(main())
    assert spot.flush()
    assert len(store.rows()) == 8
    assert not spot._engine.cache.leases.leases


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_loop_that_is_closed_then_loses_no_result(make_spot: Callable[..., Spot]) -> None:
    store = Noting()
    spot = make_spot(metadata=store)
    f, go_on = together(spot)
    loop = asyncio.new_event_loop()
    left = loop.run_until_complete(begun(spot, f))
    loop.call_soon(go_on.set)
    loop.call_soon(loop.call_soon, loop.stop)  # at the end of the turn in which the calls end
    loop.run_forever()
    loop.close()
    assert (len(spot._engine.cache.writer.pending), store.here) == (8, [])
    assert asyncio.run(spot.mark(double)(0)) == 0, "a miss ends what a closed loop has left"
    until(lambda: len(store.rows()) == 9)
    assert not any(task.done() for task in left)
    left.clear()
    gc.collect()  # what says that a pending task was destroyed, is not the next test's
