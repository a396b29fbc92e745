"""One execution of a key at a time, also where it is invalidated, or asked anew, meanwhile."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from beautyspot.spot import Spot
from gates import DEADLINE, until

THREADS = 4


@pytest.mark.parametrize("save", ["sync", "background"])
def test_threads_that_invalidate_and_refresh_run_one_at_a_time(
    make_spot: Callable[..., Spot], save: str
) -> None:
    """Of two Spots of one store: what one of them runs, the other waits for."""
    under, most, lock = [0], [0], threading.Lock()

    def work(x: int) -> int:
        with lock:
            under[0] += 1
            most[0] = max(most[0], under[0])
        turn = threading.Event()
        turn.wait(0.0005)
        with lock:
            under[0] -= 1
        return x

    spots = [make_spot(strict=True, save=save) for _ in range(2)]
    ignored: dict[str, Any] = {"ignore": ("under", "most", "lock")}
    functions = [(spot, spot.mark(name="work", **ignored)(work)) for spot in spots]

    def use(number: int) -> None:
        spot, function = functions[number % 2]
        for turn in range(60):
            if (turn + number) % 3 == 0:
                spot.invalidate(function, 1)
            elif (turn + number) % 3 == 1:
                spot.refresh(function, 1)
            assert function(1) == 1

    with ThreadPoolExecutor(THREADS) as pool:
        uses = [pool.submit(use, number) for number in range(THREADS)]
        for each in uses:
            each.result(DEADLINE)
    assert most == [1]


def test_who_calls_after_an_invalidation_waits_for_the_run_that_it_met(spot: Spot) -> None:
    entered, go_on, runs = threading.Event(), threading.Event(), list[int]()

    def work(x: int) -> int:
        runs.append(x)
        entered.set()
        assert go_on.wait(DEADLINE)
        return len(runs)

    marked = spot.mark(work, ignore=("entered", "go_on", "runs"))
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(marked, 1)
        assert entered.wait(DEADLINE)
        assert not spot.invalidate(marked, 1)
        second = pool.submit(marked, 1)
        until(lambda: len(spot._engine.running) == 2, unless=[first, second])
        assert runs == [1]
        go_on.set()
        assert first.result(DEADLINE) == 1
        assert second.result(DEADLINE) == 2
    assert marked(1) == 2


def test_a_refresh_that_is_cancelled_leaves_the_run_before_it_to_those_who_come(
    spot: Spot,
) -> None:
    runs: list[int] = []

    async def main() -> None:
        entered, go_on = asyncio.Event(), asyncio.Event()

        async def work(x: int) -> int:
            runs.append(x)
            entered.set()
            await go_on.wait()
            return x

        marked = spot.mark(work, ignore=("entered", "go_on", "runs"))
        first = asyncio.create_task(marked(1))
        await entered.wait()
        again = [asyncio.create_task(spot.refresh(marked, 1)) for _ in range(2)]
        while len(spot._engine.running) < 3:
            await asyncio.sleep(0)
        again[0].cancel()  # the other one comes after it, and after the first run
        await asyncio.wait(again[:1])
        await asyncio.sleep(0)
        assert runs == [1]
        again[1].cancel()
        await asyncio.wait(again)
        follower = asyncio.create_task(marked(1))
        for _ in range(10):
            await asyncio.sleep(0)
        assert runs == [1]
        go_on.set()
        assert [await first, await follower] == [1, 1]

    asyncio.run(main())
    assert runs == [1]
