"""Generators and async generators: passed on live, stored when they end by themselves, replayed."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
from collections.abc import AsyncIterator, Callable, Generator, Iterator
from typing import Any

import pytest
from beautyspot.calls import streams
from beautyspot.errors import CacheMissError, ConfigError
from beautyspot.resilience.reporting import Trouble
from beautyspot.spot import Spot
from gates import DEADLINE
from kinds import RAN


def count(n: int) -> Generator[list[int], Any, str]:
    RAN.append("began")
    for i in range(n):
        RAN.append(i)
        yield [i]
    return "done"


async def count_later(n: int) -> AsyncIterator[list[int]]:
    RAN.append("began")
    for i in range(n):
        RAN.append(i)
        await asyncio.sleep(0)
        yield [i]


async def collect(source: AsyncIterator[Any]) -> list[Any]:
    return [item async for item in source]


def whole(source: Iterator[Any]) -> tuple[list[Any], Any]:
    """The items and the returned value."""

    def outer() -> Iterator[Any]:
        returned.append((yield from source))  # type: ignore[misc]

    returned: list[Any] = []
    return list(outer()), returned[0]


def test_a_replay_yields_the_same_items_and_returns_the_same_value(spot: Spot) -> None:
    marked = spot.mark(count)
    assert whole(marked(2)) == whole(marked(2)) == ([[0], [1]], "done")
    assert RAN == ["began", 0, 1]


def test_an_empty_stream_is_stored_too(spot: Spot) -> None:
    marked = spot.mark(count)
    assert whole(marked(0)) == whole(marked(0)) == ([], "done")
    assert RAN == ["began"]


def test_an_async_replay_yields_the_same_items(spot: Spot) -> None:
    marked = spot.mark(count_later)
    assert asyncio.run(collect(marked(2))) == asyncio.run(collect(marked(2))) == [[0], [1]]
    assert RAN == ["began", 0, 1]


def test_nothing_runs_before_the_first_item_is_asked_for(spot: Spot) -> None:
    spot.mark(count)(1)
    spot.mark(count_later)(1)
    assert RAN == []


def test_a_stream_is_passed_on_live(spot: Spot) -> None:
    source = spot.mark(count)(3)
    assert next(source) == [0]
    assert RAN == ["began", 0]
    source.close()


def test_a_stream_that_is_broken_off_stores_nothing(spot: Spot) -> None:
    marked = spot.mark(count)
    source = marked(2)
    next(source)
    source.close()
    assert whole(marked(2))[0] == [[0], [1]]
    assert RAN == ["began", 0, "began", 0, 1]


@pytest.mark.parametrize("error", [KeyError, StopAsyncIteration])
def test_a_stream_that_raises_stores_nothing(spot: Spot, error: type[Exception]) -> None:
    @spot.mark(ignore=("error",))
    def fails() -> Iterator[int]:
        RAN.append(1)
        yield 1
        raise error("mine")

    for _ in range(2):
        with pytest.raises(error, match="mine"):
            list(fails())
    assert RAN == [1, 1]


def test_an_item_changed_by_its_consumer_is_stored_as_it_was(spot: Spot) -> None:
    marked = spot.mark(count)
    for item in marked(2):
        item.append("changed")
    assert list(marked(2)) == [[0], [1]]


def closing(n: int) -> Iterator[int]:
    RAN.append("began")
    try:
        yield from range(n)
    except KeyError:  # it is never thrown in
        RAN.append("caught")
    finally:
        RAN.append("closed")


async def closing_later(n: int) -> AsyncIterator[int]:
    with contextlib.closing(closing(n)) as items:
        for item in items:
            yield item
            await asyncio.sleep(0)


def test_what_is_sent_is_refused_and_closes_the_function(spot: Spot) -> None:
    marked, later = spot.mark(closing), spot.mark(closing_later)
    sent: Any = marked(2)
    assert next(sent) == 0
    with pytest.raises(ConfigError, match=r"nothing can be sent.*closing.*pass it as an argument"):
        sent.send("x")
    assert RAN == ["began", "closed"]

    async def main() -> None:
        source: Any = later(2)
        assert await anext(source) == 0
        with pytest.raises(ConfigError, match="nothing can be sent"):
            await source.asend("x")

    asyncio.run(main())
    assert RAN == ["began", "closed"] * 2
    assert list(marked(2)) == asyncio.run(collect(later(2))) == [0, 1]
    assert RAN == ["began", "closed"] * 4


def test_what_is_thrown_is_raised_once_the_function_is_closed(spot: Spot) -> None:
    marked, later = spot.mark(closing), spot.mark(closing_later)
    thrown: Any = marked(2)
    assert next(thrown) == 0
    with pytest.raises(KeyError, match="mine"):
        thrown.throw(KeyError("mine"))

    async def main() -> None:
        source: Any = later(2)
        assert await anext(source) == 0
        with pytest.raises(KeyError, match="mine"):
            await source.athrow(KeyError("mine"))
        left: Any = later(2)
        assert await anext(left) == 0
        await left.aclose()

    asyncio.run(main())
    assert RAN == ["began", "closed"] * 3


@pytest.mark.parametrize("stored", [False, True])
def test_an_error_in_the_body_reaches_a_marked_context_manager(spot: Spot, stored: bool) -> None:
    """`contextlib` of Python 3.11 throws a type, a value and a traceback."""

    @contextlib.contextmanager
    @spot.mark
    def managed(x: int) -> Iterator[int]:
        RAN.append(x)
        yield x

    if stored:
        with managed(1):
            pass
    with pytest.raises(ValueError, match="the body"), managed(1) as x:
        raise ValueError(f"the body of {x}")
    assert RAN == [1]


def test_a_loop_that_ends_closes_a_stream_that_is_left(
    spot: Spot, caplog: pytest.LogCaptureFixture
) -> None:
    """The user's generator and ours at once, since it knows both."""

    @spot.mark
    async def slow_to_end(x: int) -> AsyncIterator[int]:
        try:
            yield x
        finally:
            await asyncio.sleep(0)
            RAN.append("closed")

    left: list[Any] = []

    async def main() -> None:
        left.append(slow_to_end(1))
        assert await anext(left[0]) == 1

    asyncio.run(main())
    assert RAN == ["closed"]
    assert caplog.records == []


