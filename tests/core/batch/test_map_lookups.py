"""What `spot.map` finds stored is what a single call would find, however it is stored."""

from __future__ import annotations

import itertools
import sqlite3
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import beautyspot as bs
import pytest
from beautyspot.resilience.reporting import Trouble
from beautyspot.spot import Spot
from hypothesis import given, settings
from hypothesis import strategies as st
from kinds import RAN


def double(number: int) -> Any:
    RAN.append(number)
    return [number] * 2


def ten(spot: Spot, function: Callable[..., Any]) -> None:
    assert list(spot.map(function, range(10))) == [[n, n] for n in range(10)]


OPTIONS: dict[str, dict[str, Any]] = {
    "plain": {},
    "with a ttl": {"ttl": "1h"},
    "blobs": {"save_blob": True},
    "a key of its own": {"key": lambda number: f"number {number}"},
    "a key for an argument": {"key": {"number": str}},
    "followed code": {"version": "auto"},
    "priced": {"price": len},
    "refused": {"cache_if": lambda result: False},
}


@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
@pytest.mark.parametrize(
    "spot_options",
    [
        {},
        {"signing_key": "a secret of many letters"},
        {"save": "background"},
        {"metadata": "memory"},
    ],
    ids=["sync", "signed", "background", "memory"],
)
def test_all_is_found(
    make_spot: Callable[..., Spot], options: dict[str, Any], spot_options: dict[str, Any]
) -> None:
    spot = make_spot(strict=True, **spot_options)
    function = spot.mark(double, **options)
    for _ in range(3):
        ten(spot, function)
    assert len(RAN) == (30 if "cache_if" in options else 10)
    if "cache_if" not in options:
        for n in range(10):
            stored = spot.peek(function, n)
            assert stored is not None
            assert stored.value == [n, n], "under the key that a single call has"
        assert spot.stats()["hits"] >= 20


@pytest.mark.parametrize("save_blob", [True, False])
def test_what_is_damaged_runs(make_spot: Callable[..., Spot], save_blob: bool) -> None:
    troubles: list[Trouble] = []
    spot = make_spot(on_error=troubles.append)
    function = spot.mark(double, save_blob=save_blob)
    ten(spot, function)
    ten(spot, function)  # of the first hits it is seen whether other code made them
    stored = spot.peek(function, 3)
    assert stored is not None
    if save_blob:
        assert stored.location is not None
        Path(stored.location).write_bytes(b"nonsense")
    else:
        with closing(sqlite3.connect(spot.db_path)) as connection, connection:
            connection.execute(
                "UPDATE tasks SET result_data = x'00' WHERE cache_key = ?", (spot.key(function, 3),)
            )
    ten(spot, function)
    assert sorted(RAN) == sorted([*range(10), 3])
    assert troubles


def test_modes(make_spot: Callable[..., Spot]) -> None:
    spot = make_spot(strict=True)
    function = spot.mark(double, name="f")
    for number in range(5):
        function(number)
    RAN.clear()
    ten(spot, spot.mark(double, name="f", mode="readonly"))
    ten(spot, spot.mark(double, name="f", mode="readonly"))
    assert sorted(RAN) == [5, 5, 6, 6, 7, 7, 8, 8, 9, 9]
    replayed = spot.mark(double, name="f", mode="replay")
    assert list(spot.map(replayed, range(5))) == [[n, n] for n in range(5)]
    results = list(spot.map(replayed, range(4, 7), errors="return"))
    assert [type(getattr(each, "error", None)) for each in results[1:]] == [bs.CacheMissError] * 2
    RAN.clear()
    refreshed = spot.mark(double, name="f", mode="refresh")
    ten(spot, refreshed)
    assert len(RAN) == 10


def test_arguments_by_name_belong_to_the_key(spot: Spot) -> None:
    @spot.mark
    def power(number: int, exponent: int = 1) -> int:
        RAN.append((number, exponent))
        return int(number**exponent)

    for _ in range(2):  # of the first hits it is seen whether other code made them
        assert list(spot.map(power, range(10))) == [*range(10)]
    RAN.clear()
    for exponent in (2, 3, 2, 3):
        by_name = partial(power, exponent=exponent)
        assert list(spot.map(by_name, [1, 2])) == [1, 2**exponent]
    assert sorted(RAN) == [(1, 2), (1, 3), (2, 2), (2, 3)]


def test_with_an_id_of_its_own_no_result_of_equal_arguments_counts(spot: Spot) -> None:
    ten(spot, spot.mark(double, name="f"))
    for _ in range(2):
        ten(spot, spot.mark(double, name="f", key=lambda number: f"number {number}"))
    assert len(RAN) == 20


VALUES = st.one_of(
    st.integers(), st.text(max_size=300), st.floats(), st.booleans(), st.none(), st.binary(),
    st.lists(st.integers(), max_size=20), st.tuples(st.integers(), st.text()),
    st.dictionaries(st.text(), st.integers(), max_size=3),
)  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(VALUES, VALUES), max_size=5), st.booleans())
def test_keys_are_those_of_single_calls(calls: list[tuple[Any, Any]], one: bool) -> None:
    with bs.Spot("app", metadata="memory", config=False) as spot:

        @spot.mark
        def single(value: Any, more: int = 0) -> int:
            return 1

        @spot.mark
        def double(value: Any, other: Any, *rest: int, more: int = 0) -> int:
            return 1

        function: Any = single if one else double
        inputs = [call[:1] if one else call for call in calls]
        spot.key(function, *([0] if one else [0, 0]))
        keys = function.__beautyspot__.addressing.keys(inputs)
        assert keys == [spot.key(function, *args) for args in inputs]


COLUMNS = [
    [1, -2, 2**2048], [3, -(2**2048)], [1, True, False], ["a", "b", "c" * 1025],
    ["%s", "\ud800", "é"], [0.0, -0.0, 1.5, float("nan"), float("-inf")],
    [1, 1.0, "1", None, b"1", [1]],
]  # fmt: skip


@pytest.mark.parametrize("column", COLUMNS, ids=range(len(COLUMNS)))
def test_keys_of_a_column_are_those_of_single_calls(spot: Spot, column: list[Any]) -> None:
    @spot.mark
    def f(last: Any, first: Any = 0) -> int:
        return 1

    keys_of = f.__beautyspot__.addressing.keys  # type: ignore[attr-defined]
    inputs = [*itertools.product(column, repeat=2), *((value,) for value in column)]
    single = [spot.key(f, *args) for args in inputs]
    assert keys_of(inputs) == single
    assert [keys_of([args]) for args in inputs] == [[key] for key in single]
    assert keys_of([]) == []
    assert keys_of([(1, 2, 3), column[:1]]) == ["", spot.key(f, column[0])], "one does not fit"
