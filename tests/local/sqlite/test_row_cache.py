"""Rows kept in memory: what a hit then costs, what ends it, and how much is kept."""

from __future__ import annotations

import gc
import os
import shutil
import sqlite3
import sys
import threading
import weakref
from contextlib import contextmanager
from types import SimpleNamespace

import pytest
from beautyspot.contracts import entry_of, in_full
from beautyspot.errors import MetadataError
from beautyspot_local.sqlite.store import SqliteMetadataStore
from beautyspot_testing.records import KEYS, a_record
from beautyspot_testing.shared import in_forked_child
from quiet import connection_of, eager, keep, kept, linux, plain, rows_of, settle
from sqlite_tools import another, posix

pytestmark = linux

ONE, TWO = KEYS[:2]


@pytest.fixture
def path(tmp_path):
    return tmp_path / "store.db"


@pytest.fixture
def make(path, monkeypatch):
    """Makes stores of the one file, which look at each find."""
    eager(monkeypatch)
    stores = []

    def make(**options):
        store = SqliteMetadataStore(path, **options)
        stores.append(store)
        return store

    yield make
    for store in stores:
        store.close()


@pytest.fixture
def store(make):
    store = make()
    store.put_many([plain(ONE), plain(TWO)])
    return store


def row(store, key=ONE):
    found = store.find(key)
    return None if found is None else in_full(found).result_data.decode()


@contextmanager
def statements(store):
    """What this thread's connection executes meanwhile."""
    seen = []
    connection = connection_of(store)
    connection.set_trace_callback(seen.append)
    yield seen
    connection.set_trace_callback(None)


@pytest.fixture
def looks(monkeypatch):
    """The calls that ask the file system."""
    calls = []
    for name in ("stat", "fstat"):
        real = getattr(os, name)
        monkeypatch.setattr(os, name, lambda *a, _real=real, **k: calls.append(a) or _real(*a, **k))
    return calls


def in_a_thread(work):
    """Call `work` in a thread that ends; what it returns."""
    results = []
    thread = threading.Thread(target=lambda: results.append(work()))
    thread.start()
    thread.join()
    return results[0]


# ------------------------------------------------------------------------------------- a hit


def test_a_quiet_hit_is_one_look_at_the_file_and_no_sql(store, looks):
    keep(store, ONE)
    looks.clear()
    with statements(store) as seen:
        assert row(store) == "text"
    assert seen == []
    assert len(looks) == 1


@pytest.mark.parametrize(
    "record",
    [
        a_record(ONE, result_type="FILE", result_value="ab/cd.bin", result_data=None),
        plain(ONE)._replace(expires_at=9e9),
    ],
    ids=["a blob", "it expires"],
)
def test_a_quiet_hit_of_what_is_no_plain_row_is_no_sql_either(store, record):
    store.put(record)
    before = store.find(ONE)
    keep(store, ONE)
    with statements(store) as seen:
        assert store.find(ONE) == before == entry_of(record)
    assert seen == []
    store.put(record._replace(took=7.0))
    assert store.find(ONE).took == 7.0


def test_a_hit_by_a_thread_without_a_connection(store, monkeypatch):
    keep(store, ONE)
    monkeypatch.setattr(sqlite3, "connect", lambda *_, **__: pytest.fail("it needs none"))
    assert in_a_thread(lambda: row(store)) == "text"


def test_each_commit_is_seen(store, make, path):
    other_store = make()
    keep(store, ONE, TWO)
    store.put(plain(ONE, "own"))
    assert row(store) == "own"
    keep(store, ONE, TWO)
    other_store.put(plain(ONE, "other store"))
    assert row(store) == "other store"
    with another(path) as connection:
        connection.execute("SELECT * FROM tasks").fetchone()
        keep(store, ONE, TWO)
        connection.execute("UPDATE tasks SET result_data = x'37' WHERE cache_key = ?", (ONE,))
        assert row(store) == "7"
        keep(store, ONE, TWO)
        connection.execute("UPDATE tasks SET expires_at = 1 WHERE cache_key = ?", (ONE,))
        assert store.find(ONE).expires_at == 1.0
        keep(store, TWO)
    store.delete(TWO)
    assert row(store, TWO) is None
    assert kept(store) == set()


