"""Callers that ask for one stream at once share one run of its generator, each at its own pace."""

from __future__ import annotations

import asyncio
import contextvars
import gc
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing, suppress
from typing import TYPE_CHECKING, Any

import pytest
from beautyspot.calls import recording
from beautyspot.concurrency import waiting
from beautyspot.errors import StreamError
from beautyspot.memory import MemoryMetadataStore
from beautyspot.spot import Spot
from gates import DEADLINE, until
from hypothesis import given, settings
from hypothesis import strategies as st

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Generator

RAN: list[Any] = []


@pytest.fixture(autouse=True)
def _nothing_ran() -> None:
    RAN.clear()


def count(n: int) -> Generator[list[int], Any, str]:
    RAN.append("began")
    try:
        for i in range(n):
            RAN.append(i)
            yield [i]
    finally:
        RAN.append("ended")
    return "done"


async def count_later(n: int) -> AsyncIterator[list[int]]:
    RAN.append("began")
    try:
        for i in range(n):
            await asyncio.sleep(0)
            RAN.append(i)
            yield [i]
    finally:
        RAN.append("ended")


def take(source: Iterator[Any], number: int) -> list[Any]:
    return [next(source) for _ in range(number)]


async def collect(source: AsyncIterator[Any]) -> list[Any]:
    return [item async for item in source]


# ------------------------------------------------------------------------------- generators


def test_who_comes_second_gets_the_items_so_far_and_then_the_next(spot: Spot) -> None:
    marked = spot.mark(count)
    one = marked(3)
    assert take(one, 2) == [[0], [1]]
    two = marked(3)
    assert take(two, 3) == [[0], [1], [2]]
    assert RAN == ["began", 0, 1, 2]
    assert list(one) == [[2]]
    assert list(two) == []
    assert RAN == ["began", 0, 1, 2, "ended"]
    assert list(marked(3)) == [[0], [1], [2]]
    assert RAN.count("began") == 1
    assert spot.stats()["misses"] == 1


def test_no_two_consumers_share_an_item_or_the_returned_value(spot: Spot) -> None:
    @spot.mark
    def items() -> Iterator[list[int]]:
        yield [1]
        return [2]  # noqa: B901 - a generator may return

    def whole() -> Iterator[Any]:
        returned = yield from items()
        yield returned

    sources = [whole(), whole(), whole()]
    for _ in range(2):
        found = [next(source) for source in sources]
        assert len({id(item) for item in found}) == 3
        for item in found:
            item.append("changed")


def test_threads_share_one_run(spot: Spot) -> None:
    everybody = threading.Barrier(8)

    @spot.mark
    def items(n: int) -> Iterator[int]:
        RAN.append("began")
        yield from range(n)

    def read() -> list[int]:
        everybody.wait(DEADLINE)
        source = items(200)
        first = next(source)
        everybody.wait(DEADLINE)  # nobody reads on before each has joined
        return [first, *source]

    with ThreadPoolExecutor(8) as pool:
        found = [pool.submit(read) for _ in range(8)]
        assert [one.result(DEADLINE) for one in found] == [list(range(200))] * 8
    assert RAN == ["began"]


def test_a_thread_waits_for_the_item_that_another_thread_is_making(spot: Spot) -> None:
    begun, go_on = threading.Event(), threading.Event()

    @spot.mark(ignore=("begun", "go_on"), key="items")
    def items() -> Iterator[int]:
        RAN.append("began")
        begun.set()
        go_on.wait(DEADLINE)
        yield 1

    with ThreadPoolExecutor(2) as pool:
        one = pool.submit(lambda: list(items()))
        begun.wait(DEADLINE)
        two = pool.submit(lambda: list(items()))
        with pytest.raises(TimeoutError):
            two.result(0.05)
        go_on.set()
        assert one.result(DEADLINE) == two.result(DEADLINE) == [1]
    assert RAN == ["began"]


