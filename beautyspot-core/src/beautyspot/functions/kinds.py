"""The kinds of function, and wrappers that look like what they wrap.

A function of each kind is called, and awaited or iterated, in a way of its own.
"""

from __future__ import annotations

import functools
import inspect
from contextlib import suppress
from types import FunctionType, MethodType, NoneType
from typing import TYPE_CHECKING, Any, Final

from beautyspot.errors import ConfigError
from beautyspot.functions.identity import taken_apart

if TYPE_CHECKING:
    from collections.abc import Callable

_TYPES: Final = (str, dict, tuple, FunctionType, NoneType)


def kind_of(function: Callable[..., Any]) -> str:
    """A function's kind: "function", "coroutine", "generator" or "async generator"."""
    kind = _kind_of_code(function)
    if kind == "function" and not isinstance(function, type | FunctionType | MethodType):
        kind = _kind_of_code(type(function).__call__)
    return _kind_of_wrapped(function) if kind == "function" else kind


def check_is_no_class(function: object) -> None:
    """Refuse a class, in whose place a function would stand: `isinstance` and subclasses break.

    Raises:
        ConfigError: says what to decorate.
    """
    if issubclass(type(function), type):
        name = getattr(function, "__name__", "")
        raise ConfigError(
            f"mark takes a function, and {name} is a class, which would be none afterwards: write "
            f"@spot.mark above a function that makes it (def make(…) -> {name}: return {name}(…)), "
            "or above a method of it, such as __call__"
        )


def _kind_of_wrapped(function: Callable[..., Any]) -> str:
    """The kind of what a plain wrapper wraps, where it only hands on what that returns.

    `functools.wraps` alone does not tell: a wrapper may run the coroutine that it gets.
    """
    outer = taken_apart(function).func
    inner = getattr(outer, "__wrapped__", None)
    if not isinstance(outer, FunctionType) or not callable(inner):
        return "function"
    kind = kind_of(inner)
    if kind == "function":
        return kind
    from beautyspot.functions.code import hands_on  # parses sources: rarely needed

    return kind if hands_on(outer, inner) else "function"


def _kind_of_code(function: object) -> str:
    if inspect.isasyncgenfunction(function):
        return "async generator"
    if inspect.isgeneratorfunction(function):
        code = getattr(function, "__code__", None)
        # `types.coroutine` marks a generator as awaitable: awaiting uses it up, as a coroutine.
        awaited = code is not None and code.co_flags & inspect.CO_ITERABLE_COROUTINE
        return "function" if awaited else "generator"
    return "coroutine" if inspect.iscoroutinefunction(function) else "function"


def look_like(wrapper: Callable[..., Any], function: Callable[..., Any]) -> None:
    """As `functools.update_wrapper`, of any object that can be called.

    One with a `__getattr__`, such as a method of a remote client, may answer for any name with
    something that is no name, or raise; then the wrapper keeps its own.
    """
    for name in functools.WRAPPER_ASSIGNMENTS:
        with suppress(Exception):
            value = getattr(function, name)
            if isinstance(value, _TYPES):
                setattr(wrapper, name, value)
    functools.update_wrapper(wrapper, function, assigned=())
