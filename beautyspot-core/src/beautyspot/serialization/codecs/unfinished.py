"""What is on the way to a result, such as a coroutine: no function that encodes it would help."""

from __future__ import annotations

from collections.abc import MappingView
from io import IOBase


def no_result_yet(cls: type) -> str | None:
    """What instances of it are, and what to return in their place; None for other classes."""
    live = "the items of which are passed on live, and stored at the end"
    if hasattr(cls, "__await__"):
        return (
            "is not awaited yet: make the function under the mark `async def` and await in it; "
            "often it is the wrapper that another decorator puts around one"
        )
    if issubclass(cls, IOBase):
        return "is a file: return what it holds, or its path"
    if hasattr(cls, "__anext__"):
        return f"is used up by its reader: return a list, or `yield` in an `async def`, {live}"
    if hasattr(cls, "__next__"):
        return f"is used up by its reader: return a list, or `yield` in the function, {live}"
    return "shows a dict: return a list or a set" if issubclass(cls, MappingView) else None
