"""Frames and series of Polars: as arguments of a call, and as results.

In a key they count by names, types and values. They are stored by Polars' own writer of Arrow's
stream format. Refused: columns of Python objects, and types that do not come back from an empty
frame of the same schema. A LazyFrame is a plan and not a value: collect it.
"""

from __future__ import annotations

import sys
from array import array
from contextlib import suppress
from importlib import import_module
from io import BytesIO
from typing import TYPE_CHECKING, Any, Final

import polars as pl

from beautyspot.errors import RestoreError
from beautyspot.keys.canonical.state import NOTHING, attributes, held
from beautyspot.keys.canonical.text import blob, chunked, little_endian, quote, tag
from beautyspot.keys.canonical.walk import KEYED, of_text
from beautyspot.libraries.arrow_stream import Sink, require_sound
from beautyspot.serialization.codecs.contract import Codec, Refused, check

if TYPE_CHECKING:
    from beautyspot.keys.canonical.walk import Form, Walk
    from beautyspot.serialization.codecs.contract import Read, Write


# ------------------------------------------------------------------------------------------- keys

_CODES: Final = {
    "Int8": "b", "Int16": "h", "Int32": "i", "Int64": "q", "UInt8": "B", "UInt16": "H",
    "UInt32": "I", "UInt64": "Q", "Float32": "f", "Float64": "d",
}  # fmt: skip
"""Polars type -> type code of `array`, which has the same width wherever Polars runs."""

_ROWS: Final = 1 << 16  # values taken at a time


def _frame(walk: Walk, value: pl.DataFrame) -> str:
    columns = [walk.at(KEYED, column.name, column) for column in value.get_columns()]
    content = f"{value.height},[{','.join(columns)}]{_set_on(walk, value, pl.DataFrame)}"
    return tag("polarsframe", f"[{walk.named(type(value))},{content}]")


def _series(walk: Walk, value: pl.Series) -> str:
    head = f"{walk.named(type(value))},{quote(value.name)},{quote(repr(value.dtype))},{len(value)}"
    physical = _physical(walk, value)
    code = _CODES.get(str(physical.dtype))
    if code is None or physical.null_count():
        content = walk.array(physical.to_list())
    else:
        content = _numbers(physical, code)
    return tag("polarsseries", f"[{head},{content}{_set_on(walk, value, pl.Series)}]")


def _set_on(walk: Walk, value: Any, base: type) -> str:
    """The attributes that were set, after a comma; Polars itself has one, for its own object."""
    text = attributes(walk, value, held(walk, value, base, ("_df", "_s").__contains__))
    return "" if text == NOTHING else f",{text}"


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
    little = _by_numpy if _has_numpy(len(value)) else _by_list
    parts = (little(value.slice(start, _ROWS), code) for start in range(0, len(value), _ROWS))
    return blob(next(parts, b"")) if len(value) <= _ROWS else chunked(parts)


def _has_numpy(length: int) -> bool:
    """Whether to take NumPy: it is ten times as fast, and takes a tenth of a second to import.

    Polars itself panics where NumPy can't be imported.
    """
    if sys.modules.get("numpy") is None and length < 1_000_000:
        return False
    with suppress(Exception):  # it is not installed, or broken
        import_module("numpy")
        return True
    return False


def _by_numpy(value: pl.Series, code: str) -> Any:
    return value.to_numpy().astype(f"<{code}", copy=False)


def _by_list(value: pl.Series, code: str) -> Any:
    return little_endian(array(code, value.to_list()))


def _lazy(walk: Walk, value: pl.LazyFrame) -> str:
    walk.refuse(
        value,
        "is a plan that reads its files when it is collected",
        "pass what its collect() gives, or the paths with key={...: KeyGen.from_file_content}",
    )


FAMILIES: Final[dict[str, Form]] = {
    "polars:DataFrame": _frame,
    "polars:DataType": of_text("polarstype", repr),
    "polars:LazyFrame": _lazy,
    "polars:Series": _series,
}

# ----------------------------------------------------------------------------------------- values


def _require_faithful(frame: pl.DataFrame) -> None:
    """Check the schema alone: Polars reads and writes its own types, so the data are kept."""
    stream = BytesIO()
    try:
        frame.clear().write_ipc_stream(stream)
        faithful = pl.read_ipc_stream(stream.getvalue()).schema == frame.schema
    except Exception as error:
        raise Refused(f"Polars can't write it ({error}): cast its columns") from error
    if not faithful:
        raise Refused(f"not every column has a stored form ({frame.schema}): cast the others")


def _encode_frame(value: pl.DataFrame, write: Write) -> list[object]:
    _require_faithful(value)

    def fill(out: bytearray) -> None:
        sink: Any = Sink(out)  # a file in all that is asked of it
        value.write_ipc_stream(sink)

    return [write.buffer(None, fill)]


def _decode_frame(parts: list[Any], read: Read) -> pl.DataFrame:
    [part] = check(parts, int)
    stream = read.buffer(part)
    require_sound(stream)
    try:
        return pl.read_ipc_stream(bytes(stream))
    except pl.exceptions.PanicException as error:  # it is not a subclass of Exception
        raise RestoreError(f"Polars can't read the frame: {error}") from error


def _encode_series(value: pl.Series, write: Write) -> list[object]:
    return _encode_frame(value.to_frame(), write)


def _decode_series(parts: list[Any], read: Read) -> pl.Series:
    return _decode_frame(parts, read).to_series()


CODECS: Final[dict[type, Codec]] = {
    pl.DataFrame: Codec(95, _encode_frame, _decode_frame),
    pl.Series: Codec(96, _encode_series, _decode_series),
}
