"""`spot.map` of a coroutine function."""

from __future__ import annotations

import asyncio
import contextvars
import gc
import itertools
import weakref
from contextlib import aclosing
from typing import TYPE_CHECKING, Any

import pytest
from beautyspot import Failed, Progress
from beautyspot.errors import ConfigError, NotSupportedError
from gates import DEADLINE, Gate, followers

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from beautyspot.spot import Spot


HOUR = 3600.0

loud: list[int] = []
"""Not captured by the function that writes it, whose calls would have other keys."""


class Calls:
    """A coroutine function's body, whose calls wait until they are let through.

    Attributes:
        begun, ended: the arguments, in the order of these events.
        most: of how many ran at once.
    """

    def __init__(self, *, open_: bool = True) -> None:
        self.begun: list[Any] = []
        self.ended: list[Any] = []
        self.most = self.now = 0
        self.doors: dict[Any, asyncio.Event] = {}
        self.open = open_

    async def __call__(self, x: Any) -> Any:
        self.begun.append(x)
        self.now += 1
        self.most = max(self.most, self.now)
        try:
            if not self.open:
                await self.door(x).wait()
            await asyncio.sleep(0)
        finally:
            self.now -= 1
        self.ended.append(x)
        if isinstance(x, int) and x < 0:
            raise ZeroDivisionError(x)
        return [x]

    def door(self, x: Any) -> asyncio.Event:
        """What the call with this argument waits for."""
        return self.doors.setdefault(x, asyncio.Event())

    def let(self, *args: Any) -> None:
        """Let calls through."""
        for each in args:
            self.door(each).set()

    def let_all(self) -> None:
        """Let these through, and later ones."""
        self.open = True
        self.let(*self.doors)


def marked(spot: Spot, calls: Calls, **options: Any) -> Any:
    @spot.mark(name="f", ignore=("calls",), **options)
    async def f(x: Any) -> Any:
        return await calls(x)

    return f


async def till(condition: Callable[[], object]) -> None:
    """Let other tasks run until something is so."""
    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(0)


def run(main: Any) -> Any:
    """Run a coroutine; nothing is left behind, and nothing complains."""
    complaints: list[dict[str, Any]] = []

    async def watched() -> Any:
        asyncio.get_running_loop().set_exception_handler(lambda _, what: complaints.append(what))
        try:
            return await main
        finally:
            for _ in range(20):
                await asyncio.sleep(0)
            left = asyncio.all_tasks() - {asyncio.current_task()}
            assert not left, left

    try:
        return asyncio.run(watched())
    finally:
        gc.collect()
        assert complaints == []


# --------------------------------------------------------------------------------- results


def test_results_come_in_the_order_of_the_inputs_and_are_stored(spot: Spot) -> None:
    calls = Calls()
    f = marked(spot, calls)

    async def main() -> None:
        expected = [[n] for n in range(40)]
        assert [each async for each in spot.map(f, range(40))] == expected
        assert [each async for each in spot.map(f, range(40))] == expected

    run(main())
    assert sorted(calls.begun) == list(range(40))
    assert spot.stats()["hits"] == 40


def test_results_come_as_they_are_made(spot: Spot) -> None:
    calls = Calls(open_=False)
    f = marked(spot, calls)

    async def main() -> None:
        results = spot.map(f, range(3), ordered=False)
        for n in (2, 0, 1):
            calls.let(n)
            assert await anext(results) == [n]
        assert [each async for each in results] == []

    run(main())


def test_a_function_of_several_gets_an_item_of_each(spot: Spot) -> None:
    @spot.mark
    async def add(a: int, b: int) -> int:
        return a + b

    async def main() -> None:
        assert [x async for x in spot.map(add, [1, 2], itertools.count(10))] == [11, 13]

    run(main())


def test_so_many_calls_run_at_once_and_no_more(spot: Spot) -> None:
    calls = Calls()
    f = marked(spot, calls)

    async def main() -> None:
        assert len([x async for x in spot.map(f, range(30), concurrency=3)]) == 30

    run(main())
    assert calls.most == 3


def test_hits_wait_for_no_call(spot: Spot) -> None:
    calls = Calls()
    f = marked(spot, calls)

    async def main() -> None:
        await f(5)
        calls.open = False
        results = spot.map(f, [1, 5], ordered=False, concurrency=1)
        assert await anext(results) == [5]
        calls.let(1)
        assert await anext(results) == [1]
        await results.aclose()

    run(main())


