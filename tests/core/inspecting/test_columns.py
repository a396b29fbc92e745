"""Cells: what a row tells of arguments, and what a result has as fields."""

from __future__ import annotations

import enum
import math
import warnings
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import beautyspot as bs
import numpy as np
import pytest
from core.inspecting.stored import row
from hypothesis import given
from hypothesis import strategies as st


@dataclass
class Config:
    lr: float = 0.1
    name: str = "a, b=2"
    deep: dict[str, Any] = field(default_factory=lambda: {"x": {"y": {"z": {"w": 1}}}})


def told(text: str | None) -> dict[str, bs.Cell]:
    return bs.arguments_of(row(1, arguments=text))


@pytest.mark.parametrize(
    ("text", "cells"),
    [
        (None, {}),
        ("", {}),
        ("c=1, d=-2.5e-07, e=True", {"c": 1, "d": -2.5e-07, "e": True}),
        ("f=None, g='x', api_key=***", {"f": None, "g": "x", "api_key": "***"}),
        ("a=Infinity, b=-Infinity", {"a": math.inf, "b": -math.inf}),
        (r"s='it\'s \"q\" \n\x1b[31m'", {"s": 'it\'s "q" \n\x1b[31m'}),
        (r"s='\u200b\U0001f642 \\n'", {"s": "\u200b\U0001f642 \\n"}),
        ("t=', u=1', v=1", {"t": ", u=1", "v": 1}),
        ("a=(1, 2), b=[{'k': 'v, w=1'}]", {"a": "(1, 2)", "b": "[{'k': 'v, w=1'}]"}),
        ("c={1, 2}, d=2026-01-02", {"c": "{1, 2}", "d": "2026-01-02"}),
        (
            "c=C(lr=0.1, d={'a': [1], 'b c': 2}), d=1",
            {"c.lr": 0.1, "c.d.a": "[1]", "c.d.b c": 2, "d": 1},
        ),
        ("e=1.10, f=<ndarray>, g=len", {"e": 1.1, "f": "<ndarray>", "g": "len"}),
        ("'we ird'=3, \"a'=b\"=4", {"we ird": 3, "a'=b": 4}),
        ("p='cut off…", {"p": "cut off…"}),
        ("a=1, b=[1, 2, …", {"a": 1, "b": "[1, 2, …"}),
        ("a=1, …", {"a": 1}),
        (r"a='cut \x...\' off\q'", {"a": r"cut \x...' off\q"}),
        ("a=" + "9" * 5000, {"a": "9" * 5000}),
        ("a='\ud800\0'", {"a": "?\N{REPLACEMENT CHARACTER}"}),
        ("no names at all", {}),
    ],
)
def test_arguments_by_name_as_what_they_are(text: str, cells: dict[str, bs.Cell]) -> None:
    found = told(text)
    assert found == cells
    assert list(map(type, found.values())) == list(map(type, cells.values()))


@pytest.mark.parametrize("part", ["a=f(b=", "a='", "a=1, ", "\\'", "a=((", ", a=…"])
def test_a_text_that_is_none_of_ours_is_read_in_time(part: str) -> None:
    for text in (part * 50_000, part * 50_000 + "\\"):  # seconds, if it were by their square
        assert all(isinstance(cell, int | str) for cell in told(text).values())


def test_what_is_nested_deep_is_told_as_it_is_shown() -> None:
    assert told("a=f(b=g(c=h(d=i(e=1))))") == {"a.b.c.d": "i(e=1)"}


PLAIN = st.one_of(
    st.integers(), st.floats(allow_nan=False), st.booleans(), st.none(), st.text(max_size=90)
)


@given(st.dictionaries(st.from_regex(r"[a-z_][a-z0-9_]{0,8}", fullmatch=True), PLAIN, max_size=5))
def test_plain_arguments_come_back_as_they_were_given(arguments: dict[str, Any]) -> None:
    text = ", ".join(f"{name}={value!r}" for name, value in arguments.items())
    text = text.replace("=inf", "=Infinity").replace("=-inf", "=-Infinity")
    clean = {
        name: value.replace("\0", "\N{REPLACEMENT CHARACTER}").encode("utf-8", "replace").decode()
        if isinstance(value, str) else value
        for name, value in arguments.items()
    }  # fmt: skip
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert told(text) == clean


