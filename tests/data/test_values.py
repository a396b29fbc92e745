"""Arrays, frames, tables and images, there and back."""

from __future__ import annotations

import datetime as dt
import subprocess
import sys
import tracemalloc
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from beautyspot import Spot, open_store
from beautyspot.errors import RestoreError, SerializationError
from beautyspot_data import polars_types
from beautyspot_data.arrow_types import require_safe
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.lib.recfunctions import repack_fields
from PIL import Image
from supported import SERIALIZER, canonical, stored_as


def round_trip(value: Any) -> Any:
    return SERIALIZER.loads(SERIALIZER.dumps({"a": [value]}))["a"][0]


def refused(value: Any, message: str) -> None:
    with pytest.raises(SerializationError, match=message):
        SERIALIZER.dumps(value)


def not_restored(name: str, *parts: Any, buffer: bytes | None = None) -> None:
    with pytest.raises(RestoreError):
        SERIALIZER.loads(stored_as(name, *parts, buffer=buffer))


# ------------------------------------------------------------------------------------ NumPy

BIG = np.arange(200_000).reshape(400, 500)
ARRAYS = [
    *(np.arange(6).reshape(2, 3), np.array(5), np.array([True, False]), np.array([1 + 2j])),
    *(np.zeros((0, 3)), np.empty((2, 0, 5), order="F"), np.array(["a", "日本"]), np.array([b"a"])),
    *(np.asfortranarray(np.arange(6.0).reshape(2, 3)), np.arange(10)[::2], np.arange(5)[::-1]),
    *(np.array([1, 2], ">i4"), np.float16([1]), np.array([np.nan, -0.0])),
    *(np.array(["2020-01-01", "NaT"], "M8[D]"), np.array([1], "m8[25us]"), np.array([1], "M8[ns]")),
    *(np.array([(1, 2.5, "x")], [("a", "i4"), ("b", ">f8"), ("ü", "U3")]), np.zeros(2, "V3")),
    *(np.zeros(2, [("a", "i4", (2, 2))]),),
    *(
        np.zeros(2, [("a", [("b", "i4")])]),
        BIG,
        BIG[:, ::2],
        BIG.T,
        np.broadcast_to(np.array(1), (3, 3)),
    ),
    np.arange(24).reshape(2, 3, 4).transpose(1, 0, 2),
]


@pytest.mark.parametrize("array", ARRAYS, ids=lambda a: f"{a.dtype.str}{a.shape}")
def test_an_array_comes_back_on_memory_of_its_own(array):
    restored = round_trip(array)
    assert type(restored) is np.ndarray
    assert restored.dtype == array.dtype
    assert restored.shape == array.shape
    np.testing.assert_array_equal(restored, array)
    if array.dtype.names is None:  # the bytes between fields are anybody's
        assert restored.tobytes() == array.tobytes()
    assert restored.flags.writeable
    assert restored.flags.owndata
    if array.flags.f_contiguous:
        assert restored.flags.f_contiguous


SCALARS = [
    *(
        np.float64(1.5),
        np.float32("nan"),
        np.float64(-0.0),
        np.int8(3),
        np.uint64(2**64 - 1),
        np.bool_(True),
    ),
    *(np.complex64(1j), np.str_("a\0"), np.str_(""), np.bytes_(b"a\0"), np.bytes_(b"")),
    *(np.datetime64("2020-01-01"), np.datetime64("NaT", "D"), np.timedelta64(1, "s")),
    ARRAYS[15][0],
]


def test_a_memory_map_comes_back_as_an_array(tmp_path):
    mapped = np.memmap(tmp_path / "a", dtype="f8", shape=(3, 4), mode="w+")
    mapped[:] = np.arange(12.0).reshape(3, 4)
    for value in (mapped, mapped[:, 1:3]):
        restored = round_trip(value)
        assert type(restored) is np.ndarray
        assert np.array_equal(restored, value)


@pytest.mark.parametrize("scalar", SCALARS, ids=lambda s: f"{type(s).__name__}-{s!r}")
def test_a_numpy_scalar_keeps_its_exact_type(scalar):
    restored = round_trip(scalar)
    assert type(restored) is type(scalar)
    assert restored.dtype == scalar.dtype
    assert repr(restored) == repr(scalar)


