"""Results in the format of their content type: a hit equals what was returned, or it is said."""

from __future__ import annotations

import csv
import datetime as dt
import json
import math
from io import BytesIO, StringIO
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet
import pytest
from beautyspot.testing import memory_spot
from beautyspot_testing.serializer import JSON_VALUES, assert_same
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from rows import put_rows
from supported import SERIALIZER, canonical


def kept(spot: Any, value: Any, content_type: str) -> bytes:
    """What is stored of a result, after a hit that equals it."""
    made = spot.mark(name="made", key="key", save_blob=True, content_type=content_type)(
        lambda: value
    )
    assert made() is value
    hit = made()
    assert spot.stats()["hits"] == 1
    assert type(hit) is type(value)
    assert canonical(hit) == canonical(value)
    [record] = spot.metadata.all_rows()
    data: bytes = spot.storage.load(record.result_value)
    if record.serializer.startswith("media:"):
        assert record.content_type == content_type
    else:
        assert record.content_type is None
        assert record.result_value.endswith(".msgpack")
    return data


def said(caplog: Any) -> str:
    return "\n".join(record.getMessage() for record in caplog.records)


def picture(mode: str, **info: Any) -> Image.Image:
    noise = np.random.default_rng(0).integers(0, 256, (7, 5, 4), "u1")
    if mode == "P":
        image = Image.fromarray(noise[..., :3], "RGB").quantize(7)
    else:
        image = Image.fromarray(noise, "RGBA").convert(mode)
    image.info = info
    return image


@pytest.mark.parametrize("mode", ["1", "L", "LA", "RGB", "RGBA", "P", "I;16"])
@pytest.mark.parametrize("info", [{}, {"dpi": (72, 72), "exif": b"Exif\0", "Author": "é"}], ids=len)
def test_an_image_is_a_png(spot: Any, caplog: Any, mode: str, info: Any) -> None:
    if mode == "I;16":
        image = Image.fromarray(np.arange(35, dtype="u2").reshape(7, 5) * 1000)
        image.info = info
    else:
        image = picture(mode, **info)
    data = kept(spot, image, "image/png")
    with Image.open(BytesIO(data), formats=["PNG"]) as opened:
        assert opened.size == image.size
        assert opened.convert("RGBA").tobytes() == image.convert("RGBA").tobytes()
    assert said(caplog) == ""


@pytest.mark.parametrize(
    ("content_type", "suffix", "start", "mode"),
    [
        ("image/webp", ".webp", b"RIFF", "RGB"),
        ("image/webp", ".webp", b"RIFF", "L"),
        ("image/tiff", ".tiff", b"II*", "CMYK"),
        ("IMAGE/BMP", ".bmp", b"BM", "RGB"),
    ],
)
def test_other_formats_that_keep_pixels(
    spot: Any, content_type: str, suffix: str, start: bytes, mode: str
) -> None:
    assert kept(spot, picture(mode), content_type).startswith(start)
    [record] = spot.metadata.all_rows()
    assert record.result_value.endswith(suffix)


@pytest.mark.parametrize(
    ("image", "content_type", "why"),
    [
        (picture("RGB"), "image/jpeg", "the type Image is written as image/bmp or image/png or"),
        (picture("F"), "image/png", "writing it failed"),
        (picture("RGBA"), "image/bmp", "it would come back changed"),
    ],
)
def test_an_image_that_would_change_is_stored_another_way(
    spot: Any, caplog: Any, image: Any, content_type: str, why: str
) -> None:
    assert kept(spot, image, content_type)
    [record] = caplog.records
    assert f"can't be written as {content_type}: {why}" in record.getMessage()
    assert "in beautyspot's own form, which no viewer opens" in record.getMessage()


@settings(max_examples=25, deadline=None)
@given(value=st.lists(JSON_VALUES, max_size=3) | st.dictionaries(st.text("ab"), JSON_VALUES))
def test_json(value: Any) -> None:
    with memory_spot() as spot:
        data = kept(spot, value, "application/json; charset=utf-8")
    assert_same(json.loads(data), value)


