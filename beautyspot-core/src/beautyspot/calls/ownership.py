"""What a user gives that may lead back to the Spot, such as `on_error=`, kept by the Spot alone.

An engine outlives its Spot, to end it. If it held a method of the object that holds the Spot, the
Spot would never be dropped.
"""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Generic, ParamSpec

if TYPE_CHECKING:
    from collections.abc import Callable

P = ParamSpec("P")


class _Weakly(Generic[P]):
    __slots__ = ("kept_elsewhere",)

    def __init__(self, function: Callable[P, object]) -> None:
        self.kept_elsewhere = weakref.ref(function)

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> object:
        found = self.kept_elsewhere()
        return None if found is None else found(*args, **kwargs)


def weakly(function: Callable[P, object]) -> Callable[P, object]:
    """A function that calls `function` while something else keeps it, and does nothing after that.

    `function` itself where it takes no weak reference.
    """
    try:
        return _Weakly(function)
    except TypeError:
        return function


def strongly(function: object) -> object:
    """The function that `weakly` was given, or None where it is gone."""
    return function.kept_elsewhere() if isinstance(function, _Weakly) else function
