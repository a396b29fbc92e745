"""A cap and calls that wait for each other: who waits lends its place, one at a time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from beautyspot.errors import RateLimitError
from beautyspot.spot import Spot
from gates import DEADLINE, Gate, State

STATE = State()


@pytest.fixture(autouse=True)
def _fresh() -> None:
    STATE.functions, STATE.gate, STATE.now, STATE.most, STATE.runs = [], Gate(), 0, 0, []


def deep(n: int) -> int:
    return n if n == 0 else 1 + STATE.functions[n % len(STATE.functions)](n - 1)


async def deep_async(n: int) -> int:
    return n if n == 0 else 1 + await STATE.functions[n % len(STATE.functions)](n - 1)


def deep_stream(n: int) -> Iterator[int]:
    yield n
    if n:
        yield from STATE.functions[n % len(STATE.functions)](n - 1)


async def deep_stream_async(n: int) -> AsyncIterator[int]:
    yield n
    if n:
        async for item in STATE.functions[n % len(STATE.functions)](n - 1):
            yield item


async def _all(items: AsyncIterator[int]) -> int:
    return len([item async for item in items]) - 1


KINDS: dict[str, tuple[Any, Any]] = {
    "function": (deep, lambda call: call(5)),
    "coroutine": (deep_async, lambda call: asyncio.run(call(5))),
    "generator": (deep_stream, lambda call: len(list(call(5))) - 1),
    "async generator": (deep_stream_async, lambda call: asyncio.run(_all(call(5)))),
}


@pytest.mark.parametrize("key", [None, lambda n: "k", lambda n: str(n % 2)])
@pytest.mark.parametrize("caps", [1, 2])
@pytest.mark.parametrize("kind", KINDS)
def test_a_function_may_call_itself(spot: Spot, kind: str, caps: int, key: Any) -> None:
    function, call = KINDS[kind]
    STATE.functions = [
        spot.limiter(max_concurrent=1, timeout=0, key=key)(function) for _ in range(caps)
    ]
    assert call(STATE.functions[0]) == 5
    assert call(STATE.functions[0]) == 5, "all places were given back"


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
