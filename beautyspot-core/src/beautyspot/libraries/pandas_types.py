"""Frames, series, indices and scalars of pandas: as arguments of a call, and as results.

In a key they count by labels, types and values, column by column.

Stored, columns of Python objects are written as lists, by the codecs of their items; labels as an
index of their own; all else through Arrow. Arrow does not keep everything, so a frame is first
converted to Arrow and back, without copies where Arrow can share memory, and refused if values,
data types or the index differ.
"""

from __future__ import annotations

from datetime import tzinfo
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd  # type: ignore[import-untyped] # it ships no types

from beautyspot.errors import RestoreError
from beautyspot.keys.canonical.state import attributes, held
from beautyspot.keys.canonical.text import quote, tag
from beautyspot.keys.canonical.walk import ATTRIBUTE, of_parts, of_text
from beautyspot.libraries.pandas_equality import difference
from beautyspot.serialization.codecs.contract import Codec, Refused, check, codec_of_parts

if TYPE_CHECKING:
    from beautyspot.keys.canonical.walk import Form, Walk
    from beautyspot.serialization.codecs.contract import Read, Write


# ------------------------------------------------------------------------------------------- keys


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
    """The class, the attributes in `attrs`, all others, and the flags."""
    own = {
        name: getattr(value, name, None)
        for name in value._metadata
        if name not in ("_name", "name")
    }
    own |= held(walk, value, object, _is_of_pandas)
    parts = f"{walk.at('.attrs', '', value.attrs)},{attributes(walk, value, own)}"
    unique = walk.array([value.flags.allows_duplicate_labels])
    return f"{walk.named(type(value))},{parts},{unique}"


def _is_of_pandas(name: str) -> bool:
    return name[:1] == "_" or name == "sortorder"


def _index(walk: Walk, value: Any) -> str:
    names = walk.array(value.names, ".names[{}]")
    own = attributes(walk, value, held(walk, value, object, _is_of_pandas))
    return tag("index", f"[{walk.named(type(value))},{names},{_labels(walk, value)},{own}]")


def _labels(walk: Walk, value: Any) -> str:
    kind = type(value).__name__
    if kind == "RangeIndex":
        return walk.array([value.start, value.stop, value.step])
    if kind == "MultiIndex":
        levels = [value.get_level_values(number).array for number in range(value.nlevels)]
        return walk.array(levels, ".levels[{}]")
    frequency = walk.at(".freq", "", getattr(value, "freq", None))
    return f"[{frequency},{walk.at('.array', '', value.array)}]"


def _extension_array(walk: Walk, value: Any) -> str:
    return tag("column", f"[{_pandas_type(walk, value.dtype)},{_content(walk, value)}]")


def _content(walk: Walk, value: Any) -> str:
    """The values of a column, as NumPy or Arrow arrays if pandas keeps them so."""
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
    if kind == "ArrowExtensionArray":  # Python's objects for times lose nanoseconds
        return walk.array([value.__arrow_array__()])
    if kind == "IntervalArray":
        return walk.array([value.left, value.right])
    if kind == "SparseArray":
        places = value.sp_index.to_int_index().indices
        return walk.array([len(value), value.kind, places, value.sp_values])
    return walk.array(value.tolist())


def _pandas_type(walk: Walk, dtype: Any) -> str:
    """The class, the text, and the parameters by which pandas compares types.

    The text does not tell zones of one name, categories or storages of strings.
    """
    if isinstance(dtype, np.dtype) or type(dtype).__name__ == "NumpyEADtype":
        return walk.at(".dtype", "", getattr(dtype, "numpy_dtype", dtype))
    parameters = {name: getattr(dtype, name) for name in dtype._metadata}
    own = walk.mapping(parameters, ATTRIBUTE)
    return f"[{walk.named(type(dtype))},{quote(str(dtype))},{own}]"


def _offset(walk: Walk, value: Any) -> str:
    parts = walk.array([value.n, value.normalize])
    inner = {*value.kwds, "_offset", "_use_relativedelta"}
    own = held(walk, value, pd.tseries.offsets.BaseOffset, inner.__contains__)
    text = f"{walk.mapping(value.kwds, ATTRIBUTE)},{attributes(walk, value, own)}"
    return tag("offset", f"[{walk.named(type(value))},{parts},{text}]")


_MISSING_FORM: Final = of_text("constant", lambda value: f"pandas:{type(value).__name__}")

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
    "pandas._libs.missing:NAType": _MISSING_FORM,
    "pandas._libs.tslibs.nattype:NaTType": _MISSING_FORM,
    "pandas.api.extensions:ExtensionArray": _extension_array,
    "pandas.api.extensions:ExtensionDtype": lambda walk, value: tag(
        "pandastype", _pandas_type(walk, value)
    ),
    "pandas.tseries.offsets:BaseOffset": _offset,
}

