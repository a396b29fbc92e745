"""Stored data that is read where the program's classes, the library or the plug-in are missing."""

from __future__ import annotations

import dataclasses
import sys
from typing import Any

import beautyspot as bs
import numpy as np
import pandas as pd
import pytest
from beautyspot import Instance, NotInstalled
from beautyspot_data.supports import NumpyTypes, PandasTypes
from supported import TYPES


@dataclasses.dataclass
class Point:
    x: Any
    y: Any = 0


def dumped(value: Any) -> bytes:
    serializer = bs.MsgpackSerializer().supporting(TYPES)
    serializer.register(Point, name="app:Point")
    return bytes(serializer.dumps(value))


def looked_at(value: Any) -> Any:
    return bs.MsgpackSerializer().supporting(TYPES).loads_for_looking(dumped(value))


VALUES = {
    "array": (np.arange(6.0).reshape(2, 3), ("numpy", "ndarray", 48)),
    "large array": (np.zeros((1000, 100)), ("numpy", "ndarray", 800_000)),
    "structured array": (np.zeros(2, [("a", "i4")]), ("numpy", "ndarray", 8)),
    "scalar": (np.float32(1.5), ("numpy", "float32", ...)),
    "frame": (pd.DataFrame({"a": [1]}), ("pandas", "DataFrame", ...)),
    "timestamp": (pd.Timestamp("2020-01-01"), ("pandas", "Timestamp", ...)),
}


@pytest.fixture
def without_libraries(monkeypatch):
    """As where neither NumPy nor pandas is installed."""
    for name in ("numpy", "pandas"):
        monkeypatch.setitem(sys.modules, name, None)
        monkeypatch.delitem(sys.modules, f"beautyspot_data.{name}_types", raising=False)
    return {name: support for support in (NumpyTypes(), PandasTypes()) for name in support.classes}


@pytest.mark.parametrize("missing", ["library", "plug-in"])
@pytest.mark.parametrize("kind", VALUES)
def test_a_value_whose_library_or_plug_in_is_not_installed_is_named(kind, missing, request):
    value, (library, name, size) = VALUES[kind]
    data = dumped([Point(value), "plain"])
    types = request.getfixturevalue("without_libraries") if missing == "library" else {}
    library = library if missing == "library" else "beautyspot-data"
    found = bs.MsgpackSerializer().supporting(types).loads_for_looking(data)
    assert found[1] == "plain"
    there = found[0].fields["x"]
    assert type(there) is NotInstalled
    assert (there.library, there.kind) == (library, name)
    assert size in (there.size, ...)
    assert there.size > 0
    assert f"bytes: {library} is not installed>" in repr(there)


def test_two_values_of_a_library_that_is_not_installed_are_two():
    big = np.zeros(10**5)
    data = dumped([{np.float32(1.5): "a", np.float32(2.5): "b"}, [big, big, big + 1]])
    texts, (first, second, third) = bs.MsgpackSerializer().loads_for_looking(data)
    assert sorted(texts.values()) == ["a", "b"]
    assert len({first, second, third}) == 3
    assert first == first  # noqa: PLR0124 - it is one object


def test_damage_is_no_library_that_is_missing():
    data = dumped(np.zeros(3)).replace(b"<f8", b"<f9")
    found = bs.MsgpackSerializer().supporting(TYPES).loads_for_looking(data)
    assert found.class_name == "numpy:ndarray"
    assert "<f9" in found.fields.values()


def test_a_value_made_of_what_is_unknown_is_read_by_its_parts():
    column = pd.DataFrame({"a": [Point(1)]}, dtype=object)
    found = looked_at(column)
    assert found["a"][0] == Instance("app:Point", {"x": 1, "y": 0})
