"""Arrays, frames and images: by type, shape and content."""

# ruff: noqa: E501, DTZ001 - the values stand in tables

from __future__ import annotations

import datetime as dt
import itertools
import sys
import warnings

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from beautyspot.errors import UnstableKeyError
from beautyspot.keys.walk import Without
from numpy._core._rational_tests import rational  # a type that is not NumPy's own
from PIL import ExifTags, Image
from PIL.TiffImagePlugin import IFDRational
from supported import canonical

RECORD = np.dtype([("a", "i1"), ("b", "f8")], align=True)


def records(padding):
    """Two equal records, with different bytes between their fields."""
    made = np.frombuffer(bytes([1, *[padding] * 7, *bytes(8)]) * 2, dtype=RECORD)
    assert made["a"].tolist() == [1, 1]
    return made


class Frame(pd.DataFrame):
    _metadata = ["origin"]

    @property
    def _constructor(self):
        return Frame


class Unit(np.ndarray):
    pass


def unit(name):
    made = np.arange(3).view(Unit)
    made.name = name
    return made


def frame(origin):
    made = Frame({"a": [1]})
    made.origin = origin
    return made


def noted(**notes):
    made = pd.DataFrame({"a": [1]})
    made.attrs.update(notes)
    return made


class Masked(np.ma.MaskedArray):
    pass


class Price(np.float64):
    pass


class Word(np.str_):
    pass


class DayOfOurs(pd.offsets.BusinessDay):
    pass


def fixed(hours):
    return dt.timezone(dt.timedelta(hours=hours), "of one name")


def carrying(value, /, **attributes):
    for name, item in attributes.items():
        setattr(value, name, item)
    return value


class Picture(Image.Image):
    pass


def coloured(mode):
    made = Image.new("P", (2, 3))
    made.putpalette(range(12), mode)
    return made


NANOSECONDS = pl.Series("t", [1, 2]).cast(pl.Datetime("ns"))

