"""Sums of what a selection covers are made by SQL, and exact whatever stands in the columns."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest
from beautyspot import Counts, Selection, TaskRecord, Totals
from beautyspot_local import SqliteMetadataStore

if TYPE_CHECKING:
    from pathlib import Path

ODD = [
    None,
    "",
    b"x",
    b"\xff",
    -5,
    -(2**63),
    1.5,
    float("inf"),
    float("-inf"),
    "2024-01-01",
    "now",
    '["x"]',
    "\0",
    ":",
]
ODD += ['["x"]\0', b'["x"]', '[1, ["x"]]', '{"a": "x"}', "é", "0f:a1", "app:f"]
COLUMNS = ["func_identifier", "version", "tags", "size", "made_at", "used_at", "expires_at", "code"]
COLUMNS += ["arguments", "updated_at"]
SELECTIONS = [
    {"function": "app:*"}, {"function": "[a]*"}, {"function": "*\0*"},
    {"version": ""}, {"version": "1.5"}, {"tag": "x"},
    {"tag": '["x"]'}, {"tag": "\ud800"}, {"key": "1"}, {"made_since": 0.0}, {"made_before": 1e9},
    {"made_before": 10**30}, {"unused_since": 2e9}, {"expired_by": 2e9}, {"expired_by": 10**30},
    {"smallest": 0}, {"largest": 10}, {"text": "X"}, {"text": "É"}, {"text": ""}, {"code": "0f"},
    {"code": ""}, {"other_code": "1"}, {"other_code": ""}, {"other_code": ":"},
]  # fmt: skip


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> SqliteMetadataStore:
    """Rows of which each has one column that another program filled."""
    path: Path = tmp_path_factory.mktemp("odd") / "app.db"
    store = SqliteMetadataStore(path)
    store.open()
    plain: dict[str, Any] = {"func_name": "f", "func_identifier": "app:f", "version": "1"}
    plain |= {"tags": '["x"]', "size": 3, "made_at": 5.0, "used_at": 6.0, "code": "0f:a1"}
    plain |= {"arguments": "x=1", "expires_at": 7.0}
    with closing(sqlite3.connect(path)) as connection, connection:
        for number, (column, value) in enumerate((c, v) for c in COLUMNS for v in ODD):
            row = {**plain, "cache_key": f"{number}", column: value}
            if column == "updated_at":
                del row["made_at"]  # as in 2.x
            names, marks = ", ".join(row), ", ".join("?" * len(row))
            connection.execute(f"INSERT INTO tasks ({names}) VALUES ({marks})", [*row.values()])
    return store


@pytest.mark.parametrize("given", SELECTIONS, ids=repr)
def test_sums_are_those_of_what_is_covered(store: SqliteMetadataStore, given: Any) -> None:
    selection = Selection(**given)
    covered = [record for record in store.scan() if selection.covers(record)]
    none = ({"tag": "\ud800"}, {"tag": '["x"]'}, {"other_code": ""})
    assert bool(covered) != (given in none)
    sizes = [max(0, record.size or 0) for record in covered]
    assert store.totals(selection=selection) == Totals(len(sizes), sum(sizes))
    assert store.page(selection, limit=1000).records == covered


@pytest.mark.parametrize("order", SqliteMetadataStore.orders)
@pytest.mark.parametrize("limit", [7, 1000])
def test_each_row_is_on_one_page_of_any_order(
    store: SqliteMetadataStore, order: Any, limit: int
) -> None:
    found, following = list[str](), None
    for _ in range(1000):
        page = store.page(order=order, following=following, limit=limit)
        found += [record.cache_key for record in page.records]
        following = page.following
        if following is None:
            break
    assert sorted(found) == sorted(record.cache_key for record in store.scan())


def test_a_time_that_is_none_comes_last(store: SqliteMetadataStore) -> None:
    page = store.page(order="oldest", limit=1000)
    is_none = [record.made_at is None for record in page.records]
    assert is_none == sorted(is_none), "such as now, which SQLite would take for a time"


def test_an_order_sorts_a_few_times_where_few_rows_are_covered(tmp_path: Path) -> None:
    store = _Counting(tmp_path / "app.db")
    store.put_many(
        TaskRecord(f"{n:032x}", "f", "", arguments="é", size=n, result_data=b"")
        for n in range(4_000)
    )
    assert store.page(Selection(text="ö"), order="largest", limit=2).records == []
    assert store.asked < 7


class _Counting(SqliteMetadataStore):
    asked = 0

    def _rows(self, query: str, values: tuple[Any, ...]) -> list[tuple[Any, ...]]:
        self.asked += 1
        return super()._rows(query, values)


def test_counts_too_large_for_a_sum(tmp_path: Path) -> None:
    with closing(SqliteMetadataStore(tmp_path / "app.db")) as store:
        store.add_counts([Counts("m:f", hour, hits=2**62, runs=3) for hour in range(4)])
        (summed,) = store.counts_by_function()
    assert summed.runs == 12
    assert type(summed.runs) is int