@pytest.mark.parametrize("storable", [True, False])
def test_equal_inputs_under_way_run_once(spot: Spot, storable: bool) -> None:
    calls = Calls()
    f = marked(spot, calls, cache_if=lambda _: storable)

    async def main() -> list[list[str]]:
        return [each async for each in spot.map(f, list("aaab"))]

    results = run(main())
    assert results == [["a"], ["a"], ["a"], ["b"]]
    assert sorted(calls.begun) == ["a", "b"]
    assert len({id(each) for each in results}) == 4  # each has a copy of its own


def test_blobs_are_read_without_blocking(make_spot: Callable[..., Spot]) -> None:
    spot = make_spot(strict=True, blob_threshold=0)
    calls = Calls()
    f = marked(spot, calls)

    async def main() -> None:
        for _ in range(2):
            assert [x async for x in spot.map(f, [1, 2, 2])] == [[1], [2], [2]]

    run(main())
    assert sorted(calls.begun) == [1, 2]


def test_a_store_that_blocks_is_read_in_the_executor(make_spot: Callable[..., Spot]) -> None:
    spot = make_spot(strict=True)
    calls = Calls()
    f = marked(spot, calls)
    spot._engine.cache.metadata.blocking = True

    async def main() -> None:
        for _ in range(2):
            assert [x async for x in spot.map(f, [1, 2])] == [[1], [2]]

    run(main())
    assert sorted(calls.begun) == [1, 2]


def test_a_function_that_is_not_marked_is_cached_too(spot: Spot) -> None:
    global loud
    loud = []

    async def f(x: int) -> Any:
        loud.append(x)
        return [x]

    async def main() -> None:
        for _ in range(2):
            assert [x async for x in spot.map(f, [1, 2])] == [[1], [2]]

    run(main())
    assert sorted(loud) == [1, 2]


def test_each_call_has_the_context_of_the_map_and_none_of_another(spot: Spot) -> None:
    who = contextvars.ContextVar("who", default="nobody")

    @spot.mark(ignore=("who",))
    async def f(x: int) -> str:
        found = who.get()
        who.set(f"call {x}")
        return found

    async def main() -> None:
        who.set("caller")
        results = spot.map(f, range(3))
        who.set("later")
        assert [x async for x in results] == ["caller"] * 3
        assert who.get() == "later"

    run(main())


# ---------------------------------------------------------------------------------- inputs


async def numbers(read: list[int], most: int) -> AsyncIterator[int]:
    for n in range(most):
        read.append(n)
        await asyncio.sleep(0)
        yield n


def test_asynchronous_inputs_are_read_as_they_come(spot: Spot) -> None:
    calls = Calls()
    f = marked(spot, calls)
    gate = asyncio.Event()

    async def inputs() -> AsyncIterator[int]:
        yield 1
        await gate.wait()
        yield 2

    async def main() -> None:
        results = spot.map(f, inputs())
        assert await anext(results) == [1]  # though the next input is not there
        gate.set()
        assert [x async for x in results] == [[2]]

    run(main())


def test_both_kinds_of_inputs_go_together(spot: Spot) -> None:
    @spot.mark
    async def add(a: int, b: int) -> int:
        return a + b

    async def main() -> None:
        read: list[int] = []
        both = spot.map(add, itertools.count(10), numbers(read, 3))
        assert [x async for x in both] == [10, 12, 14]

    run(main())


@pytest.mark.parametrize("asynchronous", [True, False])
def test_inputs_without_end_are_read_ahead_within_bounds(spot: Spot, asynchronous: bool) -> None:
    calls = Calls()
    f = marked(spot, calls)
    read: list[int] = []

    def plain() -> Iterator[int]:
        for n in itertools.count():
            read.append(n)
            yield n

    async def main() -> None:
        inputs: Any = numbers(read, 10**9) if asynchronous else plain()
        results = spot.map(f, inputs)
        await asyncio.sleep(0)
        assert read == []  # before anybody asks
        async with aclosing(results):
            for n in range(600):
                assert await anext(results) == [n]
            for _ in range(1000):
                await asyncio.sleep(0)
            assert len(read) < 600 + 400

    run(main())


@pytest.mark.parametrize("asynchronous", [True, False])
def test_what_the_inputs_raise_comes_after_the_results(spot: Spot, asynchronous: bool) -> None:
    f = marked(spot, Calls())

    async def loud() -> AsyncIterator[int]:
        yield 1
        raise KeyError("inputs")

    def plain() -> Iterator[int]:
        yield 1
        raise KeyError("inputs")

    async def main() -> None:
        results: Any = spot.map(f, loud() if asynchronous else plain())
        assert await anext(results) == [1]
        with pytest.raises(KeyError, match="inputs"):
            await anext(results)

    run(main())


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