def test_nobody_waits_for_the_first_item_longer_than_wait_timeout(
    make_spot: Callable[..., Spot], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waiting, "PATIENCE", 10 * DEADLINE)
    spot, go_on = make_spot(wait_timeout=0, strict=True), threading.Event()

    @spot.mark(key="items", ignore=("go_on",))
    def items() -> Iterator[int]:
        RAN.append("began")
        if len(RAN) == 1:
            go_on.wait(DEADLINE)
        yield len(RAN)

    with ThreadPoolExecutor(2) as pool:
        one = pool.submit(lambda: list(items()))
        until(lambda: bool(RAN), unless=[one])
        assert pool.submit(lambda: list(items())).result(DEADLINE) == [2]
        go_on.set()
        assert one.result(DEADLINE) == [2]


def test_one_that_breaks_off_leaves_the_generator_to_the_others(spot: Spot) -> None:
    marked = spot.mark(count)
    one, two = marked(3), marked(3)
    take(one, 2)
    next(two)
    one.close()
    assert list(two) == [[1], [2]]
    assert list(marked(3)) == [[0], [1], [2]]
    assert RAN == ["began", 0, 1, 2, "ended"]


def test_the_last_that_breaks_off_closes_the_generator_and_nothing_is_stored(spot: Spot) -> None:
    marked = spot.mark(count)
    one, two = marked(3), marked(3)
    take(one, 2)
    next(two)
    one.close()
    assert "ended" not in RAN
    two.close()
    assert RAN == ["began", 0, 1, "ended"]
    assert spot.stats()["entries"] == 0
    assert len(list(marked(3))) == 3
    assert RAN.count("began") == 2


def test_all_get_the_error_each_where_the_generator_raised_it(spot: Spot) -> None:
    @spot.mark
    def fails() -> Iterator[int]:
        RAN.append("began")
        yield 1
        raise KeyError("mine")

    one, two = fails(), fails()
    assert take(one, 1) == take(two, 1) == [1]
    three = fails()
    for source in (one, two):
        with pytest.raises(KeyError, match="mine"):
            next(source)
    assert next(three) == 1  # it asks for its first item now, when that run is over
    assert RAN == ["began", "began"]


def test_a_stream_over_the_limit_is_shared_by_those_who_read_it_and_by_nobody_else(
    make_spot: Callable[..., Spot], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recording, "STREAM_BYTES", 10)
    marked = make_spot().mark(count)
    one, two = marked(30), marked(30)
    next(two)
    take(one, 20)
    three = marked(30)
    assert next(three) == [0]
    assert RAN.count("began") == 2
    assert list(two) == [[i] for i in range(1, 30)]
    assert list(one) == [[i] for i in range(20, 30)]
    assert list(three) == [[i] for i in range(1, 30)]


def test_an_item_without_a_copy_is_no_item_for_two(make_spot: Callable[..., Spot]) -> None:
    @make_spot().mark
    def items(n: int) -> Iterator[object]:
        RAN.append("began")
        yield from range(n)
        yield object()
        yield "end"

    one, two, late = items(1), items(1), items(1)
    assert take(one, 1) == take(two, 1) == [0]
    next(one)
    with pytest.raises(StreamError, match=r"after 1 items: an item has no copy.*Call it again"):
        next(two)
    assert next(one) == "end"
    assert len(list(late)) == 3
    assert RAN == ["began"] * 2


def test_a_generator_that_is_interrupted_gives_the_others_no_half_of_a_stream(spot: Spot) -> None:
    @spot.mark
    def items() -> Iterator[int]:
        RAN.append("began")
        yield 1
        if len(RAN) == 1:
            raise KeyboardInterrupt
        yield 2

    one, two = items(), items()
    assert take(one, 1) == take(two, 1) == [1]
    with pytest.raises(KeyboardInterrupt):
        next(one)
    with pytest.raises(StreamError, match="was interrupted"):
        next(two)
    assert list(items()) == [1, 2]


