"""The kinds of function: each is called, and awaited or iterated, in a way of its own."""

from __future__ import annotations

import inspect
from types import FunctionType, MethodType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable


def kind_of(function: Callable[..., Any]) -> str:
    """A function's kind: "function", "coroutine", "generator" or "async generator"."""
    kind = _kind_of_code(function)
    if kind == "function" and not isinstance(function, type | FunctionType | MethodType):
        return _kind_of_code(type(function).__call__)
    return kind


def _kind_of_code(function: object) -> str:
    if inspect.isasyncgenfunction(function):
        return "async generator"
    if inspect.isgeneratorfunction(function):
        code = getattr(function, "__code__", None)
        # `types.coroutine` marks a generator as awaitable: awaiting uses it up, as a coroutine.
        awaited = code is not None and code.co_flags & inspect.CO_ITERABLE_COROUTINE
        return "function" if awaited else "generator"
    return "coroutine" if inspect.iscoroutinefunction(function) else "function"
