"""How `spot.map` over coroutine calls with a limit ends: who waits for a permit has not begun."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from async_calls import Calls, run, till
from beautyspot import Progress
from beautyspot_local import TokenBucket
from owned_clock import Clock

if TYPE_CHECKING:
    from collections.abc import Callable

    from beautyspot.spot import Spot

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


def free(bucket: TokenBucket) -> bool:
    """Whether nobody waits, and all places were given back but the one that was used."""
    return bucket.wait_for(1) <= HOUR


@ON_CANCEL
def test_closing_stops_those_who_wait(hourly: Spot, bucket: TokenBucket, on_cancel: str) -> None:
    calls = Calls()
    f = limited(hourly, calls, on_cancel)

    async def main() -> None:
        results = hourly.map(f, range(50), concurrency=4)
        assert await anext(results) == [0]
        await till(lambda: bucket.wait_for(1) > 4 * HOUR)
        await results.aclose()
        assert free(bucket)

    run(main())
    assert calls.begun == [0]
    assert hourly.stats()["limiter_grants"] == 1
    assert len(hourly._engine.flights) == 0


@ON_CANCEL
def test_a_failure_stops_those_who_wait(hourly: Spot, bucket: TokenBucket, on_cancel: str) -> None:
    calls, seen = Calls(open_=False), list[Progress]()
    f = limited(hourly, calls, on_cancel)

    async def main() -> None:
        results = hourly.map(f, [-1, *range(50)], concurrency=4, progress=seen.append)
        first = asyncio.ensure_future(anext(results))
        await till(lambda: bucket.wait_for(1) > 3 * HOUR)
        calls.let(-1)
        with pytest.raises(ZeroDivisionError):
            await first
        assert free(bucket)

    run(main())
    assert calls.begun == [-1]
    last = seen[-1]
    assert (last.runs, last.failures, last.running, last.waiting) == (0, 1, 0, 0)


@ON_CANCEL
def test_those_who_wait_for_a_place_stop_and_what_holds_it_finishes(
    make_spot: Callable[..., Spot], on_cancel: str
) -> None:
    spot, calls = make_spot(), Calls(open_=False)
    f = limited(spot, calls, on_cancel, max_concurrent=1)

    async def main() -> None:
        results = spot.map(f, range(50), concurrency=4)
        calls.let(0)
        assert await anext(results) == [0]
        cap = f.__wrapped__.__beautyspot__._caps.of(None)
        await till(lambda: len(cap.waiters()) == 3)
        closing = asyncio.ensure_future(results.aclose())
        await till(lambda: not cap.waiters())
        assert not closing.done()
        calls.let_all()
        await closing
        assert cap.inside == 0

    run(main())
    assert calls.begun == calls.ended == [0, 1]
    assert spot.peek(f, 1) is not None


def test_what_has_begun_and_waits_for_another_limit_finishes(
    make_spot: Callable[..., Spot], monkeypatch: pytest.MonkeyPatch
) -> None:
    inner, bucket = TokenBucket(1, clock=Clock()), TokenBucket("1/h", burst=1)
    spot, other = make_spot(limiter=bucket), make_spot("other", limiter=inner)
    gate, waits = asyncio.Event(), list[int]()

    async def doze(*_: object) -> bool:
        waits.append(1)
        await gate.wait()
        return False

    monkeypatch.setattr(inner, "_doze_async", doze)
    inner.consume()

    @spot.mark(ignore=("other",))
    @spot.limiter
    async def outer(number: int) -> int:
        async with other.limit() if number else asyncio.Lock():
            return number

    async def main() -> None:
        results = spot.map(outer, range(50), concurrency=4)
        assert await anext(results) == 0
        await till(lambda: waits and bucket.wait_for(1) > 2 * HOUR)
        closing = asyncio.ensure_future(results.aclose())
        await till(lambda: free(bucket))
        assert not closing.done()
        gate.set()
        await closing

    run(main())
    assert spot.peek(outer, 1) is not None
    assert spot.peek(outer, 2) is None


@ON_CANCEL
def test_cancelling_ends_those_who_wait(hourly: Spot, bucket: TokenBucket, on_cancel: str) -> None:
    """With on_cancel="finish" too: what waits for its permit has not begun, and never does."""
    calls = Calls()
    f = limited(hourly, calls, on_cancel)

    async def main() -> None:
        await f(0)
        rest = asyncio.ensure_future(anext(hourly.map(f, [1])))
        await till(lambda: bucket.wait_for(1) > HOUR)
        rest.cancel()
        with pytest.raises(asyncio.CancelledError):
            await rest
        await till(lambda: free(bucket))

    run(main())
    assert calls.begun == [0]


def test_what_a_call_waits_for_its_limit_is_no_part_of_its_time(spot: Spot) -> None:
    calls = Calls(open_=False)
    f = limited(spot, calls, max_concurrent=1)

    async def main() -> None:
        held = asyncio.ensure_future(f(0))
        await till(lambda: calls.begun == [0])
        results: Any = spot.map(f, [1], timeout=0.02, errors="return")
        rest = asyncio.ensure_future(anext(results))
        await till(lambda: len(f.__wrapped__.__beautyspot__._caps.of(None).waiters()) == 1)
        passed = asyncio.Event()
        asyncio.get_running_loop().call_later(0.04, passed.set)
        await passed.wait()
        calls.let_all()
        assert await rest == [1]
        assert await held == [0]
        await results.aclose()

    run(main())
