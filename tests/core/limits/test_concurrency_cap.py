"""A cap on the calls under way: in order, for threads and event loops, given back in every case."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest
from beautyspot.concurrency.waiting import Bell
from beautyspot.errors import RateLimitError
from beautyspot.limits.concurrency_cap import Cap, Place


def has_room(cap: Cap) -> bool:
    """Whether a call would be admitted at once; it then is over."""
    place = Place(cap)
    try:
        place.enter(timeout=0)
    except RateLimitError:
        return False
    place.leave()
    return True


def test_tasks_enter_in_the_order_in_which_they_came() -> None:
    cap, order = Cap(1), []

    async def work(number: int) -> None:
        place = Place(cap)
        await place.enter_async()
        order.append(number)
        await asyncio.sleep(0)
        place.leave()

    async def main() -> None:
        await asyncio.gather(*map(work, range(5)))

    asyncio.run(main())
    assert order == [0, 1, 2, 3, 4]
    assert has_room(cap)


def test_loops_and_threads_stand_in_one_queue(monkeypatch: pytest.MonkeyPatch) -> None:
    cap, order, waiting = Cap(1), [], threading.Event()
    wait = Bell.wait

    def announced(bell: Bell, timeout: float | None) -> bool:
        waiting.set()
        return wait(bell, timeout)

    def thread() -> None:
        place = Place(cap)
        place.enter()
        order.append("thread")
        place.leave()

    async def task(name: str, place: Place) -> None:
        await place.enter_async()
        order.append(name)
        place.leave()

    async def main() -> None:
        places = [Place(cap) for _ in range(3)]  # none within another
        await places[0].enter_async()
        first = asyncio.create_task(task("first", places[1]))
        await asyncio.sleep(0)
        started = threading.Thread(target=thread)
        started.start()
        assert waiting.wait(30)
        last = asyncio.create_task(task("last", places[2]))
        await asyncio.sleep(0)
        places[0].leave()
        await asyncio.gather(first, last)
        started.join(30)

    monkeypatch.setattr(Bell, "wait", announced)
    asyncio.run(main())
    assert order == ["first", "thread", "last"]


def test_no_more_than_so_many_are_in() -> None:
    cap, most, lock, inside = Cap(3), [0], threading.Lock(), [0]

    def work() -> None:
        for _ in range(20):
            place = Place(cap)
            place.enter()
            with lock:
                inside[0] += 1
                most[0] = max(most[0], inside[0])
            with lock:
                inside[0] -= 1
            place.leave()

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert most[0] <= 3
    assert cap.inside == 0


def test_a_timeout() -> None:
    cap = Cap(1)
    first, second, third = (Place(cap) for _ in range(3))
    first.enter(timeout=0)
    with pytest.raises(RateLimitError, match="1 calls were under way"):
        second.enter(timeout=0)
    with pytest.raises(RateLimitError):
        asyncio.run(third.enter_async(timeout=0))
    first.leave()
    asyncio.run(Place(cap).enter_async(timeout=0))
    assert cap.inside == 1


@pytest.mark.parametrize("admitted", [False, True])
def test_a_cancelled_waiter_leaves_the_queue(admitted: bool) -> None:
    cap = Cap(1)
    first, second = Place(cap), Place(cap)
    first.enter()

    async def main() -> None:
        task = asyncio.create_task(second.enter_async())
        await asyncio.sleep(0)
        if admitted:  # at the same moment as it is cancelled
            first.leave()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    first.leave()
    assert has_room(cap)


def test_an_interrupted_thread_leaves_the_queue(monkeypatch: pytest.MonkeyPatch) -> None:
    cap = Cap(1)
    first, second = Place(cap), Place(cap)
    first.enter()

    def interrupted(*_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(Bell, "wait", interrupted)
        with pytest.raises(KeyboardInterrupt):
            second.enter()
    first.leave()
    assert has_room(cap)


def test_a_waiter_whose_waking_was_interrupted_is_woken_by_the_next_call() -> None:
    cap = Cap(1)
    first, second, third = (Place(cap) for _ in range(3))
    first.enter()
    woken: list[int] = []

    async def main() -> None:
        task = asyncio.create_task(second.enter_async())
        await asyncio.sleep(0)
        loop: Any = asyncio.get_running_loop()
        call_soon = loop.call_soon_threadsafe

        def interrupted(*_: Any) -> None:
            loop.call_soon_threadsafe = call_soon
            raise KeyboardInterrupt

        loop.call_soon_threadsafe = interrupted
        with pytest.raises(KeyboardInterrupt):
            first.leave()
        with pytest.raises(RateLimitError):
            third.enter(timeout=0)
        await asyncio.wait_for(task, 30)
        woken.append(1)

    asyncio.run(main())
    assert woken == [1]
