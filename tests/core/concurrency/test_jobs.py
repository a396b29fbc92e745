"""Work that a task has an executor run: nothing is lost where the executor takes none."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
from beautyspot.concurrency.waiting import Job
from gates import DEADLINE

if TYPE_CHECKING:
    from collections.abc import Callable

    from beautyspot.spot import Spot


def test_work_is_done_in_place_where_no_executor_takes_it() -> None:
    pool = ThreadPoolExecutor(1)
    pool.shutdown()
    here = threading.get_ident()
    assert asyncio.run(Job(threading.get_ident).run_in(lambda: pool)) == here


def test_work_that_an_executor_drops_is_done_in_place() -> None:
    class Dropping(ThreadPoolExecutor):
        def submit(self, *_: Any, **__: Any) -> Future[Any]:
            dropped: Future[Any] = Future()
            dropped.cancel()
            dropped.set_running_or_notify_cancel()
            return dropped

    with Dropping(1) as pool:
        here = threading.get_ident()
        assert asyncio.run(Job(threading.get_ident).run_in(lambda: pool)) == here


def test_work_that_an_executor_refuses_and_keeps_is_done_once() -> None:
    """Where no thread can be started, `ThreadPoolExecutor` has queued it before it says so."""
    queue: list[Callable[[], Any]] = []

    class Refusing(ThreadPoolExecutor):
        def submit(self, work: Any, *_: Any, **__: Any) -> Future[Any]:
            queue.append(work)
            raise RuntimeError("can't start new thread")

    runs: list[int] = []
    with Refusing(1) as pool:
        asyncio.run(Job(lambda: runs.append(1)).run_in(lambda: pool))
    queue.pop()()
    assert runs == [1]


def test_work_that_an_executor_refuses_and_does_is_waited_for() -> None:
    """By a thread that runs already, while its caller is told that none could be started."""

    class Overtaken(ThreadPoolExecutor):
        def submit(self, work: Any, *_: Any, **__: Any) -> Future[Any]:
            super().submit(work).result(DEADLINE)
            raise RuntimeError("can't start new thread")

    here = threading.get_ident()
    with Overtaken(1) as pool:
        assert asyncio.run(Job(threading.get_ident).run_in(lambda: pool)) != here


def test_what_work_raises_is_raised_to_who_waits() -> None:
    with ThreadPoolExecutor(1) as pool, pytest.raises(ZeroDivisionError):
        asyncio.run(Job(lambda: 1 / 0).run_in(lambda: pool))


def test_work_that_an_executor_drops_after_its_task_was_cancelled_is_done() -> None:
    """Else what it was to end, such as the lease of a key, would never end."""
    busy, free, done = threading.Event(), threading.Event(), list[int]()
    pool = ThreadPoolExecutor(1)

    async def main() -> None:
        task = asyncio.create_task(
            Job(lambda: done.append(threading.get_ident())).run_in(lambda: pool)
        )
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    pool.submit(lambda: (busy.set(), free.wait(DEADLINE)))
    assert busy.wait(DEADLINE)
    asyncio.run(main())
    assert done == []
    pool.shutdown(wait=False, cancel_futures=True)
    assert done == [threading.get_ident()]
    free.set()


def test_a_call_ends_though_the_executor_of_its_spot_fails(make_spot: Callable[..., Spot]) -> None:
    class Failing(ThreadPoolExecutor):
        def submit(self, *_: Any, **__: Any) -> Future[Any]:
            raise MemoryError

    spot = make_spot(strict=True, executor=Failing(1))

    @spot.mark
    async def f(number: int) -> int:
        return number

    with pytest.raises(MemoryError):
        asyncio.run(f(1))
    assert len(spot._engine.flights) == 0, "the next call need not wait for it"