def test_a_row_that_is_not_there_is_not_kept(store):
    store.delete(TWO)
    keep(store, ONE)
    assert row(store, TWO) is None
    assert kept(store) == {ONE}


def test_a_row_that_is_not_committed_is_not_kept(store):
    """A signal may come while its thread writes, and its handler may call a marked function."""
    keep(store, TWO)
    seen = []

    class Handled:
        def __conform__(self, _):
            seen.extend([row(store), row(store)])
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        store.put_many([plain(ONE, "not yet"), plain(TWO)._replace(func_name=Handled())])
    assert seen == ["not yet"] * 2
    assert row(store) == "text"


def test_a_row_that_was_read_before_the_rest_is_not_kept(store, path, monkeypatch):
    """Others commit, and another thread looks, between a thread's SELECT and its keeping."""
    handle = store._database.handle()
    execute = handle.execute

    def interrupted(*statement):
        monkeypatch.setattr(handle, "execute", execute)
        found = execute(*statement).fetchone()
        with another(path) as connection:
            connection.execute("UPDATE tasks SET result_data = x'37'")
            in_a_thread(lambda: keep(store, TWO))
        return SimpleNamespace(fetchone=lambda: found)

    monkeypatch.setattr(handle, "execute", interrupted)
    assert row(store) == "text", "it began before the commit"
    assert kept(store) == {TWO}
    assert row(store) == "7"


# ------------------------------------------------------------------------------ how much


def weight(snapshot):
    """What the rows of a snapshot take, by Python's own count of all its parts."""
    parts = [snapshot, *snapshot, *snapshot.values(), *(c for r in snapshot.values() for c in r)]
    return sum(map(sys.getsizeof, parts))


@pytest.mark.parametrize("length", [0, 100, 5000])
def test_it_stays_within_its_bytes(make, length, path):
    memory = 100_000
    store = make(memory=memory)
    keys = [f"{number:032x}" for number in range(400)]
    store.put_many(plain(key, str(number).rjust(length)) for number, key in enumerate(keys))
    settle(path)
    largest = 0
    for number, key in enumerate(keys[:1] + keys):
        assert int(row(store, key)) == max(number - 1, 0)
        largest = max(largest, weight(rows_of(store)))
    assert memory / 3 < largest <= memory
    keep(store, keys[-1])


# -------------------------------------------------------------------- the life of the store


def test_a_closed_store_hands_out_nothing(store):
    keep(store, ONE)
    store.close()
    with pytest.raises(MetadataError, match="closed"):
        store.find(ONE)


def test_its_connection_stays_as_long_as_the_rows(store, path):
    """Else the file might be opened anew, and a commit come to light without a write."""

    def look():
        keep(store, ONE)
        return weakref.ref(connection_of(store))

    connection = in_a_thread(look)
    gc.collect()
    assert kept(store) == {ONE}
    assert connection() is not None
    store.put(plain(TWO))
    assert row(store) == "text"
    gc.collect()
    assert connection() is None


def replace(path, new):
    for part in ("-wal", "-shm", ""):
        path.with_name(f"{path.name}{part}").rename(f"{path}.aside{part}")
    new.put(plain(ONE, "replaced"))


def test_a_file_that_is_replaced_is_seen_where_its_log_is_as_well(store, path, make):
    keep(store, ONE)
    replace(path, make())
    assert kept(store) == {ONE}
    assert row(store) == "replaced"
    assert kept(store) == set()


def test_a_folder_that_is_removed_below_kept_rows_is_seen_at_once(store, path):
    keep(store, ONE)
    assert kept(store) == {ONE}
    shutil.rmtree(path.parent)
    assert row(store) is None


def test_a_file_that_is_replaced_alone(store, path, tmp_path):
    """Who leaves the old log beside it asks for trouble; the rows are no worse than a SELECT's."""
    keep(store, ONE)
    path.rename(tmp_path / "aside")
    path.touch()
    assert row(store) == "text"


@posix
def test_a_forked_child_starts_without_rows(store):
    keep(store, ONE)

    def work():  # pragma: no cover - in the child, which measures nothing
        assert kept(store) == set()
        return row(store)

    assert in_forked_child(work) == "text"
    assert kept(store) == {ONE}