@pytest.mark.parametrize(
    ("value", "why"),
    [
        ({"a": [1, (2, 3)]}, "it would come back changed"),
        ({"a": {1: 2}}, "it would come back changed"),
        ([float("nan")], "writing it failed (ValueError"),
        ([dt.date(2020, 1, 1)], "writing it failed (TypeError('Object of type date is not JSON"),
        ([np.float64(1)], "it would come back changed"),
        (["\ud800"], "writing it failed (UnicodeEncodeError"),
        ((1, 2), "the type tuple is written as no file"),
        ({1, 2}, "the type set is written as no file"),
    ],
)
def test_what_json_does_not_hold_is_stored_another_way(
    spot: Any, caplog: Any, value: Any, why: str
) -> None:
    kept(spot, value, "application/json")
    [record] = caplog.records
    assert why in record.getMessage()


TIMES = [dt.datetime.fromisoformat(f"20{year}-01-01 12:30:15.123456") for year in (20, 21)]


COLUMNS: dict[str, list[Any]] = {
    "whole": [1, -(2**53)],
    "real": [0.1, 1e-300],
    "text": ['a "quoted", one', "日本\nline"],
    "truth": [True, False],
    "time": TIMES,
}


def pandas_frame() -> Any:
    frame = pd.DataFrame(COLUMNS)
    frame["small"] = pd.array([1, 2], dtype="uint8")
    frame["nullable"] = pd.array([1, None], dtype="Int64")
    frame["gap"] = [1.5, float("nan")]
    frame["zoned"] = pd.to_datetime(pd.Series(TIMES)).dt.tz_localize("Europe/Berlin")
    frame["span"] = pd.to_timedelta([1, 2], unit="s")
    frame["kind"] = pd.Categorical(["a", "b"], categories=["b", "a"], ordered=True)
    frame.attrs = {"unit": "m"}
    return frame


def polars_frame() -> Any:
    return pl.DataFrame(
        {**COLUMNS, "gap": [1.5, None], "empty": ["", None], "day": [dt.date(2020, 1, 1), None]},
        schema_overrides={"whole": pl.Int64},
    ).with_columns(pl.col("real").cast(pl.Float32).alias("half"))


def arrow_table() -> Any:
    return pa.table(
        {**COLUMNS, "gap": [1.5, None], "small": pa.array([1, 2], pa.int8())},
    ).replace_schema_metadata({"unit": "m"})


FRAMES: dict[str, Any] = {"pandas": pandas_frame, "polars": polars_frame, "arrow": arrow_table}


@pytest.mark.parametrize("make", FRAMES.values(), ids=FRAMES)
def test_a_frame_as_csv(spot: Any, caplog: Any, make: Any) -> None:
    data = kept(spot, make(), "text/csv")
    assert said(caplog) == ""
    head, *rows = csv.reader(StringIO(data.decode()))
    assert head[:5] == list(COLUMNS)
    assert [row[2] for row in rows] == COLUMNS["text"]


@pytest.mark.parametrize("make", FRAMES.values(), ids=FRAMES)
@pytest.mark.parametrize("kind", ["vnd.apache.parquet", "x-parquet", "parquet"])
def test_a_frame_as_parquet(spot: Any, caplog: Any, make: Any, kind: str) -> None:
    data = kept(spot, make(), f"application/{kind}")
    assert said(caplog) == ""
    assert pyarrow.parquet.read_table(BytesIO(data)).column("whole").to_pylist() == COLUMNS["whole"]
    [record] = spot.metadata.all_rows()
    assert record.result_value.endswith(".parquet")


NUMBERS = st.integers(-(2**63), 2**63 - 1) | st.none()


CELLS: dict[str, Any] = {
    "whole": NUMBERS,
    "real": st.floats(allow_nan=False) | st.just(math.nan) | st.none(),  # its sign is not kept
    "text": st.text(max_size=5) | st.none(),
    "odd": st.sampled_from(["", " ", "NA", "null", "nan", "1", "01", "true", "\r\n", '"', ","]),
    "truth": st.booleans() | st.none(),
    "time": st.dates(dt.date(1700, 1, 1), dt.date(2200, 1, 1)).map(
        lambda day: dt.datetime.combine(day, dt.time(1, 2, 3, 40_000))
    ),
    "day": st.dates() | st.none(),
    "mixed": st.sampled_from([1, 2.5, "x", None]),
}


LIBRARIES: dict[str, Any] = {
    "pandas": pd.DataFrame,
    "polars": lambda columns: pl.DataFrame(columns, strict=False),
    "arrow": pa.table,
}


