"""What a decoded value is made of: its parts, or of one that has none a short text."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from beautyspot import ErrorInstance, Instance, NotInstalled

from beautyspot_dashboard.rendering.texts import count

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

LONGEST: Final = 300
"""Characters of a text that are shown within a tree."""

_LINES: Final = 6
_BYTES: Final = 24
_NAME: Final = 60
"""Characters of a key."""

ROWS: Final = 100
"""Rows of a table on a page."""

COLUMNS: Final = 200
"""Columns of a table that are shown."""

_CELL: Final = 200
FEW: Final = 16
"""Numbers of an array that are shown, all of them, in the place of its shape."""

_NUMBERS: Final = re.compile(r"u?int|float|double|halffloat|decimal", re.IGNORECASE)


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
    """A value as a short text."""
    name = type(value).__name__
    shape, size = getattr(value, "shape", None), getattr(value, "size", None)
    if value is None or value is ... or isinstance(value, bool):
        return Leaf(str(value), "constant")
    if isinstance(value, bytes | bytearray):
        more = " …" if len(value) > _BYTES else ""
        told = f"{name}, {count(len(value))} bytes"
        return Leaf(bytes(value[:_BYTES]).hex(" ") + more, "bytes", told, bool(more))
    if isinstance(value, NotInstalled):
        text = f"install {value.library} where the dashboard runs to see it"
        return Leaf(text, "other", value.kind)
    if shaped := next((each for each in (shape, size) if isinstance(each, tuple) and each), None):
        dtype = getattr(value, "dtype", getattr(value, "mode", ""))  # of an image of Pillow
        told = name if callable(dtype) else f"{name} {dtype}".strip()[:100]
        if math.prod(shaped) <= FEW and hasattr(value, "tolist"):
            return Leaf(str(value.tolist())[:longest], "number", told)
        return Leaf(by(shaped), "other", told, True)
    text, kind, name = _written(value, name)
    shown = "\n".join(text[:longest].split("\n", _LINES)[:_LINES])
    is_cut = len(shown) < len(text)
    return Leaf(f"{shown}…" if is_cut else shown, kind, name, is_cut)


def _written(value: Any, name: str) -> tuple[str, str, str]:
    """The whole text of a value, how it looks, and the name of its type if the text needs that."""
    if isinstance(value, str):
        kind = "number" if isinstance(value, Written) else "string"
        return str(value), kind, "" if type(value) in (str, Written) else name
    if isinstance(value, int):
        if value.bit_length() > 10_000:  # Python writes no longer ones in decimal
            return f"{value:#x}", "number", f"int of {count(value.bit_length())} bits"
        return str(value), "number", "" if type(value) is int else name
    if isinstance(value, float):
        return repr(float(value)), "number", "" if type(value) is float else name
    kind = "number" if isinstance(value, complex) else "other"
    try:
        return f"{value} {getattr(getattr(value, 'tzinfo', None), 'key', '')}".strip(), kind, name
    except Exception as error:  # a class of a library may do what it likes
        return f"can't be written: {type(error).__name__}", kind, name


def by(sizes: Iterable[int]) -> str:
    """Sizes in several directions, as "3 by 4" with the sign for that."""
    return " \N{MULTIPLICATION SIGN} ".join(map(count, sizes))


class Parts(NamedTuple):
    """The parts of a value.

    Attributes:
        name: what the value is, for people.
        size: how many parts it has.
        entries: gives each with its key, or its position.
    """

    name: str
    size: int
    entries: Iterator[tuple[str, Any]]


def parts_of(value: Any) -> Parts | None:
    """The parts of a value; None where it has none."""
    kind, named = type(value).__name__, isinstance(value, dict)
    if isinstance(value, Instance):
        error = "error " if isinstance(value, ErrorInstance) else ""
        name = f"{error}{value.class_name.rpartition(':')[2]}"
        fields = ((_label(key), each) for key, each in value.fields.items())
        return Parts(name, len(value.fields), fields)
    if named:
        entries = ((_label(key), each) for key, each in value.items())
    elif isinstance(value, list | tuple):
        entries = ((str(place), each) for place, each in enumerate(value))
    elif isinstance(value, set | frozenset):
        entries = (("", each) for each in _in_order(value))
    else:
        return None
    size = len(value)
    thing = "entr" + ("y" if size == 1 else "ies") if named else "item" + "s" * (size != 1)
    return Parts(f"{kind} · {count(size)} {thing}", size, entries)


def _label(key: Any) -> str:
    parts = parts_of(key)
    if parts is None:
        return leaf(key, _NAME).text
    return f"({', '.join(_label(each) for _, each in islice(parts.entries, 9))})"[:_NAME]


def _in_order(value: Iterable[Any]) -> list[Any]:
    """The order of a set differs from process to process, and paths name places in it."""
    if all(isinstance(each, int | float) and each == each for each in value):
        return sorted(value)
    return sorted(value, key=lambda each: leaf(each).text)


def cell(value: Any) -> tuple[str, bool]:
    """A value as the text of a cell, and whether it stands for no value."""
    if value is None:
        return "null", True
    parts = parts_of(value)
    if parts is not None:
        return parts.name, False
    shown = leaf(value, _CELL)
    text = f"0x{shown.text}" if shown.kind == "bytes" else shown.text
    return text, text == "nan" or type(value).__name__ in ("NaTType", "NAType")


def column(name: str, dtype: object = "") -> tuple[str, str, bool]:
    """A column: its name, its type, and whether its cells are numbers."""
    text = str(dtype)[:120]
    return name, text, _NUMBERS.match(text) is not None
