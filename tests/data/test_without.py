"""Arrays, frames, images, zones where `beautyspot-data` is missing: it is said what to install."""

from __future__ import annotations

import datetime as dt
import sys
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import pytz
from beautyspot import KeyGen, MsgpackSerializer, RestoreError, SerializationError
from beautyspot.backends.registry import forget
from beautyspot.errors import UnstableKeyError
from dateutil import tz
from matplotlib.figure import Figure
from PIL import Image
from supported import TYPES

VALUES = {
    "numpy.ndarray": np.arange(3),
    "numpy.float64": np.float64(1),
    "numpy.ma.MaskedArray": np.ma.array([1]),
    "pandas.DataFrame": pd.DataFrame({"a": [1]}),
    "pandas.Timestamp": pd.Timestamp("2020-01-01"),
    "polars.series.series.Series": pl.Series([1]),
    "pyarrow.lib.Table": pa.table({"a": [1]}),
    "PIL.Image.Image": Image.new("L", (1, 1)),
    "matplotlib.figure.Figure": Figure(),
    "dateutil.tz.tz.tzutc": tz.UTC,
    "pytz.tzfile.Asia/Tokyo": pytz.timezone("Asia/Tokyo"),
}
MISSING = "has no form without the plug-in beautyspot-data: install it (docs/install.md)"


@pytest.fixture
def without_data(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("BEAUTYSPOT_PLUGINS", "-data")
    monkeypatch.setitem(sys.modules, "beautyspot_data", None)
    yield
    monkeypatch.undo()
    forget()


@pytest.mark.parametrize("name", VALUES)
@pytest.mark.usefixtures("without_data")
def test_a_call_with_one_runs_uncached_with_one_warning(
    make_spot: Any, caplog: Any, name: str
) -> None:
    marked, ran = make_spot(), []

    @marked.mark(ignore=("ran",))
    def count(value: Any) -> int:
        ran.append(value)
        return len(ran)

    assert [count([VALUES[name]]), count([VALUES[name]]), count(1), count(1)] == [1, 2, 3, 3]
    [record] = caplog.records
    article = "an" if name[0] in "aeiou" else "a"
    assert f"value[0] is {article} {name}, which {MISSING}" in record.getMessage()
    assert "The call runs uncached" in record.getMessage()


@pytest.mark.parametrize("name", VALUES)
@pytest.mark.usefixtures("without_data")
def test_a_result_of_one_is_not_stored_with_one_warning(
    make_spot: Any, caplog: Any, name: str
) -> None:
    marked = make_spot().mark(ignore=("value",))(lambda value: {"a": value})
    for _ in range(2):
        assert marked(VALUES[name])["a"] is VALUES[name]
    [record] = caplog.records
    module, _, cls = name.rpartition(".")
    assert f'result["a"] can\'t be stored: a {module}:{cls} {MISSING}' in record.getMessage()
    assert "The value is returned, and not cached" in record.getMessage()


def test_what_was_stored_with_it_is_a_miss_and_says_so(
    make_spot: Any, caplog: Any, request: Any
) -> None:
    with make_spot() as one:
        one.mark(name="f")(lambda: np.arange(3))()
    request.getfixturevalue("without_data")
    other = make_spot()
    assert other.mark(name="f")(lambda: [0, 1, 2])() == [0, 1, 2]
    assert f"a numpy:ndarray is stored: it {MISSING}" in caplog.text
    assert other.stats()["hits"] == 0


@pytest.mark.usefixtures("without_data")
def test_a_subclass_of_ours_is_told_too() -> None:
    class Ours(np.ndarray):
        pass

    with pytest.raises(TypeError, match="without the plug-in beautyspot-data: install it"):
        KeyGen().canonical(np.zeros(1).view(Ours))


@pytest.mark.parametrize("name", VALUES)
def test_where_it_is_installed_one_made_by_hand_is_told_of_a_spot(
    make_spot: Any, name: str
) -> None:
    told = r"beautyspot-data: it is installed, so give .* to a Spot, which passes on its types"
    if name not in ("numpy.ma.MaskedArray", "matplotlib.figure.Figure"):
        stored = MsgpackSerializer().supporting(TYPES).dumps(VALUES[name])
        with pytest.raises(RestoreError, match=told):
            MsgpackSerializer().loads(stored)
    with pytest.raises(SerializationError, match=told):
        MsgpackSerializer().dumps(VALUES[name])
    with pytest.raises(UnstableKeyError, match=told):
        KeyGen().canonical(VALUES[name])


def test_the_standard_library_needs_no_plug_in() -> None:
    assert KeyGen().canonical(dt.datetime(2020, 1, 1, tzinfo=dt.UTC))
