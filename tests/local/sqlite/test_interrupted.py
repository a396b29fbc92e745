"""Ctrl-C at any moment of a write: the next use of the connection finds no transaction open."""

from __future__ import annotations

import sqlite3
import threading
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import beautyspot_local
import pytest
from beautyspot.contracts import Counts, Invalidation
from beautyspot_local.sqlite.store import SqliteMetadataStore
from beautyspot_testing.records import KEYS, a_record
from gates import DEADLINE
from moments import interrupted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

HERE = str(Path(beautyspot_local.__file__).parent)

WRITES: dict[str, Callable[[SqliteMetadataStore], Any]] = {
    "put_many": lambda store: store.put_many([a_record(KEYS[0]), a_record(KEYS[1])]),
    "put_many_valid": lambda store: store.put_many_valid(
        [(a_record(KEYS[0]), 2**60), (a_record(KEYS[1]), 2**60)]
    ),
    "touch": lambda store: store.touch({KEYS[0]: 1e9}),
    "note": lambda store: store.note_invalidation(Invalidation(cache_key=KEYS[5])),
    "counts": lambda store: store.add_counts([Counts("f", 1, 1)]),
}

USES: dict[str, Callable[[SqliteMetadataStore], Any]] = {
    "find": lambda store: store.find(KEYS[3]),
    "get": lambda store: store.get(KEYS[3]),
    "generation": lambda store: store.generation(),
    "begin": lambda store: store.begin(KEYS[4]).lease.release(),  # type: ignore[union-attr]
    "put": lambda store: store.put(a_record(KEYS[2])),
    "put_at_once": lambda store: store.put_at_once(a_record(KEYS[2]), 2**60),
}


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteMetadataStore]:
    store = SqliteMetadataStore(tmp_path / "store.db", memory=0)
    store.put(a_record(KEYS[3]))
    yield store
    store.close()


def written_by_another(store: SqliteMetadataStore) -> None:
    """A write by another connection, which waits for nothing."""
    with closing(sqlite3.connect(store._database.path, timeout=0, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        other.execute("ROLLBACK")


@pytest.mark.parametrize("write", WRITES)
def test_the_next_use_leaves_the_database_to_others(store: SqliteMetadataStore, write: str) -> None:
    at = 1
    while interrupted(lambda: WRITES[write](store), at, HERE):
        assert store.find(KEYS[3]) is not None
        written_by_another(store)
        at += 1
    assert at > 10


@pytest.mark.parametrize("use", USES)
def test_what_is_saved_later_is_kept(store: SqliteMetadataStore, use: str) -> None:
    """Whatever is used first. So an open transaction is none of what it does."""
    store.find(KEYS[3])
    store._database.local.handle.execute("BEGIN IMMEDIATE")
    store._database.local.handle.execute("DELETE FROM tasks")
    USES[use](store)
    written_by_another(store)
    store.put(a_record(KEYS[2]))
    found: list[Any] = []
    reads = threading.Thread(target=lambda: found.extend(store.scan()))
    reads.start()
    reads.join(DEADLINE)
    assert {KEYS[2], KEYS[3]} == {record.cache_key for record in found}
