"""Frames, series, indices and scalars of pandas: as arguments of a call, and as results.

In a key they count by labels, types and values, column by column.

Stored, columns of Python objects are written as lists, by the codecs of their items; labels as an
index of their own; all else through Arrow, so that PyArrow is needed. Arrow does not keep
everything, so a frame is first converted to Arrow and back, without copies where Arrow can share
memory, and refused if values, data types or the index differ. How texts are kept is told beside
the table: else the options of the reading process would say it.
"""

from __future__ import annotations

import re
from datetime import tzinfo
from io import BytesIO
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd  # type: ignore[import-untyped] # it ships no types
from beautyspot.errors import RestoreError, SerializationError, UnstableKeyError

from beautyspot_data.numpy_types import content_of, type_of
from beautyspot_data.parts import NO_FILE, PICKLE_IT, check, digest_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from beautyspot.contracts import Data

# ------------------------------------------------------------------------------------------- keys

_MISSING: Final = {"NaT": pd.NaT, "<NA>": pd.NA}


def key(value: Any) -> object:
    """See `TypeSupport.key`."""
    for kind, form in _FORMS:
        if isinstance(value, kind):
            return form(value)
    if str(value) in _MISSING:
        return str(value)
    raise UnstableKeyError(_GROUPED.format("pass"))


def _frame(value: Any) -> object:
    columns = [_column(value.iloc[:, place].array) for place in range(value.shape[1])]
    texts = [None if type(column) is not str else column for column in columns]
    others = {
        f"{place} {label}": column
        for place, (label, column) in enumerate(zip(value.columns, columns, strict=True))
        if type(column) is not str
    }
    return value.columns, value.index, texts, others, *_about(value)


def _series(value: Any) -> object:
    return value.name, value.index, _column(value.array), *_about(value)


def _about(value: Any) -> tuple[object, ...]:
    """The attributes in `attrs`, those that a subclass names, and the flags; often nothing."""
    named = [name for name in value._metadata if name not in ("_name", "name")]
    more = {name: getattr(value, name, None) for name in named} if named else {}
    unique = value.flags.allows_duplicate_labels
    return () if unique and not more and not value.attrs else (value.attrs, more, unique)


def _index(value: Any) -> object:
    kind, names = type(value).__name__, [*value.names]
    if kind == "RangeIndex":
        return names, value.start, value.stop, value.step
    if kind == "MultiIndex":
        return names, [_column(value.get_level_values(n).array) for n in range(value.nlevels)]
    return names, getattr(value, "freq", None), _column(value.array)


def _column(array: Any) -> object:
    """The type and the values of a column: a text, unless there are objects in it."""
    kind = type(array).__name__
    if kind == "NumpyExtensionArray":
        array = array.to_numpy()
    data_type, content = _data_type(array.dtype), _content(kind, array)
    if type(data_type) is str and type(content) is str:
        return f"{kind} {data_type} {len(array)} {content}"
    return kind, data_type, len(array), content


def _content(kind: str, array: Any) -> object:
    """The values, as NumPy or Arrow arrays if pandas keeps them so."""
    if isinstance(array.dtype, pd.StringDtype):
        return digest_of(array.tolist())
    return _CONTENTS.get(kind, pd.api.extensions.ExtensionArray.tolist)(array)


def _nullable(array: Any) -> object:
    numbers = array.to_numpy(dtype=array.dtype.numpy_dtype, na_value=0)
    return f"{content_of(array.isna())} {content_of(numbers)}"


def _sparse(array: Any) -> object:
    return array.kind, array.sp_index.to_int_index().indices, pd.Index(array.sp_values)


_CONTENTS: Final[dict[str, Callable[[Any], object]]] = {
    "NumpyExtensionArray": content_of,
    **dict.fromkeys(
        ("DatetimeArray", "TimedeltaArray", "PeriodArray"), lambda array: content_of(array.asi8)
    ),
    "Categorical": lambda array: content_of(array.codes),
    **dict.fromkeys(("IntegerArray", "FloatingArray", "BooleanArray"), _nullable),
    # Python's objects for times lose nanoseconds
    "ArrowExtensionArray": lambda array: array.__arrow_array__(),
    "IntervalArray": lambda array: (array.left, array.right),
    "SparseArray": _sparse,
}


