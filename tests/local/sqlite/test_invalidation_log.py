"""The table of what was invalidated: it stays small, and is not believed more than it may be."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest
from beautyspot import MetadataError
from beautyspot.contracts import Invalidation, TaskRecord
from beautyspot.memory import InvalidationLog
from beautyspot_local.sqlite import invalidation_log
from beautyspot_local.sqlite.store import SqliteMetadataStore
from beautyspot_testing.records import KEYS, a_record

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

OTHER = Invalidation(cache_key=KEYS[1])
LOGGED = 5


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteMetadataStore]:
    store = SqliteMetadataStore(tmp_path / "a.db")
    yield store
    store.close()


def execute(store: SqliteMetadataStore, statement: str, *values: Any) -> list[Any]:
    with closing(sqlite3.connect(store._database.path, isolation_level=None)) as connection:
        return connection.execute(statement, values).fetchall()


def test_the_oldest_are_forgotten_and_count_as_all(
    store: SqliteMetadataStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(invalidation_log, "LOGGED", LOGGED)
    monkeypatch.setattr(invalidation_log, "EVERY", 1)
    numbers = []
    for _ in range(3 * LOGGED):
        store.note_invalidation(OTHER)
        numbers.append(store.generation())
    assert len(execute(store, "SELECT * FROM beautyspot_invalidated")) == LOGGED + 1
    assert store.invalidated_since(numbers[-LOGGED - 1]) == [OTHER] * LOGGED
    assert store.put_valid(a_record(), numbers[-LOGGED - 1])
    assert Invalidation() in store.invalidated_since(numbers[0])
    assert not store.put_valid(a_record(), numbers[0])


def test_so_are_those_that_a_process_has_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("beautyspot.memory.LOGGED", LOGGED)
    log = InvalidationLog()
    for _ in range(3 * LOGGED):
        log.append(OTHER)
    assert len(log) == 3 * LOGGED
    assert log.since(2 * LOGGED + 1) == [OTHER] * (LOGGED - 1)
    assert log.since(2 * LOGGED - 1) == [Invalidation()]
    assert log.since(3 * LOGGED) == []


@pytest.mark.parametrize("what", [b"\xff", "{", "[]", "[1, 2, 3, 4]", None, 7, "[" * 10**6])
def test_a_row_that_is_not_ours_covers_all_results(store: SqliteMetadataStore, what: Any) -> None:
    since = store.generation()
    execute(store, "INSERT INTO beautyspot_invalidated VALUES (7, ?)", what)
    assert store.invalidated_since(since) == [Invalidation()]
    assert not store.put_valid(a_record(), since)


def test_a_table_with_a_program_is_refused(store: SqliteMetadataStore, tmp_path: Path) -> None:
    store.open()
    execute(
        store,
        "CREATE TRIGGER t AFTER INSERT ON beautyspot_invalidated BEGIN DELETE FROM tasks; END",
    )
    with pytest.raises(MetadataError, match="trigger"):
        SqliteMetadataStore(tmp_path / "a.db").open()


def test_a_database_without_the_table_gets_it(store: SqliteMetadataStore, tmp_path: Path) -> None:
    store.put(a_record())
    execute(store, "DROP TABLE beautyspot_invalidated")
    later = SqliteMetadataStore(tmp_path / "a.db")
    later.note_invalidation(OTHER)
    assert later.get(KEYS[0]) == a_record()
    later.close()


def test_a_fresh_database_goes_on_with_higher_numbers(tmp_path: Path) -> None:
    """A call that began before the old one was damaged must see what is invalidated after."""
    numbers = []
    for name in ("a.db", "b.db"):
        store = SqliteMetadataStore(tmp_path / name)
        store.note_invalidation(OTHER)
        numbers.append(store.generation())
        store.close()
    assert numbers[0] < numbers[1]


def test_a_class_that_puts_in_its_own_way_is_asked_to(tmp_path: Path) -> None:
    class Own(SqliteMetadataStore):
        puts = 0

        def put(self, record: TaskRecord) -> None:
            self.puts += 1
            super().put(record)

        def put_many(self, records: Any) -> None:
            self.puts += 1
            super().put_many(records)

    store = Own(tmp_path / "a.db")
    since = store.generation()
    store.note_invalidation(OTHER)
    assert store.put_valid(a_record(), since)
    assert not store.put_valid(a_record(KEYS[1]), since)
    assert store.put_many_valid([(a_record(), since), (a_record(KEYS[1]), since)]) == {KEYS[1]}
    assert store.puts == 2
    assert [record.cache_key for record in store.scan()] == [KEYS[0]]
    store.close()


@pytest.mark.parametrize("count", [1, 7, 41, 75])
def test_many_rows_are_put_but_those_that_have_a_newer_one_or_were_invalidated(
    store: SqliteMetadataStore, count: int
) -> None:
    """As many statements put them as there are sizes for."""
    keys = [f"{number:032x}" for number in range(count)]
    newer, invalid, gone = keys[::5], keys[1::5], keys[2::5]
    old = [a_record(key, began_at=5.0, made_at=6.0) for key in newer]
    store.put_many(old + [a_record(key, began_at=1.0) for key in gone])
    since = store.generation()
    for key in invalid:
        store.note_invalidation(Invalidation(cache_key=key))
    rows = [(a_record(key, began_at=3.0, made_at=4.0, result_data=b"new"), since) for key in keys]
    assert store.put_many_valid(rows) == {*newer, *invalid}
    found = {key: store.get(key) for key in keys}
    assert {key for key, row in found.items() if row is None} == set(invalid)
    put = {key for key, row in found.items() if row is not None and row.result_data == b"new"}
    assert put == set(keys) - {*newer, *invalid}