GROUPS = {
    "arrays": [
        np.arange(6), np.arange(6).reshape(2, 3), np.arange(6).reshape(3, 2), np.arange(6.0),
        np.arange(6, dtype="i4"), np.arange(6, dtype=">i8"), np.arange(7), list(range(6)),
        np.array([0, 1, 2, 3, 4, 6]), np.arange(6).view(np.matrix), np.ma.array(range(6)),
        np.ma.array(range(6), mask=[1, 0, 0, 0, 0, 0]), pd.Series(range(6)), pl.Series(range(6)),
        pd.array(range(6)), pd.Index(range(6)), pd.Index([0, 1, 2, 3, 4, 5]),
    ],
    "scalars": [
        np.int64(1), np.int32(1), np.uint64(1), np.float64(1), np.float32(1), np.bool_(True), 1,
        np.array(1), np.array([1]), np.str_("1"), np.bytes_(b"1"), "1", np.datetime64(1, "s"),
        np.datetime64(1, "ms"), np.timedelta64(1, "s"), np.longdouble(1), np.clongdouble(1),
        np.void(b"1"), np.complex128(1),
    ],
    "empty": [np.array([]), np.array([], "i8"), np.array([], "U"), np.zeros((0, 2)), np.zeros((2, 0))],
    "strings": [
        np.array(["a", "b"]), np.array(["a", "c"]), np.array(["a", "b"], "U5"),
        np.array(["a", "b"], object), np.array(["a", "b"], np.dtypes.StringDType()),
        np.array(["a", "c"], np.dtypes.StringDType()), np.array([b"a", b"b"]),
    ],
    "objects": [
        np.array([1, "a", None], object), np.array([True, "a", None], object),
        np.array([[1], ["a"]], object), np.array([[1, "a"]], object),
    ],
    "wide floats": [np.array([1, 2], np.longdouble), np.array([1, 3], np.longdouble), np.array([1.0, 2])],
    "records": [
        records(0), np.array([(1, 0.0)], RECORD), np.array([(1, 0.0)] * 2, [("a", "i1"), ("b", "f8")]),
        np.array([(1, 0.0)] * 2, [("a", "i1"), ("c", "f8")]), np.rec.array(records(0)),
        np.array([([1, 2],)], [("a", "i1", 2)]), np.array([(1, 2)], [("a", "i1"), ("b", "i1")]),
    ],
    "dtypes": [np.dtype("i4"), np.dtype("i8"), RECORD, np.int64, np.dtype(object), "int64"],
    "functions": [np.add, np.subtract, np.mean, np.max],
    "subclasses": [unit("m"), unit("s"), np.arange(3)],
    "large": [
        np.zeros((500, 500)), np.zeros((500, 501)), np.zeros((250, 1000)), np.ones((500, 500)),
        np.zeros((500, 500), "f4"), np.tri(500), np.tri(500).T,
    ],
    "frames": [
        pd.DataFrame({"a": [1, 2]}), pd.DataFrame({"a": [1, 3]}), pd.DataFrame({"b": [1, 2]}),
        pd.DataFrame({"a": [1.0, 2.0]}), pd.DataFrame({"a": [1, 2]}, index=[0, 1]),
        pd.DataFrame({"a": [1, 2]}, index=["x", "y"]), pd.DataFrame({"a": [1, 2], "b": [1, 2]}),
        pd.DataFrame({"b": [1, 2], "a": [1, 2]}), pd.DataFrame({"a": [1]}), noted(x=1), noted(x=2),
        frame("here"), frame("there"), pd.DataFrame({"a": ["1", "2"]}), pd.DataFrame(),
        pd.DataFrame({"a": pd.array([1, 2])}), pd.DataFrame({"a": pd.array([1, None])}),
        pd.DataFrame({"a": pd.Categorical(["u", "v"])}), pd.DataFrame({"a": ["u", "v"]}),
        pd.DataFrame({"a": pd.Categorical(["u", "v"], ["v", "u"])}),
        pd.DataFrame({"a": pd.Categorical(["u", "v"], ordered=True)}),
        pd.DataFrame({"a": pd.to_datetime([1, 2])}), pd.DataFrame({"a": pd.to_datetime([1, 2], utc=True)}),
        pd.DataFrame({"a": pd.to_timedelta([1, 2])}), pd.DataFrame({"a": [None, "x"]}),
        pd.DataFrame({"a": pd.arrays.SparseArray([1, 2])}), pd.DataFrame({"a": [[1], [2]]}),
        pd.DataFrame({"a": pd.arrays.IntervalArray.from_breaks([0, 1, 2])}),
        pl.DataFrame({"a": [1, 2]}), {"a": [1, 2]},
    ],
    "indices": [
        pd.Index([1, 2]), pd.Index([1, 2], name="n"), pd.Index(["1", "2"]), pd.RangeIndex(1, 3),
        pd.MultiIndex.from_tuples([(1, "a"), (2, "b")]), pd.MultiIndex.from_tuples([(1, "a"), (2, "c")]),
        pd.DatetimeIndex(["2024-01-01", "2024-01-02"]), pd.date_range("2024-01-01", periods=2),
        pd.period_range("2024-01", periods=2, freq="M"), pd.CategoricalIndex(["a", "b"]),
    ],
    "pandas values": [
        pd.Timestamp(1), pd.Timestamp(2), pd.Timestamp(1, tz="UTC"), pd.Timestamp(1).as_unit("us"),
        pd.Timedelta(1), pd.Timedelta(2), dt.timedelta(0), pd.Period("2024"), pd.Period("2025"),
        pd.Period("2024-01"), pd.Interval(0, 1), pd.Interval(0, 1, "both"), pd.Interval(0, 2),
        pd.NA, pd.NaT, None, pd.offsets.Day(1), pd.offsets.Day(2), pd.offsets.Hour(1),
        pd.CategoricalDtype(["a"]), pd.CategoricalDtype(["b"]), pd.Int64Dtype(), pd.Series([1]),
        pd.Series([1], name="n"), pd.Series([1], index=["x"]),
    ],
    "polars": [
        pl.DataFrame({"a": [1, 2]}), pl.DataFrame({"a": [1, 3]}), pl.DataFrame({"b": [1, 2]}),
        pl.DataFrame({"a": [1.0, 2.0]}), pl.DataFrame({"a": [1, None]}), pl.DataFrame(),
        pl.DataFrame({"a": ["1", "2"]}), pl.DataFrame({"a": [[1], [2]]}), pl.DataFrame({"a": []}),
        pl.DataFrame({"a": [{"x": 1}, {"x": 2}]}), pl.DataFrame({"a": [True, False]}),
        pl.DataFrame({"a": [dt.date(2024, 1, 1)] * 2}), pl.Series("a", [1, 2]), pl.Series("b", [1, 2]),
        pl.Series("a", ["u", "v"], pl.Categorical), pl.Series("a", ["u", "v"], pl.Enum(["u", "v"])),
        pl.Series("a", ["u", "v"], pl.Enum(["v", "u"])), pl.Series("a", ["u", "v"]),
        NANOSECONDS, NANOSECONDS.dt.cast_time_unit("us"), pl.Series("t", [1, 3]).cast(pl.Datetime("ns")),
        pl.Series("a", [1, 2], pl.Int32), pl.Series("a", [object, int], pl.Object),
        pl.Series("a", [object, str], pl.Object), pl.Int64(), pl.Int64, pl.Datetime("ns"),
        pl.Series("x", range(100_000)), pl.Series("x", range(1, 100_001)), pl.Series("x", [b"a"]),
    ],
    "masked arrays": [
        np.ma.array([1, 2], mask=[0, 1]), np.ma.array([1, 2], mask=[0, 1], hard_mask=True),
        np.ma.masked, np.ma.array(0, mask=True), np.ma.array([1, 2], mask=[0, 1], fill_value=7), np.ma.array([1, 3], mask=[0, 1]),
        carrying(np.ma.array([1, 2], mask=[0, 1]), note=1),
        np.ma.array([1, 2], mask=[0, 1]).view(Masked),
        carrying(np.ma.array([1, 2], mask=[0, 1]).view(Masked), note=1),
    ],
    "dtypes in detail": [
        np.dtype("i4"), np.dtype("i4", metadata={"unit": "m"}), np.dtype("i4", metadata={"unit": "s"}),
        np.dtype([("a", "i4")]), np.dtype((np.record, [("a", "i4")])), np.dtype([(("title", "a"), "i4")]),
        np.dtype([("a", "i4")], align=True), np.dtype([("a", np.dtype("i4", metadata={"unit": "m"}))]),
        np.dtype([("a", "i4", 2)]), np.dtype([("a", "i4", (2, 1))]), np.dtype("V4"),
        np.dtypes.StringDType(), np.dtypes.StringDType(na_object=None), np.dtypes.StringDType(coerce=False),
        np.dtype(rational), np.dtype("<V8"), np.dtypes.StringDType(na_object="x"), np.dtype("M8[s]"), np.dtype("M8[25s]"), np.dtype("M8"),
    ],
    "subclasses of scalars": [
        np.float64(1), Price(1), Price(2), carrying(Price(1), unit="EUR"), carrying(Price(1), unit="USD"),
        np.str_("a"), Word("a"), carrying(Word("a"), tongue="en"),
    ],
    "busy days": [
        np.busdaycalendar(), np.busdaycalendar("Mon"), np.busdaycalendar(holidays=["2024-01-01"]),
    ],
    "zones of one name": [
        make(fixed(hours)) for hours in (1, 2) for make in (
            lambda zone: pd.DatetimeTZDtype("ns", zone),
            lambda zone: pd.DatetimeIndex([], tz=zone), lambda zone: pd.Series(pd.DatetimeIndex(["2024"], tz=zone)),
            lambda zone: pd.IntervalIndex.from_breaks(pd.DatetimeIndex([], tz=zone)),
            lambda zone: pd.DataFrame(index=pd.DatetimeIndex([], tz=zone)),
        )
    ],
    "storage of strings": [
        pd.Series(["a"], dtype=pd.StringDtype(storage, na_value=missing))
        for storage in ("python", "pyarrow") for missing in (pd.NA, np.nan)
    ] + [pd.Series(["a"], dtype=object), pd.Series(["a"], dtype=pd.ArrowDtype(pa.string()))],
    "frequencies": [
        pd.date_range("2024-01-01", periods=2, freq=offset) for offset in (
            *("D", "h", "B"), pd.offsets.CustomBusinessDay(), pd.offsets.CustomBusinessDay(weekmask="Mon Tue"),
            pd.offsets.CustomBusinessDay(holidays=["2024-01-03"]), pd.offsets.CustomBusinessDay(holidays=["2024-01-04"]),
            pd.offsets.CustomBusinessDay(offset=dt.timedelta(1)), DayOfOurs(),
        )
    ],
    "offsets": [
        pd.offsets.CustomBusinessDay(), pd.offsets.CustomBusinessDay(weekmask="Mon Tue"),
        pd.offsets.CustomBusinessDay(holidays=["2024-01-03"]), pd.offsets.CustomBusinessDay(2),
        pd.offsets.CustomBusinessDay(calendar=np.busdaycalendar("Mon")), pd.offsets.CustomBusinessDay(normalize=True),
        pd.offsets.CustomBusinessHour(), pd.offsets.CustomBusinessHour(start="08:00"),
        pd.offsets.CustomBusinessHour(holidays=["2024-01-03"]), pd.offsets.CustomBusinessMonthEnd(),
        pd.offsets.CustomBusinessMonthEnd(holidays=["2024-01-03"]), pd.DateOffset(), pd.DateOffset(days=1),
        pd.DateOffset(months=1), pd.DateOffset(month=1), DayOfOurs(), carrying(DayOfOurs(), note=1),
    ],
    "arrow in pandas": [
        pd.array(pa.array([number], kind), dtype=pd.ArrowDtype(kind)) for number in (1, 2)
        for kind in (pa.time64("ns"), pa.timestamp("ns"), pa.timestamp("ns", "UTC"), pa.duration("ns"), pa.int8())
    ],
    "flags and attributes": [
        pd.DataFrame({"a": [1]}), pd.DataFrame({"a": [1]}).set_flags(allows_duplicate_labels=False),
        pd.Series([1]), pd.Series([1]).set_flags(allows_duplicate_labels=False),
    ],
    "sparse": [
        pd.arrays.SparseArray([1, 0]), pd.arrays.SparseArray([1, 0], fill_value=1),
        pd.arrays.SparseArray([1, 0], kind="block"), pd.arrays.SparseArray([1, 2]),
        pd.arrays.SparseArray([0, 1]), pd.arrays.SparseArray([1, 0, 0]), pd.arrays.SparseArray([1.0, 0]),
    ],
    "intervals": [
        pd.interval_range(0, 1), pd.interval_range(0, 1, closed="both"), pd.interval_range(0.0, 1),
        pd.IntervalIndex([], dtype="interval[int64, right]"), pd.IntervalIndex([], dtype="interval[float64, right]"),
    ],
    "images": [
        Image.new("RGB", (2, 3)), Image.new("RGB", (3, 2)), Image.new("RGB", (2, 3), "red"),
        Image.new("L", (2, 3)), Image.new("P", (2, 3)), Image.new("RGBA", (2, 3)),
        carrying(Image.new("L", (2, 3)), info={"dpi": 1}), coloured("RGB"),
    ],
}  # fmt: skip