def test_nothing_is_sent_into_a_replay(spot: Spot) -> None:
    marked, later = spot.mark(count), spot.mark(count_later)
    list(marked(2))
    sent, thrown = marked(2), marked(2)
    assert next(sent) == next(thrown) == [0]
    with pytest.raises(ConfigError, match=r"nothing can be sent.*pass it as an argument"):
        sent.send("x")
    with pytest.raises(KeyError, match="mine"):
        thrown.throw(KeyError("mine"))
    assert RAN == ["began", 0, 1]

    async def main() -> None:
        await collect(later(2))
        source: Any = later(2)
        await anext(source)
        with pytest.raises(ConfigError, match="nothing can be sent"):
            await source.asend("x")

    asyncio.run(main())
    assert RAN == ["began", 0, 1] * 2


@pytest.mark.parametrize("leave", ["break", "return", "anext", "time-out"])
def test_a_replay_that_is_left_as_its_loop_ends_runs_nothing(spot: Spot, leave: str) -> None:
    """The loop cancels what closes the generator before that has begun."""
    marked = spot.mark(count_later)

    async def first() -> Any:
        async for item in marked(2):
            if leave == "return":
                return item
            if leave == "time-out":
                async with asyncio.timeout(0):
                    await asyncio.Event().wait()
            break
        return None

    async def main() -> None:
        with contextlib.suppress(TimeoutError):
            await (anext(marked(2)) if leave == "anext" else first())

    asyncio.run(collect(marked(2)))
    asyncio.run(main())
    assert RAN == ["began", 0, 1]


def test_an_item_that_can_not_be_stored_passes_all_the_same(
    make_spot: Callable[..., Spot], troubles: list[Trouble]
) -> None:
    spot = make_spot(on_error=troubles.append)

    @spot.mark
    def items() -> Iterator[object]:
        RAN.append("began")
        yield object()
        yield object()

    assert len(list(items())) == len(list(items())) == 2
    assert RAN == ["began", "began"]
    assert {trouble.operation for trouble in troubles} == {"store the stream"}


def test_a_stream_too_long_to_record_passes_all_the_same(
    make_spot: Callable[..., Spot], troubles: list[Trouble], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "STREAM_BYTES", 10)
    spot = make_spot(on_error=troubles.append)
    marked = spot.mark(count)
    assert len(list(marked(20))) == len(list(marked(20))) == 20
    assert RAN.count("began") == 2
    assert "over" in str(troubles[0].error)


