"""A small result of a task is stored in its event loop, where the store takes it at once."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from typing import Any

import pytest
from beautyspot.resilience.reporting import Trouble
from beautyspot.spot import Spot
from gates import DEADLINE


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
