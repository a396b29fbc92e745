"""A commit in an event loop waits for no lock and for no disk, or is left to a thread."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from beautyspot.contracts import TaskRecord
from beautyspot.contracts.records import covers_of
from beautyspot.contracts.store import Put
from beautyspot_local import SqliteMetadataStore
from beautyspot_testing.records import KEYS, a_record
from beautyspot_testing.store import ANY, MINE, OTHER, stored

RECORD = a_record()


def put(store: SqliteMetadataStore, record: TaskRecord = RECORD, token: str = "") -> bool | None:
    refused = store.put_at_once([Put(record, covers_of(record), 2**60, token)])
    return None if refused is None else not refused


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteMetadataStore]:
    """A store whose log was begun, so that the next commit need not wait for the disk."""
    store = SqliteMetadataStore(tmp_path / "a.db")
    stored(store, RECORD)
    assert put(store) is None
    assert put(store)
    yield store
    store.close()


def test_it_is_found_by_others(store: SqliteMetadataStore, tmp_path: Path) -> None:
    record = a_record(KEYS[1], began_at=5.0)
    assert put(store, record)
    other = SqliteMetadataStore(tmp_path / "a.db")
    assert other.get(KEYS[1]) == record
    other.close()


def test_a_newer_row_stays(store: SqliteMetadataStore) -> None:
    stored(store, a_record(KEYS[1], began_at=5.0))
    assert put(store, a_record(KEYS[1], began_at=4.0)) is False
    assert put(store, a_record(KEYS[1], began_at=6.0))


def test_what_was_invalidated_is_refused(store: SqliteMetadataStore) -> None:
    since = store.begin([], MINE).since
    store.note("all")
    assert store.put_at_once([Put(RECORD._replace(began_at=1.0), covers_of(RECORD), since)]) == {
        RECORD.cache_key
    }


def test_it_releases_the_lease_where_it_did_something(
    store: SqliteMetadataStore, tmp_path: Path
) -> None:
    other = SqliteMetadataStore(tmp_path / "a.db")
    rejected = {KEYS[0]: ANY}
    assert store.begin([KEYS[0]], MINE, rejected=rejected).leased
    with closing(sqlite3.connect(tmp_path / "a.db", isolation_level=None)) as program:
        program.execute("BEGIN IMMEDIATE")
        assert put(store, token=MINE) is None
        program.execute("ROLLBACK")
    assert not other.begin([KEYS[0]], OTHER, rejected=rejected).leased
    assert put(store, token=MINE)
    assert other.begin([KEYS[0]], OTHER, rejected=rejected).leased
    other.close()


def test_where_another_process_writes_it_does_nothing(
    store: SqliteMetadataStore, tmp_path: Path
) -> None:
    with closing(sqlite3.connect(tmp_path / "a.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        assert put(store, a_record(KEYS[1])) is None
        other.execute("ROLLBACK")
    assert store.get(KEYS[1]) is None
    assert put(store, a_record(KEYS[1]))


def test_of_several_those_are_refused_that_may_not_be_stored(store: SqliteMetadataStore) -> None:
    since = store.begin([], MINE).since
    store.note(f"key:{KEYS[1]}")
    rows = [a_record(key, began_at=5.0) for key in KEYS[1:4]]
    puts = [Put(row, covers_of(row), since, MINE) for row in rows]
    assert store.put_at_once(puts) == {KEYS[1]}
    assert store.find_many(KEYS[1:4]).keys() == {*KEYS[2:4]}


def test_several_are_stored_together_or_none(store: SqliteMetadataStore, tmp_path: Path) -> None:
    puts = [Put(row, covers_of(row), 2**60) for row in map(a_record, KEYS[1:4])]
    with closing(sqlite3.connect(tmp_path / "a.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        assert store.put_at_once(puts) is None
        other.execute("ROLLBACK")
    assert not store.find_many(KEYS[1:4])
    assert store.put_at_once(puts) == set()
    assert store.find_many(KEYS[1:4]).keys() == {*KEYS[1:4]}


def test_after_so_many_rows_one_put_is_left_to_a_thread(store: SqliteMetadataStore) -> None:
    puts = [Put(row, covers_of(row), 2**60) for row in map(a_record, KEYS[:4])]
    done = [store.put_at_once(puts) is not None for _ in range(160)]
    assert all(done[:120])
    assert done.count(False) == 1, "its log may be large enough for a checkpoint"
