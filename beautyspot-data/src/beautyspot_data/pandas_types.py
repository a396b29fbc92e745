"""Frames, series, indices and scalars of pandas: as arguments of a call, and as results.

In a key they count by labels, types and values, column by column.

Stored, a frame is its labels and its columns, and each of these what it is made of: an array of
NumPy, the codes and categories of a `Categorical`, the list of Python objects. Texts and types that
Arrow keeps are Arrow's arrays. So data types come back as they were, whatever the options of the
reading process say. What has no such parts, as a data type of another library, is refused.
"""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import tzinfo
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd  # type: ignore[import-untyped] # it ships no types
from beautyspot.errors import RestoreError, SerializationError, UnstableKeyError

from beautyspot_data.numpy_types import content_of, type_of
from beautyspot_data.parts import PICKLE_IT, check, digest_of

if TYPE_CHECKING:
    from collections.abc import Callable


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
    "SparseArray": lambda array: (
        *(array.kind, array.sp_index.to_int_index().indices, pd.Index(array.sp_values)),
    ),
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


_FORMS: Final[tuple[tuple[Any, Callable[[Any], object]], ...]] = (
    (pd.DataFrame, _frame),
    (pd.Series, lambda value: (value.name, value.index, _column(value.array), *_about(value))),
    (pd.Index, _index),
    (type(pd.NaT), str),
    (pd.Timestamp, lambda value: [*_number(value), value.fold, value.tzinfo]),
    (pd.Timedelta, lambda value: [*_number(value)]),
    (pd.Period, lambda value: (value.ordinal, value.freqstr)),
    (pd.Interval, lambda value: (value.left, value.right, value.closed)),
    (pd.api.extensions.ExtensionArray, _column),
    (pd.api.extensions.ExtensionDtype, _data_type),
    (pd.tseries.offsets.BaseOffset, lambda value: (value.n, value.normalize, value.kwds)),
)


def own_names(_cls: type) -> Callable[[str], object]:
    """See `TypeSupport.own_names`."""
    return _OF_PANDAS.match


_OF_PANDAS: Final = re.compile(r"_|(sortorder|pyarrow_dtype)\Z")


# ----------------------------------------------------------------------------------------- values

_GROUPED: Final = "is grouped, and not computed yet: {} what its sum() or agg(…) gives"
_INDICES: Final = (
    *(pd.Index, pd.DatetimeIndex, pd.TimedeltaIndex, pd.CategoricalIndex),
    *(pd.PeriodIndex, pd.IntervalIndex),
)


def encode(value: Any) -> object:
    """See `TypeSupport.encode`."""
    kind = type(value)
    if kind in _WRITE:
        return _WRITE[kind](value)
    if isinstance(value, pd.api.extensions.ExtensionDtype):
        empty = value.construct_array_type()._from_sequence([], dtype=value)
        if repr(empty.dtype) != repr(value):  # of categories, or of intervals of any type
            raise SerializationError("says no type of its values: return its text, or name one")
        return ["type", empty]
    if isinstance(value, pd.tseries.offsets.BaseOffset):
        return ["offset", _frequency(value)]
    if isinstance(value, pd.api.extensions.ExtensionArray) and kind.__name__ in _ARRAYS:
        return [kind.__name__, *_ARRAYS[kind.__name__][0](value)]
    if "GroupBy" in kind.__name__:
        raise SerializationError(_GROUPED.format("return"))
    raise SerializationError(
        f"is not a type that can be stored: return it in another form, or, {PICKLE_IT}"
    )


def _write_frame(value: Any) -> list[object]:
    """Columns of one plain type as one array, others one by one."""
    kinds = {*value.dtypes}
    is_block = len(kinds) == 1 and isinstance(kind := kinds.pop(), np.dtype) and kind.kind != "O"
    columns = [value.iloc[:, n].array for n in range(0 if is_block else value.shape[1])]
    parts = value.to_numpy() if is_block else [*map(_part, columns)]
    return ["frame", value.columns, value.index, _attrs(value), parts]


def _attrs(value: Any) -> Any:
    if not value.flags.allows_duplicate_labels:
        raise SerializationError("does not allow duplicate labels: reset that flag")
    return value.attrs


def _part(array: Any) -> object:
    """A column in the form that has a codec: an array, one of pandas, or a list of objects."""
    if not isinstance(array.dtype, np.dtype) and type(array).__name__ != "NumpyExtensionArray":
        return array
    plain = array.to_numpy()
    return plain.tolist() if plain.dtype.kind == "O" else plain