def test_a_failure_while_inputs_are_looked_up_begins_nothing_new(
    spot: Spot, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls, gate = Calls(open_=False), Gate()
    f = marked(spot, calls)
    store: Any = spot._engine.cache.metadata
    store.blocking = True  # so that a thread looks them up
    find, pages = store.find_many, []

    def wait(keys: list[str]) -> Any:
        pages.append(keys)
        if len(pages) == 2:
            gate.pass_through()
        return find(keys)

    monkeypatch.setattr(store, "find_many", wait)

    async def main() -> None:
        results = spot.map(f, range(-1, 30))
        first = asyncio.ensure_future(anext(results))
        await till(lambda: len(pages) == 2)
        calls.let(-1)
        await till(lambda: calls.ended == [-1])
        calls.let_all()
        await till(lambda: calls.now == 0)
        gate.open.set()
        with pytest.raises(ZeroDivisionError):
            await first

    run(main())
    assert calls.begun == list(range(-1, 7))  # those of the first page


def test_failures_are_given_in_their_place(spot: Spot) -> None:
    f = marked(spot, Calls())

    async def main() -> None:
        results = [x async for x in spot.map(f, [1, -2, 3], errors="return")]
        assert [results[0], results[2]] == [[1], [3]]
        failed = results[1]
        assert isinstance(failed, Failed)
        assert failed.input == -2
        assert isinstance(failed.error, ZeroDivisionError)

    run(main())


def test_too_many_failures_end_it(spot: Spot) -> None:
    f = marked(spot, Calls())

    async def main() -> None:
        results = spot.map(f, [1, -2, 3, -4, 5], errors="skip", max_errors=1)
        assert [await anext(results), await anext(results)] == [[1], [3]]
        with pytest.raises(ZeroDivisionError) as raised:
            await anext(results)
        assert raised.value.args == (-4,)

    run(main())


def test_a_call_that_is_cancelled_by_itself_ends_it(spot: Spot) -> None:
    @spot.mark
    async def f(x: int) -> int:
        if x == 1:
            raise asyncio.CancelledError
        return x

    async def main() -> None:
        results = spot.map(f, [0, 1, 2], errors="return", concurrency=1)
        assert await anext(results) == 0
        with pytest.raises(asyncio.CancelledError):
            await anext(results)

    run(main())


# -------------------------------------------------------------------------------- time-outs


def over() -> Callable[[], Any]:
    """Has the time of the first call that waits for it be over, when called; no other time is."""
    loop = asyncio.get_running_loop()
    timers: list[asyncio.TimerHandle] = []
    later = loop.call_later

    def hold(seconds: float, *work: Any, **options: Any) -> asyncio.TimerHandle:
        timer = later(seconds, *work, **options)
        if seconds == HOUR:
            timers.append(timer)
        return timer

    def fire() -> None:
        timer = timers.pop(0)
        assert not timer.cancelled()
        timer._run()

    loop.call_later = hold  # type: ignore[method-assign]
    return fire


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


def test_a_call_that_goes_on_when_cancelled_is_stored(spot: Spot) -> None:
    calls = Calls(open_=False)
    f = marked(spot, calls, on_cancel="finish")

    async def main() -> None:
        results = spot.map(f, [1, 2], errors="return", timeout=HOUR, concurrency=1)
        fire, first = over(), asyncio.ensure_future(anext(results))
        await till(lambda: calls.begun == [1])
        fire()
        failed = await first
        assert isinstance(failed, Failed)
        assert "it goes on, and its result is stored if it comes" in str(failed.error)
        calls.let_all()
        assert [x async for x in results] == [[2]]
        await till(lambda: spot.peek(f, 1))

    run(main())
    assert sorted(calls.begun) == sorted(calls.ended) == [1, 2]


def test_a_call_that_returns_as_its_time_is_over_has_returned(spot: Spot) -> None:
    fires: list[Callable[[], Any]] = []

    @spot.mark(cache_if=lambda _: False, ignore=("fires",))
    async def f(x: int) -> int:
        asyncio.get_running_loop().call_soon(fires[0])  # it comes just before the map sees the end
        return x

    async def main() -> None:
        fires.append(over())
        assert [x async for x in spot.map(f, [1], timeout=HOUR)] == [1]

    run(main())


def test_a_call_that_will_not_be_cancelled_holds_up_no_other(spot: Spot) -> None:
    calls = Calls(open_=False)

    @spot.mark(ignore=("calls",))
    async def f(x: int) -> Any:
        while True:
            try:
                return await calls(x)
            except asyncio.CancelledError:
                pass

    async def main() -> None:
        results = spot.map(f, [1, 2], errors="return", timeout=HOUR, concurrency=1)
        fire, first = over(), asyncio.ensure_future(anext(results))
        await till(lambda: calls.begun == [1])
        fire()
        assert isinstance(await first, Failed)
        calls.let(2)
        assert await anext(results) == [2]
        calls.let(1)
        assert [x async for x in results] == []
        assert spot.peek(f, 1) is not None

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


def test_a_break_ends_it_in_order(spot: Spot) -> None:
    calls = Calls()
    f = marked(spot, calls)

    async def main() -> None:
        async for _ in spot.map(f, itertools.count(), concurrency=2):
            break
        gc.collect()
        await till(lambda: calls.now == 0 and len(asyncio.all_tasks()) == 1)
        assert sorted(calls.begun) == sorted(calls.ended)
        assert all(spot.peek(f, n) for n in calls.begun)

    run(main())


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


def test_what_was_cancelled_has_not_failed(spot: Spot) -> None:
    calls, told = Calls(open_=False), list[Progress]()
    f = marked(spot, calls)

    async def main() -> None:
        results = spot.map(f, range(8), concurrency=3, progress=told.append)
        task = asyncio.ensure_future(anext(results))
        await till(lambda: len(calls.begun) == 3)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    run(main())
    last = told[-1]
    assert (last.done, last.failures, last.running) == (0, 0, 0)


def test_what_is_closed_may_be_cancelled_while_it_waits(spot: Spot) -> None:
    calls = Calls(open_=False)
    f = marked(spot, calls)

    async def main() -> None:
        results = spot.map(f, range(8), concurrency=3)
        calls.let(0)
        await anext(results)
        closing = asyncio.ensure_future(results.aclose())
        await till(lambda: len(calls.begun) == 4)
        closing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await closing
        assert calls.now == 0

    run(main())


def test_the_end_of_the_loop_ends_a_map_that_nobody_closed(spot: Spot) -> None:
    calls = Calls(open_=False)
    f = marked(spot, calls)
    kept: list[Any] = []

    async def main() -> None:
        kept.append(spot.map(f, range(8), concurrency=2))
        calls.let(0)
        await anext(kept[0])

    asyncio.run(main())
    assert calls.now == 0
    assert len(calls.begun) <= 3
    gc.collect()


def test_nothing_keeps_the_results(spot: Spot) -> None:
    class Big:
        pass

    made: list[weakref.ref[Big]] = []

    @spot.mark(cache_if=lambda _: False, ignore=("made", "Big"))
    async def f(x: int) -> Any:
        big = Big()
        made.append(weakref.ref(big))
        if x == 2:
            raise ValueError(big)
        return big

    async def main() -> None:
        gc.collect()
        gc.disable()
        try:
            results = spot.map(f, range(4), errors="return", timeout=DEADLINE)
            async for each in results:
                del each
            assert [ref() for ref in made] == [None] * 4
        finally:
            gc.enable()

    run(main())


def test_nothing_is_made_of_a_map_that_nobody_asks(spot: Spot) -> None:
    read: list[int] = []

    async def main() -> None:
        spot.map(marked(spot, Calls()), numbers(read, 3))

    run(main())
    assert read == []


def test_outside_of_asyncio_the_error_says_what_to_do(spot: Spot) -> None:
    results = spot.map(marked(spot, Calls()), [1])
    with pytest.raises(NotSupportedError, match="takes the event loop of asyncio: run it in"):
        anext(results).send(None)


def test_an_executor_is_no_place_for_coroutines(spot: Spot) -> None:
    with pytest.raises(ConfigError, match="a coroutine function"):
        spot.map(marked(spot, Calls()), [1], executor=spot.executor)


# -------------------------------------------------------------------------------- progress


def test_it_tells_how_far_it_is(spot: Spot) -> None:
    told: list[Progress] = []
    f = marked(spot, Calls())

    async def main() -> None:
        await f(1)
        inputs = [1, 2, 2, -3]
        results = spot.map(f, inputs, errors="skip", progress=told.append)
        assert [x async for x in results] == [[1], [2], [2]]

    run(main())
    last = told[-1]
    assert (last.function, last.done, last.total, last.running) == ("f", 4, 4, 0)
    assert (last.hits, last.runs, last.failures) == (2, 1, 1)


def test_a_result_that_another_call_has_made_is_a_hit(spot: Spot) -> None:
    calls, told = Calls(open_=False), list[Progress]()
    f = marked(spot, calls)

    async def main() -> None:
        other = asyncio.ensure_future(f(1))
        await till(lambda: calls.begun == [1])
        first = asyncio.ensure_future(anext(spot.map(f, [1], progress=told.append)))
        await till(lambda: followers(spot))
        calls.let_all()
        assert await first == await other == [1]

    run(main())
    assert (told[-1].hits, told[-1].runs) == (1, 0)
