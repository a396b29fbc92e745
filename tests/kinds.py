"""One function of every kind, and how a synchronous test calls it."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

RAN: list[Any] = []
"""The arguments of the executions."""


def result(x: Any) -> Any:
    """What each of them gives for an argument: more than one page of a database."""
    return [x, x, "text" * 5000]


def work(x: Any) -> Any:
    RAN.append(x)
    return result(x)


async def work_later(x: Any) -> Any:
    return work(x)


def work_stream(x: Any) -> Iterator[Any]:
    yield work(x)


async def work_stream_later(x: Any) -> AsyncIterator[Any]:
    yield work(x)


async def collected(stream: Any) -> list[Any]:
    return [item async for item in stream]


def given(value: Any) -> Any:
    """What a call of any kind of function comes to: its result, or the list of its items."""
    if hasattr(value, "__aiter__"):
        return asyncio.run(collected(value))
    if inspect.iscoroutine(value):
        return asyncio.run(value)
    return list(value) if inspect.isgenerator(value) else value


def called(marked: Any, *args: Any, **named: Any) -> Any:
    """The same of a call."""
    return given(marked(*args, **named))


KINDS: dict[str, tuple[Any, Callable[[Any, Any], Any]]] = {
    "sync": (work, lambda marked, x: marked(x)),
    "async": (work_later, lambda marked, x: asyncio.run(marked(x))),
    "generator": (work_stream, lambda marked, x: next(iter(list(marked(x))))),
    "async generator": (
        work_stream_later,
        lambda marked, x: asyncio.run(collected(marked(x)))[0],
    ),
}
"""The function, and what gives the first item or the value of a call of its marked form."""
