"""How `spot.map` over coroutine calls with a limit ends: who waits for a permit has not begun."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

import pytest
from async_calls import Calls, run, till
from beautyspot import Progress
from beautyspot.spot import Spot
from beautyspot_local import TokenBucket

HOUR = 3600.0

ON_CANCEL = pytest.mark.parametrize("on_cancel", ["stop", "finish"])


@pytest.fixture
def bucket() -> TokenBucket:
    return TokenBucket("1/h")


@pytest.fixture
def hourly(make_spot: Callable[..., Spot], bucket: TokenBucket) -> Spot:
    return make_spot(limiter=bucket)


def limited(spot: Spot, calls: Calls, on_cancel: Any = "stop", **options: Any) -> Any:
    @spot.mark(name="f", ignore=("calls",), on_cancel=on_cancel)
    @spot.limiter(**options)
    async def f(x: int) -> Any:
        return await calls(x)

    return f


def waiting(spot: Spot) -> int:
    """How many calls wait for a permit."""
    return sum(each.waits_for == "rate" for each in spot.activity().waiting)


def free(bucket: TokenBucket) -> bool:
    """Whether nobody waits, and all places were given back but the one that was used."""
    return not bucket.lines and bucket.tat - time.monotonic() <= HOUR


@ON_CANCEL
def test_a_failure_stops_those_who_wait(hourly: Spot, bucket: TokenBucket, on_cancel: str) -> None:
    calls, seen = Calls(open_=False), list[Progress]()
    f = limited(hourly, calls, on_cancel)

    async def main() -> None:
        results = hourly.map(f, [-1, *range(50)], concurrency=4, progress=seen.append)
        first = asyncio.ensure_future(anext(results))
        await till(lambda: waiting(hourly) == 3)
        calls.let(-1)
        with pytest.raises(ZeroDivisionError):
            await first
        assert free(bucket)

    run(main())
    assert calls.begun == [-1]
    last = seen[-1]
    assert (last.runs, last.failures, last.running, last.waiting) == (0, 1, 0, 0)


@ON_CANCEL
def test_cancelling_ends_those_who_wait(hourly: Spot, bucket: TokenBucket, on_cancel: str) -> None:
    """With on_cancel="finish" too: what waits for its permit has not begun, and never does."""
    calls = Calls()
    f = limited(hourly, calls, on_cancel)

    async def main() -> None:
        await f(0)
        rest = asyncio.ensure_future(anext(hourly.map(f, [1])))
        await till(lambda: waiting(hourly) == 1)
        rest.cancel()
        with pytest.raises(asyncio.CancelledError):
            await rest
        await till(lambda: free(bucket))

    run(main())
    assert calls.begun == [0]
