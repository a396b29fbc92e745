"""`spot.map` of a coroutine function: failures, time-outs, and all that ends it."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from async_calls import Calls, marked, numbers, over, run, till
from beautyspot import Failed
from beautyspot.spot import Spot

# ---------------------------------------------------------------------------------- errors


def test_the_first_failure_begins_nothing_new_and_lets_finish_what_runs(spot: Spot) -> None:
    calls = Calls(open_=False)
    f = marked(spot, calls)

    async def main() -> None:
        results = spot.map(f, [1, 2, -3, 4, 5, 6], concurrency=4)
        calls.let(-3)
        waits = asyncio.ensure_future(anext(results))
        await till(lambda: calls.ended == [-3])
        calls.let(1, 2, 4)
        assert await waits == [1]
        assert await anext(results) == [2]
        with pytest.raises(ZeroDivisionError) as raised:
            await anext(results)
        assert raised.value.args == (-3,)
        assert raised.value.__notes__ == ["spot.map: the input was -3"]
        assert spot.peek(f, 4) is not None

    run(main())
    assert calls.begun == [1, 2, -3, 4]


# -------------------------------------------------------------------------------- time-outs


def test_a_call_that_takes_too_long_has_failed(spot: Spot) -> None:
    calls = Calls(open_=False)
    f = marked(spot, calls)

    async def main() -> None:
        results = spot.map(f, [1, 2], errors="return", timeout="1h", concurrency=1)
        fire, first = over(), asyncio.ensure_future(anext(results))
        await till(lambda: calls.begun == [1])
        fire()
        failed = await first
        assert isinstance(failed, Failed)
        assert isinstance(failed.error, TimeoutError)
        assert "longer than the timeout=3600 s of spot.map, and was cancelled" in str(failed.error)
        calls.let(2)
        assert [x async for x in results] == [[2]]
        assert calls.ended == [2]

    run(main())


# ---------------------------------------------------------------------------------- the end


def test_closing_begins_nothing_new_and_stores_what_runs(spot: Spot) -> None:
    calls = Calls(open_=False)
    f = marked(spot, calls)

    async def main() -> None:
        results = spot.map(f, range(8), concurrency=3)
        calls.let(0)
        assert await anext(results) == [0]
        await till(lambda: len(calls.begun) == 4)
        closing = asyncio.ensure_future(results.aclose())
        await asyncio.sleep(0)
        calls.let_all()
        await closing
        assert all(spot.peek(f, n) for n in range(4))

    run(main())
    assert calls.begun == [0, 1, 2, 3]


def test_a_cancelled_task_cancels_its_calls(spot: Spot) -> None:
    calls = Calls(open_=False)
    f = marked(spot, calls)

    @spot.mark(ignore=("f",))
    async def two(a: int, b: int) -> Any:
        return await f(a + b)

    async def main() -> None:
        async def consume() -> None:
            async for _ in spot.map(two, range(8), numbers([], 8), concurrency=3):
                raise AssertionError

        task = asyncio.ensure_future(consume())
        await till(lambda: len(calls.begun) == 3)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert calls.now == 0

    run(main())
    assert len(calls.begun) == 3
    assert calls.ended == []
    assert len(spot._engine.flights) == 0
