"""Results as files that viewers open: images and figures; for others the function gives bytes."""

from __future__ import annotations

import json
from collections.abc import Callable
from io import BytesIO
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from PIL import Image
from rows import put_rows
from supported import canonical


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
    assert record.content_type == content_type
    data: bytes = spot.storage.load(record.result_value)
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


TABLE = {"a": [1, 2]}


@pytest.mark.parametrize(
    ("value", "content_type", "why"),
    [
        (pd.DataFrame(TABLE), "text/csv", "DataFrame is not written as that. Return the bytes"),
        (pd.DataFrame(TABLE), "text/csv", "as df.to_csv(index=False) gives one (of Polars df.w"),
        (pl.DataFrame(TABLE), "application/vnd.apache.parquet", "as df.to_parquet() gives them"),
        (pa.table(TABLE), "application/x-parquet", "as df.to_parquet() gives them; or leave"),
        (TABLE, "text/csv; charset=utf-8", "dict is not written as that"),
        (TABLE, "application/json", "as json.dumps(…) gives one"),
        ([1], "application/ld+json", "as json.dumps(…) gives one"),
        ((1, 2), "video/mp4", "text of that file; or leave content_type= out"),
        (bytearray(b"x"), "image/png", "bytearray is not written as that"),
        ("\ud800", "text/plain", "str is not written as that"),
        (picture("RGB"), "image/jpeg", "take one of image/bmp, image/png, image/tiff, image/webp"),
        (picture("F"), "image/png", "writing it raised OSError"),
        (picture("RGBA"), "image/bmp", "it would come back changed"),
    ],
)
def test_what_is_no_such_file_is_refused(
    make_spot: Any, caplog: Any, value: Any, content_type: str, why: str
) -> None:
    spot = make_spot(strict=False)
    made = spot.mark(name="f", key="k", content_type=content_type, save_blob=True)(lambda: value)
    assert made() is made() is value
    assert spot.stats()["hits"] == 0
    [record] = caplog.records
    assert f"the result can't be stored as {content_type}: " in record.getMessage()
    assert why in record.getMessage()


WRITERS: list[tuple[Callable[[], bytes | str], str, str]] = [
    (lambda: pd.DataFrame(TABLE).to_csv(index=False), "text/csv", ".csv"),
    (lambda: pl.DataFrame(TABLE).write_csv(), "text/csv; charset=utf-8", ".csv"),
    (lambda: pd.DataFrame(TABLE).to_parquet(), "application/vnd.apache.parquet", ".parquet"),
    (lambda: json.dumps(TABLE), "application/json", ".json"),
]


@pytest.mark.parametrize(("make", "content_type", "suffix"), WRITERS)
def test_the_bytes_that_the_message_names_are_a_file(
    spot: Any, caplog: Any, make: Any, content_type: str, suffix: str
) -> None:
    made = spot.mark(key="k", content_type=content_type, save_blob=True)(make)
    assert made() == made() == make()
    assert spot.stats()["hits"] == 1
    [record] = spot.metadata.all_rows()
    assert record.result_value.endswith(suffix)
    assert record.content_type == content_type
    assert said(caplog) == ""


def test_none_is_stored_under_any_type(spot: Any) -> None:
    made = spot.mark(content_type="text/csv", key="k")(lambda: None)
    assert made() is made() is None
    assert spot.stats()["hits"] == 1


def test_an_image_whose_exif_data_were_changed_is_not_stored(make_spot: Any, caplog: Any) -> None:
    def made() -> Image.Image:
        image = picture("RGB")
        image.getexif()[274] = 6
        return image

    turned = make_spot().mark(name="f", key="k", content_type="image/png")(made)
    assert [turned().getexif()[274] for _ in range(2)] == [6, 6]
    assert 'set info["exif"] to their tobytes()' in said(caplog)


def test_only_the_format_of_the_mark_is_read(make_spot: Any, troubles: Any) -> None:
    spot = make_spot(on_error=troubles.append)
    mark = spot.mark(name="f", key="k", content_type="image/png")
    mark(lambda: picture("L"))()
    other = spot.mark(name="f", key="k", content_type="image/webp")(lambda: picture("L"))
    plain = spot.mark(name="f", key="k")(lambda: picture("L"))
    assert spot.peek(other) is None
    assert spot.peek(plain) is None
    assert "was stored as image/png, and content_type= says otherwise" in str(troubles[0].error)


@pytest.mark.parametrize("cut", [0, 10, -20])
def test_damage_is_an_error_of_ours(cut: int, make_spot: Any, troubles: Any) -> None:
    from beautyspot.results.validity import fingerprint

    spot = make_spot(on_error=troubles.append)
    made = spot.mark(name="f", key="k", content_type="image/png")(lambda: picture("L"))
    made()
    [record] = spot.metadata.all_rows(data=True)
    data = record.result_data[:cut]
    digest = fingerprint(record.cache_key, record.serializer, data)
    put_rows(spot.metadata, record._replace(result_data=data, digest=digest))
    assert canonical(made()) == canonical(picture("L"))
    assert not troubles or type(troubles[0].error).__name__ == "RestoreError"
