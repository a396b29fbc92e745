"""A commit in an event loop waits for no lock and for no disk, or is left to a thread."""

from __future__ import annotations

import sqlite3
import threading
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from beautyspot_local.sqlite.store import SqliteMetadataStore
from beautyspot_testing.records import KEYS, a_record

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

RECORD = a_record()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteMetadataStore]:
    """A store whose log was begun, so that the next commit need not wait for the disk."""
    store = SqliteMetadataStore(tmp_path / "a.db")
    store.put(RECORD)
    assert not store.put_at_once(RECORD, 0)
    assert store.put_at_once(RECORD, 0)
    yield store
    store.close()


def test_a_thread_without_a_connection_makes_none(store: SqliteMetadataStore) -> None:
    given: list[bool] = []
    thread = threading.Thread(target=lambda: given.append(store.put_at_once(RECORD, 0)))
    thread.start()
    thread.join()
    assert given == [False]


def test_it_is_found_by_others(store: SqliteMetadataStore, tmp_path: Path) -> None:
    record = a_record(KEYS[1])
    assert store.put_at_once(record, store.generation())
    other = SqliteMetadataStore(tmp_path / "a.db")
    assert other.get(KEYS[1]) == record
    other.close()


def test_a_newer_row_stays(store: SqliteMetadataStore) -> None:
    store.put(a_record(KEYS[1], began_at=5.0))
    assert not store.put_at_once(a_record(KEYS[1], began_at=4.0), 0)
    assert store.put_at_once(a_record(KEYS[1], began_at=6.0), 0)


def test_where_another_process_writes_it_does_nothing(
    store: SqliteMetadataStore, tmp_path: Path
) -> None:
    with closing(sqlite3.connect(tmp_path / "a.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        assert not store.put_at_once(a_record(KEYS[1]), 0)
        other.execute("ROLLBACK")
    assert store.get(KEYS[1]) is None
    assert store.put_at_once(a_record(KEYS[1]), 0)


def test_the_first_commit_after_a_checkpoint_is_left_to_a_thread(
    store: SqliteMetadataStore, tmp_path: Path
) -> None:
    """It begins the log anew, with an `fsync`."""
    with closing(sqlite3.connect(tmp_path / "a.db")) as other:
        other.execute("PRAGMA wal_checkpoint(FULL)")
    assert not store.put_at_once(RECORD, 0)
    assert store.put_at_once(RECORD, 0)


def test_a_class_with_another_way_to_put_is_asked_for_that(tmp_path: Path) -> None:
    class Other(SqliteMetadataStore):
        def put(self, record: object) -> None:
            """Keeps nothing."""

    store = Other(tmp_path / "a.db")
    store.open()
    assert not any(store.put_at_once(RECORD, 0) for _ in range(3))
    store.close()


def test_where_the_file_was_moved_it_does_nothing(
    store: SqliteMetadataStore, tmp_path: Path
) -> None:
    (tmp_path / "a.db").rename(tmp_path / "b.db")
    assert not store.put_at_once(RECORD, 0)
    (tmp_path / "b.db").rename(tmp_path / "a.db")
