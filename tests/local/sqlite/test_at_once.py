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
    return store.put_at_once(Put(record, covers_of(record), 2**60, token))


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
    assert store.put_at_once(Put(RECORD, covers_of(RECORD), since)) is False


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
