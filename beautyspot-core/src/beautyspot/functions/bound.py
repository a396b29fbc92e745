"""The function in a partial, a bound method or an object with `__call__`, and what is bound to it.

``partial(f, 1)(2)`` is the call ``f(1, 2)``, and ``obj.method(2)`` is ``Class.method(obj, 2)``. So
what is bound are arguments of the call, under the names that the function gives them.
"""

from __future__ import annotations

import inspect
from functools import partial
from types import FunctionType, MethodType
from typing import TYPE_CHECKING, Any

from beautyspot.functions.names import carries_name, unwrap_ours

if TYPE_CHECKING:
    from collections.abc import Callable


def taken_apart(func: Any) -> partial[Any]:
    """The innermost function with all that is bound to it; our own wrappers are taken off.

    Where nothing is bound, the partial has no arguments.
    """
    func = unwrap_ours(func)
    if isinstance(func, partial) and type(func).__call__ is partial.__call__:
        return partial(taken_apart(func.func), *func.args, **func.keywords)
    if isinstance(func, MethodType):
        return partial(taken_apart(func.__func__), func.__self__)
    call = None if carries_name(func) else _own_call(func)
    return partial(func) if call is None else partial(taken_apart(call), func)


def _own_call(obj: object) -> Callable[..., Any] | None:
    """The function that a call of the object runs, with the object as its first argument."""
    call = inspect.getattr_static(type(obj), "__call__", None)
    return call if isinstance(call, FunctionType) else None