TABLES = st.integers(0, 3).flatmap(
    lambda rows: st.fixed_dictionaries(
        {},
        optional={
            name: st.lists(cells, min_size=rows, max_size=rows) for name, cells in CELLS.items()
        },
    )
)


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize("content_type", ["text/csv", "application/parquet"])
@settings(max_examples=20, deadline=None)
@given(columns=TABLES)
def test_any_frame_comes_back_equal(library: str, content_type: str, columns: Any) -> None:
    try:
        frame = LIBRARIES[library](columns)
        SERIALIZER.dumps(frame)
    except Exception:  # it has no form without a content type either
        return
    with memory_spot() as spot:
        kept(spot, frame, content_type)


@pytest.mark.parametrize(
    ("frame", "why"),
    [
        (pd.DataFrame({"a": [1]}, index=["x"]), "reset_index() makes it a column"),
        (pd.DataFrame({"a": [(1, 2)]}), "would come back changed"),
        (pd.DataFrame({"a": ["", None]}), "would come back changed"),
        (pd.DataFrame({1: [1]}), ""),
        (pd.DataFrame({"a": []}), ""),
        (pd.DataFrame(np.zeros((2, 2)), columns=["a", "a"]), ""),
        (pl.DataFrame({"a": [[1]]}), "writing it failed"),
        (pl.DataFrame({"a": [" x", "1"]}), ""),
        (pl.DataFrame({"a": []}, schema={"a": pl.Int8}), ""),
        (pa.table({"a": [[1]]}), "writing it failed"),
        (pa.table({"a": ["", None]}), ""),
    ],
)
def test_a_frame_that_csv_does_not_hold(spot: Any, caplog: Any, frame: Any, why: str) -> None:
    kept(spot, frame, "text/csv")
    assert why in said(caplog)
    assert bool(why) == bool(said(caplog))


def test_an_image_whose_exif_data_were_changed_is_not_stored(make_spot: Any, caplog: Any) -> None:
    def made() -> Image.Image:
        image = picture("RGB")
        image.getexif()[274] = 6
        return image

    turned = make_spot().mark(name="f", key="k", content_type="image/png")(made)
    assert [turned().getexif()[274] for _ in range(2)] == [6, 6]
    assert 'set info["exif"] to their tobytes()' in said(caplog)


@pytest.mark.parametrize(
    ("value", "content_type", "why"),
    [
        ([1], "video/mp4", "the type list is written as application/json only"),
        (picture("L"), "text/csv", "the type Image is written as image/bmp or"),
        (pd.DataFrame(), "image/png", "the type DataFrame is written as application/parquet or"),
        (b"x", "image/png", ""),
        ("x", "image/png", ""),
    ],
)
def test_what_fits_no_type_is_said(
    spot: Any, caplog: Any, value: Any, content_type: str, why: str
) -> None:
    made = spot.mark(content_type=content_type)(lambda: value)
    made()
    made()
    assert why in said(caplog)
    assert len(caplog.records) == bool(why)


def test_only_the_format_of_the_mark_is_read(make_spot: Any, troubles: Any) -> None:
    spot = make_spot(on_error=troubles.append)
    mark = spot.mark(name="f", key="k", content_type="image/png")
    mark(lambda: picture("L"))()
    other = spot.mark(name="f", key="k", content_type="image/webp")(lambda: picture("L"))
    plain = spot.mark(name="f", key="k")(lambda: picture("L"))
    assert spot.peek(other) is None
    assert spot.peek(plain) is None
    assert "was stored as image/png, and content_type= says otherwise" in str(troubles[0].error)


@pytest.mark.parametrize("make", [lambda: picture("L"), *FRAMES.values(), lambda: ["text"] * 9])
@pytest.mark.parametrize("cut", [0, 10, -20])
def test_damage_is_an_error_of_ours(make: Any, cut: int, make_spot: Any, troubles: Any) -> None:
    from beautyspot.results.validity import fingerprint

    value = make()
    kinds = {list: "application/json", Image.Image: "image/png"}
    spot = make_spot(on_error=troubles.append)
    mark = spot.mark(name="f", key="k", content_type=kinds.get(type(value), "application/parquet"))
    made = mark(lambda: value)
    made()
    [record] = spot.metadata.all_rows(data=True)
    data = record.result_data[:cut]
    digest = fingerprint(record.cache_key, record.serializer, data)
    put_rows(spot.metadata, record._replace(result_data=data, digest=digest))
    assert canonical(made()) == canonical(value)
    assert not troubles or type(troubles[0].error).__name__ == "RestoreError"
