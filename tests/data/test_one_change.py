"""Whatever a function can see of a library's value counts, and nothing else."""

from __future__ import annotations

import datetime as dt

import numpy as np
import one_change
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from one_change import Family
from PIL import Image
from supported import canonical

NUMBERS = st.integers(0, 2)
TWO = st.lists(NUMBERS, min_size=2, max_size=2)
FLAGS = st.booleans()
NAMES = st.sampled_from(["a", "b", "$c", ""])
ITEMS = st.dictionaries(NAMES, NUMBERS, max_size=1)
ZONES = st.none() | NUMBERS
UNSET = st.just(...)  # Ellipsis: the attribute is not set
UNITS = st.sampled_from(["s", "ms", "us", "ns"])
DAYS = st.sampled_from(["2024-01-03", "2024-01-04"])
FROM_WEDNESDAY = pd.Timestamp("2024-01-10")


def fixed(hours):
    """Zones of one name."""
    return None if hours is None else dt.timezone(dt.timedelta(hours=hours), "of one name")


def noted(value, note):
    if note is not ...:
        object.__setattr__(value, "note", note)
    return value


def masked(values, mask, hard, fill, kind, note):
    made = np.ma.array(values, mask=mask, hard_mask=hard, fill_value=fill, dtype=kind)
    return noted(made, note)


def record(names, kinds, aligned, title, unit, of_records):
    metadata = {} if unit is None else {"metadata": {"unit": unit}}
    fields = [
        ((f"{title}, {name}", name) if title else name, np.dtype(kind, **metadata))
        for name, kind in zip(names, kinds, strict=True)
    ]
    made = np.dtype(fields, align=aligned)
    return np.dtype((np.record, made)) if of_records else made


def calendar_days(offset, holidays, weekmask, shift):
    kind = getattr(pd.offsets, offset)
    return kind(holidays=holidays, weekmask=weekmask, offset=dt.timedelta(hours=shift))


def dates(zone, unit, name, freq):
    if freq is not None:
        freq = pd.offsets.CustomBusinessDay(holidays=[freq])
    made = pd.date_range(FROM_WEDNESDAY, periods=3, freq=freq or "D", tz=fixed(zone), name=name)
    return made.as_unit(unit)


def series(values, kind, name, labels, index_name, attrs, unique, note):
    index = pd.Index(labels, name=index_name)
    made = pd.Series(values, dtype=kind, name=name, index=index)
    made.attrs.update(attrs)
    return noted(made.set_flags(allows_duplicate_labels=not unique), note)


def texts(values, storage, missing):
    return pd.array(values, dtype=pd.StringDtype(storage, na_value=np.nan if missing else pd.NA))


def categories(codes, values, ordered):
    return pd.Categorical.from_codes(codes, categories=values, ordered=ordered)


def arrow_in_pandas(number, kind):
    return pd.array(pa.array([number], kind), dtype=pd.ArrowDtype(kind))


def polars_series(values, kind, name, note):
    return noted(pl.Series(name, values, dtype=kind), note)


def polars_enum(values, kinds):
    return pl.Series("a", values, dtype=pl.Enum(kinds))


def schema(name, kind, nullable, metadata, of_schema):
    return pa.schema([pa.field(name, kind, nullable, metadata)], metadata=of_schema)


def picture(mode, size, colour, info, note):
    made = Image.new(mode, size, colour)
    made.info.update(info)
    return noted(made, note)


ARROW_KINDS = st.sampled_from(
    [
        *(pa.time64(unit) for unit in ("us", "ns")),
        *(pa.timestamp("ns", zone) for zone in (None, "UTC")),
        *(pa.int64(), pa.duration("ns"), pa.int8()),
        *(pa.dictionary(pa.int8(), pa.int64(), ordered) for ordered in (False, True)),
    ]
)
METADATA = st.none() | st.sampled_from([{b"unit": b"m"}, {b"unit": b"s"}])
STRINGS = st.permutations(["x", "y", "z"])

