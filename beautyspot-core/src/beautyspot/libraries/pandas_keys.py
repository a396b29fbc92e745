"""The forms of pandas frames: labels, types and values, column by column."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from beautyspot.keys.canonical.forms import of_parts, of_text
from beautyspot.keys.canonical.text import quote, tag

if TYPE_CHECKING:
    from beautyspot.keys.canonical.walk import Form, Walk


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
    """The class, the attributes in `attrs`, and those that a subclass declares in `_metadata`."""
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
    """The values of a column, as NumPy arrays if pandas keeps them so."""
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


def _offset(walk: Walk, value: Any) -> str:
    parts = walk.array([value.n, value.normalize])
    return tag("offset", f"[{walk.named(type(value))},{parts},{walk.mapping(value.kwds)}]")


_MISSING: Final = of_text("constant", lambda value: f"pandas:{type(value).__name__}")

FAMILIES: Final[dict[str, Form]] = {
    "pandas:DataFrame": _frame,
    "pandas:Index": _index,
    "pandas:Interval": of_parts("interval", lambda value: (value.left, value.right, value.closed)),
    "pandas:Period": of_parts("period", lambda value: (value.ordinal, value.freqstr)),
    "pandas:Series": _series,
    "pandas:Timedelta": of_parts("pandastimedelta", lambda value: (value.to_timedelta64(),)),
    "pandas:Timestamp": of_parts(
        "timestamp", lambda value: (value.to_datetime64(), value.fold, value.tzinfo)
    ),
    "pandas._libs.missing:NAType": _MISSING,
    "pandas._libs.tslibs.nattype:NaTType": _MISSING,
    "pandas.api.extensions:ExtensionArray": _extension_array,
    "pandas.api.extensions:ExtensionDtype": lambda walk, value: tag(
        "pandastype", _pandas_type(walk, value)
    ),
    "pandas.tseries.offsets:BaseOffset": _offset,
}
