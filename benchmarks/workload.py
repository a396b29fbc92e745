"""The functions that everybody remembers the results of, and how to call them in a loop."""

from __future__ import annotations

import asyncio
import functools
import inspect
import itertools
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    Function = Callable[..., Any]

ARGUMENTS = (12, "some words", 0.5)
NESTED = ({"model": "small", "stop": ["a", "b"], "temperature": 0.5}, "some words", 0.5)
MEBIBYTE = 1 << 20

executions = itertools.count()
"""Counts one up with every execution, so that what never remembers is found out."""


def work(number: Any, text: str, factor: float = 1.0) -> dict[str, Any]:
    """Small arguments, a result of three fields."""
    next(executions)
    return {"text": text, "factor": factor, "good": bool(number)}


async def work_async(number: Any, text: str, factor: float = 1.0) -> dict[str, Any]:
    """The same, to be awaited."""
    next(executions)
    return {"text": text, "factor": factor, "good": bool(number)}


def stream(number: Any, text: str, factor: float = 1.0) -> Iterator[dict[str, Any]]:
    """The same ten times, one after the other."""
    for _ in range(10):
        yield work(number, text, factor)


def sized(number: int, size: int) -> bytes:
    """Bytes that no two calls share."""
    return number.to_bytes(8, "big") * (size // 8)


@functools.cache
def made(number: int, size: int) -> bytes:
    """The same, made once: a miss is to measure the saving."""
    return sized(number, size)


def check(functions: Mapping[str, Function], *arguments: Any) -> None:
    """Call each twice, and see that the second time nothing is executed.

    Raises:
        RuntimeError: one does not remember.
    """
    for name, function in functions.items():
        call = repeated(function, *arguments)
        call(1)
        before = next(executions)
        call(1)
        if next(executions) != before + 1:
            raise RuntimeError(f"{name} does not remember: mend its adapter")


def repeated(function: Function, *arguments: Any) -> Callable[[int], None]:
    """A loop that makes one call again and again."""
    if inspect.iscoroutinefunction(function):
        return looped(lambda count: _awaited(function, itertools.repeat(arguments, count)))

    def run(count: int) -> None:
        for _ in itertools.repeat(None, count):
            function(*arguments)

    return run


def renewed(function: Function, *arguments: Any) -> Callable[[int], None]:
    """A loop whose every call has another first argument."""
    numbers = itertools.count(1)
    if inspect.iscoroutinefunction(function):
        return looped(
            lambda count: _awaited(
                function, ((number, *arguments) for number in itertools.islice(numbers, count))
            )
        )

    def run(count: int) -> None:
        for number in itertools.islice(numbers, count):
            function(number, *arguments)

    return run


async def _awaited(function: Function, calls: Any) -> None:
    for arguments in calls:
        await function(*arguments)


def looped(program: Callable[[int], Any]) -> Callable[[int], None]:
    """A coroutine function of a number of calls, run in one event loop from round to round."""
    runner = asyncio.Runner()
    return lambda count: runner.run(program(count))
