"""What libraries take for equal and a caller can tell apart comes back, or is refused."""

from __future__ import annotations

import datetime as dt
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import pytz
from beautyspot import RestoreError, SerializationError
from dateutil import tz as dateutil_tz
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from supported import SERIALIZER, stored_as

HOUR = dt.timedelta(hours=1)


def round_trip(value: Any) -> Any:
    return SERIALIZER.loads(SERIALIZER.dumps(value))


def refused(value: Any, match: str) -> None:
    with pytest.raises(SerializationError, match=match):
        SERIALIZER.dumps(value)


def same_or_refused(value: Any, seen: Any) -> bool:
    """Whether a value was stored; it then comes back the same in all that is seen of it."""
    try:
        stored = SERIALIZER.dumps(value)
    except SerializationError:
        return False
    assert seen(SERIALIZER.loads(stored)) == seen(value)
    return True


# --------------------------------------------------------------------------------------- zones

ZONES = [
    *(dt.UTC, dt.timezone(HOUR), dt.timezone(HOUR, "CET"), dt.timezone(2 * HOUR, "CET")),
    *(dt.timezone(dt.timedelta(0), "Z"), ZoneInfo("UTC"), ZoneInfo("Europe/Berlin")),
    *(pytz.UTC, pytz.timezone("Europe/Berlin"), pytz.FixedOffset(60), dateutil_tz.tzutc()),
]
DAYS = pd.DatetimeIndex(["2020-06-01 12:00", "2020-10-25 00:30"])


def zone(dtype: Any) -> Any:
    return type(dtype.tz), repr(dtype.tz)


@pytest.mark.parametrize("tz", ZONES, ids=repr)
def test_a_zone_comes_back_with_its_type_and_name(tz: Any) -> None:
    days = DAYS.tz_localize("UTC").tz_convert(tz)
    levels = [pd.Index(["x", "y"]), days, days.tz_convert("UTC")]
    frame = pd.DataFrame(
        {"a": days, "o": ["u", None], "b": days.tz_convert("Asia/Tokyo"), "n": [1, 2]},
        index=pd.MultiIndex.from_arrays(levels, names=["k", "t", "u"]),
    )
    frame["o"] = frame["o"].astype(object)
    back = round_trip([days[0], days, pd.Series(days, index=days), frame])
    assert [repr(value) for value in back] == [repr(days[0]), *map(repr, (days, *back[2:]))]
    assert (type(back[0].tz), repr(back[0].tz)) == (type(days[0].tz), repr(days[0].tz))
    kinds = [back[1].dtype, back[2].dtype, back[2].index.dtype, back[3]["a"].dtype]
    assert [zone(kind) for kind in kinds] == [zone(days.dtype)] * 4
    assert [*map(zone, back[3].index.dtypes[1:])] == [*map(zone, frame.index.dtypes[1:])]
    assert zone(back[3]["b"].dtype) == zone(frame["b"].dtype)
    pd.testing.assert_frame_equal(back[3], frame, check_exact=True)


ZONE = ZoneInfo("Europe/Berlin")


@settings(deadline=None, max_examples=60)
@given(
    st.datetimes(
        dt.datetime(1990, 1, 1),  # noqa: DTZ001 - the bounds are naive
        dt.datetime(2030, 1, 1),  # noqa: DTZ001
        timezones=st.sampled_from([None, dt.UTC, ZONE, dt.timezone(HOUR, "X")]),
        allow_imaginary=False,  # a time that no clock shows comes back as that of the clocks
    ),
    st.sampled_from([0, 1]),
)
def test_the_fold_of_a_timestamp_comes_back(when: dt.datetime, fold: int) -> None:
    value = pd.Timestamp(when.replace(fold=fold))
    back = round_trip(value)
    assert (repr(back), back.fold, back.unit, back.value) == (
        *(repr(value), value.fold, value.unit, value.value),
    )


