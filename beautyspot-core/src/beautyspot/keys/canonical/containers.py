"""The forms of the builtin types, subclasses of theirs included."""

from __future__ import annotations

from types import EllipsisType, MappingProxyType, NotImplementedType
from typing import TYPE_CHECKING, Any

from beautyspot.keys.canonical.state import state
from beautyspot.keys.canonical.text import FLAT, blob, tag

if TYPE_CHECKING:
    from beautyspot.keys.canonical.walk import Form, Walk

# The methods of the builtin type itself are called throughout: a subclass may override its own.


def _list(walk: Walk, value: list[Any]) -> str:
    return walk.array(list.__iter__(value))


def _tuple(walk: Walk, value: tuple[Any, ...]) -> str:
    return tag("tuple", walk.array(tuple.__iter__(value)))


def _dict(walk: Walk, value: dict[Any, Any]) -> str:
    return walk.mapping(value if type(value) is dict else dict(dict.items(value)))


def _set(walk: Walk, value: set[Any]) -> str:
    return tag("set", walk.sorted(set.__iter__(value)))


def _frozenset(walk: Walk, value: frozenset[Any]) -> str:
    return tag("frozenset", walk.sorted(frozenset.__iter__(value)))


def _bytes(_walk: Walk, value: bytes) -> str:
    return tag("bytes", blob(value))


def _bytearray(_walk: Walk, value: bytearray) -> str:
    return tag("bytearray", blob(value))


def _memoryview(walk: Walk, value: memoryview) -> str:
    data = blob(value if value.c_contiguous else value.tobytes())
    return tag("memoryview", f"[{walk.array([value.format, list(value.shape or ())])},{data}]")


def _str(_walk: Walk, value: str) -> str:
    return FLAT[str](str.__str__(value))


def _int(_walk: Walk, value: int) -> str:
    return FLAT[int](int.__int__(value))


def _float(_walk: Walk, value: float) -> str:
    return FLAT[float](float.__float__(value))


def _complex(walk: Walk, value: complex) -> str:
    return tag("complex", walk.array([value.real, value.imag]))


def _range(walk: Walk, value: range) -> str:
    return tag("range", walk.array([value.start, value.stop, value.step]))


def _slice(walk: Walk, value: slice) -> str:
    return tag("slice", walk.array([value.start, value.stop, value.step]))


def _mappingproxy(walk: Walk, value: MappingProxyType[Any, Any]) -> str:
    return tag("mappingproxy", walk.at("", "", value.copy()))


def _ellipsis(_walk: Walk, _value: EllipsisType) -> str:
    return tag("constant", '"Ellipsis"')


def _not_implemented(_walk: Walk, _value: NotImplementedType) -> str:
    return tag("constant", '"NotImplemented"')


def _exception(walk: Walk, value: BaseException) -> str:
    """Class, arguments and attributes; not where it was raised, nor what from."""
    args = walk.array(value.args, ".args[{}]")
    beside = walk.array(_beside_args(value))
    own = state(walk, value, BaseException)
    return tag("exception", f"[{walk.named(type(value))},{args},{beside},{own}]")


def _beside_args(value: BaseException) -> tuple[object, ...]:
    """What the constructor took and `args` does not show."""
    if isinstance(value, OSError):
        return (value.filename, value.filename2)
    return (value.name, value.path) if isinstance(value, ImportError) else ()


FORMS: dict[type, Form] = {
    list: _list,
    tuple: _tuple,
    dict: _dict,
    set: _set,
    frozenset: _frozenset,
    bytes: _bytes,
    bytearray: _bytearray,
    memoryview: _memoryview,
    str: _str,
    int: _int,
    float: _float,
    complex: _complex,
    range: _range,
    slice: _slice,
    MappingProxyType: _mappingproxy,
    EllipsisType: _ellipsis,
    NotImplementedType: _not_implemented,
}

FAMILIES: dict[type, Form] = {BaseException: _exception}