class Subclass(np.ndarray):
    pass


def quantity(unit):
    """As one of Astropy."""
    made = np.arange(3.0).view(Subclass)
    made.unit = unit
    return made


@pytest.mark.parametrize(
    "value",
    [
        *(np.array([object()]), np.array([(1, "x")], [("a", "i4"), ("o", "O")]), np.longdouble(1)),
        *(
            np.array([1], np.longdouble),
            np.longlong(1),
            np.ma.array([1]),
            np.zeros(1).view(Subclass),
        ),
        *(np.array(["a"], np.dtypes.StringDType()), np.empty(1, [("a", "i4", (0,))])),
        np.zeros(1, np.dtype({"names": ["a", "b"], "formats": ["i4", "i4"], "offsets": [0, 2]})),
        np.zeros(2, np.dtype([("a", "i1"), ("b", "f8")], align=True)),
        np.zeros(2, np.dtype([(("title", "a"), "i4")])),
        np.zeros(2, np.dtype("i4", metadata={"unit": "m"})),
        np.zeros(2, [("a", np.dtype("i4", metadata={"unit": "m"}), (2,))]),
    ],
    ids=lambda v: f"{type(v).__name__}-{getattr(v, 'dtype', '')}",
)
def test_what_numpy_can_not_store_portably_is_refused(value):
    refused(value, r"can't be stored: a \w+ (of the data type|would come back|is not a type)")


@pytest.mark.parametrize(
    ("value", "instead", "done"),
    [
        (
            np.ma.array([1, 2], mask=[0, 1]),
            r"the mask of a masked array \(….data, ….mask\)",
            lambda x: (x.data, x.mask),
        ),
        (
            quantity("m"),
            r"the unit of a quantity \(….value, str\(….unit\)\)",
            lambda x: (x.view(np.ndarray), str(x.unit)),
        ),
        (
            np.ones((1, 2)).view(np.matrix),
            r"numpy.array\(…, subok=False\)",
            lambda x: np.array(x, subok=False),
        ),
        (np.linalg.svd(np.eye(2)), r"plain values: tuple\(…\)", tuple),
        (np.array([1, None]), r"\.tolist\(\) of objects", lambda x: x.tolist()),
        (
            np.array(["a", "bc"], np.dtypes.StringDType()),
            r"\.tolist\(\) of objects and of texts",
            lambda x: x.tolist(),
        ),
        (
            np.ones(2, np.dtype([("a", "i1"), ("b", "f8")], align=True)),
            r"recfunctions\.repack_fields\(…\) of aligned fields",
            repack_fields,
        ),
        (
            np.ones(2, np.longdouble),
            r'\.astype\("float64"\) of a longdouble',
            lambda x: x.astype("float64"),
        ),
    ],
    ids=["masked", "unit", "matrix", "svd", "object", "texts", "aligned", "longdouble"],
)
def test_what_to_return_in_the_place_of_what_numpy_makes_is_told(value, instead, done):
    refused(value, f"{instead}.*with a signing_key, pickle it")
    np.testing.assert_equal(round_trip(done(value)), done(value))


HOSTILE_ARRAYS = [
    ("|O", [1], False, bytes(8)),
    ("<i8", [10**12], False, bytes(8)),
    ("<i8", [-1, -1], False, bytes(8)),
    ("<i8", [2**62, 0], False, b""),
    ("<i8", [1.0], False, bytes(8)),
    ("<i8", [1], 0, bytes(8)),
    ("i8,O", [1], False, bytes(16)),
    ("datetime64", [1], False, bytes(8)),
    ('[["a", "|O"]]', [1], False, bytes(8)),
    ("[", [1], False, bytes(8)),
    ("[" * 10_000, [1], False, bytes(8)),
    ("<i8", [1] * 100, False, bytes(8)),
]


