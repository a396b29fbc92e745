"""`spot.map` of a coroutine function: its results, its inputs, its progress."""

from __future__ import annotations

import asyncio
import itertools
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing
from typing import Any, Literal

import beautyspot as bs
import pytest
from async_calls import Calls, marked, numbers, run
from beautyspot import Failed
from beautyspot.spot import Spot
from hypothesis import given, settings
from hypothesis import strategies as st

"""Not captured by the function that writes it, whose calls would have other keys."""


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


def test_whoever_reads_it_otherwise_is_told_what_to_write(spot: Spot) -> None:
    f = marked(spot, Calls())
    for read in (list, sorted, dict, iter, lambda results: [*results]):
        with pytest.raises(TypeError, match="write `async for result in spot.map"):
            read(spot.map(f, range(3)))
    plain = spot.mark(lambda n: n)
    with pytest.raises(TypeError, match="write `async for result in spot.map"):
        list(spot.map(plain, spot.map(f, range(3))))

    async def main() -> None:
        awaited: Any = spot.map(f, range(3))
        with pytest.raises(TypeError, match="write `async for result in spot.map"):
            await awaited
        with pytest.raises(TypeError, match="write `async for result in spot.map"):
            await asyncio.gather(awaited)
        results = spot.map(f, range(3))  # it stays what it was
        assert await results.asend(None) == [0]
        with pytest.raises(ZeroDivisionError):
            await results.athrow(ZeroDivisionError())
        assert [each async for each in results] == []
        async with aclosing(spot.map(f, spot.map(f, range(3)))) as results:
            assert await anext(results) is not None

    run(main())


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


@settings(max_examples=15, deadline=None)
@given(
    inputs=st.lists(st.integers(0, 12), max_size=40),
    stored=st.sets(st.integers(0, 12)),
    ordered=st.booleans(),
    concurrency=st.integers(1, 5),
    errors=st.sampled_from(["return", "skip"]),
    asynchronous=st.booleans(),
)
def test_it_gives_what_a_loop_would(
    inputs: list[int],
    stored: set[int],
    ordered: bool,
    concurrency: int,
    errors: Literal["return", "skip"],
    asynchronous: bool,
) -> None:
    calls = Calls()

    async def each_input() -> AsyncIterator[int]:
        for number in inputs:
            yield number

    async def main() -> list[int]:
        with bs.Spot("app", metadata="memory", storage="memory", config=False) as spot:
            f = marked(spot, calls)
            for number in stored:
                if number % 5 != 3:
                    await f(number)
            given = each_input() if asynchronous else inputs
            options: Any = {"ordered": ordered, "errors": errors, "concurrency": concurrency}
            results = spot.map(f, given, **options)
            return [-each.input if isinstance(each, Failed) else each[0] async for each in results]

    calls.fails = lambda number: number % 5 == 3
    results = run(main())
    expected = [-number if number % 5 == 3 else number for number in inputs]
    if errors == "skip":
        expected = [number for number in expected if number >= 0]
    assert (results if ordered else sorted(results)) == (expected if ordered else sorted(expected))
    ran = Counter(calls.begun)
    assert all(ran[number] == 1 for number in {*inputs, *stored} if number % 5 != 3)
