"""A wrapper that looks like what it wraps, or has forgotten to."""

from __future__ import annotations

import functools
import sys
from contextlib import suppress
from types import FunctionType, NoneType
from typing import TYPE_CHECKING, Any, Final

from beautyspot.functions.names import captured

if TYPE_CHECKING:
    from collections.abc import Callable

_TYPES: Final = (str, dict, tuple, FunctionType, NoneType)


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


def wrapped_without_wraps(function: Any) -> list[FunctionType]:
    """The functions in a wrapper of a decorator that does not use `functools.wraps`; else none.

    The wrapper is a local function that captured others, and the function in which it stands has
    ended. A local function that is marked where it stands is no wrapper, whatever it captured.
    """
    if type(function) is not FunctionType or "__wrapped__" in vars(function):
        return []
    inner = [value for value in captured(function).values() if type(value) is FunctionType]
    frame = sys._getframe() if inner else None
    while frame is not None:
        if any(const is function.__code__ for const in frame.f_code.co_consts):
            return []
        frame = frame.f_back
    return inner
