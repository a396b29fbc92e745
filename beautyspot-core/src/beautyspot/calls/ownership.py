"""Which Spot an engine belongs to, and what keeps a Spot.

Its marked functions do, so that whoever has one of them has the cache. An engine does not, nor do
the calls that wait to be saved: a Spot would never be dropped, or in a thread that saves for it.

An engine outlives its Spot, to end it. So what a user gives that may lead back to the Spot, such as
a method of the object that has it, is kept by the Spot, and by the engine only as long as it is.
"""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any, Generic, ParamSpec, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

    from beautyspot.calls.engine import Engine
    from beautyspot.spot import Spot

P = ParamSpec("P")
F = TypeVar("F", bound="Callable[..., Any]")

KEPT = "__beautyspot_home__"
"""The attribute of a function that keeps its Spot."""

_homes: weakref.WeakKeyDictionary[Engine, weakref.ref[Spot]] = weakref.WeakKeyDictionary()


def remember(spot: Spot, engine: Engine) -> None:
    """Know whose engine it is."""
    _homes[engine] = weakref.ref(spot)


def home_of(engine: Engine) -> Spot:
    """The Spot of an engine.

    Raises:
        pickle.PicklingError: it was dropped.
    """
    spot = _homes[engine]()
    if spot is None:
        from pickle import PicklingError

        raise PicklingError(
            f"the Spot {engine.reporter.spot!r} is gone, and all functions that it marked, so that "
            "no part of them can be sent to another process: keep one of them in a variable"
        )
    return spot


class _Weakly(Generic[P]):
    __slots__ = ("kept_elsewhere",)

    def __init__(self, function: Callable[P, object]) -> None:
        self.kept_elsewhere = weakref.ref(function)

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> object:
        found = self.kept_elsewhere()
        return None if found is None else found(*args, **kwargs)


def weakly(function: Callable[P, object]) -> Callable[P, object]:
    """Calls the function as long as somebody else keeps it; where that can't be told, itself."""
    try:
        return _Weakly(function)
    except TypeError:
        return function


def strongly(function: object) -> object:
    """What `weakly` was given, for who keeps it; None where it is gone."""
    return function.kept_elsewhere() if isinstance(function, _Weakly) else function


def kept(spot: Spot, function: F) -> F:
    """The function, which keeps its Spot from now on."""
    setattr(function, KEPT, spot)
    return function


def let_go(function: F) -> F:
    """The function, which does so no longer."""
    delattr(function, KEPT)
    return function
