"""Sums of what a selection covers are made by SQL, and exact whatever stands in the columns."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest
from beautyspot import Selection, Totals
from beautyspot_local import SqliteMetadataStore

if TYPE_CHECKING:
    from pathlib import Path

ODD = [
    None,
    "",
    b"x",
    b"\xff",
    -5,
    1.5,
    float("inf"),
    float("-inf"),
    "2024-01-01",
    '["x"]',
    "\0",
    ":",
]
ODD += ['[1, ["x"]]', '{"a": "x"}', "é", "0f:a1", "app:f"]
COLUMNS = ["func_identifier", "version", "tags", "size", "made_at", "used_at", "expires_at", "code"]
COLUMNS += ["arguments", "updated_at"]
SELECTIONS = [
    {"function": "app:*"}, {"function": "[a]*"}, {"version": ""}, {"version": "1.5"}, {"tag": "x"},
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
