"""A run is an execution of the function's body: what a limit refuses, or ends, is none."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import beautyspot as bs
import pytest
from beautyspot.contracts import Counts, LimiterBase
from beautyspot.errors import CostError, RateLimitError
from beautyspot.spot import Spot
from beautyspot_local import TokenBucket
from gates import DEADLINE

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
        assert (stats["misses"], stats["failures"]) == (runs, failures)
        return runs, failures, stats["limiter_refusals"]

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


# ---- what limits did, by hour, in the store


def ask(x: int) -> int:
    return x


def stored(spot: Spot) -> Counts:
    """What the store has of limits, in one hour or two."""
    spot.flush()
    found = [each for each in spot.metadata.counts() if each.func_identifier == "spot.limiter"]
    numbers = [sum(each) for each in zip(*[each[2:] for each in found], strict=True)]
    return bs.Counts("spot.limiter", 0, *numbers)


class Delays(TokenBucket):
    """Grants one after the other after its delays, and then nothing."""

    name = "delays"

    def __init__(self, *delays: float) -> None:
        super().__init__(100)
        self._delays = iter(delays)

    def consume(self, *args: Any, **options: Any) -> bs.Grant:
        return LimiterBase.consume(self, *args, **options)

    def take(self, asked: Any, key: str = "") -> tuple[list[bs.Grant], float]:
        delay = next(self._delays, None)
        return ([] if delay is None else [bs.Grant(delay, asked[0], key)]), 1000.0


def test_grants_waits_and_refusals(make_spot: Callable[..., Spot]) -> None:
    spot = make_spot(limiter=Delays(0.0, 0.01, 0.02))
    limited = spot.limiter(timeout=0.1)(ask)
    dear = spot.limiter(cost=lambda x: x)(functools.partial(ask))
    assert [limited(1) for _ in range(3)] == [1, 1, 1]
    with pytest.raises(RateLimitError):
        limited(1)
    with pytest.raises(CostError):
        dear(1000)
    counted = stored(spot)
    assert (counted.grants, counted.waits, counted.refusals) == (3, 2, 2)
    assert counted.seconds_waited == pytest.approx(spot.stats()["limiter_seconds_waited"])
    assert counted.seconds_waited >= 0.03
    assert (counted.hits, counted.runs) == (0, 0)


@pytest.mark.parametrize("kind", ["function", "coroutine", "generator", "async generator"])
def test_all_kinds_of_functions(make_spot: Callable[..., Spot], kind: str) -> None:
    spot = make_spot(limiter="1000000/s")

    async def coroutine() -> int:
        return 1

    def generator() -> Iterator[int]:
        yield 1

    async def stream() -> AsyncIterator[int]:
        yield 1

    async def read() -> list[int]:
        return [item async for item in spot.limiter(stream)()]

    if kind == "function":
        spot.limiter(ask)(1)
    elif kind == "coroutine":
        asyncio.run(spot.limiter(coroutine)())
    elif kind == "generator":
        list(spot.limiter(generator)())
    else:
        asyncio.run(read())
    assert stored(spot).grants == 1


def test_permits_of_all_functions_and_blocks_are_counted_together(
    make_spot: Callable[..., Spot],
) -> None:
    spot = make_spot(limiter="1000000/s")
    spot.mark(name="app:f")(spot.limiter(ask))(1)
    spot.limiter(ask)(1)
    with spot.limit(cost=2):
        pass
    assert stored(spot)[2:] == (0, 0, 0, 0.0, 0.0, 0.0, 0.0, 3, 0, 0, 0.0)
    with bs.open_store(spot) as store:
        assert [each.name for each in store.functions()] == ["app:f"]


def test_who_waits_or_is_refused_is_told_by_the_name_of_its_mark(
    make_spot: Callable[..., Spot],
) -> None:
    """Also where another decorator stands between; a permit of a block has no name."""
    events: list[bs.Event] = []
    spot = make_spot(limiter="1/h", observers=[events.append])

    def tried_again(function: Callable[[int], int]) -> Callable[[int], int]:
        @functools.wraps(function)
        def wrapper(x: int) -> int:
            return function(x)

        return wrapper

    limiter = spot.limiter(timeout=0)
    spot.bucket.consume()
    for call in (
        spot.mark(name="app:beneath")(limiter(ask)),
        limiter(spot.mark(name="app:above")(ask)),
        spot.mark(name="app:between")(tried_again(limiter(ask))),
        limiter(ask),
    ):
        with pytest.raises(RateLimitError):
            call(1)
    with pytest.raises(RateLimitError), spot.limit(timeout=0):
        pytest.fail("nothing is left")
    names = [each.function for each in events if isinstance(each, bs.Refused) and each.by == "rate"]
    assert [*dict.fromkeys(names)] == [
        "app:beneath", "app:above", "app:between", f"{__name__}:ask", "",
    ]  # fmt: skip
