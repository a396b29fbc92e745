"""Places that may only be read, or not at all, and network file systems."""

from __future__ import annotations

import os
import shutil
import sqlite3
import tempfile
import threading
from contextlib import contextmanager
from pathlib import Path

import pytest
from beautyspot import files
from beautyspot.errors import MetadataError
from beautyspot_local import SqliteMetadataStore
from beautyspot_local.sqlite import connections
from beautyspot_testing.records import KEYS, a_record
from beautyspot_testing.store import stored
from sqlite_tools import another, posix


@pytest.fixture
def path(tmp_path):
    return tmp_path / "store.db"


@pytest.fixture
def shared():
    """A directory that another user may enter."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)
        Path(name).chmod(0o755)


@contextmanager
def as_another_user():
    """Root may write anything: become somebody who may not."""
    if os.geteuid() == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        if os.getuid() == 0:
            os.seteuid(0)


RECORD = a_record(began_at=1.0)


def filled(path):
    store = SqliteMetadataStore(path)
    stored(store, RECORD)
    store.close()
    path.chmod(0o444)


@posix
@pytest.mark.parametrize("directory", [0o555, 0o777], ids=["directory too", "file only"])
@pytest.mark.parametrize("mode", ["wal", "delete"])
def test_what_may_only_be_read_is_read(shared, directory, mode):
    path = shared / "store.db"
    filled(path)
    with another(path) as other:
        other.execute(f"PRAGMA journal_mode = {mode}")
    shared.chmod(directory)
    with as_another_user():
        store = SqliteMetadataStore(path)
        assert store.find(KEYS[0]) is not None
        assert store.get(KEYS[0]) == RECORD
        assert list(store.all_rows(data=True)) == [RECORD]
        assert len(store.store_id) == 16
        for write in (lambda: stored(store, RECORD, since=0), lambda: store.delete({})):
            with pytest.raises(MetadataError, match="may only be read: make the file"):
                write()
        assert store.find(KEYS[0]) is not None
        store.close()


@posix
@pytest.mark.parametrize("by", ["another thread", "itself"])
def test_who_has_only_read_sees_what_is_written_once_that_is_possible(shared, by):
    """A file that nobody can write is read as one that never changes; by then it does."""
    path = shared / "store.db"
    filled(path)
    shared.chmod(0o555)
    with as_another_user():
        store = SqliteMetadataStore(path)
        assert store.find(KEYS[0]) is not None
    shared.chmod(0o777)
    path.chmod(0o666)
    if by == "another thread":
        writer = threading.Thread(target=stored, args=[store, a_record(KEYS[1])])
        writer.start()
        writer.join()
    else:
        stored(store, a_record(KEYS[1]))
    assert store.find(KEYS[1]) is not None
    store.close()


@posix
def test_an_old_table_that_may_only_be_read(shared):
    path = shared / "store.db"
    with another(path) as other:
        other.execute("CREATE TABLE tasks (cache_key TEXT PRIMARY KEY)")
    path.chmod(0o444)
    with as_another_user():
        store = SqliteMetadataStore(path)
        with pytest.raises(MetadataError, match="make it writable once"):
            store.find(KEYS[0])
        store.close()


@posix
def test_a_directory_that_may_not_be_written(shared):
    shared.chmod(0o555)
    with as_another_user():
        store = SqliteMetadataStore(shared / "store.db")
        with pytest.raises(MetadataError, match="choose another file"):
            store.open()
        shared_again = SqliteMetadataStore(shared / "deeper" / "store.db")
        with pytest.raises(MetadataError, match="choose another file"):
            shared_again.find(KEYS[0])
        store.close()
        shared_again.close()


@posix
def test_a_file_that_may_not_be_read_is_what_is_blamed(shared):
    path = shared / "store.db"
    filled(path)
    path.chmod(0)
    with as_another_user():
        store = SqliteMetadataStore(path)
        with pytest.raises(
            MetadataError, match="check that the file and its directory may be read"
        ):
            store.open()
        store.close()


@posix
def test_a_writable_file_in_a_directory_that_is_not(shared, caplog):
    """Neither WAL nor any other write works there; reading does."""
    path = shared / "store.db"
    filled(path)
    with another(path) as other:
        other.execute("PRAGMA journal_mode = DELETE")
    path.chmod(0o666)
    shared.chmod(0o555)
    with as_another_user():
        store = SqliteMetadataStore(path)
        assert store.find(KEYS[0]) is not None
        with pytest.raises(MetadataError, match="choose another file"):
            stored(store, a_record(), since=0)
        assert store.find(KEYS[0]) is not None
        store.close()
    assert caplog.text.count("WAL does not work") == 1


def test_a_folder_that_is_removed_while_it_is_opened_is_no_network_disk(
    tmp_path, monkeypatch, caplog
):
    folder = tmp_path / "gone"

    def connect(*args, **options):
        handle = real(*args, **options)
        if folder.exists():
            shutil.rmtree(folder)
        return handle

    real = connections.connect
    monkeypatch.setattr(connections, "connect", connect)
    store = SqliteMetadataStore(folder / "store.db")
    with pytest.raises(MetadataError, match="removed just now the next call makes anew"):
        store.open()
    assert caplog.text == ""
    monkeypatch.undo()
    store.open()
    assert (folder / "store.db").exists()
    store.close()


@pytest.fixture
def full(monkeypatch):
    """A disk without room, on which SQLite can't make its companions."""
    real = connections._connected

    def connect(path, mode, **options):
        if "immutable" not in mode:
            error = sqlite3.OperationalError("disk I/O error")
            error.sqlite_errorcode = sqlite3.SQLITE_IOERR
            raise error
        return real(path, mode, **options)

    def fill():
        monkeypatch.setattr(connections, "_connected", connect)
        for module in (connections, files):
            monkeypatch.setattr(module, "lack", lambda _: files.NO_ROOM)

    return fill


@pytest.mark.parametrize("look", [False, True])
def test_who_starts_on_a_full_disk_finds_what_is_stored(path, full, look):
    filled(path)
    path.chmod(0o600)
    path.with_name("store.db-wal").touch()  # as an attempt to write leaves it
    full()
    store = SqliteMetadataStore(path)
    store.open(look=look)
    assert store.find(KEYS[0]) is not None
    assert list(store.all_rows(data=True)) == [RECORD]
    if not look:
        with pytest.raises(MetadataError, match="the disk is full: free some space on the disk$"):
            stored(store, a_record(KEYS[1]), since=0)
    store.close()


def test_what_may_be_in_use_on_a_full_disk_is_not_read_as_it_is(path, full):
    filled(path)
    path.chmod(0o600)
    path.with_name("store.db-wal").write_bytes(b"x")
    full()
    store = SqliteMetadataStore(path)
    with pytest.raises(MetadataError, match="free some space on the disk"):
        store.find(KEYS[0])
    store.close()
