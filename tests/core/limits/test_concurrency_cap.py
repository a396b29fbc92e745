"""A cap on the calls under way: in order, for threads and event loops, given back in every case."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest
from beautyspot.concurrency.wakeups import Bell
from beautyspot.errors import RateLimitError
from beautyspot.limits.concurrency_cap import Cap, _Waiter


def waits(gate: Cap, number: int) -> None:
    """Return when so many wait."""
    for _ in range(10_000):
        if len(gate._queue) == number:
            return
        threading.Event().wait(0.001)
    pytest.fail(f"{len(gate._queue)} wait, and not {number}")


def test_threads_enter_in_the_order_in_which_they_came() -> None:
    gate, order = Cap(1), []
    gate.enter()

    def work(number: int) -> None:
        gate.enter()
        order.append(number)
        gate.leave()

    threads = []
    for number in range(5):
        threads.append(threading.Thread(target=work, args=(number,)))
        threads[-1].start()
        waits(gate, number + 1)
    gate.leave()
    for thread in threads:
        thread.join(30)
    assert order == [0, 1, 2, 3, 4]
    assert gate.inside == 0


def test_loops_and_threads_stand_in_one_queue() -> None:
    gate, order = Cap(1), []
    gate.enter()

    async def task(number: int) -> None:
        await gate.enter_async()
        order.append(number)
        gate.leave()

    def thread(number: int) -> None:
        gate.enter()
        order.append(number)
        gate.leave()

    started = [
        threading.Thread(target=lambda: asyncio.run(task(0))),
        threading.Thread(target=thread, args=(1,)),
        threading.Thread(target=lambda: asyncio.run(task(2))),
    ]
    for number, one in enumerate(started):
        one.start()
        waits(gate, number + 1)
    gate.leave()
    for one in started:
        one.join(30)
    assert order == [0, 1, 2]


def test_no_more_than_so_many_are_in() -> None:
    gate, most, lock, inside = Cap(3), [0], threading.Lock(), [0]

    def work() -> None:
        for _ in range(20):
            gate.enter()
            with lock:
                inside[0] += 1
                most[0] = max(most[0], inside[0])
            with lock:
                inside[0] -= 1
            gate.leave()

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert most[0] <= 3
    assert gate.inside == 0


def test_a_timeout() -> None:
    gate = Cap(1)
    gate.enter(timeout=0)
    with pytest.raises(RateLimitError, match="1 calls were under way"):
        gate.enter(timeout=0)
    with pytest.raises(RateLimitError):
        asyncio.run(gate.enter_async(timeout=0))
    gate.leave()
    asyncio.run(gate.enter_async(timeout=0))
    assert (gate.inside, len(gate._queue)) == (1, 0)


@pytest.mark.parametrize("admitted", [False, True])
def test_a_cancelled_waiter_leaves_the_queue(admitted: bool) -> None:
    gate = Cap(1)
    gate.enter()

    async def main() -> None:
        task = asyncio.create_task(gate.enter_async())
        await asyncio.sleep(0)
        if admitted:  # at the same moment as it is cancelled
            gate.leave()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    assert gate.inside == (0 if admitted else 1)
    assert not gate._queue


def test_an_interrupted_thread_leaves_the_queue(monkeypatch: pytest.MonkeyPatch) -> None:
    gate = Cap(1)
    gate.enter()

    def interrupted(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Bell, "wait", interrupted)
    with pytest.raises(KeyboardInterrupt):
        gate.enter()
    assert (gate.inside, len(gate._queue)) == (1, 0)


def test_after_a_fork_nobody_waits() -> None:
    gate = Cap(1)
    gate.enter()
    gate._line_up(_Waiter(lambda: None))
    with gate._lock:
        gate.reset_after_fork()
    gate.leave()
    assert (gate.inside, len(gate._queue)) == (0, 0)
