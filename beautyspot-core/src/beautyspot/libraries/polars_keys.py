"""The forms of Polars frames and series: names, types and values."""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING, Final

from beautyspot.keys.canonical.forms import of_text
from beautyspot.keys.canonical.text import blob, chunked, little_endian, quote, tag
from beautyspot.keys.canonical.walk import KEYED

if TYPE_CHECKING:
    import polars as pl

    from beautyspot.keys.canonical.walk import Form, Walk

_CODES: Final = {
    "Int8": "b", "Int16": "h", "Int32": "i", "Int64": "q", "UInt8": "B", "UInt16": "H",
    "UInt32": "I", "UInt64": "Q", "Float32": "f", "Float64": "d",
}  # fmt: skip
"""Polars type -> type code of `array`, which has the same width wherever Polars runs."""

_ROWS: Final = 1 << 16  # values taken at a time


def _frame(walk: Walk, value: pl.DataFrame) -> str:
    columns = [walk.at(KEYED, column.name, column) for column in value.get_columns()]
    return tag("polarsframe", f"[{walk.named(type(value))},{value.height},[{','.join(columns)}]]")


def _series(walk: Walk, value: pl.Series) -> str:
    head = f"{walk.named(type(value))},{quote(value.name)},{quote(repr(value.dtype))},{len(value)}"
    physical = _physical(walk, value)
    code = _CODES.get(str(physical.dtype))
    if code is None or physical.null_count():
        content = walk.array(physical.to_list())
    else:
        content = _numbers(physical, code)
    return tag("polarsseries", f"[{head},{content}]")


def _physical(walk: Walk, value: pl.Series) -> pl.Series:
    """Times as integers, since Python's objects for times lose nanoseconds.

    Categories stay strings, since their numbers depend on other categories of the process.
    """
    dtype = repr(value.dtype)
    if "Object" in dtype or "Categorical" in dtype:
        if any(name in dtype for name in ("Datetime", "Duration", "Time")):
            walk.refuse(
                value, f"mixes categories or objects with times ({dtype}), which has no stable form"
            )
        return value
    return value.to_physical()


def _numbers(value: pl.Series, code: str) -> str:
    parts = (
        array(code, value.slice(start, _ROWS).to_list()) for start in range(0, len(value), _ROWS)
    )
    if len(value) <= _ROWS:
        return blob(next(map(little_endian, parts), b""))
    return chunked(map(little_endian, parts))


FAMILIES: Final[dict[str, Form]] = {
    "polars:DataFrame": _frame,
    "polars:DataType": of_text("polarstype", repr),
    "polars:Series": _series,
}
