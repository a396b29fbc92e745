"""The forms of the builtin types and of their subclasses."""

from __future__ import annotations

from types import EllipsisType, MappingProxyType, NotImplementedType
from typing import TYPE_CHECKING

from beautyspot.keys.canonical.state import state
from beautyspot.keys.canonical.text import FLAT, blob, tag
from beautyspot.keys.canonical.walk import of_parts, of_text

if TYPE_CHECKING:
    from beautyspot.keys.canonical.walk import Form, Walk

# All forms call methods of the builtin type itself: a subclass may override its own.


def _memoryview(walk: Walk, value: memoryview) -> str:
    data = blob(value if value.c_contiguous else value.tobytes())
    return tag("memoryview", f"[{walk.array([value.format, list(value.shape or ())])},{data}]")


def _exception(walk: Walk, value: BaseException) -> str:
    """Class, arguments and attributes; neither the traceback nor the cause."""
    args = walk.array(value.args, ".args[{}]")
    beside = walk.array(_beside_args(value))
    own = state(walk, value, BaseException)
    return tag("exception", f"[{walk.named(type(value))},{args},{beside},{own}]")


def _beside_args(value: BaseException) -> tuple[object, ...]:
    """Arguments of the constructor that are not in `args`."""
    if isinstance(value, OSError):
        return (value.filename, value.filename2)
    return (value.name, value.path) if isinstance(value, ImportError) else ()


FORMS: dict[type, Form] = {
    list: lambda walk, value: walk.array(list.__iter__(value)),
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