@pytest.mark.parametrize("name", GROUPS)
def test_what_is_not_the_same_has_another_text(name):
    for one, other in itertools.combinations(GROUPS[name], 2):
        assert canonical(one) != canonical(other), (one, other)


def test_the_layout_in_memory_does_not_count():
    array = np.arange(90_000.0).reshape(300, 300)
    texts = {canonical(array), canonical(np.asfortranarray(array)), canonical(array.T.copy().T)}
    texts.add(canonical(np.repeat(array, 2, axis=1)[:, ::2]))
    assert len(texts) == 1
    cube = np.arange(3 * 10**6).reshape(300, 100, 100)
    assert canonical(np.asfortranarray(cube)) == canonical(cube)
    assert canonical(np.arange(20)[::2]) == canonical(np.arange(0, 20, 2))


def test_padding_does_not_count():
    assert canonical(records(0)) == canonical(records(255))
    wide = np.zeros(2, np.longdouble)
    wide.view("u1")[10::16] = 255
    assert canonical(wide) == canonical(np.zeros(2, np.longdouble))


def test_long_strings_count_by_their_characters():
    kind = np.dtypes.StringDType()
    first, second = (np.array(["x" * 100, "y" * 100 + end], kind) for end in "ab")
    assert canonical(first) == canonical(np.array([text[:] for text in first.tolist()], kind))
    assert canonical(first) != canonical(second)