@given(st.text(max_size=200), st.text(alphabet="a=1', \"({[]})\\<…", max_size=200))
def test_no_text_ends_in_an_error(text: str, likely: str) -> None:
    told(text), told(likely)


class Color(enum.Enum):
    RED = 1


def fields(value: Any, tmp_path: Path, **options: Any) -> dict[str, bs.Cell]:
    """The fields of a result that was stored."""
    with bs.Spot("f", directory=tmp_path, config=False, strict=True) as spot:
        spot.register(Config)
        spot.register(Color)
        spot.mark(lambda: value, name="lab:f", **options)()
    with bs.open_store(tmp_path, config=False) as store:
        (run,) = store.runs("lab:f").runs
    return {name: cell for name, cell in run.cells.items() if name not in ROW}


ROW = {"key", "made", "took", "price", "version", "size"}


@pytest.mark.parametrize(
    ("value", "found"),
    [
        (0.5, {"value": 0.5}),
        (None, {"value": None}),
        ("x" * 1000, {"value": "x" * 400 + "…"}),
        ({"a": 1, "b": {"c": True, "d": {"e": {}}}}, {"a": 1, "b.c": True, "b.d.e": "<dict>"}),
        ({3: "x", None: 1}, {"3": "x", "None": 1}),
        (Config(), {"lr": 0.1, "name": "a, b=2", "deep.x.y": "<dict>"}),
        ({}, {"value": "<dict>"}),
        (10**400, {"value": "<int>"}),
        ({10**5000: 10**5000}, {"<int>": "<int>"}),
        ([1, 2.123456789], {"value": "[1, 2.12346]"}),
        (["a", 0.1 + 0.2], {"value": "['a', 0.3]"}),
        ([None], {"value": "1 items"}),
        (list(range(9)), {"value": "9 items"}),
        (b"abc", {"value": "<bytes>"}),
        (date(2026, 1, 2), {"value": "2026-01-02"}),
        (datetime(2026, 1, 2, tzinfo=UTC), {"value": "2026-01-02 00:00:00+00:00"}),
        (Decimal("1.5"), {"value": 1.5}),
        (np.float32(0.5), {"value": 0.5}),
        (np.arange(3), {"value": "[0, 1, 2]"}),
        (np.array([[0.5, 1], [2, 3]]), {"value": "[[0.5, 1.0], [2.0, 3.0]]"}),
        ({"\x1b[31m\0": 1}, {"\x1b[31m\N{REPLACEMENT CHARACTER}": 1}),
        ({f"k{n}": n for n in range(100)}, {f"k{n}": n for n in range(60)}),
    ],
)  # fmt: skip
def test_fields_of_results(value: Any, found: dict[str, bs.Cell], tmp_path: Path) -> None:
    assert fields(value, tmp_path) == found


def test_a_table_is_its_shape_and_a_digest_of_what_is_in_it(tmp_path: Path) -> None:
    one, same, other = (
        fields(np.full((200, 4), number), tmp_path / str(n))["value"]
        for n, number in enumerate((1.0, 1.0, 2.0))
    )
    assert str(one).startswith("200 × 4, ")
    assert one == same != other


def test_an_error_that_is_a_result_is_told(tmp_path: Path) -> None:
    def fail() -> None:
        raise ValueError("no")

    spot = bs.Spot("f", directory=tmp_path, config=False)
    with spot, pytest.raises(ValueError, match="no"):
        spot.mark(fail, name="lab:f", cache_errors=ValueError)()
    with bs.open_store(tmp_path, config=False) as store:
        assert store.runs("lab:f").runs[0].cells["error"] == "ValueError('no')"


def test_a_text_of_a_content_type_is_a_value(tmp_path: Path) -> None:
    assert fields("# hi", tmp_path, content_type="text/markdown") == {"value": "# hi"}
    told = fields('{"a": 1}', tmp_path / "j", content_type="application/json")
    assert told == {"value": '{"a": 1}'}