def _data_type(dtype: Any) -> object:
    """The class, the text, and the parameters by which pandas compares types.

    The text does not tell zones of one name, categories or storages of strings.
    """
    if isinstance(dtype, np.dtype) or type(dtype).__name__ == "NumpyEADtype":
        return type_of(getattr(dtype, "numpy_dtype", dtype))
    if isinstance(dtype, pd.StringDtype):
        return f"text {dtype.storage} {dtype.na_value}"
    parameters = {name: getattr(dtype, name) for name in dtype._metadata}
    return (type(dtype), str(dtype), parameters) if parameters else f"{type(dtype)} {dtype}"


def _offset(value: Any) -> object:
    return value.n, value.normalize, value.kwds


_FORMS: Final[tuple[tuple[Any, Callable[[Any], object]], ...]] = (
    (pd.DataFrame, _frame),
    (pd.Series, _series),
    (pd.Index, _index),
    (type(pd.NaT), str),
    (pd.Timestamp, lambda value: [*_number(value), value.fold, value.tzinfo]),
    (pd.Timedelta, lambda value: [*_number(value)]),
    (pd.Period, lambda value: (value.ordinal, value.freqstr)),
    (pd.Interval, lambda value: (value.left, value.right, value.closed)),
    (pd.api.extensions.ExtensionArray, _column),
    (pd.api.extensions.ExtensionDtype, _data_type),
    (pd.tseries.offsets.BaseOffset, _offset),
)


def own_names(_cls: type) -> Callable[[str], object]:
    """See `TypeSupport.own_names`."""
    return _OF_PANDAS.match


_OF_PANDAS: Final = re.compile(r"_|sortorder\Z")


# ----------------------------------------------------------------------------------------- values

_THROUGH_ARROW: Final = (
    "is stored through Arrow: install pyarrow, which the extra beautyspot-data[pandas] brings, too"
)
_GROUPED: Final = "is grouped, and not computed yet: {} what its sum() or agg(…) gives"
_INDICES: Final = (
    *(pd.Index, pd.MultiIndex, pd.DatetimeIndex, pd.TimedeltaIndex, pd.CategoricalIndex),
    *(pd.PeriodIndex, pd.IntervalIndex),
)
_NO_COLUMN: Final = ""  # a column that is added for Arrow, to a frame that has no other


def encode(value: Any) -> object:
    """See `TypeSupport.encode`."""
    kind = type(value)
    if kind in _WRITE:
        return _WRITE[kind](value)
    if "GroupBy" in kind.__name__:
        raise SerializationError(_GROUPED.format("return"))
    raise SerializationError(
        f"is not a type that can be stored: return it in another form, or, {PICKLE_IT}"
    )


def _write_frame(value: Any) -> list[object]:
    return ["frame", value.columns, value.attrs, *_encode_columns(value, value)]


def _write_series(value: Any) -> list[object]:
    return ["series", value.name, value.attrs, *_encode_columns(value, value.to_frame())]


def _write_index(value: Any) -> list[object]:
    if type(value) is pd.Index and isinstance(value.dtype, pd.StringDtype):
        return ["texts", value.name, *_kept(value.dtype), value.tolist()]
    holder = pd.DataFrame({_NO_COLUMN: np.zeros(len(value), "b1")}, index=value)
    return ["index", *_encode_arrow(holder)]


_WRITE: Final[dict[type, Callable[[Any], list[object]]]] = {
    pd.DataFrame: _write_frame,
    pd.Series: _write_series,
    pd.RangeIndex: lambda value: ["range", value.start, value.stop, value.step, value.name],
    **dict.fromkeys(_INDICES, _write_index),
    pd.Timestamp: lambda value: ["timestamp", *_number(value), value.tzinfo, value.fold],
    pd.Timedelta: lambda value: ["timedelta", *_number(value)],
    type(pd.NaT): lambda value: ["missing", str(value)],
    type(pd.NA): lambda value: ["missing", str(value)],
}


def _number(value: Any) -> tuple[int, str]:
    return int(value.asm8.view("i8")), np.datetime_data(value.asm8.dtype)[0]