def test_another_leads_when_the_first_is_interrupted_before_the_first_item(spot: Spot) -> None:
    begun, stop = threading.Event(), threading.Event()

    @spot.mark(ignore=("begun", "stop"))
    def items() -> Iterator[int]:
        RAN.append("began")
        if len(RAN) == 1:
            begun.set()
            stop.wait(DEADLINE)
            raise SystemExit
        yield 1

    def first() -> None:
        with suppress(SystemExit):
            next(items())

    with ThreadPoolExecutor(2) as pool:
        one = pool.submit(first)
        begun.wait(DEADLINE)
        two = pool.submit(lambda: list(items()))
        stop.set()
        one.result(DEADLINE)
        assert two.result(DEADLINE) == [1]


def test_one_that_sends_goes_on_alone_and_the_other_notices_nothing(spot: Spot) -> None:
    @spot.mark
    def source() -> Generator[Any, Any, str]:
        RAN.append("began")
        got = yield 1
        got = yield (2, got)
        yield (3, got)
        return "end"

    one, two = source(), source()
    assert take(one, 1) == take(two, 1) == [1]
    assert one.send("x") == (2, "x")
    assert list(two) == [(2, None), (3, None)]
    assert list(one) == [(3, None)]
    assert list(source()) == [1, (2, None), (3, None)]
    assert RAN == ["began"] * 2


def test_nobody_joins_a_run_into_which_something_was_sent(spot: Spot) -> None:
    @spot.mark
    def source() -> Generator[Any, Any, None]:
        RAN.append("began")
        got = yield 1
        yield (2, got)

    one = source()
    assert [next(one), one.send("x")] == [1, (2, "x")]
    assert list(source()) == [1, (2, None)]
    assert list(one) == []


def test_a_generator_that_asks_for_itself_runs_and_does_not_wait(spot: Spot) -> None:
    @spot.mark
    def tree(n: int) -> Iterator[int]:
        RAN.append("began")
        if len(RAN) == 1:
            yield from tree(n)
        yield n

    assert list(tree(1)) == [1, 1]


STREAMS: dict[str, Callable[[], Iterator[str]]] = {}
BOTH = threading.Barrier(2)


def through_the_other(name: str, other: str) -> Iterator[str]:
    RAN.append(name)
    if RAN.count(name) == 1:
        BOTH.wait(DEADLINE)
        yield from STREAMS[other]()
    yield name


def test_generators_that_ask_for_each_other_do_not_wait_for_each_other(spot: Spot) -> None:
    marked = spot.mark(through_the_other)
    STREAMS.update(a=lambda: marked("a", "b"), b=lambda: marked("b", "a"))
    with ThreadPoolExecutor(2) as pool:
        found = [pool.submit(lambda name=name: list(STREAMS[name]())) for name in "ab"]
        for name, one in zip("ab", found, strict=True):
            assert one.result(DEADLINE)[-1] == name


def test_what_cache_if_refuses_is_shared_all_the_same(spot: Spot) -> None:
    marked = spot.mark(cache_if=lambda items: False)(count)
    one, two = marked(2), marked(2)
    next(one)
    assert list(two) == [[0], [1]]
    assert list(one) == [[1]]
    assert RAN.count("began") == 1
    assert len(list(marked(2))) == 2
    assert RAN.count("began") == 2


def test_a_refresh_joins_no_run_that_began_before(spot: Spot) -> None:
    marked = spot.mark(count)
    one = marked(1)
    next(one)
    assert list(spot.refresh(marked, 1)) == [[0]]
    assert RAN.count("began") == 2
    assert list(one) == []


@settings(max_examples=60, deadline=None)
@given(
    length=st.integers(0, 4),
    steps=st.lists(st.tuples(st.integers(0, 3), st.sampled_from(["next", "next", "close"]))),
)
def test_each_consumer_reads_the_whole_stream_whatever_the_others_do(
    length: int, steps: list[tuple[int, str]]
) -> None:
    RAN.clear()
    with Spot("memory", metadata="memory", strict=True, config=False) as spot:
        marked = spot.mark(count)
        readers: dict[int, tuple[Iterator[Any], list[Any]]] = {}
        for number, step in steps:
            source, seen = readers.setdefault(number, (marked(length), []))
            if step == "close":
                source.close()  # type: ignore[attr-defined]
                del readers[number]
            else:
                seen.extend([next(source)] if len(seen) < length else list(source))
        for source, seen in readers.values():
            assert seen + list(source) == [[i] for i in range(length)]
        if readers:
            assert list(marked(length)) == [[i] for i in range(length)]
    assert RAN.count("began") == RAN.count("ended")


