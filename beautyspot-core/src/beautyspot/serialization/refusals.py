"""What is said of a value that can't be stored: why, and what to return or write instead."""

from __future__ import annotations

import re
from collections.abc import MappingView
from io import IOBase
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType
from typing import TYPE_CHECKING, Any, Final

from beautyspot.contracts.foreign import foreign
from beautyspot.contracts.storage import File
from beautyspot.contracts.values import NO_DATA, class_name, get_data, needs_data_plugin
from beautyspot.functions.names import identifier_of
from beautyspot.serialization.classes import form_of, plain_base
from beautyspot.serialization.codec import Refused

if TYPE_CHECKING:
    from collections.abc import Callable

    from beautyspot.contracts.values import Types

PICKLE_IT: Final = (
    'with a signing_key, pickle it: mark(serializer="pickle") '
    "(needs beautyspot-pickle: docs/install.md)"
)
"""The last way out for a result that has no form of ours."""

_LIVE: Final = "the items of which are passed on live, and stored at the end"
_NO_RESULT_YET: Final[tuple[tuple[Callable[[Any], bool], str], ...]] = (
    (
        lambda cls: hasattr(cls, "__await__"),
        (
            "is not awaited yet: make the marked function an `async def` and await it there; often "
            "another decorator has wrapped such a function"
        ),
    ),
    (
        lambda cls: cls.__module__ == "pydantic.types" and cls.__name__.startswith("Secret"),
        "is a secret, and results are stored as they are: leave it out of the result",
    ),
    (
        lambda cls: cls is re.Pattern,  # some take minutes to compile, and others to match
        "is a program, which stored data never are: return its text, `.pattern`",
    ),
    (
        lambda cls: issubclass(cls, File),
        "is stored only as the whole result: return it alone, or read_bytes() of it",
    ),
    (lambda cls: issubclass(cls, IOBase), "is a file: return what it holds, or its path"),
    (
        lambda cls: issubclass(cls, FunctionType | BuiltinFunctionType | MethodType | ModuleType),
        "is code, which is never stored: return what it returns, or the values to make it of again",
    ),
    (
        lambda cls: hasattr(cls, "__anext__"),
        f"is used up by its reader: return a list, or `yield` in an `async def`, {_LIVE}",
    ),
    (
        lambda cls: hasattr(cls, "__next__"),
        f"is used up by its reader: return a list, or `yield` in the function, {_LIVE}",
    ),
    (lambda cls: issubclass(cls, MappingView), "shows a dict: return a list or a set"),
    (
        lambda cls: hasattr(cls, "figure"),
        'is drawn in a figure: return that, `.figure`, and mark with content_type="image/png"',
    ),
)
"""Of which classes instances are no result, and what to return instead."""


def advice(value: object, types: Types) -> str:
    """Why a value is refused, and what to do; `types` are those of plug-ins."""
    cls = type(value)
    if needs_data_plugin(types, cls):
        return f"a {class_name(cls)} {NO_DATA}: {get_data()}"
    told = foreign(cls)
    if told is not None:
        return f"{identifier_of(cls)} {told.why}: return {told.returns}"
    # Of `Page[~T]`, and `Page[NoneType]`, which are a library's own.
    name = re.sub(r"\[(~.*|NoneType)\]", "", cls.__qualname__)
    why, how = "is not a type that can be stored as it is", ""
    try:
        form_of(cls)
        base = plain_base(cls)
        plain = base and f"; or -> {base.__name__}, as which it is stored then"
        hint = f"annotate the function (-> {name}, -> list[{name}] and so on{plain or ''}), "
    except Refused as refused:
        for is_of, instead in _NO_RESULT_YET:
            if is_of(cls):
                return f"{identifier_of(cls)} {instead}"
        why, hint, how = refused.reason or why, "", ", encode=…, decode=…"
    return (
        f"{identifier_of(cls)} {why}: {hint}call spot.register({name}{how}), return what you need "
        "of it, as plain values: tuple(…), list(…) or dict(…) of it, its to_dict() or "
        f"model_dump(); or, {PICKLE_IT}"
    )
