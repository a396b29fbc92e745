"""What `spot.map` and `spot.count` refuse before anything is read, and what they take."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from typing import Any

import beautyspot as bs
import pytest
from beautyspot.spot import Spot


def f(number: int) -> int:
    return number


def two(left: int, right: int) -> int:
    return left + right


async def af(number: int) -> int:
    return number


def gen(number: int) -> Iterator[int]:
    yield number


async def agen(number: int) -> AsyncIterator[int]:
    yield number


def unread() -> Iterator[int]:
    raise AssertionError("it was read")
    yield 1


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"concurrency": 0}, "give a whole number of calls at once"),
        ({"concurrency": 2.0}, "give a whole number of calls at once"),
        ({"concurrency": True}, "give a whole number of calls at once"),
        ({"errors": "ignore"}, 'give "raise", "return" or "skip"'),
        ({"errors": None}, 'give "raise", "return" or "skip"'),
        ({"errors": "skip", "max_errors": -1}, "0 or more"),
        ({"errors": "skip", "max_errors": "1"}, "0 or more"),
        ({"max_errors": 1}, 'errors="return" or errors="skip"'),
        ({"timeout": 0}, "the time that a call may take"),
        ({"timeout": -1}, "the time that a call may take"),
        ({"timeout": "soon"}, "the time that a call may take"),
        ({"timeout": True}, "the time that a call may take"),
        ({"progress": 1}, "progress=1.*: give True for a line"),
        ({"executor": "threads"}, "give an executor"),
        ({"executor": ProcessPoolExecutor}, r"ProcessPoolExecutor\(8\)"),
        ({"ordred": True}, "Did you mean 'ordered'"),
        ({"model": "x"}, r"functools.partial\(function, model=...\), in the place of the function"),
    ],
)
def test_an_option_that_does_not_fit(spot: Spot, options: dict[str, Any], says: str) -> None:
    with pytest.raises(bs.ConfigError, match=says):
        spot.map(f, unread(), **options)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ((f,), r"write spot.map\(function, inputs\)"),
        ((f, "a text"), r"map can't read 'a text' as inputs. Of a single one write \[input\]"),
        ((f, b"bytes"), r"write \[input\]"),
        ((f, 3), r"write \[input\]"),
        ((f, unread), r"write \[input\]"),
        ((two, [1], None), r"the same for all calls goes into functools.partial\(function"),
        ((3, [1]), r"map takes a function and inputs, not 3: write spot.map\(function, inputs\)"),
        ((gen, [1]), "returns the list of its items"),
        ((agen, [1]), "returns the list of its items"),
        ((f, agen(1)), "is for the map of a coroutine function"),
    ],
)
def test_arguments_that_do_not_fit(spot: Spot, arguments: tuple[Any, ...], says: str) -> None:
    with pytest.raises(bs.ConfigError, match=says):
        spot.map(*arguments)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ((f, agen(1)), "async for each in"),
        ((f,), "count takes inputs"),
        ((f, "text"), "count can't read 'text' as inputs"),
        ((gen, [1]), "is a generator"),
        ((3, [1]), "count takes a function and inputs"),
    ],
)
def test_what_can_not_be_counted(spot: Spot, arguments: tuple[Any, ...], says: str) -> None:
    with pytest.raises(bs.ConfigError, match=says):
        spot.count(*arguments)
    with pytest.raises(bs.ConfigError, match=r"functools.partial\(function, model=...\)"):
        spot.count(f, [1], model="x")


def test_an_executor_that_can_not_run_it(spot: Spot) -> None:
    with ThreadPoolExecutor(1) as pool, pytest.raises(bs.ConfigError, match="leave it out"):
        spot.map(af, [1], executor=pool)
    pool = ProcessPoolExecutor(1)  # which starts no process before it has a call
    with pool, pytest.raises(bs.ConfigError, match="at the top of a module"):
        spot.map(spot.mark(lambda number: number), [1], executor=pool)
