"""A cap and calls that wait for each other: who waits lends its place, one at a time."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from beautyspot.errors import RateLimitError
from beautyspot.spot import Spot
from gates import DEADLINE, Gate, State, until

STATE = State()


@pytest.fixture(autouse=True)
def _fresh() -> None:
    STATE.functions, STATE.gate, STATE.now, STATE.most, STATE.runs = [], Gate(), 0, 0, []


@pytest.mark.parametrize("size", [1, 2, 3])
def test_inner_calls_that_run_together_stay_within_the_cap(spot: Spot, size: int) -> None:
    async def leaf() -> int:
        STATE.now += 1
        STATE.most = max(STATE.most, STATE.now)
        for _ in range(5):
            await asyncio.sleep(0)
        STATE.now -= 1
        return 1

    async def tree(n: int) -> int:
        if n == 0:
            return await leaf()
        return sum(await asyncio.gather(*(STATE.functions[0](n - 1) for _ in range(3))))

    STATE.functions = [spot.limiter(max_concurrent=size)(tree)]
    assert asyncio.run(asyncio.wait_for(STATE.functions[0](3), DEADLINE)) == 27
    assert STATE.most == size


def test_a_call_that_outlives_the_one_around_it_keeps_the_place(spot: Spot) -> None:
    started: list[asyncio.Task[int]] = []

    async def main() -> None:
        STATE.runs.append(asyncio.Event())

        async def work(outer: bool) -> int:
            if outer:
                started.append(asyncio.create_task(STATE.functions[0](False)))
                await asyncio.sleep(0)
                await asyncio.sleep(0)
                return 1
            await STATE.runs[0].wait()
            return 2

        STATE.functions = [spot.limiter(max_concurrent=1, timeout=0)(work)]
        assert await STATE.functions[0](True) == 1
        with pytest.raises(RateLimitError):
            await STATE.functions[0](False)
        STATE.runs[0].set()
        assert await started[0] == 2
        assert await STATE.functions[0](False) == 2

    asyncio.run(main())


def test_a_call_that_follows_one_in_the_queue_does_not_hold_its_place_for_good(spot: Spot) -> None:
    """A thread has the one place, and needs a result whose call waits for that place."""
    inside, go_on = threading.Event(), threading.Event()

    @spot.mark(ignore=("inside", "go_on"))
    @spot.limiter(max_concurrent=1)
    def fibonacci(n: int) -> int:
        if n == 3:
            inside.set()
            assert go_on.wait(DEADLINE)
        return n if n < 2 else fibonacci(n - 1) + fibonacci(n - 2)

    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(fibonacci, 3)
        until(inside.is_set, unless=[first])
        second = pool.submit(fibonacci, 2)
        until(lambda: bool(spot._limiting.asking), unless=[second])
        go_on.set()
        assert [each.result(DEADLINE) for each in (first, second)] == [2, 1]