# ----------------------------------------------------------------------------------------- values


_THROUGH_ARROW: Final = (
    "pandas values are stored through Arrow: install pyarrow, which the extra "
    "beautyspot-core[pandas] brings, too"
)


def _to_table(frame: Any) -> Any:
    """The Arrow table of a frame, after a check that it leads back to the frame."""
    try:
        import pyarrow as pa  # type: ignore[import-untyped] # it ships no types

        table = pa.Table.from_pandas(frame)
        restored = table.to_pandas(split_blocks=True)
        _complete(restored, _frequency(frame), _zones(frame))
        differs = difference(frame, restored)
    except ImportError as error:
        raise Refused(_THROUGH_ARROW) from error
    except Exception as error:
        raise Refused(f"Arrow can't take it ({error}): convert it to plain data types") from error
    if differs:
        raise Refused(f"{differs} would come back changed: convert it to a plain data type")
    return table


def _frequency(frame: Any) -> str | None:
    """The frequency of an index of times, which Arrow does not keep."""
    if isinstance(frame.index, (pd.DatetimeIndex, pd.TimedeltaIndex)):
        frequency: str | None = frame.index.freqstr
        return frequency
    return None


def _zones(frame: Any) -> list[tuple[int, Any]]:
    """The zones of columns, by position, and of the index's levels, as -1, -2 and so on.

    Arrow keeps a zone's name alone, which several zones may have, of several classes.
    """
    index = frame.index
    levels = index.dtypes if isinstance(index, pd.MultiIndex) else [index.dtype]
    kinds = [*enumerate(frame.dtypes), *((-1 - place, kind) for place, kind in enumerate(levels))]
    return [(place, kind.tz) for place, kind in kinds if isinstance(kind, pd.DatetimeTZDtype)]


def _complete(frame: Any, frequency: str | None, zones: list[tuple[int, Any]]) -> None:
    """Give a frame back what Arrow does not keep."""
    for place, zone in zones:
        index = frame.index
        if place >= 0:
            frame.isetitem(place, frame.iloc[:, place].dt.tz_convert(zone))
        elif isinstance(index, pd.MultiIndex):
            level = index.levels[-1 - place].tz_convert(zone)
            frame.index = index.set_levels(level, level=-1 - place)
        else:
            frame.index = index.tz_convert(zone)
    if frequency is not None:
        dates: Any = frame.index
        dates.freq = frequency


def _encode_arrow(frame: Any, write: Write) -> list[object]:
    table = _to_table(frame)  # first: it says what to do where there is no PyArrow
    from beautyspot.libraries.arrow_values import write_table

    zones = [[place, write.value(zone, ".tz")] for place, zone in _zones(frame)]
    return [write_table(table, write), _frequency(frame), *([zones] if zones else [])]


def _decode_arrow(parts: list[Any], read: Read) -> Any:
    """The frame, with memory of its own."""
    from beautyspot.libraries.arrow_values import read_table

    part, frequency, *rest = check(parts, int, (str, type(None)), list, ...)
    table = read_table(read.buffer(part))
    refuse_files(table.schema.pandas_metadata or {})
    zones = [(place, _zone(zone)) for pairs in rest for place, zone in pairs]
    frame = table.to_pandas(split_blocks=True).copy()
    _complete(frame, frequency, zones)
    return frame


def _zone(zone: object) -> Any:
    """A stored zone, which is never a text: pandas would open the file that it may name."""
    if not isinstance(zone, tzinfo):
        raise RestoreError("a zone that is none")
    return zone


def refuse_files(metadata: dict[str, Any]) -> None:
    """Refuse zones of dateutil, whose names may be paths: pandas would open these files."""
    for part in ("columns", "column_indexes"):
        for column in metadata.get(part, ()):
            if "dateutil" in str(column["numpy_type"]):
                raise RestoreError("a zone whose name may be a path")


# ----------------------------------------------------------------------------------------- frames

_NO_COLUMN: Final = ""  # a column that is added for Arrow, to a frame that has no other


def _encode_columns(frame: Any, write: Write) -> list[object]:
    """Columns of objects as lists, by position; the others, named by position, through Arrow."""
    objects = {
        place: frame.iloc[:, place]
        for place, dtype in enumerate(frame.dtypes)
        if dtype == np.dtype(object)
    }
    places = [place for place in range(frame.shape[1]) if place not in objects]
    plain = frame.iloc[:, places] if objects else frame.copy(deep=False)
    plain.columns = pd.Index([str(place) for place in places], dtype=object)
    plain.attrs = {}
    if not places:
        plain[_NO_COLUMN] = False
    lists = {place: write.items(column.tolist()) for place, column in objects.items()}
    return [lists, *_encode_arrow(plain, write)]