FAMILIES = {
    "masked arrays": Family(
        masked,
        {
            "values": TWO,
            "mask": st.lists(FLAGS, min_size=2, max_size=2),
            "hard": FLAGS,
            "fill": NUMBERS,
            "kind": st.sampled_from(["i4", "i8", "f8"]),
            "note": UNSET | NUMBERS,
        },
        lost=("copy", "pickle"),
    ),
    "records": Family(
        record,
        {
            "names": st.permutations(["a", "b"]),
            "kinds": st.lists(st.sampled_from(["i1", "i4", "M8[s]"]), min_size=2, max_size=2),
            "aligned": FLAGS,
            "title": st.sampled_from([None, "t", "u"]),
            "unit": st.none() | NAMES,
            "of_records": FLAGS,
        },
    ),
    "offsets": Family(
        calendar_days,
        {
            "offset": st.sampled_from(["CustomBusinessDay", "CustomBusinessHour"]),
            "holidays": st.lists(DAYS, max_size=1),
            "weekmask": st.sampled_from(["Mon Tue", "Mon Wed"]),
            "shift": NUMBERS,
        },
        lost=("copy", "deepcopy"),  # pandas copies no offset
    ),
    "dates": Family(
        dates, {"zone": ZONES, "unit": UNITS, "name": st.none() | NAMES, "freq": st.none() | DAYS}
    ),
    "series": Family(
        series,
        {
            "values": TWO,
            "kind": st.sampled_from(
                ["i4", "f8", "Int64", "Int32", "int64[pyarrow]", "Sparse[int]"]
            ),
            "name": st.none() | NAMES,
            "labels": st.permutations(["x", "y"]),
            "index_name": st.none() | NAMES,
            "attrs": ITEMS,
            "unique": FLAGS,
            "note": UNSET | NUMBERS,
        },
        lost=("copy", "deepcopy", "pickle"),  # pandas leaves the note out
    ),
    "texts": Family(
        texts,
        {
            "values": st.lists(NAMES | st.none(), max_size=2),
            "storage": st.sampled_from(["python", "pyarrow"]),
            "missing": FLAGS,
        },
    ),
    "categories": Family(
        categories,
        {
            "codes": st.lists(st.integers(-1, 2), max_size=2),
            "values": STRINGS,
            "ordered": FLAGS,
        },
    ),
    "Arrow in pandas": Family(arrow_in_pandas, {"number": NUMBERS, "kind": ARROW_KINDS}),
    "series of Polars": Family(
        polars_series,
        {
            "values": TWO,
            "kind": st.sampled_from([pl.Int8, pl.Int64, pl.Float32, pl.Decimal(10, 1), pl.Time]),
            "name": NAMES,
            "note": UNSET | NUMBERS,
        },
        lost=("copy", "deepcopy", "pickle"),  # Polars leaves the note out
    ),
    "enums of Polars": Family(
        polars_enum, {"values": st.lists(st.sampled_from("xyz"), max_size=2), "kinds": STRINGS}
    ),
    "schemas": Family(
        schema,
        {
            "name": NAMES,
            "kind": ARROW_KINDS,
            "nullable": FLAGS,
            "metadata": METADATA,
            "of_schema": METADATA,
        },
    ),
    "scalars of Arrow": Family(
        pa.scalar,
        {"value": st.none() | NUMBERS, "type": ARROW_KINDS},
        lost=(
            "copy",
            "deepcopy",
            "pickle",
        ),  # PyArrow goes by Python's objects, without nanoseconds
    ),
    "pictures": Family(
        picture,
        {
            "mode": st.sampled_from(["L", "I", "F"]),
            "size": st.tuples(st.integers(1, 2), st.integers(1, 2)),
            "colour": NUMBERS,
            "info": ITEMS,
            "note": UNSET | NUMBERS,
        },
        lost=("copy", "deepcopy", "pickle"),  # Pillow leaves the note out
    ),
}


@pytest.mark.filterwarnings("ignore:Non-vectorized DateOffset")
@pytest.mark.parametrize("name", FAMILIES)
@settings(deadline=None, max_examples=40)
@given(st.data())
def test_each_single_change_counts(name, data):
    one_change.check(FAMILIES[name], data, canonical)