def test_a_memory_map_counts_by_its_content(tmp_path):
    texts = {canonical(np.array([1, 2, 3], dtype="i8"))}  # joblib sends large arrays as such
    for name in ("a", "b"):
        made = np.memmap(tmp_path / name, dtype="i8", shape=(3,), mode="w+")
        made[:] = [1, 2, 3]
        texts.add(canonical(made))
    assert len(texts) == 1
    made.unit = "m"
    assert canonical(made) not in texts


def test_nan_scalars_are_one():
    other = np.copysign(np.float64("nan"), -1)
    assert canonical(np.float64("nan")) == canonical(other)


def test_a_function_that_is_not_numpys_own_is_refused():
    made = np.frompyfunc(lambda x: x, 1, 1)
    with pytest.raises(UnstableKeyError):
        canonical(made)
    with pytest.raises(UnstableKeyError):
        canonical(np.random.default_rng(1))


def test_a_seed_sequence_counts_by_what_it_gives():
    parent, same = (np.random.SeedSequence(5) for _ in range(2))
    assert canonical(parent) == canonical(same) != canonical(np.random.SeedSequence(6))
    assert canonical(parent) != canonical(np.random.SeedSequence(5, pool_size=8))
    [first, second] = parent.spawn(2)
    assert canonical(first) == canonical(np.random.SeedSequence(5, spawn_key=(0,)))
    assert canonical(first) != canonical(second)
    assert canonical(parent) != canonical(same), "the next children are others"
    one, other = (np.random.SeedSequence() for _ in range(2))
    assert canonical(one) == canonical(np.random.SeedSequence(one.entropy)) != canonical(other)