def _decode_columns(parts: list[Any], read: Read) -> Any:
    lists, *rest = parts
    frame = _decode_arrow(rest, read)
    if _NO_COLUMN in frame:
        frame = frame.drop(columns=_NO_COLUMN)
    for place, items in sorted(check([lists], dict)[0].items()):
        frame.insert(place, str(place), _objects(check([items], list)[0], frame.index))
    return frame


def _objects(items: list[Any], index: Any) -> Any:
    """A column of exactly these objects; NumPy would make a 2-D array of a list of lists."""
    array = np.empty(len(items), object)
    for place, item in enumerate(items):
        array[place] = item
    return pd.Series(array, index=index, dtype=object)


def _require_default_flags(value: Any) -> None:
    own = [name for name in vars(value) if name[:1] != "_"]
    if own:
        raise Refused(f"it carries attributes of its own ({', '.join(own)}): put them in attrs")
    if not value.flags.allows_duplicate_labels:
        raise Refused("it does not allow duplicate labels, which can't be stored: reset the flag")


def _encode_frame(value: Any, write: Write) -> list[object]:
    _require_default_flags(value)
    return [
        write.value(value.columns, ".columns"),
        write.mapping(value.attrs),
        *_encode_columns(value, write),
    ]


def _decode_frame(parts: list[Any], read: Read) -> Any:
    columns, attrs, *rest = parts
    frame = _decode_columns(rest, read)
    frame.columns = columns
    frame.attrs = check([attrs], dict)[0]
    return frame


def _encode_series(value: Any, write: Write) -> list[object]:
    _require_default_flags(value)
    return [
        write.value(value.name, ".name"),
        write.mapping(value.attrs),
        *_encode_columns(value.to_frame(), write),
    ]


def _decode_series(parts: list[Any], read: Read) -> Any:
    name, attrs, *rest = parts
    series = _decode_columns(rest, read).iloc[:, 0].rename(name)
    series.attrs = check([attrs], dict)[0]
    return series


def _encode_index(value: Any, write: Write) -> list[object]:
    return _encode_arrow(pd.DataFrame({_NO_COLUMN: np.zeros(len(value), "b1")}, index=value), write)


def _decode_index(parts: list[Any], read: Read) -> Any:
    return _decode_arrow(parts, read).index


def _encode_range(value: Any, write: Write) -> list[object]:
    return [value.start, value.stop, value.step, write.value(value.name, ".name")]


def _decode_range(start: int, stop: int, step: int, name: Any) -> Any:
    return pd.RangeIndex(start, stop, step, name=name)


# ---------------------------------------------------------------------------------------- scalars


def _encode_timestamp(value: Any, write: Write) -> list[object]:
    fold = [value.fold] if value.fold else []
    return [*_encode_timedelta(value, write), write.value(value.tzinfo, ".tzinfo"), *fold]


def _decode_timestamp(number: int, unit: str, zone: Any, fold: int = 0) -> Any:
    stamp = pd.Timestamp(np.datetime64(number, _unit(unit)))
    if zone is not None:
        stamp = stamp.tz_localize("UTC").tz_convert(_zone(zone))
    return stamp if stamp.fold == fold else stamp.replace(fold=fold)


def _encode_timedelta(value: Any, _write: Write) -> list[object]:
    return [int(value.asm8.view("i8")), np.datetime_data(value.asm8.dtype)[0]]


def _decode_timedelta(number: int, unit: str) -> Any:
    return pd.Timedelta(np.timedelta64(number, _unit(unit)))


def _unit(text: str) -> Any:
    if text not in ("s", "ms", "us", "ns"):
        raise RestoreError(f"an unknown unit of time {text[:20]!r}")
    return text


_INDEX: Final = Codec(92, _encode_index, _decode_index)
_MISSING: Final = codec_of_parts(
    89, lambda value, _: [str(value)], {"NaT": pd.NaT, "<NA>": pd.NA}.__getitem__, str
)

CODECS: Final[dict[type, Codec]] = {
    pd.RangeIndex: codec_of_parts(88, _encode_range, _decode_range, int, int, int, object),
    type(pd.NaT): _MISSING,
    type(pd.NA): _MISSING,
    pd.DataFrame: Codec(90, _encode_frame, _decode_frame),
    pd.Series: Codec(91, _encode_series, _decode_series),
    pd.Timestamp: codec_of_parts(
        93, _encode_timestamp, _decode_timestamp, int, str, object, int, ...
    ),
    pd.Timedelta: codec_of_parts(94, _encode_timedelta, _decode_timedelta, int, str),
    **dict.fromkeys(
        (
            pd.Index,
            pd.MultiIndex,
            pd.DatetimeIndex,
            pd.TimedeltaIndex,
            pd.CategoricalIndex,
            pd.PeriodIndex,
            pd.IntervalIndex,
        ),
        _INDEX,
    ),
}
