"""`Made`: what a call of a map came to, as the map counts it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from beautyspot.calls.noting import LastCalls


class Made(NamedTuple):
    """What a call returned, or the stored error that it raised; any other one is raised.

    Attributes:
        value: what it returned.
        error: what it raised, where that is a result.
        is_hit: whether it was a hit after all.
        is_stored: whether it was a hit, or its result is stored, or queued for that; None where it
            is nobody else's, since it was invalidated or what its key is made of changed meanwhile.
    """

    value: Any
    error: Exception | None = None
    is_hit: bool = True
    is_stored: bool | None = True


def make(calls: LastCalls, function: Callable[..., Any], *args: Any) -> Made:
    """Make a call, in a context of its own.

    Args:
        calls: of the function's Spot.
        function: marked.
        args: of the call.
    """
    try:
        return Made(function(*args), None, *calls.end)
    except Exception as error:
        if not calls.end[0]:
            raise
        return Made(None, error.with_traceback(None))  # else it would lead here: a cycle


async def make_async(calls: LastCalls, begin: Callable[..., Awaitable[Any]], *args: Any) -> Made:
    """The same of a coroutine function. Whatever it raises, it raises in its own task."""
    try:
        return Made(await begin(*args), None, *calls.end)
    except Exception as error:
        if not calls.end[0]:
            raise
        return Made(None, error.with_traceback(None))  # else it would lead here: a cycle
