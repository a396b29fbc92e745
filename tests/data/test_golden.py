"""The stored forms and the keys of data, frozen: a change of one is a change of the format.

`golden/values.txt` and `golden/keys.txt` hold a line a value: its name, and the bytes in
hexadecimal digits, or the text. A line is never edited; a new stored form gets a new version and a
new line, and the old one must still be read. To add lines for new names, run this file as a script.
"""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import pytz
from dateutil import tz
from PIL import Image
from supported import SERIALIZER, canonical

FOLDER = Path(__file__).parent / "golden"

FRAME = {"whole": [1, 2], "real": [0.5, None]}
STORED: dict[str, Any] = {
    "array": np.arange(3, dtype="<i4").reshape(1, 3),
    "turned array": np.arange(6, dtype="<i4").reshape(2, 3).T,
    "structured array": np.zeros(1, [("a", "<i2"), ("b", "<f8")]),
    "numpy scalar": np.float32(1.5),
    "numpy text": np.str_("a"),
    "image": Image.new("RGB", (2, 1), "red"),
    "timestamp": pd.Timestamp("2020-01-01", tz="UTC").as_unit("us"),
    "timedelta": pd.Timedelta(5, "s").as_unit("ns"),
    "not a time": pd.NaT,
    "range": pd.RangeIndex(1, 5, 2, name="n"),
    "labels": pd.Index(["a", None], dtype=pd.StringDtype("python", na_value=np.nan)),
    "dateutil": tz.tzoffset("CET", 3600),
    "pytz": pytz.timezone("Europe/Berlin"),
    "pytz offset": pytz.FixedOffset(90),
}
COUNTED: dict[str, Any] = {
    **STORED,
    "objects": np.array([1, "a", None], object),
    "dtype": np.dtype([("a", "<i2"), (("title", "b"), "<f8", 2)], align=True),
    "frame": pd.DataFrame(FRAME),
    "text": pd.Series(["a", None], dtype=pd.StringDtype("python", na_value=np.nan), name="t"),
    "moments": pd.DatetimeIndex(["2020-01-01"], tz=dt.UTC).as_unit("us"),
    "polars": pl.DataFrame({**FRAME, "text": ["a", None], "list": [[1], []]}),
    "arrow": pa.table({**FRAME, "text": ["a", None], "list": [[1], []]}),
}


def read(name: str) -> dict[str, str]:
    lines = (FOLDER / name).read_text("utf-8").splitlines()
    return {name: text for name, _, text in (line.partition(": ") for line in lines)}


@pytest.mark.parametrize("name", STORED)
def test_the_stored_form_is_frozen(name: str) -> None:
    assert bytes(SERIALIZER.dumps(STORED[name])).hex() == read("values.txt")[name]


@pytest.mark.parametrize("name", STORED)
def test_frozen_bytes_are_read(name: str) -> None:
    restored = SERIALIZER.loads(bytes.fromhex(read("values.txt")[name]))
    assert type(restored) is type(STORED[name])
    assert canonical(restored) == canonical(STORED[name])


@pytest.mark.parametrize("name", COUNTED)
def test_the_key_is_frozen(name: str) -> None:
    assert canonical(COUNTED[name]) == read("keys.txt")[name]


def test_every_line_is_a_value() -> None:
    assert read("values.txt").keys() == STORED.keys()
    assert read("keys.txt").keys() == COUNTED.keys()


if __name__ == "__main__":  # adds lines, changes none
    forms = {name: bytes(SERIALIZER.dumps(value)).hex() for name, value in STORED.items()}
    for name, made in {
        "values.txt": forms,
        "keys.txt": {n: canonical(v) for n, v in COUNTED.items()},
    }.items():
        known = read(name) if (FOLDER / name).exists() else {}
        lines = {**made, **known}
        text = "".join(f"{each}: {line}\n" for each, line in lines.items())
        (FOLDER / name).write_text(text, "utf-8")
