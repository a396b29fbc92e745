"""Places that may only be read, or not at all, and network file systems."""

from __future__ import annotations

import os
import tempfile
import threading
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from beautyspot import files
from beautyspot.errors import MetadataError
from beautyspot_local.sqlite.store import SqliteMetadataStore
from beautyspot_testing.records import KEYS, a_record
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


def filled(path):
    store = SqliteMetadataStore(path)
    store.put(a_record())
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
        assert store.get(KEYS[0]) == a_record()
        assert list(store.scan(with_data=True)) == [a_record()]
        assert len(store.store_id) == 16
        for write in (lambda: store.put(a_record()), lambda: store.delete(KEYS[0])):
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
        writer = threading.Thread(target=store.put, args=[a_record(KEYS[1])])
        writer.start()
        writer.join()
    else:
        store.put(a_record(KEYS[1]))
    assert store.find(KEYS[1]) is not None
    store.close()


@posix
def test_who_has_only_read_sees_what_another_store_writes_by_then(shared):
    path = shared / "store.db"
    filled(path)
    shared.chmod(0o555)
    with as_another_user():
        store = SqliteMetadataStore(path)
        assert store.find(KEYS[0]) is not None
        assert store.find(KEYS[1]) is None
    shared.chmod(0o777)
    path.chmod(0o666)
    other = SqliteMetadataStore(path)
    other.put(a_record(KEYS[1], expires_at=None))
    assert store.find(KEYS[1]) is not None
    assert store.find(KEYS[1])
    store.close()
    other.close()


@posix
def test_who_may_only_read_sees_a_file_that_was_put_in_place_meanwhile(shared):
    path = shared / "store.db"
    filled(path)
    shared.chmod(0o555)
    with as_another_user():
        store = SqliteMetadataStore(path)
        assert store.find(KEYS[1]) is None
    shared.chmod(0o777)
    with closing(SqliteMetadataStore(path)) as other:
        other.put(a_record(KEYS[1]))
    shared.chmod(0o555)
    with as_another_user():
        assert store.find(KEYS[1]) is not None
        store.close()


@posix
def test_a_file_that_could_only_be_read_and_is_gone_makes_way(shared):
    path = shared / "store.db"
    filled(path)
    shared.chmod(0o555)
    with as_another_user():
        store = SqliteMetadataStore(path)
        assert store.find(KEYS[0]) is not None
    shared.chmod(0o777)
    path.unlink()
    assert store.find(KEYS[0]) is None
    store.put(a_record(KEYS[1]))
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
        with pytest.raises(MetadataError, match="choose another db_path"):
            store.open()
        shared_again = SqliteMetadataStore(shared / "deeper" / "store.db")
        with pytest.raises(MetadataError, match="choose another db_path"):
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
        with pytest.raises(MetadataError, match="the file is there and may not be read: give it"):
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
        with pytest.raises(MetadataError, match="choose another db_path"):
            store.put(a_record())
        assert store.find(KEYS[0]) is not None
        store.close()
    assert caplog.text.count("WAL does not work there") == 1


def test_a_directory_in_place_of_the_file(path):
    path.mkdir()
    store = SqliteMetadataStore(path)
    with pytest.raises(MetadataError, match="a directory stands there: move it away"):
        store.open()
    store.close()


@pytest.fixture
def mounts(tmp_path, monkeypatch):
    table = tmp_path / "mounts"
    monkeypatch.setattr(files, "_MOUNTS", table)
    monkeypatch.setattr(files.sys, "platform", "linux")
    table.write_text(
        "1 0 8:1 / / rw - ext4 /dev/sda1 rw\n"
        f"2 1 0:40 / {tmp_path}/home rw shared:7 - nfs4 server:/home rw\n"
        f"3 2 0:41 / {tmp_path}/home/local rw - tmpfs tmpfs rw\n"
    )
    return tmp_path


def test_on_a_network_file_system_it_is_not_wal(mounts, caplog):
    path = mounts / "home" / "store.db"
    for _ in range(2):
        store = SqliteMetadataStore(path)
        store.put(a_record())
        store._database.reset()
        assert store.get(KEYS[0]) == a_record()
        execute = store._database.handle().execute
        assert execute("PRAGMA journal_mode").fetchone() == ("delete",)
        assert execute("PRAGMA synchronous").fetchone() == (2,)  # FULL
        store.close()
    assert caplog.text.count("serves one machine") == 2, "once a store"