@pytest.mark.parametrize("parts", HOSTILE_ARRAYS, ids=lambda p: f"{p[:2]}"[:40])
def test_hostile_arrays(parts):
    *parts, buffer = parts
    not_restored("numpy:ndarray", "array", *parts, buffer=buffer)


# ------------------------------------------------------------------------------------ pandas

DAYS = pd.date_range("2020", periods=3, freq="D")
FRAMES = [
    pd.DataFrame({"a": [1, 2], "b": ["x", None], "f": [1.0, np.nan], "t": [True, False]}),
    *(
        pd.DataFrame(),
        pd.DataFrame({"a": []}),
        pd.DataFrame(columns=["a"]),
        pd.DataFrame(index=range(4)),
    ),
    pd.DataFrame({"t": DAYS, "c": pd.Categorical(["a", "b", "a"])}, index=DAYS),
    pd.DataFrame({"a": [1]}, index=pd.MultiIndex.from_tuples([(1, "x")], names=["p", "q"])),
    pd.DataFrame({"a": pd.array([1, None], "Int64"), "z": DAYS[:2].tz_localize("Europe/Berlin")}),
    pd.DataFrame({"d": pd.to_timedelta([1, 2])}, index=pd.to_timedelta([3, 4])),
    *(
        pd.DataFrame({1: [1], 2: [3.0]}),
        pd.DataFrame(np.zeros((3, 3))),
        pd.DataFrame({("a", 1): [1]}),
    ),
    *(pd.DataFrame([[1, 2]], columns=["a", "a"]), pd.DataFrame({"a": [1, 2]}, index=["x", "y"])),
    pd.DataFrame(
        {"o": ["a", None, float("nan"), (1,), [2], {"x": 1}, dt.date(2020, 1, 1)]}, dtype=object
    ),
    pd.DataFrame({"a": [[1], [2]], "b": [1, 2], "c": ["x", (1,)]}, index=["r", "s"]),
    pd.DataFrame({"a": pd.Categorical([], categories=[1, 2])}),
    pd.DataFrame({"a": np.array([1, 2], "f4"), "b": np.array([1, 2], "u1")}),
]


@pytest.mark.parametrize("frame", FRAMES, ids=lambda f: str([*f.columns])[:30])
def test_a_pandas_frame_comes_back(frame):
    restored = round_trip(frame)
    pd.testing.assert_frame_equal(restored, frame, check_exact=True, check_flags=True)
    assert type(restored.columns) is type(frame.columns)
    if frame.size:
        assert [*map(type, restored.iloc[:, 0])] == [*map(type, frame.iloc[:, 0])]
        restored.iloc[0, -1] = restored.iloc[-1, -1]  # it may be changed


SERIES = [
    *(pd.Series([1, 2], name="x"), pd.Series([1.0], name=("a", 1)), pd.Series(["a", None])),
    *(
        pd.Series(DAYS, index=DAYS),
        pd.Series([], dtype=float),
        pd.Series([object, 1][1:], dtype=object),
    ),
]


@pytest.mark.parametrize("series", SERIES, ids=lambda s: str(s.dtype))
def test_a_pandas_series_comes_back(series):
    series.attrs = {"unit": ("m", 1)}
    restored = round_trip(series)
    pd.testing.assert_series_equal(restored, series, check_exact=True)
    assert restored.attrs == {"unit": ("m", 1)}


INDICES = [
    *(pd.Index([1, 2]), pd.Index(["a"], name="n"), pd.Index([]), pd.RangeIndex(5)),
    *(pd.RangeIndex(2, 10, 3, name="q"), DAYS, pd.MultiIndex.from_product([[1], ["a", "b"]])),
    *(pd.CategoricalIndex(["a"]), pd.period_range("2020", periods=2, freq="M")),
    *(pd.interval_range(0, 3), pd.to_timedelta([1, 2])),
]


@pytest.mark.parametrize("index", INDICES, ids=lambda i: type(i).__name__)
def test_a_pandas_index_comes_back(index):
    pd.testing.assert_index_equal(round_trip(index), index, exact=True)
    assert getattr(round_trip(index), "freq", None) == getattr(index, "freq", None)


