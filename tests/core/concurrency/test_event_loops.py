"""Coroutines that another loop than asyncio's runs, such as Trio's: by hand, without any loop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Coroutine, Generator
from typing import Any

import pytest
from beautyspot.errors import NotSupportedError
from beautyspot.resilience.reporting import Trouble
from beautyspot.spot import Spot
from beautyspot_local import TokenBucket
from kinds import RAN


class Checkpoint:
    """What such a loop's own functions await, and only that loop understands."""

    def __await__(self) -> Generator[str, None, None]:
        yield "of this loop"


def by_hand(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """Run it as such a loop does."""
    while True:
        try:
            asked = coroutine.send(None)
        except StopIteration as end:
            return end.value
        assert asked == "of this loop"


async def double(x: int) -> int:
    await Checkpoint()
    RAN.append(x)
    return x * 2


async def quick(x: int) -> int:
    RAN.append(x)
    return x * 2


async def count(x: int) -> AsyncGenerator[int, None]:
    for number in range(x):
        await Checkpoint()
        RAN.append(number)
        yield number


async def quick_count(x: int) -> AsyncGenerator[int, None]:
    for number in range(x):
        RAN.append(number)
        yield number


async def collect(items: AsyncGenerator[int, None]) -> list[int]:
    return [item async for item in items]


@pytest.mark.parametrize("save", ["sync", "background"])
def test_what_is_no_hit_runs_uncached_and_is_said_once(
    make_spot: Callable[..., Spot], caplog: pytest.LogCaptureFixture, save: str
) -> None:
    spot = make_spot(save=save)
    marked, counted = spot.mark(double), spot.mark(count)
    assert [by_hand(marked(1)), by_hand(marked(1))] == [2, 2]
    assert by_hand(collect(counted(2))) == by_hand(collect(counted(2))) == [0, 1]
    assert RAN == [1, 1, 0, 1, 0, 1]
    assert len(caplog.records) == 1
    assert "run it in asyncio, or by AnyIO with its backend asyncio" in caplog.text
    assert spot.stats()["bypassed"] == 4


def test_what_another_call_stored_is_a_hit(make_spot: Callable[..., Spot]) -> None:
    spot = make_spot()
    marked, counted = spot.mark(quick), spot.mark(quick_count)
    asyncio.run(marked(1))
    asyncio.run(collect(counted(2)))
    assert RAN == [1, 0, 1]
    assert by_hand(marked(1)) == 2
    assert by_hand(collect(counted(2))) == [0, 1]
    assert RAN == [1, 0, 1]
    assert spot.stats()["hits"] == 2


def test_a_limit_that_would_have_to_wait_lets_the_call_through(
    make_spot: Callable[..., Spot], troubles: list[Trouble]
) -> None:
    spot = make_spot(
        limiter={"use": "gcra", "rate": "1/h", "max_cost": 1}, on_error=troubles.append
    )
    limited = spot.limiter(cost=1)(double)
    assert by_hand(limited(1)) == 2
    assert not troubles
    assert by_hand(limited(1)) == 2
    (trouble,) = troubles
    assert isinstance(trouble.error, NotSupportedError)
    assert "run it in asyncio" in str(trouble)
    bucket = TokenBucket("1/h", max_cost=1)
    by_hand(bucket.consume_async(1))
    with pytest.raises(NotSupportedError, match="takes the event loop of asyncio"):
        by_hand(bucket.consume_async(1))
