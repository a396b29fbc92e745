"""A cap on the calls under way: in order, for threads and event loops, given back in every case."""

from __future__ import annotations

import asyncio

import pytest
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
