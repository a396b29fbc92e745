"""The forms of pandas and Polars frames: labels, types and values, column by column."""

from __future__ import annotations

import array
from typing import TYPE_CHECKING, Any, Final

from beautyspot.keys.canonical.text import blob, chunked, little_endian, quote, tag
from beautyspot.keys.canonical.walk import KEYED

if TYPE_CHECKING:
    import polars as pl

    from beautyspot.keys.canonical.walk import Form, Walk

# ------------------------------------------------------- pandas, which brings no types of its own


def _frame(walk: Walk, value: Any) -> str:
    columns = [
        walk.at("[column {}]", label, value.iloc[:, number].array)
        for number, label in enumerate(value.columns)
    ]
    labels = f"{walk.at('.columns', '', value.columns)},{walk.at('.index', '', value.index)}"
    return tag("frame", f"[{_head(walk, value)},{labels},[{','.join(columns)}]]")


def _series(walk: Walk, value: Any) -> str:
    parts = f"{walk.at('.name', '', value.name)},{walk.at('.index', '', value.index)}"
    return tag("series", f"[{_head(walk, value)},{parts},{walk.at('.array', '', value.array)}]")


def _head(walk: Walk, value: Any) -> str:
    """The class, what the user attached, and what a subclass declares as its own."""
    own = {
        name: getattr(value, name, None)
        for name in value._metadata
        if name not in ("_name", "name")
    }
    return f"{walk.named(type(value))},{walk.at('.attrs', '', value.attrs)},{walk.mapping(own)}"


def _index(walk: Walk, value: Any) -> str:
    names = walk.array(value.names, ".names[{}]")
    return tag("index", f"[{walk.named(type(value))},{names},{_labels(walk, value)}]")


def _labels(walk: Walk, value: Any) -> str:
    kind = type(value).__name__
    if kind == "RangeIndex":
        return walk.array([value.start, value.stop, value.step])
    if kind == "MultiIndex":
        levels = [value.get_level_values(number).array for number in range(value.nlevels)]
        return walk.array(levels, ".levels[{}]")
    frequency = walk.at(".freq", "", getattr(value, "freqstr", None))
    return f"[{frequency},{walk.at('.array', '', value.array)}]"


def _extension_array(walk: Walk, value: Any) -> str:
    return tag("column", f"[{_pandas_type(walk, value.dtype)},{_content(walk, value)}]")


def _content(walk: Walk, value: Any) -> str:
    """The values of a column, as NumPy arrays where pandas keeps them in such."""
    kind = type(value).__name__
    if kind == "NumpyExtensionArray":
        return walk.array([value.to_numpy()])
    if kind in ("DatetimeArray", "TimedeltaArray", "PeriodArray"):
        return walk.array([value.asi8])
    if kind == "Categorical":
        return walk.array([value.codes])
    if kind in ("IntegerArray", "FloatingArray", "BooleanArray"):
        numbers = value.to_numpy(dtype=value.dtype.numpy_dtype, na_value=0)
        return walk.array([value.isna(), numbers])
    return walk.array(value.tolist())


def _pandas_type(walk: Walk, dtype: Any) -> str:
    if str(dtype) != "category":
        return quote(str(dtype))
    return f"[{walk.at('.categories', '', dtype.categories)},{walk.array([dtype.ordered])}]"


def _pandas_dtype(walk: Walk, value: Any) -> str:
    return tag("pandastype", _pandas_type(walk, value))


def _timestamp(walk: Walk, value: Any) -> str:
    return tag("timestamp", walk.array([value.to_datetime64(), value.fold, value.tzinfo]))


def _pandas_timedelta(walk: Walk, value: Any) -> str:
    return tag("pandastimedelta", walk.array([value.to_timedelta64()]))


def _period(walk: Walk, value: Any) -> str:
    return tag("period", walk.array([value.ordinal, value.freqstr]))


def _interval(walk: Walk, value: Any) -> str:
    return tag("interval", walk.array([value.left, value.right, value.closed]))


def _offset(walk: Walk, value: Any) -> str:
    parts = walk.array([value.n, value.normalize])
    return tag("offset", f"[{walk.named(type(value))},{parts},{walk.mapping(value.kwds)}]")


def _missing(_walk: Walk, value: Any) -> str:
    return tag("constant", quote(f"pandas:{type(value).__name__}"))


# ------------------------------------------------------------------------------------ Polars

_CODES: Final = {
    "Int8": "b", "Int16": "h", "Int32": "i", "Int64": "q", "UInt8": "B", "UInt16": "H",
    "UInt32": "I", "UInt64": "Q", "Float32": "f", "Float64": "d",
}  # fmt: skip
"""Polars type -> type code of `array`, of the same width on every machine that Polars runs on."""

_ROWS: Final = 1 << 16  # values taken at a time


def _polars_frame(walk: Walk, value: pl.DataFrame) -> str:
    columns = [walk.at(KEYED, column.name, column) for column in value.get_columns()]
    return tag("polarsframe", f"[{walk.named(type(value))},{value.height},[{','.join(columns)}]]")


def _polars_series(walk: Walk, value: pl.Series) -> str:
    head = f"{walk.named(type(value))},{quote(value.name)},{quote(repr(value.dtype))},{len(value)}"
    physical = _physical(walk, value)
    code = _CODES.get(str(physical.dtype))
    if code is None or physical.null_count():
        content = walk.array(physical.to_list())
    else:
        content = _numbers(physical, code)
    return tag("polarsseries", f"[{head},{content}]")


def _physical(walk: Walk, value: pl.Series) -> pl.Series:
    """Times as integers: as Python's objects they would lose their nanoseconds.

    Categories stay strings, since their numbers depend on what else the process has seen.
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
        array.array(code, value.slice(start, _ROWS).to_list())
        for start in range(0, len(value), _ROWS)
    )
    if len(value) <= _ROWS:
        return blob(next(map(little_endian, parts), b""))
    return chunked(map(little_endian, parts))


def _polars_type(_walk: Walk, value: pl.DataType) -> str:
    return tag("polarstype", quote(repr(value)))


FORMS: Final[dict[str, Form]] = {}

FAMILIES: Final[dict[str, Form]] = {
    "pandas:DataFrame": _frame,
    "pandas:Index": _index,
    "pandas:Interval": _interval,
    "pandas:Period": _period,
    "pandas:Series": _series,
    "pandas:Timedelta": _pandas_timedelta,
    "pandas:Timestamp": _timestamp,
    "pandas._libs.missing:NAType": _missing,
    "pandas._libs.tslibs.nattype:NaTType": _missing,
    "pandas.api.extensions:ExtensionArray": _extension_array,
    "pandas.api.extensions:ExtensionDtype": _pandas_dtype,
    "pandas.tseries.offsets:BaseOffset": _offset,
    "polars:DataFrame": _polars_frame,
    "polars:DataType": _polars_type,
    "polars:Series": _polars_series,
}