def _encode_columns(value: Any, frame: Any) -> list[object]:
    """Columns of objects as lists, by position; the others, named by position, through Arrow."""
    if not value.flags.allows_duplicate_labels:
        raise SerializationError("does not allow duplicate labels: reset that flag")
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
    lists = {place: column.tolist() for place, column in objects.items()}
    return [lists, *_encode_arrow(plain)]


def _encode_arrow(frame: Any) -> list[object]:
    """The Arrow table of a frame and what it lacks, which lead back to the frame."""
    try:
        import pyarrow as pa  # type: ignore[import-untyped] # it ships no types

        from beautyspot_data.arrow_types import stream_of
    except ImportError as error:
        raise SerializationError(_THROUGH_ARROW) from error
    frequency, details = _frequency(frame), [*_details(frame)]
    try:
        table = pa.Table.from_pandas(frame)
        restored = table.to_pandas(split_blocks=True)
        _complete(restored, frequency, details)
        differs = _difference(frame, restored)
    except Exception as error:
        raise SerializationError(
            f"can't be taken by Arrow ({error}): convert it to plain data types"
        ) from error
    if differs:
        raise SerializationError(
            f"has {differs} that would come back changed: convert it to a plain data type"
        )
    return [frequency, details, stream_of(table)]


def _frequency(frame: Any) -> str | None:
    """The frequency of an index of times, which Arrow does not keep."""
    if isinstance(frame.index, (pd.DatetimeIndex, pd.TimedeltaIndex)):
        frequency: str | None = frame.index.freqstr
        return frequency
    return None


def _details(frame: Any) -> Iterator[list[object]]:
    """What Arrow does not keep of data types, or options of pandas say.

    Each is the position of a column, or -1, -2 and so on of a level of the index, and a zone, of
    which Arrow keeps the name alone, or how texts are kept, be it those of categories.
    """
    index = frame.index
    levels = index.dtypes if isinstance(index, pd.MultiIndex) else [index.dtype]
    kinds = [*enumerate(frame.dtypes), *((-1 - place, kind) for place, kind in enumerate(levels))]
    for place, kind in kinds:
        if isinstance(kind, pd.DatetimeTZDtype):
            yield [place, "zone", kind.tz]
        elif isinstance(kind, pd.StringDtype):
            yield [place, "text", *_kept(kind)]
        elif isinstance(kept := getattr(_categories(kind), "dtype", None), pd.StringDtype):
            yield [place, "categories", *_kept(kept)]


def _categories(kind: Any) -> Any:
    return kind.categories if isinstance(kind, pd.CategoricalDtype) else None


def _kept(kind: Any) -> tuple[str, bool]:
    """How texts are kept: the storage, and whether a missing one is NA, or NaN."""
    return kind.storage, kind.na_value is pd.NA


def _complete(frame: Any, frequency: str | None, details: list[list[Any]]) -> None:
    """Give a frame back what Arrow does not keep."""
    kinds = [*frame.dtypes] if any(place >= 0 for place, *_ in details) else []
    for place, *detail in details:
        index = frame.index
        if place >= 0:
            if not _has(kinds[place], *detail):
                frame.isetitem(place, _with(frame.iloc[:, place], *detail))
        elif isinstance(index, pd.MultiIndex):
            level = _with(index.levels[-1 - place], *detail)
            frame.index = index.set_levels(level, level=-1 - place)
        elif not _has(index.dtype, *detail):
            frame.index = _with(index, *detail)
    if frequency is not None:
        dates: Any = frame.index
        dates.freq = frequency


def _has(dtype: Any, word: str, *detail: Any) -> bool:
    """Whether a data type has one of `_details`."""
    if word == "zone":
        return dtype.tz is detail[0]
    kept = dtype if word == "text" else dtype.categories.dtype
    return isinstance(kept, pd.StringDtype) and _kept(kept) == detail


def _with(values: Any, word: str, *detail: Any) -> Any:
    """A column or an index with one of `_details`; types with and without are equal for pandas."""
    is_column = isinstance(values, pd.Series)
    if word == "zone":
        return (values.dt if is_column else values).tz_convert(_zone(*detail))
    text = _text(*check([*detail], str, bool))
    if word == "text":
        return values.astype(text)
    categories = values.dtype.categories.astype(text)
    return (values.cat if is_column else values).rename_categories(categories)


