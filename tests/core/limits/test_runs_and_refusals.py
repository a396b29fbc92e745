"""A run is an execution of the function's body: what a limit refuses, or ends, is none."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import beautyspot as bs
import pytest
from beautyspot.errors import RateLimitError
from beautyspot_local import TokenBucket
from gates import DEADLINE

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from beautyspot.spot import Spot

KINDS = ("function", "coroutine", "generator", "async generator", "list", "coroutine of a list")


def by_arguments(*args: int) -> str:
    """A key that says all, so that nothing which a function captured counts."""
    return str(args)


class Watched:
    """A Spot with a limit of one call an hour, its events, and what has run.

    Args:
        make_spot: makes the Spot.
    """

    def __init__(self, make_spot: Callable[..., Spot]) -> None:
        self.events: list[bs.Event] = []
        self.ran: list[int] = []
        self.bucket = TokenBucket("1/h")
        self.spot = make_spot(limiter=self.bucket, observers=[self.events.append])

    def told(self) -> list[str]:
        """What became of each miss."""
        names = [
            f"refused: {each.by}" if isinstance(each, bs.Refused) else type(each).__name__.lower()
            for each in self.events
        ]
        return [name for name in names if name not in ("waited", "saved", "hit")]

    def counted(self) -> tuple[int, int, int]:
        """Runs, failures and refusals, as the store has them."""
        self.spot.flush()
        found = [each for each in self.spot.metadata.counts() if each.func_identifier == "f"]
        runs, failures = sum(each.runs for each in found), sum(each.failures for each in found)
        stats = self.spot.stats()
        refusals = sum(each.refusals for each in found)
        assert (stats["misses"], stats["failures"]) == (runs, failures)
        return runs, failures, refusals

    def caller(self, kind: str, **limit: Any) -> Callable[[int], object]:
        """What calls a marked and limited function of a kind with a number, to its end."""
        spot, ran = self.spot, self.ran

        def function(number: int) -> int:
            ran.append(number)
            return number

        async def coroutine(number: int) -> int:
            ran.append(number)
            return number

        def generator(number: int) -> Iterator[int]:
            ran.append(number)
            yield number

        async def stream(number: int) -> AsyncIterator[int]:
            ran.append(number)
            yield number

        def listed(numbers: list[int]) -> list[int]:
            ran.extend(numbers)
            return numbers

        async def listed_async(numbers: list[int]) -> list[int]:
            ran.extend(numbers)
            return numbers

        made: dict[str, Any] = dict(
            zip(KINDS, (function, coroutine, generator, stream, listed, listed_async), strict=True)
        )
        options: Any = {"each": "numbers"} if "list" in kind else {}
        marked: Any = spot.mark(name="f", ignore=("ran",), **options)(
            spot.limiter(**limit)(made[kind])
        )

        async def read(number: int) -> list[int]:
            return [item async for item in marked(number)]

        return {
            "coroutine": lambda number: asyncio.run(marked(number)),
            "generator": lambda number: list(marked(number)),
            "async generator": lambda number: asyncio.run(read(number)),
            "list": lambda number: marked([number]),
            "coroutine of a list": lambda number: asyncio.run(marked([number])),
        }.get(kind, marked)


@pytest.fixture
def watched(make_spot: Callable[..., Spot]) -> Watched:
    return Watched(make_spot)


@pytest.mark.parametrize("kind", KINDS)
def test_refused_calls_are_no_runs_and_no_failures(watched: Watched, kind: str) -> None:
    call = watched.caller(kind, timeout=0)
    call(0)
    for number in range(1, 10):
        with pytest.raises(RateLimitError):
            call(number)
    assert watched.ran == [0]
    assert watched.counted() == (1, 0, 9)
    assert watched.spot.stats()["limiter_refusals"] == 9
    assert watched.told() == ["miss", "ran"] + ["miss", "refused: rate"] * 9


def test_what_raises_is_a_run_that_failed(watched: Watched) -> None:
    @watched.spot.mark(name="f", key=by_arguments)
    @watched.spot.limiter
    def f() -> None:
        raise ValueError("wrong")

    with pytest.raises(ValueError, match="wrong"):
        f()
    assert watched.counted() == (1, 1, 0)
    assert watched.told() == ["miss", "raised"]


@pytest.mark.parametrize("kind", ["coroutine", "async generator"])
def test_who_is_cancelled_while_it_waits_has_not_run(watched: Watched, kind: str) -> None:
    watched.bucket.consume(1)

    @watched.spot.mark(name="f", key=by_arguments)
    @watched.spot.limiter
    async def waiting(number: int) -> int:
        watched.ran.append(number)
        return number

    @watched.spot.mark(name="streaming", key=by_arguments)
    @watched.spot.limiter
    async def streaming(number: int) -> AsyncIterator[int]:
        watched.ran.append(number)
        yield number

    async def read() -> list[int]:
        return [item async for item in streaming(7)]

    async def main() -> None:
        begun = waiting(7) if kind == "coroutine" else read()
        task = asyncio.ensure_future(begun)
        while not watched.spot._limiting.asking:
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait([task], timeout=DEADLINE)
        assert task.cancelled()

    asyncio.run(main())
    assert watched.ran == []
    stats = watched.spot.stats()
    assert (stats["misses"], stats["failures"], stats["seconds_spent"]) == (0, 0, 0)
    assert watched.told() == ["miss", "refused: given up"]


def test_a_map_counts_what_ran_and_what_was_refused(watched: Watched) -> None:
    told: list[bs.Progress] = []

    @watched.spot.mark(name="f", key=by_arguments)
    @watched.spot.limiter(timeout=0)
    def f(number: int) -> int:
        watched.ran.append(number)
        return number

    inputs = [*range(10), 3]  # an input that equals another fails as that does
    found = list(watched.spot.map(f, inputs, errors="return", concurrency=1, progress=told.append))
    assert [type(each) for each in found].count(bs.Failed) == 10
    last = told[-1]
    assert (last.done, last.runs, last.failures, last.refused) == (11, 1, 0, 10)
    assert watched.ran == [0]
    runs, failures, refusals = watched.counted()
    assert (runs, failures) == (1, 0)
    assert refusals >= 9