STAMPS = [
    *(pd.Timestamp("2020"), pd.Timestamp("2020-01-01 00:00:00.123456789"), pd.NaT, pd.NA),
    *(pd.Timestamp("2020", tz="UTC"), pd.Timestamp("2020-01-01 12:00", tz="Europe/Berlin")),
    pd.Timestamp("2020-10-25 02:30+01:00").tz_convert("Europe/Berlin"),
    *(pd.Timedelta("1s"), pd.Timedelta(-5, "ns"), pd.Timestamp("2020").as_unit("s")),
]


@pytest.mark.parametrize("value", STAMPS, ids=str)
def test_a_pandas_scalar_comes_back(value):
    restored = round_trip(value)
    assert type(restored) is type(value)
    assert repr(restored) == repr(value)
    assert getattr(restored, "unit", None) == getattr(value, "unit", None)


def test_what_pandas_holds_beside_the_table_is_kept_or_refused():
    frame = pd.DataFrame({"a": [1]})
    frame.attrs = {"source": ("x", 1)}
    assert round_trip(frame).attrs == {"source": ("x", 1)}
    refused(frame.set_flags(allows_duplicate_labels=False), "duplicate labels")


class Frame(pd.DataFrame):
    pass


def test_what_pandas_can_not_bring_back_is_refused():
    refused(pd.DataFrame({"a": [object()]}), r"result\.<encoded DataFrame>\[4\]\[0\]\[0\] can't")
    refused(Frame({"a": [1]}), "a Frame is not a type")
    refused(pd.DataFrame({"a": [1]}).groupby("a"), "is grouped")
    refused(pd.offsets.CustomBusinessDay(holidays=["2020-01-02"]), "which its text does not tell")


HOLES = pd.arrays.SparseArray([0, 0, 1, 2], fill_value=0)
BINS = pd.cut(pd.Series([1, 5, 9]), [0, 3, 10])
OF_PANDAS = [
    *(BINS.array, BINS.dtype, BINS.cat.categories, HOLES, HOLES.dtype, pd.Period("2024-01", "M")),
    *(pd.arrays.SparseArray([1, 0, 0], kind="block"), pd.Interval(0, 1.5, "both")),
    *(pd.Categorical(["a", "b"], ["b", "a", "c"], ordered=True), pd.array([1, None])),
    *(pd.array(["a", None], dtype="string"), pd.array([True, None]), pd.array([0.5, None])),
    pd.array([1, None], pd.ArrowDtype(pa.int8())),
    *(DAYS.array, DAYS.tz_localize("Europe/Berlin").array, pd.to_timedelta([1, 2]).array),
    *(pd.period_range("2020", periods=2, freq="M").array, pd.interval_range(0, 3).array),
    *(pd.array(np.array([1j])), pd.DatetimeTZDtype("us", "UTC"), pd.PeriodDtype("D")),
    *(pd.offsets.MonthEnd(2), np.dtype("f8"), np.dtype(object), np.dtype([("a", "<i2")])),
    *(pd.arrays.NumpyExtensionArray(np.array(["a", 1], object)), pd.ArrowDtype(pa.string())),
]  # fmt: skip


@pytest.mark.parametrize("value", OF_PANDAS, ids=lambda value: type(value).__name__)
def test_arrays_types_and_periods_come_back(value):
    back = round_trip(value)
    assert (type(back), repr(back), canonical(back)) == (type(value), repr(value), canonical(value))


@pytest.mark.parametrize("value", OF_PANDAS, ids=lambda value: type(value).__name__)
def test_they_come_back_as_columns_and_labels(value):
    if isinstance(value, pd.api.extensions.ExtensionArray):
        frame = pd.DataFrame({"a": value, "b": range(len(value))}, index=pd.Index(value))
        for each in (frame, frame["a"], frame.set_index(["a", "b"]), frame.index):
            back = round_trip(each)
            assert (repr(back), canonical(back)) == (repr(each), canonical(each))
            assert back.equals(each)