def _text(storage: str, has_na: bool) -> Any:
    return pd.StringDtype(storage, na_value=pd.NA if has_na else np.nan)


def _zone(zone: object) -> Any:
    """A stored zone, which is never a text: pandas would open the file that it may name."""
    if not isinstance(zone, tzinfo):
        raise RestoreError("a zone that is none")
    return zone


def _refuse_files(schema: Any) -> None:
    """Refuse zones of dateutil, whose names may be paths: pandas would open these files."""
    if b"dateutil" not in (schema.metadata or {}).get(b"pandas", b""):
        return
    for part in ("columns", "column_indexes"):
        for column in schema.pandas_metadata.get(part, ()):
            if "dateutil" in str(column["numpy_type"]):
                raise RestoreError("a zone whose name may be a path")


def decode(form: Any) -> Any:
    """See `TypeSupport.decode`."""
    word, *parts = form
    return _READ[word](*parts)


def _read_frame(columns: Any, attrs: dict[Any, Any], *parts: Any) -> Any:
    frame = _decode_columns(*parts)
    frame.columns = columns
    frame.attrs = attrs
    return frame


def _read_series(name: Any, attrs: dict[Any, Any], *parts: Any) -> Any:
    series = _decode_columns(*parts).iloc[:, 0].rename(name)
    series.attrs = attrs
    return series


def _read_texts(name: Any, storage: str, has_na: bool, items: list[Any]) -> Any:
    return pd.Index(items, dtype=_text(storage, has_na), name=name)


def _read_range(start: int, stop: int, step: int, name: Any) -> Any:
    return pd.RangeIndex(*check([start, stop, step], int, int, int), name=name)


def _read_timestamp(number: int, unit: str, zone: Any, fold: int) -> Any:
    stamp = pd.Timestamp(np.datetime64(number, _unit(unit)))
    if zone is not None:
        stamp = stamp.tz_localize("UTC").tz_convert(_zone(zone))
    return stamp if stamp.fold == fold else stamp.replace(fold=fold)


def _unit(text: str) -> Any:
    if text not in ("s", "ms", "us", "ns"):
        raise RestoreError(f"an unknown unit of time {text[:20]!r}")
    return text


def _decode_columns(lists: dict[int, list[Any]], *parts: Any) -> Any:
    frame = _decode_arrow(*parts)
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


def _decode_arrow(frequency: str | None, details: list[Any], view: memoryview) -> Any:
    """The frame, with memory of its own."""
    from beautyspot_data.arrow_types import read_table

    table = read_table(view)
    _refuse_files(table.schema)
    frame = table.to_pandas(split_blocks=True).copy()
    _complete(frame, frequency, details)
    return frame


_READ: Final[dict[str, Callable[..., Any]]] = {
    "frame": _read_frame,
    "series": _read_series,
    "texts": _read_texts,
    "range": _read_range,
    "index": lambda *parts: _decode_arrow(*parts).index,
    "timestamp": _read_timestamp,
    "timedelta": lambda number, unit: pd.Timedelta(np.timedelta64(number, _unit(unit))),
    "missing": _MISSING.__getitem__,
}

# --------------------------------------------------------------------------------------- equality

_PARAMETERS: Final = ("tz", "storage", "na_value", "pyarrow_dtype", "subtype", "fill_value")
"""What the data types of pandas have, one or the other of them."""


def _difference(frame: Any, restored: Any) -> str | None:
    """What differs between two frames of the same columns; None if nothing does.

    In all that a caller can see: for pandas, two zones of one name are equal, as are two columns of
    texts that are kept in different ways, and the labels 1, 1.0 and True.
    """
    if not _same_index(frame.index, restored.index):
        return f"an index of the data type {frame.index.dtype}"
    for label, dtype in frame.dtypes.items():
        column = restored[label]
        if not _same_type(dtype, column.dtype) or not frame[label].equals(column):
            return f"a column of the data type {dtype}"
    return None


