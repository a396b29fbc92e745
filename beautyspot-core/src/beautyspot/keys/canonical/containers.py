"""The forms of the builtin types and of their subclasses."""

from __future__ import annotations

import builtins
from types import EllipsisType, MappingProxyType, NotImplementedType
from typing import TYPE_CHECKING, Any

from beautyspot.keys.canonical.state import is_larger, state
from beautyspot.keys.canonical.text import FLAT, blob, tag
from beautyspot.keys.canonical.walk import of_parts, of_text

if TYPE_CHECKING:
    from beautyspot.keys.canonical.walk import Form, Walk

# All forms call methods of the builtin type itself: a subclass may override its own.


def _memoryview(walk: Walk, value: memoryview) -> str:
    data = blob(value if value.c_contiguous else value.tobytes())
    head = walk.array([value.format, list(value.shape or ()), value.readonly])
    return tag("memoryview", f"[{head},{data}]")


def _exception(walk: Walk, value: BaseException) -> str:
    """Class, arguments, and attributes with those in slots; neither traceback nor cause."""
    kind = type(value)
    if is_larger(kind, next(base for base in kind.__mro__ if base.__module__ == "builtins")):
        walk.refuse(value)
    args = walk.array(value.args, ".args[{}]")
    return tag("exception", f"[{walk.named(kind)},{args},{state(walk, value, BaseException)}]")


FORMS: dict[type, Form] = {
    list: lambda walk, value: walk.array(value if type(value) is list else list.__iter__(value)),
    tuple: of_parts("tuple", tuple.__iter__),
    dict: lambda walk, value: walk.mapping(
        value if type(value) is dict else dict(dict.items(value))
    ),
    set: lambda walk, value: tag("set", walk.sorted(set.__iter__(value))),
    frozenset: lambda walk, value: tag("frozenset", walk.sorted(frozenset.__iter__(value))),
    bytes: lambda _, value: tag("bytes", blob(value)),
    bytearray: lambda _, value: tag("bytearray", blob(value)),
    memoryview: _memoryview,
    str: lambda _, value: FLAT[str](str.__str__(value)),
    int: lambda _, value: FLAT[int](int.__int__(value)),
    float: lambda _, value: FLAT[float](float.__float__(value)),
    complex: of_parts("complex", lambda value: (value.real, value.imag)),
    range: of_parts("range", lambda value: (value.start, value.stop, value.step)),
    slice: of_parts("slice", lambda value: (value.start, value.stop, value.step)),
    MappingProxyType: lambda walk, value: tag("mappingproxy", walk.at("", "", value.copy())),
    EllipsisType: of_text("constant", str),
    NotImplementedType: of_text("constant", str),
}

FAMILIES: dict[type, Form] = {BaseException: _exception}

_FROZEN_DICT: Any = getattr(builtins, "frozendict", None)  # since Python 3.15
if _FROZEN_DICT is not None:  # pragma: no cover - tested there
    FORMS[_FROZEN_DICT] = lambda walk, value: tag("frozendict", walk.mapping(dict(value)))