@pytest.fixture
def without_pyarrow(monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    monkeypatch.delitem(sys.modules, "beautyspot_data.arrow_types", raising=False)


@pytest.mark.usefixtures("without_pyarrow")
def test_without_pyarrow_frames_of_polars_are_refused_and_it_is_said():
    refused(pl.DataFrame({"a": [1]}), "a DataFrame is stored through Arrow: install pyarrow")
    refused(pl.Series([1]), "through Arrow: install pyarrow")
    assert round_trip(pd.DataFrame({"a": [1]})).equals(pd.DataFrame({"a": [1]}))


def test_what_needs_pyarrow_is_a_miss_without_it_and_says_so(request, caplog, tmp_path):
    def frame(rows: int) -> Any:
        return pl.DataFrame({"a": range(rows)})

    with Spot("app", directory=tmp_path) as spot:
        marked = spot.mark(frame)
        marked(3)
        request.getfixturevalue("without_pyarrow")
        assert marked(3).equals(frame(3))
        assert (spot.stats()["hits"], spot.stats()["misses"]) == (0, 2)
        with open_store(spot) as store:
            assert store.value(spot.key(marked, 3)).library == "polars"
    assert "needs a library: install pyarrow. The function runs" in caplog.text


def test_hostile_pandas_scalars():
    not_restored("pandas:Timestamp", "timestamp", 1, "D", None, 0)
    not_restored("pandas:Timedelta", "timedelta", 1, "years")
    not_restored("pandas.api.typing:NaTType", "missing", "eval")
    not_restored("pandas:Index", "range", 0, 1, 0, None)
    not_restored("pandas:Index", "range", 0, 1, 1, [])
    not_restored("pandas:Index", "range", 0.0, 1, 1, None)
    not_restored("pandas:Index", "texts", None, "/etc/passwd", True, ["a"])
    not_restored("pandas:DataFrame", "frame", "no index", [], {}, [])
    not_restored("pandas:Series", "series", None, ["a"], {}, ["a"])
    not_restored("pandas:Index", "levels", ["a"], [["x"]], [[0]])
    not_restored("pandas.api.extensions:ExtensionArray", "DatetimeArray", [1], "ns", "UTC")
    not_restored("pandas.api.extensions:ExtensionArray", "Categorical", [0], ["a"], False)
    not_restored("pandas:DataFrame", "eval", "1")


# ------------------------------------------------------------------------------------ Polars


@pytest.mark.parametrize("kind", [pd.CategoricalDtype(), pd.IntervalDtype()], ids=repr)
def test_a_data_type_of_any_values_is_refused(kind):
    refused(kind, "says no type of its values")


POLARS = [
    pl.DataFrame(),
    pl.DataFrame({"": [1], "a": [2]}),  # as of a CSV file with an index of pandas
    pl.DataFrame({"a": [1, None], "b": ["x", None], "c": [[1], [2, 3]], "d": [{"x": 1}, {"x": 2}]}),
    pl.DataFrame({"f": [1.5, float("nan")], "t": [dt.date(2020, 1, 1)] * 2, "Object": [b"a", b""]}),
    pl.DataFrame(
        {
            "c": pl.Series(["a", "b"], dtype=pl.Categorical),
            "e": pl.Series(["a", "b"], dtype=pl.Enum(["a", "b"])),
        }
    ),
]


@pytest.mark.parametrize("frame", POLARS, ids=lambda f: str(f.columns))
def test_a_polars_frame_comes_back(frame):
    restored = round_trip(frame)
    assert restored.schema == frame.schema
    assert restored.equals(frame)


@pytest.mark.parametrize("name", ["name", ""])
def test_a_polars_series_comes_back(name):
    series = pl.Series(name, [1, None, 3])
    assert round_trip(series).equals(series, check_names=True, check_dtypes=True)


class FrameOfPolars(pl.DataFrame):
    pass


def test_what_polars_can_not_bring_back_is_refused(monkeypatch):
    refused(pl.DataFrame({"o": pl.Series([object()], dtype=pl.Object)}), "cast|stored")
    refused(pl.DataFrame({"a": pl.Series([1], dtype=pl.Int128)}), "cast its columns")
    refused(
        pl.LazyFrame({"a": [1]}), r"a LazyFrame is a plan .*: return what its collect\(\) gives"
    )
    refused(FrameOfPolars({"a": [1]}), "a FrameOfPolars is not a type")

    def broken(*_: object) -> None:
        raise pl.exceptions.ComputeError("no")

    monkeypatch.setattr(polars_types.pl, "from_arrow", broken)
    refused(pl.DataFrame({"a": [1]}), r"a DataFrame can't be stored \(no\): cast")
    monkeypatch.setattr(polars_types.pl, "from_arrow", lambda _: pl.DataFrame({"a": ["x"]}))
    refused(pl.DataFrame({"a": [1]}), "has columns without a stored form")


def test_a_panic_of_polars_is_a_restore_error(monkeypatch):
    stored = SERIALIZER.dumps(pl.DataFrame({"a": [1]}))

    def panic(*_: object) -> None:
        raise pl.exceptions.PanicException("index out of bounds")

    monkeypatch.setattr(polars_types.pl, "from_arrow", panic)
    with pytest.raises(RestoreError, match="index out of bounds"):
        SERIALIZER.loads(stored)


# ----------------------------------------------------------------------------------- PyArrow


def test_a_table_comes_back():
    value = pa.table(
        {"a": [1, None], "d": pa.array(["x", "y"]).dictionary_encode()}, metadata={"k": "v"}
    )
    assert round_trip(value).equals(value, check_metadata=True)


@pytest.mark.parametrize("chunks", [[], [pa.array([], pa.int64())], [pa.array([1])]])
def test_an_empty_table_keeps_its_columns(chunks):
    value = pa.table({"a": pa.chunked_array(chunks, pa.int64())}).slice(0, 0)
    assert round_trip(value).equals(value)
    assert round_trip(pa.table({})).num_columns == 0


def test_an_extension_type_of_arrow_is_refused():
    column = pa.ExtensionArray.from_storage(pa.uuid(), pa.array([bytes(16)], pa.binary(16)))
    refused(pa.table({"a": column}), "extension type")


FIELD = pa.field("a", pa.list_(pa.int8()), nullable=False, metadata={"k": "v"})
OF_ARROW = [
    *(
        pa.array([1, None]),
        pa.array([], pa.string()),
        pa.array(["a", "b", "a"]).dictionary_encode(),
    ),
    *(pa.chunked_array([[1], [2, 3]]), pa.record_batch({"a": [1, 2], "b": ["x", None]})),
    *(pa.scalar(1), pa.scalar(None), pa.scalar("a"), pa.schema([FIELD], {"k": "v"}), FIELD),
    *(pa.int64(), pa.timestamp("us", "Europe/Berlin"), pa.struct([FIELD]), pa.array([[1], None])),
]


@pytest.mark.parametrize("value", OF_ARROW, ids=lambda value: str(type(value).__name__))
def test_parts_of_tables_come_back(value):
    back = round_trip(value)
    assert (type(back), canonical(back)) == (type(value), canonical(value))
    assert back.equals(value)


def test_hostile_parts_of_tables():
    stream = bytes(pa.ipc.new_stream(out := pa.BufferOutputStream(), pa.schema([])).close() or b"")
    for word in ("array", "eval", "field", 1):
        not_restored("pyarrow.lib:Array", word, buffer=stream or bytes(out.getvalue()))


def test_an_unsafe_pyarrow_is_not_used():
    require_safe("14.0.1")
    require_safe("26.0.1.dev0")
    for version in ("14.0.0", "3.0.0"):
        with pytest.raises(ImportError, match=r"14\.0\.1"):
            require_safe(version)


# ------------------------------------------------------------------------------------ images


@pytest.mark.parametrize(
    "mode", ["1", "L", "LA", "RGB", "RGBA", "CMYK", "YCbCr", "I", "F", "HSV", "LAB", "I;16"]
)
def test_an_image_comes_back(mode):
    image = Image.frombytes(
        mode,
        (13, 7),
        bytes(i % 251 for i in range(13 * 7 * 4))[: len(Image.new(mode, (13, 7)).tobytes())],
    )
    image.info["dpi"] = (72, 72)
    restored = round_trip(image)
    assert type(restored) is Image.Image
    assert restored == image
    restored.putpixel((0, 0), restored.getpixel((1, 1)))


def test_an_image_with_a_palette_is_refused():
    refused(Image.new("P", (2, 2)), "mode P")


def test_an_open_file_is_refused_and_its_copy_is_stored(tmp_path):
    Image.new("RGB", (2, 2)).save(tmp_path / "a.png")
    with Image.open(tmp_path / "a.png") as image:
        refused(image, "a PngImageFile reads its file when it is used")
        assert round_trip(image.copy()).size == (2, 2)


@pytest.mark.parametrize(
    "parts",
    [
        ("P", 1, 1, {}, b"a"),
        ("L", 10**6, 10**6, {}, b"a"),
        ("L", -1, -1, {}, b"a"),
        ("L", 1, 1, [], b"a"),
    ],
)
def test_hostile_images(parts):
    *parts, buffer = parts
    not_restored("PIL.Image:Image", *parts, buffer=buffer)


# --------------------------------------------------------------------------------- all of them

VALUES = [
    BIG[:3],
    FRAMES[0],
    SERIES[0],
    pa.table({"a": [1, 2]}),
    pl.DataFrame({"a": [1, 2]}),
    Image.new("L", (2, 2)),
]
STORED = [bytes(SERIALIZER.dumps(value)) for value in VALUES]


@settings(deadline=None, max_examples=60)
@given(st.data())
def test_damage_is_a_value_or_a_restore_error(data):
    stored = bytearray(data.draw(st.sampled_from(STORED)))
    for _ in range(data.draw(st.integers(1, 3))):
        stored[data.draw(st.integers(0, len(stored) - 1))] = data.draw(st.integers(0, 255))
    with suppress(RestoreError):
        SERIALIZER.loads(stored)


def test_a_library_that_is_not_installed_is_named():
    program = """
import sys
from beautyspot import RestoreError
from supported import SERIALIZER, TYPES, stored_as

for name, support in TYPES.items():
    library = name.partition(":")[0].partition(".")[0]
    sys.modules[library] = None
    if support.module not in ("figure_types", "other_types"):  # these import what a value names
        try:
            SERIALIZER.loads(stored_as(name, 1))
        except RestoreError as error:
            assert f"what is stored needs a library: install {library}" in str(error), error
        else:
            raise AssertionError(library)
    del sys.modules[library]
"""
    folder = Path(__file__).parents[1]
    subprocess.run([sys.executable, "-c", program], check=True, cwd=folder)


def peak(function: Any) -> int:
    tracemalloc.start()
    try:
        function()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_a_large_array_is_copied_once_each_way():
    array = np.zeros(2**20)
    assert peak(lambda: SERIALIZER.dumps({"x": [(array, 1)]})) < 1.2 * array.nbytes
    stored = SERIALIZER.dumps({"x": [(array, 1)]})
    assert peak(lambda: SERIALIZER.loads(stored)) < 1.2 * array.nbytes
    assert peak(lambda: SERIALIZER.dumps(pa.table({"a": array}))) < 1.3 * array.nbytes


IMPORTS = """
import sys
from supported import SERIALIZER as serializer
libraries = {{"numpy", "pandas", "polars", "pyarrow", "PIL", "pydantic", "attrs", "attr"}}
serializer.loads(serializer.dumps({{"a": (1, 2.5, {{"x"}})}}))
try:
    serializer.dumps([object()])
except TypeError:
    pass
assert not libraries & sys.modules.keys(), libraries & sys.modules.keys()
print(type(serializer.loads({stored!r})).__name__)
"""


@pytest.mark.parametrize(
    "number", [0, *(pytest.param(n, marks=pytest.mark.slow) for n in range(1, len(VALUES)))]
)
def test_a_library_is_imported_when_a_value_of_it_is_restored(number):
    code = IMPORTS.format(stored=STORED[number])
    command, folder = [sys.executable, "-c", code], Path(__file__).parents[1]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=folder)
    assert done.stdout.strip() == type(VALUES[number]).__name__
