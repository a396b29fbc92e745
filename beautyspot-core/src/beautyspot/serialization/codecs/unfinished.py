"""Values that are not a result, such as a coroutine: no encoding function would help."""

from __future__ import annotations

import re
from collections.abc import MappingView
from io import IOBase
from types import BuiltinFunctionType, FunctionType, MethodType
from typing import Final

from beautyspot.contracts.file import File

_SECRETS: Final = {("pydantic.types", name) for name in ("Secret", "SecretStr", "SecretBytes")}


def no_result_yet(cls: type) -> str | None:
    """Why instances are not a result, and what to return instead; None for other classes."""
    live = "the items of which are passed on live, and stored at the end"
    if hasattr(cls, "__await__"):
        return (
            "is not awaited yet: make the marked function an `async def` and await it there; "
            "often another decorator has wrapped such a function"
        )
    if (cls.__module__, cls.__name__) in _SECRETS:
        return "is a secret, and results are stored as they are: leave it out of the result"
    if cls is re.Pattern:  # some take minutes to compile, and others to match
        return "is a program, which stored data never are: return its text, `.pattern`"
    if issubclass(cls, IOBase | File):
        return _of_a_file(cls)
    if issubclass(cls, FunctionType | BuiltinFunctionType | MethodType):
        return (
            "is code, which is never stored: return what it returns, or the values to make it of "
            "again"
        )
    if hasattr(cls, "__anext__"):
        return f"is used up by its reader: return a list, or `yield` in an `async def`, {live}"
    if hasattr(cls, "__next__"):
        return f"is used up by its reader: return a list, or `yield` in the function, {live}"
    return "shows a dict: return a list or a set" if issubclass(cls, MappingView) else None


def _of_a_file(cls: type) -> str:
    if issubclass(cls, File):
        return "is stored only as the whole result: return it alone, or read_bytes() of it"
    return "is a file: return what it holds, or its path"