def test_a_stream_without_a_key_passes_all_the_same(make_spot: Callable[..., Spot]) -> None:
    spot = make_spot()
    marked = spot.mark(lambda source: (yield from source))
    assert list(marked(iter([1, 2]))) == [1, 2]


def test_a_stream_of_blobs_is_read_off_the_loop(spot: Spot) -> None:
    marked = spot.mark(save_blob=True)(count_later)
    assert asyncio.run(collect(marked(2))) == asyncio.run(collect(marked(2))) == [[0], [1]]
    assert RAN == ["began", 0, 1]


def test_a_missing_stream_is_an_error_in_replay(spot: Spot) -> None:
    with pytest.raises(CacheMissError):
        list(spot.mark(mode="replay")(count)(1))
    with pytest.raises(CacheMissError):
        asyncio.run(collect(spot.mark(mode="replay")(count_later)(1)))
    assert RAN == []


def test_a_row_of_another_kind_of_function_is_a_miss(make_spot: Callable[..., Spot]) -> None:
    spot = make_spot()

    def items() -> list[int]:
        return [1]

    def stream() -> Iterator[int]:
        yield 2

    assert spot.mark(name="one")(items)() == [1]
    assert list(spot.mark(name="one")(stream)()) == [2]
    assert spot.mark(name="one")(items)() == [1]


def test_each_caller_of_an_equal_stream_runs_it_and_the_first_to_end_is_stored(spot: Spot) -> None:
    @spot.mark
    def numbered(n: int) -> Iterator[tuple[int, int]]:
        RAN.append("began")
        run = len(RAN)
        for i in range(n):
            yield run, i

    one, two, broken = numbered(2), numbered(2), numbered(2)
    assert [next(one), next(two), next(broken)] == [(1, 0), (2, 0), (3, 0)]
    broken.close()  # type: ignore[attr-defined]
    assert list(one) == [(1, 1)]
    assert list(numbered(2)) == [(1, 0), (1, 1)]
    assert list(two) == [(2, 1)]
    assert RAN == ["began"] * 3
    stats = spot.stats()
    assert (stats["misses"], stats["hits"], stats["entries"]) == (3, 1, 1)


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
def test_a_stream_that_is_interrupted_stores_nothing(
    spot: Spot, error: type[BaseException]
) -> None:
    @spot.mark
    def items() -> Iterator[int]:
        RAN.append("began")
        yield 1
        if len(RAN) == 1:
            raise error
        yield 2

    source = items()
    assert next(source) == 1
    with pytest.raises(error):
        next(source)
    assert list(items()) == list(items()) == [1, 2]
    assert RAN == ["began"] * 2
    assert spot.stats()["failures"] == 0


@pytest.mark.parametrize("marked", [False, True])
def test_a_cancellation_means_to_a_generator_what_it_means_without_a_mark(
    spot: Spot, marked: bool
) -> None:
    async def stubborn() -> AsyncIterator[str]:
        RAN.append("began")
        try:
            yield "first"
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            yield "cancelled"
        finally:
            RAN.append("ended")

    async def cancels() -> AsyncIterator[int]:
        yield 1
        raise asyncio.CancelledError

    async def main() -> None:
        source = spot.mark(stubborn)() if marked else stubborn()
        assert await anext(source) == "first"
        reader = asyncio.ensure_future(anext(source))
        await asyncio.sleep(0)
        reader.cancel()
        assert await reader == "cancelled"
        await source.aclose()  # type: ignore[attr-defined]
        assert RAN == ["began", "ended"]
        raises = spot.mark(cancels)() if marked else cancels()
        assert await anext(raises) == 1
        with pytest.raises(asyncio.CancelledError):
            await anext(raises)

    asyncio.run(main())
    assert spot.stats()["entries"] == 0


def test_a_generator_runs_in_the_task_and_the_context_of_its_consumer(spot: Spot) -> None:
    """It may hold what belongs to a task, as here a timeout and a group."""
    user = contextvars.ContextVar("user", default="nobody")

    @spot.mark(ignore=("user",))
    async def items() -> AsyncIterator[tuple[str, int]]:
        async with asyncio.timeout(DEADLINE), asyncio.TaskGroup() as group:
            for i in range(3):
                yield user.get(), await group.create_task(asyncio.sleep(0, i))

    async def main() -> None:
        user.set("me")
        source = items()
        assert await anext(source) == ("me", 0)
        user.set("you")
        assert await collect(source) == [("you", 1), ("you", 2)]

    asyncio.run(main())