class MeanwhileStore(MemoryMetadataStore):
    """Has something happen between a look-up that finds nothing and its answer, once."""

    meanwhile: Callable[[], object] | None = None

    def find(self, key: str) -> Any:
        found = super().find(key)
        meanwhile, self.meanwhile = self.meanwhile, None
        if meanwhile is not None:
            meanwhile()
        return found


def test_a_stream_that_ends_while_another_caller_looks_is_not_run_again(
    make_spot: Callable[..., Spot],
) -> None:
    store = MeanwhileStore()
    marked = make_spot(metadata=store, strict=True).mark(count)
    store.meanwhile = lambda: list(marked(2))
    assert list(marked(2)) == [[0], [1]]
    assert RAN.count("began") == 1


def test_an_async_stream_that_ends_while_another_caller_looks_is_not_run_again(
    make_spot: Callable[..., Spot],
) -> None:
    store = MeanwhileStore()
    store.blocking = True  # it is asked in a thread
    marked = make_spot(metadata=store, strict=True).mark(count_later)
    ended = threading.Event()

    async def main() -> None:
        first = marked(2)
        await anext(first)
        store.meanwhile = lambda: ended.wait(DEADLINE)
        second = asyncio.create_task(collect(marked(2)))
        while store.meanwhile is not None:
            await asyncio.sleep(0)
        assert await collect(first) == [[1]]
        ended.set()
        assert await second == [[0], [1]]

    asyncio.run(main())
    assert RAN.count("began") == 1


def test_an_item_that_can_not_be_restored_is_no_item_for_two(
    make_spot: Callable[..., Spot],
) -> None:
    class Fragile:
        pass

    def decode(value: Any) -> Fragile:
        raise ValueError("it is broken")

    spot = make_spot()
    spot.register(Fragile, encode=lambda value: 1, decode=decode)

    @spot.mark(ignore=("Fragile",))
    def items() -> Iterator[object]:
        yield 1
        yield Fragile()

    one, two = items(), items()
    assert take(one, 1) == take(two, 1) == [1]
    next(one)
    with pytest.raises(StreamError, match="it is broken"):
        next(two)


# ------------------------------------------------------------------------- async generators


def test_tasks_share_one_run_each_at_its_own_pace(spot: Spot) -> None:
    marked = spot.mark(count_later)

    async def slowly() -> list[Any]:
        found = []
        async for item in marked(5):
            found.append(item)
            for _ in range(3):
                await asyncio.sleep(0)
        return found

    async def main() -> list[list[Any]]:
        return await asyncio.gather(collect(marked(5)), slowly(), collect(marked(5)))

    found = asyncio.run(main())
    assert found == [[[i] for i in range(5)]] * 3
    assert len({id(items[0]) for items in found}) == 3
    assert RAN == ["began", 0, 1, 2, 3, 4, "ended"]
    assert asyncio.run(collect(marked(5))) == found[0]
    assert RAN.count("began") == 1


def test_one_that_is_cancelled_ends_the_stream_for_no_other(spot: Spot) -> None:
    go_on: list[asyncio.Event] = []

    @spot.mark(ignore=("go_on",))
    async def items() -> AsyncIterator[int]:
        RAN.append("began")
        yield 1
        await go_on[0].wait()
        yield 2

    async def main() -> None:
        go_on.append(asyncio.Event())
        begun = asyncio.Event()

        async def first() -> None:
            async with aclosing(items()) as source:  # type: ignore[type-var]
                await anext(source)
                begun.set()
                await anext(source)

        leader = asyncio.create_task(first())
        await begun.wait()
        follower = asyncio.create_task(collect(items()))
        await asyncio.sleep(0)
        leader.cancel()
        with pytest.raises(asyncio.CancelledError):
            await leader
        go_on[0].set()
        assert await follower == [1, 2]
        assert await collect(items()) == [1, 2]

    asyncio.run(main())
    assert RAN == ["began"]


