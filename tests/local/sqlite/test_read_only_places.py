"""Places that may only be read, or not at all, and network file systems."""

from __future__ import annotations

import os
import sqlite3
import tempfile
import threading
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from beautyspot import files
from beautyspot.errors import MetadataError
from beautyspot_local import SqliteMetadataStore
from beautyspot_local.sqlite import connections, schema
from beautyspot_testing.records import KEYS, a_record
from beautyspot_testing.store import stored
from sqlite_tools import another, connection_of, pausing, posix


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
    stored(other, a_record(KEYS[1], expires_at=None))
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
        stored(other, a_record(KEYS[1]))
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
        with pytest.raises(MetadataError, match="choose another db_path"):
            stored(store, a_record(), since=0)
        assert store.find(KEYS[0]) is not None
        store.close()
    assert caplog.text.count("WAL does not work") == 1


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


def test_once_there_is_room_all_is_as_ever(path, full, monkeypatch):
    filled(path)
    path.chmod(0o600)
    store = SqliteMetadataStore(path)
    full()
    assert store.find(KEYS[0]) is not None
    monkeypatch.undo()
    stored(store, a_record(KEYS[1]))
    assert store.find(KEYS[1]) is not None
    store.close()


def test_a_directory_in_place_of_the_file(path):
    path.mkdir()
    store = SqliteMetadataStore(path)
    with pytest.raises(MetadataError, match="a directory stands at .*: move it away"):
        store.open()
    store.close()


def test_another_error_of_connecting_is_raised(path, monkeypatch):
    path.touch()
    tried = []

    def fail(_, mode, *__, **___):
        tried.append(mode)
        error = sqlite3.OperationalError("out of memory")
        error.sqlite_errorcode = sqlite3.SQLITE_NOMEM
        raise error

    monkeypatch.setattr(connections, "_connected", fail)
    with pytest.raises(sqlite3.OperationalError, match="memory"):
        connections.connect(path, look=False)
    assert tried == ["mode=rw"], "reading would fail as well"


def test_another_process_makes_the_file_first(path, monkeypatch):
    with monkeypatch.context() as patch:
        path.touch()
        patch.setattr(connections.os.path, "lexists", lambda _: False)
        connections.ready_file(path, make=True)
    assert path.read_bytes() == b""


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


@pytest.mark.parametrize(
    ("place", "kind"), [("home/u/store.db", "nfs4"), ("home/local/store.db", None), ("x.db", None)]
)
def test_a_network_file_system_is_known(mounts, place, kind):
    assert files.network_file_system(mounts / place) == kind


@pytest.mark.parametrize("read_only", [False, True])
def test_who_opens_the_file_waits_for_who_writes(shared, monkeypatch, read_only):
    """Without WAL a reader meets the writer's lock at every statement, the last ones included."""
    path = shared / "store.db"
    monkeypatch.setattr(files, "network_file_system", lambda path: "nfs4")
    filled(path)
    path.chmod(0o444 if read_only else 0o666)
    shared.chmod(0o777)
    name = "numbers"
    real = getattr(schema, name)
    pauses, met = pausing(monkeypatch), []
    with another(path) as other:

        def meeting_a_writer(*args):
            if not met:
                other.execute("BEGIN EXCLUSIVE")
                pauses.append(other.rollback)
                met.append(name)
            return real(*args)

        monkeypatch.setattr(schema, name, meeting_a_writer)
        with as_another_user():
            store = SqliteMetadataStore(path)
            store.open()
            assert store.get(KEYS[0]) == RECORD
            store.close()
    assert (pauses, met) == ([], [name]), "it waited"


def test_where_the_system_does_not_tell(mounts, monkeypatch):
    (mounts / "mounts").unlink()
    assert files.network_file_system(mounts / "home/x.db") is None
    monkeypatch.setattr(files.sys, "platform", "win32")
    assert files.network_file_system(mounts / "home/x.db") is None


def test_on_a_network_file_system_it_is_not_wal(mounts, caplog):
    path = mounts / "home" / "store.db"
    for _ in range(2):
        store = SqliteMetadataStore(path)
        stored(store, RECORD)
        store._database.reset()
        assert store.get(KEYS[0]) == RECORD
        execute = connection_of(store).execute
        assert execute("PRAGMA journal_mode").fetchone() == ("delete",)
        assert execute("PRAGMA synchronous").fetchone() == (2,)  # FULL
        store.close()
    assert caplog.text.count("serves one machine") == 2, "once a store"