def _write_index(value: Any) -> list[object]:
    frequency = getattr(value, "freq", None) if value.dtype.kind in "mM" else None
    return ["index", value.name, frequency and _frequency(frequency), _part(value.array)]


def _frequency(offset: Any) -> str:
    """The text of an offset, from which pandas makes an equal one."""
    text: str = offset.freqstr
    with suppress(ValueError):
        if "+" not in text and _all_of(pd.tseries.frequencies.to_offset(text)) == _all_of(offset):
            return text
    raise SerializationError(
        f"has the frequency {offset!r}, which its text does not tell: reset it, by freq = None"
    )


def _all_of(offset: Any) -> object:
    """All of a frequency; its text lacks the holidays, among others."""
    parameters = {name: x for name, x in offset.kwds.items() if name != "calendar"}
    return type(offset), offset.n, offset.normalize, repr(sorted(parameters.items()))


_WRITE: Final[dict[type, Callable[[Any], list[object]]]] = {
    pd.DataFrame: _write_frame,
    pd.Series: lambda value: [
        *("series", value.name, value.index, _attrs(value), _part(value.array))
    ],
    pd.RangeIndex: lambda value: ["range", value.start, value.stop, value.step, value.name],
    pd.MultiIndex: lambda value: ["levels", *map(list, (value.names, value.levels, value.codes))],
    **dict.fromkeys(_INDICES, _write_index),
    pd.Timestamp: lambda value: ["timestamp", *_number(value), value.tzinfo, value.fold],
    pd.Timedelta: lambda value: ["timedelta", *_number(value)],
    pd.Period: lambda value: ["period", value.ordinal, value.freqstr],
    pd.Interval: lambda value: ["interval", value.left, value.right, value.closed],
    type(pd.NaT): lambda value: ["missing", str(value)],
    type(pd.NA): lambda value: ["missing", str(value)],
}


def _number(value: Any) -> tuple[int, str]:
    return int(value.asm8.view("i8")), np.datetime_data(value.asm8.dtype)[0]


def _kept(kind: Any) -> tuple[str, bool]:
    """How texts are kept: the storage, and whether a missing one is NA, or NaN."""
    return kind.storage, kind.na_value is pd.NA


def _text(storage: str, has_na: bool) -> Any:
    check([storage, has_na], str, bool)
    # pandas 2.2 has NA alone, and no such argument.
    return pd.StringDtype(storage) if has_na else pd.StringDtype(storage, na_value=np.nan)


def _zone(zone: object) -> Any:
    """A stored zone, which is never a text: pandas would open the file that it may name."""
    if not isinstance(zone, tzinfo):
        raise RestoreError("a zone that is none")
    return zone


def decode(form: Any) -> Any:
    """See `TypeSupport.decode`."""
    word, *parts = form
    return (_READ.get(word) or _ARRAYS[word][1])(*parts)


def _read_frame(columns: Any, index: Any, attrs: Any, parts: Any) -> Any:
    is_block = type(parts) is not list
    arrays = {} if is_block else {n: _restored(part, index) for n, part in enumerate(parts)}
    frame = pd.DataFrame(parts if is_block else arrays, index=_labels(index), copy=False)
    frame.columns = _labels(columns)
    frame.attrs = check([attrs], dict)[0]
    return frame


def _read_series(name: Any, index: Any, attrs: Any, part: Any) -> Any:
    series = _restored(part, _labels(index)).rename(name)
    series.attrs = check([attrs], dict)[0]
    return series


def _labels(value: Any) -> Any:
    if not isinstance(value, pd.Index):
        raise RestoreError("labels that are no index")
    return value


def _array(part: Any) -> Any:
    """A stored column; of a list of lists, too, the items are the lists."""
    return np.fromiter(part, object, len(part)) if type(part) is list else part


def _restored(part: Any, index: Any) -> Any:
    array = _array(part)
    return pd.Series(array, index=index, dtype=array.dtype, copy=False)


def _read_index(name: Any, frequency: str | None, part: Any) -> Any:
    array = _array(part)
    index: Any = pd.Index(array, dtype=array.dtype, name=name, tupleize_cols=False)
    if frequency is not None:
        index.freq = frequency
    return index


def _read_timestamp(number: int, unit: str, zone: Any, fold: int) -> Any:
    stamp = pd.Timestamp(np.datetime64(number, _unit(unit)))
    if zone is not None:
        stamp = stamp.tz_localize("UTC").tz_convert(_zone(zone))
    return stamp if stamp.fold == fold else stamp.replace(fold=fold)


