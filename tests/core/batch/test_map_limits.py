"""`spot.map` over a function with a limit: it keeps the rate, and hits are free."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

import pytest
from beautyspot.spot import Spot
from beautyspot_local import TokenBucket
from gates import DEADLINE


@pytest.fixture
def spot(make_spot: Callable[..., Spot]) -> Spot:
    return make_spot(limiter="100000/s")


@pytest.fixture(params=["threads", "tasks"])
def mapped(request: pytest.FixtureRequest, spot: Spot) -> Any:

    @spot.mark
    @spot.limiter
    def double(number: int) -> int:
        return 2 * number

    @spot.mark
    @spot.limiter
    async def double_async(number: int) -> int:
        return 2 * number

    async def in_tasks(numbers: Any) -> list[int]:
        return [result async for result in spot.map(double_async, numbers)]

    if request.param == "threads":
        return lambda numbers: list(spot.map(double, numbers))
    return lambda numbers: asyncio.run(in_tasks(numbers))


def test_each_run_takes_a_permit_and_no_hit_does(mapped: Any, spot: Spot) -> None:
    assert mapped(range(10)) == [2 * number for number in range(10)]
    assert spot.stats()["limiter_grants"] == 10
    assert mapped(range(12)) == [2 * number for number in range(12)]
    assert spot.stats()["limiter_grants"] == 12, "ten hits and two runs"


def test_hits_wait_for_nobody_who_waits_for_a_permit(make_spot: Callable[..., Spot]) -> None:
    """And who waits gives its permit back when it is cancelled."""
    bucket = TokenBucket("1/h")
    spot = make_spot(limiter=bucket)

    @spot.mark
    @spot.limiter
    async def double(number: int) -> int:
        return 2 * number

    async def run() -> list[int]:
        await double(5)
        found: list[int] = []
        seen = asyncio.Event()

        async def read() -> None:
            async for result in spot.map(double, range(10), ordered=False):
                found.append(result)
                seen.set()

        reading = asyncio.create_task(read())
        await asyncio.wait_for(seen.wait(), DEADLINE)
        reading.cancel()
        await asyncio.wait([reading], timeout=DEADLINE)
        assert reading.cancelled()
        return found

    assert asyncio.run(run()) == [10]
    assert bucket.tat - time.monotonic() <= 3600
    assert spot.stats()["limiter_grants"] == 1
