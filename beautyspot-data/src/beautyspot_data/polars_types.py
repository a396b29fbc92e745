"""Frames and series of Polars: as arguments of a call, and as results.

In a key they count by names, types and values. They are stored by Polars' own writer of Arrow's
stream format, and read by PyArrow, which is needed: Polars' reader believes what a header claims,
and ends the process where such memory is missing. Refused: columns of Python objects, and types
that do not come back from an empty frame of the same schema. A LazyFrame is a plan and not a value:
collect it.
"""

from __future__ import annotations

import sys
from array import array
from contextlib import suppress
from importlib import import_module
from io import BytesIO
from typing import TYPE_CHECKING, Any, Final

import polars as pl
from beautyspot.contracts import Buffer
from beautyspot.errors import RestoreError, SerializationError, UnstableKeyError

from beautyspot_data.parts import PICKLE_IT, check, digest, digest_of

if TYPE_CHECKING:
    from collections.abc import Callable


# ------------------------------------------------------------------------------------------- keys

_CODES: Final = {
    "Int8": "b", "Int16": "h", "Int32": "i", "Int64": "q", "UInt8": "B", "UInt16": "H",
    "UInt32": "I", "UInt64": "Q", "Float32": "f", "Float64": "d",
}  # fmt: skip
"""Polars type -> type code of `array`, which has the same width wherever Polars runs."""

_ROWS: Final = 1 << 16  # values taken at a time


def key(value: Any) -> object:
    """See `TypeSupport.key`."""
    if isinstance(value, pl.DataFrame):
        columns = value.get_columns()
        return value.height, [series.name for series in columns], [*map(_column, columns)]
    if isinstance(value, pl.Series):
        return value.name, _column(value)
    if isinstance(value, pl.DataType):
        return repr(value)
    raise UnstableKeyError(
        "is a plan that reads its files when it is collected: pass what its collect() gives, or "
        "the paths with key={...: KeyGen.from_file_content}"
    )


def own_names(_cls: type) -> Callable[[str], object]:
    """See `TypeSupport.own_names`. Polars itself has one attribute, for its own object."""
    return ("_df", "_s").__contains__


def _column(value: pl.Series) -> object:
    physical, dtype = _physical(value), repr(value.dtype)
    code = _CODES.get(str(physical.dtype))
    if code is not None and not physical.null_count():
        return f"{dtype} {len(value)} {_numbers(physical, code)}"
    if "Object" in dtype:
        return dtype, physical.to_list()
    return f"{dtype} {len(value)} {digest_of(physical.to_list())}"


def _physical(value: pl.Series) -> pl.Series:
    """Times as integers, since Python's objects for times lose nanoseconds.

    Categories stay strings, since their numbers depend on other categories of the process.
    """
    dtype = repr(value.dtype)
    if "Object" in dtype or "Categorical" in dtype:
        if any(name in dtype for name in ("Datetime", "Duration", "Time")):
            raise UnstableKeyError(
                f"mixes categories or objects with times ({dtype}), which has no stable form: "
                "cast them"
            )
        return value
    return value.to_physical()


def _numbers(value: pl.Series, code: str) -> str:
    little = _by_numpy if _has_numpy(len(value)) else _by_list
    if len(value) <= _ROWS:
        return digest([little(value, code)])
    return digest(little(value.slice(start, _ROWS), code) for start in range(0, len(value), _ROWS))


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
    numbers = array(code, value.to_list())
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers


# ----------------------------------------------------------------------------------------- values


def encode(value: Any) -> object:
    """See `TypeSupport.encode`."""
    if type(value) is pl.DataFrame:
        return ["frame", _stream_of(value)]
    if type(value) is pl.Series:
        return ["series", _stream_of(value.to_frame())]
    if isinstance(value, pl.LazyFrame):
        raise SerializationError(
            "is a plan that is not computed yet: return what its collect() gives"
        )
    raise SerializationError(
        f"is not a type that can be stored: return it in another form, or, {PICKLE_IT}"
    )


def _stream_of(frame: pl.DataFrame) -> Buffer:
    """A frame in Arrow's format, after a check of its schema: Polars keeps the data of its types.

    Raises:
        SerializationError: it would not come back.
    """
    empty = BytesIO()
    try:
        from beautyspot_data.arrow_types import Sink

        frame.clear().write_ipc_stream(empty)
        faithful = _read(memoryview(empty.getvalue())).schema == frame.schema
    except ImportError as error:
        raise SerializationError(
            "is stored through Arrow: install pyarrow, which the extra beautyspot-data[polars] "
            "brings, too"
        ) from error
    except Exception as error:
        raise SerializationError(f"can't be stored ({error}): cast its columns") from error
    if not faithful:
        raise SerializationError(
            f"has columns without a stored form ({frame.schema}): cast the others"
        )

    def fill(out: bytearray) -> None:
        sink: Any = Sink(out)
        frame.write_ipc_stream(sink)

    return Buffer(fill)


def decode(form: Any) -> Any:
    """See `TypeSupport.decode`."""
    kind, view = check(form, str, memoryview)
    frame = _read(view)
    return frame.to_series() if kind == "series" else frame


def _read(view: memoryview) -> pl.DataFrame:
    from beautyspot_data.arrow_types import read_table

    table = read_table(view)
    try:
        frame: Any = pl.from_arrow(table)
        frame.columns = table.column_names  # one without a name was given one
    except pl.exceptions.PanicException as error:  # it is not a subclass of Exception
        raise RestoreError(f"Polars can't read the frame: {error}") from error
    return frame  # type: ignore[no-any-return]