def _same_index(left: Any, right: Any) -> bool:
    if type(left) is not type(right) or not left.identical(right):
        return False
    if [*map(_seen, left.names)] != [*map(_seen, right.names)]:
        return False
    if isinstance(left, pd.MultiIndex):
        pairs = [(left.get_level_values(n), right.get_level_values(n)) for n in range(left.nlevels)]
        return all(_same_index(*pair) for pair in pairs)
    if left.dtype == np.dtype(object) and [*map(type, left)] != [*map(type, right)]:
        return False
    same_frequency = _all_of(getattr(left, "freq", None)) == _all_of(getattr(right, "freq", None))
    return _same_type(left.dtype, right.dtype) and same_frequency


def _seen(value: object) -> tuple[type, str]:
    return type(value), repr(value)


def _all_of(offset: Any) -> object:
    """All of a frequency; its text lacks the holidays, among others."""
    if offset is None:
        return None
    parameters = {name: x for name, x in offset.kwds.items() if name != "calendar"}
    return type(offset), offset.n, offset.normalize, repr(sorted(parameters.items()))


def _same_type(left: Any, right: Any) -> bool:
    if type(left) is not type(right):
        return False
    if isinstance(left, pd.CategoricalDtype):
        return left.ordered == right.ordered and _same_index(left.categories, right.categories)
    if left != right:
        return False
    return all(
        _seen(getattr(left, name, None)) == _seen(getattr(right, name, None))
        for name in _PARAMETERS
    )


# ------------------------------------------------------------------------------------------ files

_TEXTS: Final = ("object", "str")
_EXACT: Final[dict[str, Any]] = (  # pandas 3.1 reads numbers so without being told
    {"float_precision": "round_trip"} if [*map(int, pd.__version__.split(".")[:2])] < [3, 1] else {}
)


def to_media(value: Any, content_type: str) -> tuple[Data, object]:
    """See `TypeSupport.to_media`. CSV holds no data types: a frame without rows has them."""
    if type(value) is not pd.DataFrame:
        raise SerializationError(f"{NO_FILE} {type(value).__name__}")
    if content_type != "text/csv":
        out = BytesIO()
        value.to_parquet(out, engine="pyarrow")
        return out.getvalue(), [value.columns, _frequency(value), [*_details(value)]]
    index = value.index
    if type(index) is not pd.RangeIndex or (index.start, index.step) != (0, 1):
        raise SerializationError(
            "a CSV table has no index of its own: reset_index() makes it a column"
        )
    return value.to_csv(index=False).encode(), value.iloc[:0]


def from_media(data: Data, content_type: str, beside: Any) -> Any:
    """See `TypeSupport.from_media`."""
    if content_type == "text/csv":
        return _read_csv(data, beside)
    from beautyspot_data.arrow_types import read_parquet

    columns, frequency, details = check(beside, object, (str, type(None)), list)
    table = read_parquet(data)
    _refuse_files(table.schema)
    frame = table.to_pandas()
    _complete(frame, frequency, details)
    frame.columns = columns
    return frame


def _read_csv(data: Data, empty: Any) -> Any:
    names = [str(place) for place in range(empty.shape[1])]
    types = dict(zip(names, empty.dtypes, strict=True))
    times = [name for name, dtype in types.items() if getattr(dtype, "kind", "") in ("M", "m")]
    frame = pd.read_csv(
        BytesIO(data),
        header=0,
        names=names,
        dtype={name: str if name in times else dtype for name, dtype in types.items()},
        keep_default_na=False,
        na_values={name: [""] for name, dtype in types.items() if str(dtype) not in _TEXTS},
        skip_blank_lines=False,
        **_EXACT,
    )
    for name in times:
        frame[name] = _times(frame[name], types[name])
    frame.columns = empty.columns
    frame.index.name = empty.index.name
    frame.attrs = empty.attrs
    return frame


def _times(texts: Any, dtype: Any) -> Any:
    if dtype.kind == "m":
        return pd.to_timedelta(texts).astype(dtype)
    zone = getattr(dtype, "tz", None)
    times = pd.to_datetime(texts, format="ISO8601", utc=zone is not None)
    return times.astype(dtype)