def test_values_in_object_arrays_are_refused_with_their_place():
    with pytest.raises(UnstableKeyError) as error:
        canonical([np.array([1, object()], object)])
    assert error.value.path == "value[0]<key>[2][1]"
    with pytest.raises(UnstableKeyError) as error:
        canonical(pd.DataFrame({"a": [1, object()]}))
    assert error.value.path.startswith("value<key>[3]['0 a']")
    with pytest.raises(UnstableKeyError) as error:
        canonical(pl.DataFrame({"a": pl.Series([object()], dtype=pl.Object)}))
    assert error.value.path == "value<key>[2][0][1][0]"


CARRIERS = {
    "frame": lambda: pd.DataFrame({"a": [1]}),
    "series": lambda: pd.Series([1]),
    "index": lambda: pd.Index([1]),
    "polars frame": lambda: pl.DataFrame({"a": [1]}),
    "polars series": lambda: pl.Series([1]),
    "image": lambda: Image.new("L", (1, 1)),
    "subclass of an image": lambda: carrying(Picture(), **vars(Image.new("L", (1, 1)))),
    "masked array": lambda: np.ma.array([1]),
    "subclass of an array": lambda: np.arange(3).view(Unit),
}


@pytest.mark.filterwarnings("ignore:Pandas doesn't allow columns")
@pytest.mark.parametrize("name", CARRIERS)
def test_attributes_count_also_where_the_library_does_not_copy_them(name):
    make = CARRIERS[name]
    values = [make(), carrying(make(), note=1), carrying(make(), note=2), carrying(make(), memo=1)]
    assert len(set(map(canonical, values))) == 4
    assert canonical(Without(values[1], ("note",))) == canonical(make())
    with pytest.raises(UnstableKeyError) as error:
        canonical([carrying(make(), note=object())])
    assert error.value.path == "value[0].note"


def test_an_accessor_that_was_used_does_not_count(monkeypatch):
    class Ours:
        def __init__(self, frame):
            self._frame = frame

    monkeypatch.setattr(pl.DataFrame, "_accessors", {*pl.DataFrame._accessors})
    monkeypatch.setattr(pl.DataFrame, "ours", None, raising=False)
    monkeypatch.setattr(pd.DataFrame, "ours", None, raising=False)
    monkeypatch.setattr(pd.DataFrame, "_accessors", {*pd.DataFrame._accessors})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it replaces an attribute, which the fixture removes
        pl.api.register_dataframe_namespace("ours")(Ours)
        pd.api.extensions.register_dataframe_accessor("ours")(Ours)
    for made in (pl.DataFrame({"a": [1]}), pd.DataFrame({"a": [1]})):
        before = canonical(made)
        assert type(made.ours) is Ours
        assert canonical(made) == before


def test_what_stands_for_a_missing_string_is_never_an_address():
    with pytest.raises(UnstableKeyError, match=r"value<key>\[0\]\[2\]\[0\] is an object"):
        canonical(np.array(["a"], np.dtypes.StringDType(na_object=object())))
    texts = [canonical(np.dtypes.StringDType(na_object=Unit((n,)))) for n in (1, 1, 2)]
    assert texts[0] == texts[1] != texts[2]


