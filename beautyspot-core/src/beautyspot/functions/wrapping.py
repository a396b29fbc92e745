"""A wrapper that looks like what it wraps."""

from __future__ import annotations

import functools
from contextlib import suppress
from types import FunctionType, NoneType
from typing import TYPE_CHECKING, Any, Final

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
