"""`leaf`: a value that has no parts, as a short text with its type."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from beautyspot import NotInstalled

from beautyspot_dashboard.rendering.texts import count

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

LONGEST: Final = 300
"""Characters of a text that are shown within a tree or table."""

_LINES: Final = 6
_BYTES: Final = 24


class Written(str):
    """A number of a JSON text, as it is written there: none is rounded."""

    __slots__ = ()


@dataclass(frozen=True)
class Leaf:
    """A value that has no parts.

    Attributes:
        text: what it is.
        kind: how it looks: "string", "number", "constant", "bytes" or "other".
        type: the name of its type, where the text does not tell it.
        is_cut: whether there is more of it.
    """

    text: str
    kind: str
    type: str = ""
    is_cut: bool = False


def leaf(value: Any, longest: int = LONGEST) -> Leaf:
    """A value as a short text; it never fails."""
    for kinds, make in _KINDS:
        if isinstance(value, kinds):
            return make(value, longest)
    return _other(value, longest)


def by(sizes: Iterable[int]) -> str:
    """Sizes in several directions, as "3 by 4" with the sign for that."""
    return " \N{MULTIPLICATION SIGN} ".join(map(count, sizes))


def _string(value: str, longest: int) -> Leaf:
    text = value[:longest]
    lines = text.split("\n", _LINES)
    shown = "\n".join(lines[:_LINES])
    own = "" if type(value) is str else type(value).__name__
    return Leaf(str(shown), "string", own, len(shown) < len(value))


def _constant(value: object, _: int) -> Leaf:
    return Leaf(str(value), "constant")


def _integer(value: int, longest: int) -> Leaf:
    if value.bit_length() > 10_000:  # Python writes no longer ones in decimal
        shown = f"{value:#x}"[:longest]
        return Leaf(f"{shown}…", "number", f"int of {count(value.bit_length())} bits")
    return _cut(str(value), "number", _own(value, int), longest)


def _real(value: float, longest: int) -> Leaf:
    return _cut(repr(float(value)), "number", _own(value, float), longest)


def _number(value: object, longest: int) -> Leaf:
    return _cut(str(value), "number", type(value).__name__, longest)


def _written(value: Written, longest: int) -> Leaf:
    return _cut(str(value), "number", "", longest)


def _bytes(value: bytes | bytearray, _: int) -> Leaf:
    shown = bytes(value[:_BYTES]).hex(" ")
    more = len(value) > _BYTES
    label = f"{type(value).__name__}, {count(len(value))} bytes"
    return Leaf(shown + (" …" if more else ""), "bytes", label, more)


def _time(value: dt.datetime | dt.time, longest: int) -> Leaf:
    zone = getattr(value.tzinfo, "key", "")
    return _cut(f"{value} {zone}".strip(), "other", type(value).__name__, longest)


def _missing(value: NotInstalled, _: int) -> Leaf:
    return Leaf(f"{value.library} is not installed here", "other", value.kind)


def _other(value: object, longest: int) -> Leaf:
    shape = getattr(value, "shape", None)
    if isinstance(shape, tuple) and shape:
        dtype = getattr(value, "dtype", "")
        return Leaf(by(shape), "other", _named(value, dtype), True)
    size = getattr(value, "size", None)
    mode = getattr(value, "mode", None)
    if isinstance(size, tuple) and mode is not None:  # an image of Pillow
        return Leaf(by(size), "other", _named(value, mode), True)
    try:
        text = str(value)
    except Exception as error:  # a class of a library may do what it likes
        text = f"can't be written: {type(error).__name__}"
    return _cut(text, "other", type(value).__name__, longest)


def _named(value: object, more: object) -> str:
    return f"{type(value).__name__} {more}".strip()[:100]


def _own(value: object, plain: type) -> str:
    return "" if type(value) is plain else type(value).__name__


def _cut(text: str, kind: str, name: str, longest: int) -> Leaf:
    if len(text) <= longest:
        return Leaf(text, kind, name)
    return Leaf(f"{text[:longest]}…", kind, name, True)


_KINDS: Final[tuple[tuple[Any, Callable[[Any, int], Leaf]], ...]] = (
    (Written, _written),
    (str, _string),
    ((bool, type(None), type(...)), _constant),
    (int, _integer),
    (float, _real),
    (complex, _number),
    ((bytes, bytearray), _bytes),
    ((dt.datetime, dt.time), _time),
    (NotInstalled, _missing),
)
