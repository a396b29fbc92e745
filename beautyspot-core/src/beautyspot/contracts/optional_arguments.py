"""Optional arguments for backends that may have been written before there were such.

A contract may grow: a method gets an optional keyword argument. Core passes one of these only where
it says something, and only to a method that takes it, so that a plug-in of yesterday runs with the
core of tomorrow. This is why a new optional argument does not raise the number of the plug-in API.
"""

from __future__ import annotations

import inspect
from functools import lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable


def hints(method: Callable[..., Any], **given: object) -> dict[str, Any]:
    """The arguments to pass: those of `given` that are not None and that `method` takes."""
    told = {name: value for name, value in given.items() if value is not None}
    # By function, not by bound method: the table must not keep a backend alive.
    taken = _taken(getattr(method, "__func__", method)) if told else None
    return {name: value for name, value in told.items() if taken is None or name in taken}


@lru_cache(maxsize=256)
def _taken(function: Callable[..., Any]) -> frozenset[str] | None:
    """The names of the keyword arguments; None where it takes any, or does not tell."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return None
    if any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters):
        return None
    positional_only = inspect.Parameter.POSITIONAL_ONLY
    return frozenset(p.name for p in parameters if p.kind is not positional_only)
