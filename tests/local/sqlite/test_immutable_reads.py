"""A database on a disk without room: read as it is, and only while it is so."""

from __future__ import annotations

import os
import sqlite3
from types import SimpleNamespace

import pytest
from beautyspot import files
from beautyspot.errors import MetadataBusyError, MetadataError
from beautyspot_local.sqlite import connections, immutable_reads
from beautyspot_local.sqlite.store import SqliteMetadataStore
from beautyspot_testing.records import KEYS, a_record
from sqlite_tools import another


class Disk:
    """While it is full, no database on it can be opened for writing."""

    def __init__(self):
        self.full = True
        self.code = sqlite3.SQLITE_IOERR
        self._connect = connections.connect_as

    def connect(self, path, mode, *rest, **options):
        if self.full and mode == "mode=rw":
            raise immutable_reads.failure("disk I/O error", self.code)
        return self._connect(path, mode, *rest, **options)

    def lack(self, folder):
        return files.NO_ROOM if self.full else ""


@pytest.fixture
def disk(monkeypatch):
    disk = Disk()
    monkeypatch.setattr(connections, "connect_as", disk.connect)
    monkeypatch.setattr(connections, "lack", disk.lack)
    return disk


@pytest.fixture
def path(disk, tmp_path):
    """A database with one row, which is of another day."""
    path = tmp_path / "store.db"
    disk.full = False
    store = SqliteMetadataStore(path)
    store.put(a_record())
    store.close()
    disk.full = True
    aged(path)
    return path


@pytest.fixture
def store(path):
    store = SqliteMetadataStore(path)
    yield store
    store.close()


def aged(path):
    os.utime(path, (1, 1))


def write(path, key):
    other = SqliteMetadataStore(path)
    other.put(a_record(key))
    other.close()


@pytest.mark.parametrize("code", [sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN])
def test_without_room_what_is_stored_is_found(disk, store, path, code):
    disk.code = code
    assert store.find(KEYS[0]) is not None
    assert store.get(KEYS[0]) == a_record()
    assert list(store.scan(with_data=True)) == [a_record()]
    assert len(store.store_id) == 16
    with pytest.raises(MetadataError, match="full: free some space on the disk$"):
        store.put(a_record(KEYS[1]))
    with pytest.raises(MetadataError, match="disk first, some megabytes"):
        store.delete(KEYS[0])
    assert store.find(KEYS[0]) is not None


@pytest.mark.parametrize("writes", ["itself", "another"])
def test_once_there_is_room_all_is_as_ever(disk, store, path, writes):
    assert store.find(KEYS[0]) is not None
    disk.full = False
    if writes == "itself":
        store.put(a_record(KEYS[1]))
    else:
        assert store.find(KEYS[0]) is not None
        assert not store._database.handle().read_only
        write(path, KEYS[1])
    assert store.find(KEYS[1]) is not None


@pytest.mark.parametrize("companion", ["-wal", "-journal"])
def test_what_may_be_in_use_is_not_read_as_it_is(store, path, companion):
    path.with_name(path.name + companion).write_bytes(b"x")
    with pytest.raises(MetadataError, match="the disk is full: free some space on the disk$"):
        store.find(KEYS[0])


def meanwhile(monkeypatch, disk, path, outcome=None):
    """Have another one commit while the next statement is read, which ends in `outcome`."""

    def read(place, stood, execute):
        def slowly():
            monkeypatch.setattr(connections, "read", immutable_reads.read)
            cursor = execute()
            disk.full = False
            write(path, KEYS[1])
            if outcome is not None:
                raise outcome
            return cursor

        return immutable_reads.read(place, stood, slowly)

    monkeypatch.setattr(connections, "read", read)


def damage():
    error = sqlite3.DatabaseError("database disk image is malformed")
    error.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
    return error


@pytest.mark.parametrize("outcome", [None, damage()], ids=["rows", "damage"])
def test_what_was_read_while_another_one_wrote_does_not_count(
    monkeypatch, disk, store, path, outcome
):
    assert store.find(KEYS[0]) is not None
    meanwhile(monkeypatch, disk, path, outcome)
    with pytest.raises(MetadataBusyError):
        store.find(KEYS[1])
    assert store.find(KEYS[1]) is not None
    assert not list(path.parent.glob("*.damaged-*"))


def test_real_damage_is_set_aside(store, path):
    store.open()
    path.write_bytes(b"\xa5" * path.stat().st_size)
    aged(path)
    with pytest.raises(MetadataError):
        store.get(KEYS[0])
    assert list(path.parent.glob("*.damaged-*"))


def test_an_old_table_waits_for_room(disk, tmp_path):
    path = tmp_path / "store.db"
    with another(path) as other:
        other.execute("CREATE TABLE tasks (cache_key TEXT PRIMARY KEY)")
    aged(path)
    store = SqliteMetadataStore(path)
    with pytest.raises(MetadataError, match="free some space"):
        store.find(KEYS[0])
    store.close()


# --------------------------------------------------------------------------------- whether it lacks


@pytest.mark.parametrize(
    ("found", "lack"),
    [
        ({}, ""),
        ({"f_bavail": 15}, files.NO_ROOM),
        ({"f_bavail": 16}, ""),
        ({"f_favail": 0}, files.NO_INODES),
        ({"f_favail": 0, "f_files": 0}, ""),  # a file system that counts none
    ],
)
def test_what_a_disk_lacks(monkeypatch, tmp_path, found, lack):
    plenty = {"f_bavail": 10**6, "f_frsize": 4096, "f_files": 10**6, "f_favail": 10**6}
    monkeypatch.setattr(os, "statvfs", lambda _: SimpleNamespace(**(plenty | found)))
    assert files.lack(tmp_path) == lack