def test_a_zone_that_is_a_text_opens_no_file() -> None:
    parts = ["timestamp", 0, "ns", "dateutil//etc/passwd", 0]
    with pytest.raises(RestoreError, match="zone"):
        SERIALIZER.loads(stored_as("pandas:Timestamp", *parts))


# ---------------------------------------------------------------------------------- frequencies

OFFSETS = [
    *(pd.offsets.BDay(), pd.offsets.MonthEnd(), pd.offsets.Week(weekday=2), pd.offsets.Hour(25)),
    pd.offsets.CustomBusinessDay(holidays=["2020-01-02"]),
    pd.offsets.CustomBusinessDay(weekmask="Sun Mon Tue"),
    *(pd.offsets.BusinessHour(start="10:00"), pd.offsets.MonthEnd(normalize=True)),
    *(pd.offsets.BDay(offset=HOUR), pd.offsets.DateOffset(days=2)),
]


def frequency(value: Any) -> Any:
    offset = value.index.freq
    kept = {name: x for name, x in offset.kwds.items() if name != "calendar"}
    return repr(value), type(offset), offset.n, offset.normalize, repr(kept)


@pytest.mark.parametrize("offset", OFFSETS, ids=lambda o: f"{o!r} {o.normalize}")
def test_a_frequency_comes_back_or_is_refused(offset: Any) -> None:
    index = pd.date_range("2020-01-06", periods=4, freq=offset)
    plain = offset in OFFSETS[:4] and not offset.normalize
    assert same_or_refused(pd.Series(range(len(index)), index=index), frequency) or not plain


# --------------------------------------------------------------------------------- types, labels

TEXTS = [
    *("str", "string", "string[python]", pd.StringDtype("python", na_value=np.nan)),
    *(pd.ArrowDtype(pa.string()), pd.ArrowDtype(pa.large_string())),
]


def text_type(value: Any) -> Any:
    dtype = value.dtype
    details = [getattr(dtype, name, None) for name in ("storage", "na_value", "pyarrow_dtype")]
    return type(dtype), [*map(repr, details)], [*map(repr, value)]


@pytest.mark.parametrize("dtype", TEXTS, ids=lambda d: f"{d}-{getattr(d, 'storage', '')}")
def test_how_texts_are_kept_comes_back_or_is_refused(dtype: Any) -> None:
    stored = same_or_refused(pd.Series(["a", None], dtype=dtype), text_type)
    assert stored or not isinstance(dtype, str) or "python" in dtype
    same_or_refused(pd.Index(["a", "b"], dtype=dtype), text_type)


LABELS = st.sampled_from([1, 1.0, True, "a", None, float("nan"), np.int64(1), b"a", (1, "a")])


@settings(deadline=None, max_examples=60)
@given(st.lists(LABELS, min_size=1, max_size=3), LABELS)
def test_labels_come_back_or_are_refused(labels: list[Any], name: Any) -> None:
    array = np.empty(len(labels), object)
    array[:] = labels
    index = pd.Index(array, dtype=object, name=name, tupleize_cols=False)
    same_or_refused(index, lambda x: (repr(x), [*map(type, x)], [*map(type, x.names)]))


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_attributes_of_a_frame_are_refused() -> None:
    frame = pd.DataFrame({"a": [1]})
    frame.note = [1]
    refused(frame, r"attributes of its own \(note\)")


def test_attributes_and_exif_of_an_image_are_refused() -> None:
    image = Image.new("L", (1, 1))
    image.note = 1  # type: ignore[attr-defined]
    refused(image, r"attributes of its own \(note\)")
    image = Image.new("L", (1, 1))
    image.getexif()
    assert round_trip(image).tobytes() == image.tobytes()
    image.getexif()[271] = "maker"
    refused(image, "Exif")
    image.info["exif"] = image.getexif().tobytes()
    assert round_trip(image).getexif()[271] == "maker"
