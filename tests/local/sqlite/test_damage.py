"""Damaged, moved and removed databases: nothing is lost, and a fresh one takes the place."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from beautyspot.errors import MetadataBusyError, MetadataError
from beautyspot_local import SqliteMetadataStore
from beautyspot_local.sqlite import connections
from beautyspot_local.sqlite.database import SET_ASIDE
from beautyspot_testing.records import KEYS, a_record
from beautyspot_testing.store import OTHER, stored
from sqlite_tools import another, connection_of, files, keys_in, pausing


@pytest.fixture
def path(tmp_path):
    return tmp_path / "store.db"


@pytest.fixture
def store(path):
    store = SqliteMetadataStore(path)
    yield store
    store.close()


@pytest.fixture
def pauses(monkeypatch):
    return pausing(monkeypatch)


DAMAGE = """
import os, sys
with open(sys.argv[1], "r+b") as file:
    file.seek(4096)
    file.write(b"\\xa5" * (os.path.getsize(sys.argv[1]) - 4096))
"""
"""Overwrites all pages but the first, as a bad disk would."""


def test_a_file_that_is_no_database_makes_way(path, caplog):
    path.write_bytes(b"this is no database, but somebody may miss it" * 100)
    before = path.read_bytes()
    store = SqliteMetadataStore(path)
    stored(store, a_record(began_at=1.0))
    assert store.get(KEYS[0]) == a_record(began_at=1.0)
    (aside,) = path.parent.glob("store.db.damaged-*[0-9]Z")
    assert aside.read_bytes() == before
    assert str(aside) in caplog.text
    store.close()


def test_a_database_that_is_damaged_makes_way_when_that_shows(path, caplog):
    store = SqliteMetadataStore(path)
    stored(store, *(a_record(key) for key in KEYS))
    first = store.store_id
    store.close()
    subprocess.run([sys.executable, "-c", DAMAGE, str(path)], check=True)
    before = path.read_bytes()
    store = SqliteMetadataStore(path)
    assert store.find(KEYS[0]) is None, "a fresh store took the place"
    assert "is damaged and was renamed to" in caplog.text
    assert store.store_id != first
    (aside,) = path.parent.glob("store.db.damaged-*")
    assert aside.read_bytes() == before
    stored(store, a_record(began_at=1.0))
    store.close()


@pytest.fixture
def damaged_while_open(path):
    """Two stores of one place with a connection each, whose tables get damaged below them."""
    stores = [SqliteMetadataStore(path), SqliteMetadataStore(path)]
    stored(stores[0], *(a_record(key, result_data=bytes(3000)) for key in KEYS))
    for store in stores:
        store.open()
        connection_of(store).execute("PRAGMA wal_checkpoint(TRUNCATE)")
    # By another process: a descriptor closed in this one would drop SQLite's locks.
    subprocess.run([sys.executable, "-c", DAMAGE, str(path)], check=True)
    for store in stores:
        connection_of(store).execute("PRAGMA shrink_memory")  # what it read is forgotten
    yield stores
    for store in stores:
        store.close()


def find_until_quiet(store):
    for _ in range(3):
        try:
            return store.find(KEYS[0])
        except MetadataError:
            continue
    return pytest.fail("it never recovered")


def test_damage_of_an_open_database(damaged_while_open, path, monkeypatch):
    abandoned = []
    monkeypatch.setattr(connections, "_abandoned", abandoned)
    one, two = damaged_while_open
    assert find_until_quiet(one) is None
    assert abandoned == [], "its own connection was closed before the file was moved"
    stored(one, a_record(version="after"))
    stored(two, a_record(KEYS[1], began_at=1.0), since=0)
    assert one.get(KEYS[1]) == a_record(KEYS[1], began_at=1.0), "both use the fresh file"
    assert two.get(KEYS[0]).version == "after"
    assert len(files(path.parent, "store.db.damaged-*[0-9]Z")) == 1, "only one of them moved it"
    one.close()
    two.close()
    for connection in abandoned:
        connection.close()


def test_a_log_that_was_cut_short_is_left_behind_also_while_its_error_is_kept(store, path):
    """A logger may keep an error, and its traceback keeps what the failed call used."""
    for number in range(20):
        stored(store, a_record(KEYS[number]))
    connection_of(store).execute("PRAGMA shrink_memory")  # what it read is forgotten
    os.truncate(f"{path}-wal", 5000)
    with pytest.raises(MetadataError) as kept:
        keys_in(store)
    stored(store, a_record(version="after"))
    assert store.get(KEYS[0]).version == "after"
    assert kept.value.__traceback__ is not None


def test_a_file_with_the_inode_of_one_that_was_removed(tmp_path):
    """Threads have ended, and no connection keeps the inode from being used again."""
    store = SqliteMetadataStore(tmp_path / "folder" / "store.db")
    for number in range(3):
        with ThreadPoolExecutor(1) as thread:
            assert thread.submit(store.find, KEYS[0]).result() is None
            thread.submit(stored, store, a_record(version=str(number))).result()
            assert thread.submit(store.get, KEYS[0]).result().version == str(number)
        shutil.rmtree(tmp_path / "folder")
    assert store.get(KEYS[0]) is None
    store.close()


def test_a_folder_that_was_removed_is_made_anew_by_a_thread_that_is_new(tmp_path):
    store = SqliteMetadataStore(tmp_path / "folder" / "store.db")
    stored(store, a_record(began_at=1.0))
    shutil.rmtree(tmp_path / "folder")
    with ThreadPoolExecutor(1) as other:
        assert other.submit(store.find, KEYS[0]).result() is None
        other.submit(stored, store, a_record(KEYS[1])).result()
    stored(store, a_record(KEYS[2]))
    assert keys_in(store) == KEYS[1:3]
    store.close()


def test_the_second_finds_that_it_was_moved(damaged_while_open, path):
    one, two = damaged_while_open
    find_until_quiet(one)
    stored(one, a_record(version="after"))
    find_until_quiet(two)
    assert two.get(KEYS[0]).version == "after"
    assert len(files(path.parent, "store.db.damaged-*[0-9]Z")) == 1


def test_the_connection_to_a_moved_file_is_never_closed(store, path, monkeypatch):
    """Closing it as the last one would remove the -wal of the file that stands there now."""
    abandoned = []
    monkeypatch.setattr(connections, "_abandoned", abandoned)
    monkeypatch.setattr(connections.atexit, "register", lambda function: None)
    stored(store, a_record(began_at=1.0))
    for suffix in ("-wal", "-shm", ""):
        path.with_name(path.name + suffix).rename(path.with_name(f"moved.db{suffix}"))
    other = SqliteMetadataStore(path)
    stored(other, a_record(KEYS[1]))
    stored(store, a_record(KEYS[2]))
    assert keys_in(store) == KEYS[1:3]
    assert len(abandoned) == 1
    assert path.with_name("store.db-wal").exists()
    other.close()
    for connection in abandoned:
        connection.close()


def test_a_removed_file_is_made_again(store, path, monkeypatch):
    abandoned = []
    monkeypatch.setattr(connections, "_abandoned", abandoned)
    stored(store, a_record(KEYS[0]))
    first = store.store_id
    for file in path.parent.iterdir():
        file.unlink()
    stored(store, a_record(KEYS[1]))
    assert keys_in(store) == [KEYS[1]]
    assert store.store_id != first
    assert not abandoned


def test_damage_that_can_t_be_moved(path, monkeypatch, caplog):
    path.write_bytes(b"no database " * 1000)
    store = SqliteMetadataStore(path)

    def refuse(*_):
        raise PermissionError("not yours")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", refuse)
        with pytest.raises(MetadataError, match="damaged"):
            store.find(KEYS[0])
    assert "renaming it failed (not yours): move it away" in caplog.text
    assert store.find(KEYS[0]) is None
    store.close()


def test_another_process_moves_it_just_now(path):
    path.write_bytes(b"no database " * 1000)
    other, store = SqliteMetadataStore(path), SqliteMetadataStore(path, timeout=0)
    assert other._database.leases.take([SET_ASIDE], OTHER)
    with pytest.raises(MetadataBusyError):
        store.open()
    other._database.leases.release([SET_ASIDE], OTHER)
    store.open()
    store.close()
    other.close()


def test_another_process_is_awaited_with_moving(path, pauses):
    path.write_bytes(b"no database " * 1000)
    other, store = SqliteMetadataStore(path), SqliteMetadataStore(path)
    assert other._database.leases.take([SET_ASIDE], OTHER)
    pauses.append(lambda: other._database.leases.release([SET_ASIDE], OTHER))
    store.open()
    assert pauses == []
    store.close()
    other.close()


def test_damage_where_the_system_has_no_locks(path, monkeypatch):
    path.write_bytes(b"no database " * 1000)
    store = SqliteMetadataStore(path)

    def fail(*_):
        raise OSError("no locks")

    monkeypatch.setattr(store._database.leases, "_lock", fail)
    stored(store, a_record(began_at=1.0))
    assert len(files(path.parent, "*.damaged-*")) == 1
    store.close()


def test_what_belongs_to_it_is_moved_too(path):
    for suffix in ("", "-wal", "-shm", ".lock"):
        path.with_name(path.name + suffix).write_text(suffix)
    aside = connections.set_aside(path)
    for suffix in ("", "-wal", "-shm"):
        assert aside.with_name(aside.name + suffix).read_text() == suffix
    assert files(path.parent, "store.db*") == sorted(
        ["store.db.lock", *files(path.parent, "*.damaged-*")]
    )


def test_another_has_moved_it_already(store, path):
    stored(store, a_record(began_at=1.0))
    store._database._move_aside((0, 0))
    assert files(path.parent, "*.damaged-*") == []


def test_a_dropped_table_is_made_again(store, path):
    stored(store, a_record(began_at=1.0))
    with another(path) as other:
        other.execute("DROP TABLE tasks")
    with pytest.raises(MetadataError, match="SQLITE_ERROR"):
        store.find(KEYS[0])
    assert store.find(KEYS[0]) is None
    stored(store, a_record(began_at=1.0))