def _unit(text: str) -> Any:
    if text not in ("s", "ms", "us", "ns"):
        raise RestoreError(f"an unknown unit of time {text[:20]!r}")
    return text


_READ: Final[dict[str, Callable[..., Any]]] = {
    "frame": _read_frame,
    "series": _read_series,
    "range": lambda start, stop, step, name: pd.RangeIndex(
        *check([start, stop, step], int, int, int), name=name
    ),
    "levels": lambda names, levels, codes: pd.MultiIndex(
        [*map(_labels, levels)], codes, names=names
    ),
    "index": _read_index,
    "timestamp": _read_timestamp,
    "timedelta": lambda number, unit: pd.Timedelta(np.timedelta64(number, _unit(unit))),
    "period": lambda number, frequency: pd.Period(ordinal=number, freq=frequency),
    "interval": pd.Interval,
    "offset": lambda text: pd.tseries.frequencies.to_offset(*check([text], str)),
    "type": lambda empty: empty.dtype,
    "missing": _MISSING.__getitem__,
}

# -------------------------------------------------------------------------------- arrays of pandas


def _masked(array: Any) -> list[Any]:
    return [array.to_numpy(dtype=array.dtype.numpy_dtype, na_value=0), array.isna()]


def _texts(array: Any) -> list[Any]:
    is_arrow = array.dtype.storage == "pyarrow"
    return [*_kept(array.dtype), array.__arrow_array__() if is_arrow else array.tolist()]


def _times(array: Any) -> list[Any]:
    return [array.asi8, array.unit, getattr(array, "tz", None)]


def _read_times(kind: str) -> Callable[..., Any]:
    def read(numbers: Any, unit: str, zone: Any) -> Any:
        index: Any = pd.Index(numbers.view(f"{kind}8[{_unit(unit)}]"))
        return (
            index.array if zone is None else index.tz_localize("UTC").tz_convert(_zone(zone)).array
        )

    return read


def _read_sparse(values: Any, places: Any, length: int, fill: Any, kind: str) -> Any:
    made: Any = pd.arrays.SparseArray
    if hasattr(made, "from_indices"):
        return made.from_indices(values, places, length, fill, kind)
    index = type(made([0]).sp_index)(length, places)  # of pandas before 3.1
    index = index.to_block_index() if kind == "block" else index
    return made(values, sparse_index=index, fill_value=fill, kind=kind)


_ARRAYS: Final[dict[str, tuple[Callable[[Any], list[Any]], Callable[..., Any]]]] = {
    "Categorical": (
        lambda array: [array.codes, array.categories, array.ordered],
        lambda codes, categories, ordered: pd.Categorical.from_codes(
            codes, _labels(categories), ordered
        ),
    ),
    "IntervalArray": (
        lambda array: [array.left, array.right, array.closed],
        pd.arrays.IntervalArray.from_arrays,
    ),
    "PeriodArray": (
        lambda array: [array.asi8, array.freqstr],
        lambda numbers, frequency: pd.arrays.PeriodArray(numbers, dtype=pd.PeriodDtype(frequency)),
    ),
    "SparseArray": (
        lambda array: [
            *(array.sp_values, array.sp_index.to_int_index().indices, len(array)),
            *(array.fill_value, array.kind),
        ],
        _read_sparse,
    ),
    "IntegerArray": (_masked, pd.arrays.IntegerArray),
    "FloatingArray": (_masked, pd.arrays.FloatingArray),
    "BooleanArray": (_masked, pd.arrays.BooleanArray),
    "DatetimeArray": (_times, _read_times("M")),
    "TimedeltaArray": (_times, _read_times("m")),
    "NumpyExtensionArray": (
        lambda array: [_part(array)],
        lambda part: pd.arrays.NumpyExtensionArray(_array(part)),
    ),
    **dict.fromkeys(
        (
            *("StringArray", "StringArrayNumpySemantics"),
            *("ArrowStringArray", "ArrowStringArrayNumpySemantics"),
        ),
        (
            _texts,
            lambda storage, has_na, items: (
                _text(storage, has_na).__from_arrow__(items)
                if storage == "pyarrow"
                else pd.array(items, dtype=_text(storage, has_na))
            ),
        ),
    ),
    "ArrowExtensionArray": (
        lambda array: [array.__arrow_array__()],
        lambda array: pd.arrays.ArrowExtensionArray(array),
    ),
}
"""How each is taken apart, and made again."""
