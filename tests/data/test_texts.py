"""Texts of pandas come back as they were kept, whatever the options of the reading process say."""

from __future__ import annotations

import json
import subprocess
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from supported import SERIALIZER, canonical

MISSING = {"nan": np.nan, "NA": pd.NA}
KINDS = [(storage, missing) for storage in ("python", "pyarrow") for missing in MISSING]


def kinds(value: Any) -> list[Any]:
    """How texts are kept in a frame, a series or an index."""
    if isinstance(value, pd.DataFrame):
        return [each for _, column in value.items() for each in kinds(column)] + [
            *kinds(value.index),
            *kinds(value.columns),
        ]
    if isinstance(value, pd.Series):
        return [*kinds(value.index), *kind(value.dtype)]
    return [each for dtype in getattr(value, "dtypes", [value.dtype]) for each in kind(dtype)]


def kind(dtype: Any) -> list[Any]:
    if isinstance(dtype, pd.CategoricalDtype):
        return ["categories", *kind(dtype.categories.dtype)]
    if isinstance(dtype, pd.StringDtype):
        return [f"{dtype.storage} {dtype.na_value}"]
    return [str(dtype)]


def made(storage: str, missing: str) -> dict[str, Any]:
    dtype = pd.StringDtype(storage, na_value=MISSING[missing])
    texts, other = pd.array(["b", "a", "b"], dtype=dtype), pd.array(["x", None, "y"], dtype=dtype)
    labels = pd.Index(["r", "s", "t"], dtype=dtype, name="n")
    categories = pd.CategoricalDtype(pd.Index(["b", "a"], dtype=dtype), ordered=True)
    frame = pd.DataFrame(
        {"t": other, "n": [1, 2, 3], "c": pd.Categorical(texts, dtype=categories)}, index=labels
    )
    frame.columns = pd.Index(["t", "n", "c"], dtype=dtype)
    levels = pd.MultiIndex.from_arrays([labels, [1, 2, 3], texts])
    return {
        "frame": frame,
        "series": pd.Series(other, name="s"),
        "categories": pd.Series(pd.Categorical(texts, dtype=categories)),
        "index": labels,
        "missing labels": pd.Index(other),
        "levels": pd.DataFrame({"n": [1, 2, 3]}, index=levels),
        "category index": pd.CategoricalIndex(texts, dtype=categories),
        "empty": frame.iloc[:0],
    }


NAMES = [*made("python", "nan")]
OPTIONS = ["python", "pyarrow", "auto", "infer nothing"]


PAIRS = [*zip(OPTIONS, OPTIONS[::-1], strict=True), ("python", "pyarrow"), ("pyarrow", "python")]


@contextmanager
def set_option(option: str) -> Iterator[None]:
    name = "future.infer_string" if option == "infer nothing" else "mode.string_storage"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pandas 4 will always infer them
        with pd.option_context(name, False if option == "infer nothing" else option):
            yield


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(("storage", "missing"), KINDS)
def test_it_does_not_depend_on_options(name: str, storage: str, missing: str) -> None:
    value = made(storage, missing)[name]
    for writing, reading in PAIRS:
        with set_option(writing):
            stored = bytes(SERIALIZER.dumps(value))
        with set_option(reading):
            restored = SERIALIZER.loads(stored)
        assert kinds(restored) == kinds(value), (writing, reading)
        assert canonical(restored) == canonical(value), (writing, reading)


PROGRAM = """
import json, sys
import beautyspot as bs, pandas as pd
pd.options.mode.string_storage = sys.argv[1]
spot = bs.Spot("app", config=False, directory=sys.argv[2], strict=True)
@spot.mark
def read():
    return pd.DataFrame({"name": ["Ada", None], "kind": pd.Categorical(["x", "y"])})
frame = read()
kept = frame["name"].dtype.storage, frame["kind"].dtype.categories.dtype.storage
print(json.dumps([kept, spot.stats()["hits"]]))
"""


def test_another_process_gets_what_was_returned(tmp_path: Path) -> None:
    told = [
        json.loads(
            subprocess.run(
                [sys.executable, "-c", PROGRAM, option, str(tmp_path)],
                check=True,
                capture_output=True,
                text=True,
            ).stdout
        )
        for option in ("python", "pyarrow")
    ]
    assert told == [[["python", "python"], 0], [["python", "python"], 1]]