def test_lazy_frames_are_refused():
    with pytest.raises(UnstableKeyError, match=r"is a plan .*: pass what its collect\(\) gives"):
        canonical(pl.LazyFrame({"a": [1]}))


def test_expressions_of_polars_count_by_what_they_compute():
    assert canonical(pl.col("a").sum() * 2) == canonical(pl.col("a").sum() * 2)
    others = [
        pl.col("a"),
        pl.col("b"),
        pl.col("a") * 2,
        pl.lit(pl.Series([1])),
        pl.lit(pl.Series([2])),
    ]
    assert len({canonical(each) for each in others}) == len(others)


@pytest.mark.parametrize("length", [0, 3, 70_000])
def test_numbers_of_polars_have_one_key_with_numpy_and_without(monkeypatch, length):
    integers = [pl.Int8, pl.Int16, pl.Int32, pl.Int64, pl.UInt8, pl.UInt16, pl.UInt32, pl.UInt64]
    whole = [pl.Series("a", [n % 100 for n in range(length)], dtype) for dtype in integers]
    special = [0.0, -0.0, float("nan"), -float("nan"), float("inf"), 0.1]
    floats = [(special * length)[:length], [n / 7 for n in range(length)]]
    series = [*whole, *(pl.Series("a", x, t) for x in floats for t in (pl.Float32, pl.Float64))]
    moments = pl.Series("a", range(length), pl.Datetime("ns", "Europe/Oslo"))
    with_numpy = [canonical(each) for each in (*series, moments)]
    assert "numpy" in sys.modules
    monkeypatch.setitem(sys.modules, "numpy", None)  # as one that can't be imported
    assert [canonical(each) for each in (*series, moments)] == with_numpy


def test_polars_chunks_do_not_count():
    whole = pl.Series("a", range(10))
    parts = pl.concat([pl.Series("a", range(4)), pl.Series("a", range(4, 10))], rechunk=False)
    assert parts.n_chunks() == 2
    assert canonical(parts) == canonical(whole)


def test_polars_categories_do_not_depend_on_what_was_seen_before():
    pl.Series(["z", "y", "x"], dtype=pl.Categorical)
    first = canonical(pl.Series(["x", "y"], dtype=pl.Categorical))
    mixed = pl.Series(["y", "x", "y"], dtype=pl.Categorical)[1:]
    assert canonical(mixed) == first


def test_polars_categories_beside_times_are_refused():
    made = pl.DataFrame({"a": ["u"], "t": [dt.datetime(2024, 1, 1)]})
    both = made.with_columns(pl.col("a").cast(pl.Categorical)).to_struct("s")
    with pytest.raises(UnstableKeyError, match="mixes categories"):
        canonical(both)


def test_an_animation_is_refused(tmp_path):
    path = tmp_path / "two.gif"
    frames = [Image.new("L", (2, 2), colour) for colour in (0, 255)]
    frames[0].save(path, save_all=True, append_images=frames[1:])
    with Image.open(path) as image, pytest.raises(UnstableKeyError, match="several frames"):
        canonical(image)


def test_the_opacity_of_a_palette_counts():
    assert canonical(coloured("RGB")) != canonical(coloured("RGBA"))


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF", "WEBP"])
def test_exif_data_count_as_a_caller_has_changed_them(tmp_path, kind):
    path, exif = tmp_path / "one", Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    exif[ExifTags.Base.XResolution] = IFDRational(0, 0)
    exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.DateTimeOriginal] = "2020:01:01"
    Image.new("RGB", (2, 2)).save(path, kind, exif=exif)
    keys = set()
    with Image.open(path) as image:
        before = canonical(image)
        image.getexif().get_ifd(ExifTags.IFD.Exif)
        assert canonical(image) == before  # reading them is no change
        for change in (
            lambda: image.getexif().__setitem__(ExifTags.Base.Orientation, 3),
            lambda: image.getexif().get_ifd(ExifTags.IFD.Exif).update({37510: b"x"}),
            lambda: image.getexif().clear(),
        ):
            change()
            keys.add(canonical(image))
    assert len(keys - {before}) == 3


def test_an_image_from_a_file(tmp_path):
    path = tmp_path / "one.png"
    Image.new("RGB", (2, 2), "red").save(path)
    with Image.open(path) as first, Image.open(path) as second:
        assert canonical(first) == canonical(second)
