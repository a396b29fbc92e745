"""A run is an execution of the function's body: what a limit refuses, or ends, is none."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import threading
from typing import TYPE_CHECKING, Any

import beautyspot as bs
import pytest
from beautyspot.errors import RateLimitError
from beautyspot_local import TokenBucket
from gates import DEADLINE, Gate, until

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


@pytest.mark.parametrize("mode", ["normal", "readonly", "refresh"])
def test_so_it_is_in_every_mode(make_spot: Callable[..., Spot], mode: str) -> None:
    watched = Watched(make_spot)
    call = watched.caller("function", timeout=0)
    with watched.spot.using(mode=mode):
        call(0)
        with pytest.raises(RateLimitError):
            call(1)
    assert watched.counted() == (1, 0, 1)


def test_what_raises_is_a_run_that_failed(watched: Watched) -> None:
    @watched.spot.mark(name="f", key=by_arguments)
    @watched.spot.limiter
    def f() -> None:
        raise ValueError("wrong")

    with pytest.raises(ValueError, match="wrong"):
        f()
    assert watched.counted() == (1, 1, 0)
    assert watched.told() == ["miss", "raised"]


def test_what_the_body_is_refused_is_its_failure(watched: Watched) -> None:
    @watched.spot.limiter(timeout=0)
    def inner() -> int:
        return 1

    inner()

    @watched.spot.mark(name="f", key=by_arguments)
    def f() -> int:
        return inner()

    with pytest.raises(RateLimitError):
        f()
    assert watched.counted() == (1, 1, 0)


def test_one_whose_cost_can_not_be_told_has_not_run(watched: Watched) -> None:
    @watched.spot.mark(name="f", key=by_arguments)
    @watched.spot.limiter(cost=lambda number: 1 / number)
    def f(number: int) -> int:
        return number

    f(1)
    with pytest.raises(ZeroDivisionError):
        f(0)
    assert watched.counted() == (1, 0, 0)
    assert watched.told() == ["miss", "ran", "miss", "refused: given up"]


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


def test_a_waiting_call_is_no_run_yet(watched: Watched) -> None:
    taken = watched.bucket.consume(1)
    call = watched.caller("function")
    thread = threading.Thread(target=call, args=(1,), daemon=True)
    thread.start()
    until(lambda: bool(watched.spot._limiting.asking))
    assert watched.spot.stats()["misses"] == 0
    watched.bucket.settle(taken, 0)
    thread.join(DEADLINE)
    assert watched.spot.stats()["misses"] == 1


def test_tries_of_a_retrying_decorator_are_one_run(watched: Watched) -> None:
    """Each refusal is counted, and the run when a try is let in."""
    taken = [watched.bucket.consume(1)]

    def retried(function: Callable[[int], int]) -> Callable[[int], int]:
        @functools.wraps(function)
        def wrapper(number: int) -> int:
            for _ in range(2):
                with contextlib.suppress(RateLimitError):
                    return function(number)
                if taken:
                    watched.bucket.settle(taken.pop(), 0)
            raise LookupError(number)

        return wrapper

    @watched.spot.mark(name="f", key=by_arguments)
    @retried
    @watched.spot.limiter(timeout=0)
    def f(number: int) -> int:
        watched.ran.append(number)
        return number

    assert f(1) == 1
    assert watched.counted() == (1, 0, 1)
    with pytest.raises(LookupError):
        f(2)
    assert watched.ran == [1]
    assert watched.counted() == (1, 0, 3)


def test_what_a_decorator_returns_in_place_of_a_refused_call_is_a_run(watched: Watched) -> None:
    def or_nothing(function: Callable[[int], int]) -> Callable[[int], int | None]:
        @functools.wraps(function)
        def wrapper(number: int) -> int | None:
            try:
                return function(number)
            except RateLimitError:
                return None

        return wrapper

    @watched.spot.mark(name="f", key=by_arguments)
    @or_nothing
    @watched.spot.limiter(timeout=0)
    def f(number: int) -> int:
        return number

    assert (f(1), f(2)) == (1, None)
    assert watched.counted() == (2, 0, 1)
    assert watched.told() == ["miss", "ran", "miss", "refused: rate", "ran"]


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


def test_so_does_a_map_of_coroutines(watched: Watched) -> None:
    told: list[bs.Progress] = []

    @watched.spot.mark(name="f", key=by_arguments)
    @watched.spot.limiter(timeout=0)
    async def f(number: int) -> int:
        if number:
            raise AssertionError("it may not run")
        raise ValueError(number)

    async def main() -> list[Any]:
        results = watched.spot.map(
            f, range(10), errors="return", concurrency=1, progress=told.append
        )
        return [each async for each in results]

    asyncio.run(main())
    last = told[-1]
    assert (last.done, last.runs, last.failures, last.refused) == (10, 0, 1, 9)
    assert watched.counted() == (1, 1, 9)


def test_calls_that_the_end_of_a_map_stopped_did_not_run(watched: Watched) -> None:
    told: list[bs.Progress] = []
    gate = Gate()

    @watched.spot.mark(name="f", key=by_arguments)
    @watched.spot.limiter
    def f(number: int) -> int:
        gate.pass_through()
        raise ValueError(number)

    results = watched.spot.map(f, range(20), concurrency=5, progress=told.append)
    failed: list[BaseException] = []

    def read() -> None:
        try:
            next(results)
        except ValueError as error:
            failed.append(error)

    thread = threading.Thread(target=read)
    thread.start()
    until(lambda: len(watched.spot._limiting.asking) == 4)
    gate.open.set()
    thread.join(DEADLINE)
    assert len(failed) == gate.count == 1
    last = told[-1]
    assert (last.done, last.runs, last.failures, last.refused) == (1, 0, 1, 0)
    assert watched.counted() == (1, 1, 0)
    assert sorted(watched.told()) == ["miss"] * 5 + ["raised"] + ["refused: given up"] * 4


def test_activity_tells_what_was_refused(watched: Watched) -> None:
    seen: list[bs.ActiveMap] = []

    @watched.spot.mark(name="f", key=by_arguments)
    @watched.spot.limiter(timeout=0)
    def f(number: int) -> int:
        return number

    def look(_: bs.Progress) -> None:
        seen.extend(watched.spot.activity().maps)

    results = watched.spot.map(f, range(5), errors="return", concurrency=1, progress=look)
    found = [next(results) for _ in range(5)]
    (now,) = watched.spot.activity().maps
    results.close()
    assert [isinstance(each, bs.Failed) for each in found] == [False, True, True, True, True]
    assert (now.done, now.failures, now.refused) == (5, 0, 4)