def test_an_item_that_its_caller_does_not_wait_for_is_there_for_the_other(
    make_spot: Callable[..., Spot], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where the stream is not recorded any more."""
    monkeypatch.setattr(recording, "STREAM_BYTES", 1)
    go_on: list[asyncio.Event] = []

    @make_spot().mark(ignore=("go_on",))
    async def items() -> AsyncIterator[int]:
        yield 1
        yield 2
        await go_on[0].wait()
        yield 3

    async def main() -> None:
        go_on.append(asyncio.Event())
        one, two = items(), items()
        for number in (1, 2):
            assert await anext(two) == await anext(one) == number
        leader = asyncio.create_task(anext(one))  # type: ignore[arg-type]
        await asyncio.sleep(0)
        rest = asyncio.create_task(collect(two))
        await asyncio.sleep(0)
        leader.cancel()
        await asyncio.wait([leader])
        go_on[0].set()
        assert await rest == [3]

    asyncio.run(main())


def test_the_last_that_is_cancelled_closes_the_generator_before_it_ends(spot: Spot) -> None:
    @spot.mark
    async def items() -> AsyncIterator[int]:
        try:
            yield 1
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            RAN.append("closed")

    async def main() -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await collect(items())
        assert RAN == ["closed"]

    asyncio.run(main())


def test_a_generator_runs_in_one_task_whoever_reads_it(spot: Spot) -> None:
    """It may hold what belongs to its task, as here a timeout."""

    @spot.mark
    async def items() -> AsyncIterator[int]:
        async with asyncio.timeout(DEADLINE), asyncio.TaskGroup() as group:
            for i in range(4):
                yield await group.create_task(asyncio.sleep(0, i))

    async def main() -> None:
        one, two = items(), items()
        found = [await anext(source) for source in (one, two, two, one, one, two)]
        assert found == [0, 0, 1, 1, 2, 2]
        assert await collect(one) == await collect(two) == [3]

    asyncio.run(main())


def test_a_generator_sees_the_context_of_the_one_that_began_it(spot: Spot) -> None:
    user = contextvars.ContextVar("user", default="nobody")

    @spot.mark(ignore=("user",))
    async def items() -> AsyncIterator[str]:
        yield user.get()

    async def main() -> None:
        user.set("me")
        assert await collect(items()) == ["me"]

    asyncio.run(main())


def test_a_consumer_in_another_loop_runs_its_own_from_the_start(spot: Spot) -> None:
    marked = spot.mark(count_later)

    async def main() -> None:
        one = marked(2)
        await anext(one)
        with ThreadPoolExecutor(1) as pool:
            other = pool.submit(asyncio.run, collect(marked(2)))  # type: ignore[arg-type]
            assert other.result(DEADLINE) == [[0], [1]]
        assert await collect(one) == [[1]]

    asyncio.run(main())
    assert RAN.count("began") == 2


def test_all_tasks_get_the_error_that_an_async_generator_raises(spot: Spot) -> None:
    @spot.mark
    async def fails() -> AsyncIterator[int]:
        RAN.append("began")
        yield 1
        await asyncio.sleep(0)
        raise KeyError("mine")

    async def main() -> list[Any]:
        return await asyncio.gather(*(collect(fails()) for _ in range(3)), return_exceptions=True)

    assert [str(error) for error in asyncio.run(main())] == ["'mine'"] * 3
    assert RAN == ["began"]


def test_a_cancellation_that_a_generator_raises_reaches_its_caller(spot: Spot) -> None:
    @spot.mark
    async def cancels() -> AsyncIterator[int]:
        yield 1
        raise asyncio.CancelledError

    async def main() -> None:
        source = cancels()
        assert await anext(source) == 1
        with pytest.raises(asyncio.CancelledError):
            await anext(source)

    asyncio.run(main())


def test_one_task_that_sends_goes_on_alone(spot: Spot) -> None:
    @spot.mark
    async def source():  # type: ignore[no-untyped-def]
        RAN.append("began")
        got = yield 1
        got = yield (2, got)
        yield (3, got)

    async def main() -> None:
        one, two = source(), source()
        assert [await anext(one), await anext(two)] == [1, 1]
        assert await one.asend("x") == (2, "x")
        assert await collect(two) == [(2, None), (3, None)]
        assert await collect(one) == [(3, None)]

    asyncio.run(main())
    assert RAN == ["began"] * 2


def test_an_async_generator_that_asks_for_itself_runs_and_does_not_wait(spot: Spot) -> None:
    @spot.mark
    async def tree(n: int) -> AsyncIterator[int]:
        RAN.append("began")
        if len(RAN) == 1:
            async for item in tree(n):
                yield item
        yield n

    async def main() -> list[int]:
        return await asyncio.wait_for(collect(tree(1)), DEADLINE)

    assert asyncio.run(main()) == [1, 1]


def test_a_run_whose_task_is_cancelled_from_outside_leaves_nobody_waiting(spot: Spot) -> None:
    marked = spot.mark(count_later)

    async def main() -> None:
        reader = asyncio.create_task(collect(marked(2)))
        for turn in range(4):
            for task in asyncio.all_tasks() - {reader, asyncio.current_task()}:
                task.cancel()
            if reader.done():
                break
            await asyncio.sleep(0)
        with suppress(StreamError):  # unless it has read nothing yet
            assert await asyncio.wait_for(reader, DEADLINE) == [[0], [1]]
        assert await asyncio.wait_for(collect(marked(2)), DEADLINE) == [[0], [1]]

    asyncio.run(main())


def test_a_generator_that_catches_its_cancellation_and_yields_is_closed(spot: Spot) -> None:
    waits = asyncio.Event()

    @spot.mark(ignore=("waits",))
    async def stubborn() -> AsyncIterator[str]:
        try:
            yield "first"
            waits.set()
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            yield "cancelled"
        finally:
            RAN.append("ended")

    async def main() -> None:
        reader = asyncio.create_task(collect(stubborn()))
        await waits.wait()
        reader.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asyncio.wait_for(reader, DEADLINE)
        assert RAN == ["ended"]

    asyncio.run(main())


@pytest.mark.parametrize("is_over", [True, False])
def test_a_stream_that_goes_on_in_another_loop_waits_for_nothing(spot: Spot, is_over: bool) -> None:
    stream = spot.mark(count_later)(3)
    with asyncio.Runner() as other:

        async def go_on() -> None:
            async with asyncio.timeout(DEADLINE):
                with pytest.raises(StreamError):
                    await anext(stream)

        first = asyncio.new_event_loop()
        # Asked for outside of the loop, which so does not know it, and does not close it.
        assert first.run_until_complete(anext(stream)) == [0]  # type: ignore[arg-type]
        if is_over:
            _cancel_all(first)
        other.run(go_on())
        _cancel_all(first)
        first.close()


def test_a_stream_that_is_left_outside_of_its_loop_is_closed_in_it(spot: Spot) -> None:
    with asyncio.Runner() as runner:
        loop = runner.get_loop()
        stream = spot.mark(count_later)(3)
        assert loop.run_until_complete(anext(stream)) == [0]  # type: ignore[arg-type]
        del stream
        gc.collect()
        runner.run(asyncio.sleep(0))
        assert RAN == ["began", 0, "ended"]


def _cancel_all(loop: asyncio.AbstractEventLoop) -> None:
    tasks = asyncio.all_tasks(loop)
    for task in tasks:
        task.cancel()
    if tasks:
        loop.run_until_complete(asyncio.wait(tasks))
