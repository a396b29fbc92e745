"""A database on a network file system, as the table of mounts has it; the file is on a local one.

`test_network_mount.py` mounts one for real.
"""

from __future__ import annotations

import errno
import gc
import os
import shutil
import sqlite3
import subprocess
import sys
import textwrap
import threading
from pathlib import Path

import pytest
from beautyspot import files
from beautyspot.errors import MetadataBusyError, MetadataError
from beautyspot.testing.records import KEYS, a_record
from beautyspot_local.sqlite import connections, leases, network_locks
from beautyspot_local.sqlite.store import SqliteMetadataStore
from beautyspot_local.storage import LocalStorage
from sqlite_tools import another, open_files
from sqlite_tools import files as files_in

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells")


@pytest.fixture
def mounted(tmp_path, monkeypatch):
    """Makes the folder `share` one of a network file system."""
    table, share = tmp_path / "mounts", tmp_path / "share"
    share.mkdir()
    monkeypatch.setattr(files, "_MOUNTS", table)
    table.write_text("1 0 8:1 / / rw - ext4 /dev/sda1 rw\n")

    def mount(kind):
        with table.open("a") as lines:
            lines.write(f"2 1 0:40 / {share} rw - {kind} server:/share rw\n")
        return share / "store.db"

    return mount


@pytest.fixture(params=["cifs", "nfs4"])
def path(mounted, request):
    return mounted(request.param)


@pytest.fixture
def make(request):
    def store(path, **options):
        made = SqliteMetadataStore(path, **options)
        request.addfinalizer(made.close)
        return made

    return store


@pytest.fixture
def naps(monkeypatch):
    """What is done at each pause of who is next, in place of sleeping; the last one for good."""
    work = []

    def sleep(seconds):
        assert 0 < seconds < 0.1
        (work.pop(0) if len(work) > 1 else work[0])()

    monkeypatch.setattr(network_locks.time, "sleep", sleep)
    return work


def record(number):
    return a_record(cache_key=KEYS[number])


def test_it_does_all_that_it_does_elsewhere(path, make):
    store = make(path)
    store.put(record(0))
    store.put_many([record(1), record(2)])
    store.touch({KEYS[0]: 5.0})
    assert store.find(KEYS[1]) is not None
    assert store.find(KEYS[9]) is None
    assert store.get(KEYS[0]) == record(0)._replace(used_at=5.0)
    assert (store.delete(KEYS[2]), store.delete(KEYS[2])) == (True, False)
    assert {found.cache_key for found in store.scan()} == {KEYS[0], KEYS[1]}
    assert store.totals().entries == 2


def test_its_server_may_not_answer(mounted, tmp_path, make):
    path = mounted("nfs4")
    assert make(path).blocking
    assert not LocalStorage(path.parent).local
    assert not make(tmp_path / "store.db").blocking
    assert LocalStorage(tmp_path).local


@pytest.mark.parametrize("kind", ["cifs", "smb3", "smbfs"])
def test_which_shares_are_smb(kind):
    assert network_locks.kind_of_connection(kind) is network_locks.SmbConnection
    assert network_locks.kind_of_connection("nfs4") is network_locks.NetworkConnection


def test_without_ranges_sqlite_is_alone(monkeypatch):
    monkeypatch.setattr(network_locks, "have_ranges", lambda: False)
    assert network_locks.kind_of_connection("cifs") is connections.Connection


# --------------------------------------------------------------------------------- one at a time


def test_writers_take_turns(path, make, naps):
    first, second = make(path), make(path, timeout=0)
    first.put(record(0))
    second.put(record(1))
    connection = first._database.handle().connection
    connection.execute("BEGIN IMMEDIATE")
    naps.append(lambda: connection.execute("COMMIT"))
    second.put(record(2))
    assert not connection.in_transaction, "it was waited for"
    assert first.totals().entries == 3


def test_a_turn_that_does_not_end_is_busy(path, make, monkeypatch):
    monkeypatch.setattr(network_locks, "PATIENCE", 0.0)
    first, second = make(path), make(path, timeout=0)
    second.put(record(0))
    execute = first._database.handle().execute
    execute("BEGIN IMMEDIATE")
    with pytest.raises(MetadataBusyError):
        second.put(record(1))
    execute("ROLLBACK")
    second.put(record(1))


def test_who_found_others_busy_lets_go_at_the_end(path, make, monkeypatch):
    """At once, and not when a collector of cycles comes by."""
    monkeypatch.setattr(network_locks, "PATIENCE", 0.0)
    first, second = make(path), make(path, timeout=0)
    second.put(record(0))
    connection = second._database.handle().connection
    first._database.handle().execute("BEGIN IMMEDIATE")
    gc.disable()
    try:
        with pytest.raises(MetadataBusyError):
            second.put(record(1))
        second.close()
        with pytest.raises(sqlite3.ProgrammingError, match="closed"):
            connection.total_changes  # noqa: B018
    finally:
        gc.enable()


def test_a_mistake_is_no_reason_to_take_a_turn(make, mounted, monkeypatch):
    execute = make(mounted("nfs4"))._database.handle().execute
    taken = []
    monkeypatch.setattr(
        network_locks.Turn, "take", lambda turn, *, exclusive: taken.append(exclusive)
    )
    with pytest.raises(sqlite3.OperationalError, match="no such table"):
        execute("SELECT 1 FROM elsewhere")
    assert taken == []


def test_a_mistake_ends_the_turn(make, mounted):
    path = mounted("cifs")
    execute = make(path)._database.handle().execute
    with pytest.raises(sqlite3.OperationalError, match="no such table"):
        execute("SELECT 1 FROM elsewhere")
    make(path, timeout=0).put(record(0))


def test_who_waits_comes_next(tmp_path, naps, monkeypatch):
    turns = [network_locks.Turn(tmp_path / "store.db") for _ in range(3)]
    assert turns[0].take(exclusive=True)
    tried = []

    def go_on():
        monkeypatch.setattr(network_locks, "PATIENCE", 0.0)
        turns[0].give_back()
        tried.append(turns[2].take(exclusive=True))
        tried.append(turns[0].take(exclusive=True))

    naps.append(go_on)
    assert turns[1].take(exclusive=True)
    assert tried == [False, False], "they stand behind it"
    turns[1].give_back()
    assert turns[2].take(exclusive=True)
    for turn in turns:
        turn.close()


def test_readers_read_together(tmp_path, monkeypatch):
    monkeypatch.setattr(network_locks, "PATIENCE", 0.0)
    turns = [network_locks.Turn(tmp_path / "store.db") for _ in range(3)]
    assert [
        turn.take(exclusive=exclusive)
        for turn, exclusive in zip(turns, (False, False, True), strict=True)
    ] == [True, True, False]
    for turn in turns:
        turn.give_back()
    assert [turn.take(exclusive=True) for turn in turns] == [True, False, False]
    for turn in turns:
        turn.close()


def test_a_failure_that_ends_the_transaction_ends_the_turn(path, make):
    first, second = make(path), make(path, timeout=0)
    second.put(record(0))
    connection = first._database.handle().connection
    connection.execute("BEGIN IMMEDIATE")
    with pytest.raises(sqlite3.OperationalError):
        connection.executemany("INSERT OR ROLLBACK INTO nothing VALUES (?)", [(1,)])
    connection.execute("ROLLBACK")
    connection.execute("BEGIN IMMEDIATE")
    again = "INSERT OR ROLLBACK INTO tasks (cache_key) VALUES (?)"
    with pytest.raises(sqlite3.IntegrityError):
        connection.executemany(again, [(KEYS[0],)])
    assert not connection.in_transaction
    second.put(record(1))
    with pytest.raises(sqlite3.IntegrityError):
        connection.execute(again, (KEYS[0],))
    second.put(record(2))


def test_a_file_that_is_not_there_needs_no_turn(tmp_path):
    for kind in (network_locks.NetworkConnection, network_locks.SmbConnection):
        with pytest.raises(sqlite3.OperationalError, match="unable to open"):
            connections.connect(tmp_path / "store.db", kind)


def test_no_descriptor_is_left(path, make):
    before = open_files()
    for _ in range(3):
        store = make(path)
        store.put(record(0))
        thread = threading.Thread(target=store.put, args=(record(1),))
        thread.start()
        thread.join()
        store.close()
    assert open_files() == before


def test_a_forked_child_does_not_keep_the_turn(path, make):
    program = """
        import os, sys
        from pathlib import Path
        from beautyspot_local.sqlite import network_locks
        from beautyspot_local.sqlite.store import SqliteMetadataStore
        from beautyspot.testing.records import KEYS, a_record

        connection = network_locks.NetworkConnection(":memory:")
        connection.path = Path(sys.argv[1])
        connection.ready(None)
        connection._alone("BEGIN IMMEDIATE")
        child = os.fork()
        if not child:
            connection.end()
            connection = None
            os.read(0, 1)
            os._exit(0)
        os.kill(os.getpid(), 9)
    """
    command = [sys.executable, "-c", textwrap.dedent(program), str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as parent:
        parent.wait(60)
        make(path).put(record(0))
        assert parent.stdin is not None
        parent.stdin.close()


def test_one_that_hangs_as_it_ends_keeps_nobody_waiting(path, make):
    store = make(path)
    store.put(record(0))
    threads = [threading.Thread(target=store.close, daemon=True)]
    with connections.ending:  # as a thread that ends another one has it
        threads[0].start()
        threads[0].join(60)
        assert not threads[0].is_alive()


# ------------------------------------------------------------------------- beside SQLite's locks


def test_a_commit_waits_for_who_reads(mounted, make, naps):
    path = mounted("nfs4")
    store = make(path, timeout=0)
    store.put(record(0))
    statements = []
    store._database.handle().connection.set_trace_callback(statements.append)
    with another(path) as other:
        reading = other.execute("SELECT cache_key FROM tasks")

        def refused():
            with another(path) as late, pytest.raises(sqlite3.OperationalError, match="locked"):
                late.execute("SELECT * FROM tasks").fetchall()

        naps += [refused, reading.close]
        store.put(record(1))
    assert statements.count("COMMIT") == 3, "it was not begun again"
    assert sum(each.startswith("INSERT") for each in statements) == 1


@pytest.mark.parametrize("many", [False, True])
def test_a_commit_does_not_wait_for_ever(mounted, make, monkeypatch, many):
    path = mounted("nfs4")
    monkeypatch.setattr(network_locks, "COMMIT", 0.0)
    store, write = make(path, timeout=0), "put_many" if many else "put"
    store.put(record(0))
    given = [record(1)] if many else record(1)
    with another(path) as other:
        reading = other.execute("SELECT cache_key FROM tasks")
        with pytest.raises(MetadataBusyError):
            getattr(store, write)(given)
        assert reading.fetchall() == [(KEYS[0],)]
        assert other.execute("SELECT COUNT(*) FROM tasks").fetchone() == (1,)
    getattr(make(path, timeout=0), write)(given)


@pytest.mark.parametrize("foreign", [False, True])
def test_who_reads_takes_a_turn_among_those_who_write(mounted, make, monkeypatch, foreign):
    path = mounted("nfs4")
    store = make(path, timeout=0)
    store.put(record(0))
    taken = []
    real = network_locks.Turn.take
    with another(path) as other:
        other.execute("BEGIN EXCLUSIVE")

        def take(turn, *, exclusive):
            taken.append(exclusive)
            if not foreign:
                other.rollback()
            return real(turn, exclusive=exclusive)

        with monkeypatch.context() as patch:
            patch.setattr(network_locks.Turn, "take", take)
            if foreign:
                with pytest.raises(MetadataBusyError):
                    store.get(KEYS[0])
            else:
                assert store.get(KEYS[0]) == record(0)
        assert taken == [False]
    make(path, timeout=0).put(record(1))


def test_without_locks_of_ours_sqlites_decide(mounted, make, monkeypatch):
    path = mounted("nfs4")
    monkeypatch.setattr(leases, "_set_lock", no_locks)
    store = make(path)
    store.put(record(0))
    assert store.get(KEYS[0]) == record(0)


def no_locks(*_):
    raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))


# ------------------------------------------------------------------------------ in place of them


def test_sqlite_locks_nothing_on_an_smb_share(mounted, make):
    """SMB makes no exclusive lock of a shared one, which is what its commits ask for."""
    path = mounted("cifs")
    store = make(path, timeout=0)
    store.put(record(0))
    with another(path) as other:
        reading = other.execute("SELECT cache_key FROM tasks")
        store.put(record(1))
        reading.close()


def test_without_locks_of_ours_an_smb_share_is_not_used(mounted, make, monkeypatch):
    path = mounted("cifs")
    monkeypatch.setattr(leases, "_set_lock", no_locks)
    with pytest.raises(MetadataError, match="choose another db_path"):
        make(path).put(record(0))


def test_a_lock_that_can_not_be_given_back_ends_with_its_file(mounted, make, monkeypatch):
    path = mounted("cifs")
    store = make(path, timeout=0)
    store.put(record(0))
    with monkeypatch.context() as patch:
        real = leases._set_lock

        def failing(number, offset, kind):
            if kind == leases.fcntl.F_UNLCK and offset == network_locks._TURN:
                no_locks()
            real(number, offset, kind)

        patch.setattr(leases, "_set_lock", failing)
        store.put(record(1))
    make(path, timeout=0).put(record(2))


def test_a_lock_file_that_was_lost_is_opened_again(mounted, make, monkeypatch):
    """A server that was away may have forgotten who had it open, and tells each time."""
    store = make(mounted("cifs"), timeout=0)
    store.put(record(0))
    real, lost = leases._set_lock, store._database.handle().connection._turn._number

    def failing(number, offset, kind):
        if number == lost:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        real(number, offset, kind)

    monkeypatch.setattr(leases, "_set_lock", failing)
    with pytest.raises(MetadataError, match="Input/output"):
        store.put(record(1))
    with Path(os.devnull).open("rb"):  # which has its number now
        store.put(record(1))
    assert store.totals().entries == 2


def test_what_a_killed_writer_left_is_rolled_back_by_one_alone(
    mounted, make, tmp_path, monkeypatch
):
    path = mounted("cifs")
    store = make(path)
    store.put(record(0))
    store.close()
    copy = tmp_path / "copy.db"
    with another(path) as other:
        other.execute("PRAGMA cache_size = 1")  # what does not fit is written before the commit
        other.execute("BEGIN IMMEDIATE")
        other.execute("UPDATE tasks SET func_name = 'torn'")
        rows = [(f"torn {number}", bytes(9000)) for number in range(9)]
        other.executemany("INSERT INTO tasks (cache_key, result_data) VALUES (?, ?)", rows)
        for suffix in ("", "-journal"):
            shutil.copy(f"{path}{suffix}", f"{copy}{suffix}")
        other.execute("ROLLBACK")
    for suffix in ("", "-journal"):
        shutil.copy(f"{copy}{suffix}", f"{path}{suffix}")
    taken = []
    real = network_locks.Turn.take

    def take(turn, *, exclusive):
        taken.append((exclusive, path.with_name("store.db-journal").exists()))
        return real(turn, exclusive=exclusive)

    monkeypatch.setattr(network_locks.Turn, "take", take)
    again = make(path)
    assert again.get(KEYS[0]) == record(0)
    assert again.totals().entries == 1
    tries = [exclusive for exclusive, torn in taken if torn]
    assert tries == [False, True] * (len(tries) // 2), "none reads it who is not alone"


def test_who_can_not_be_alone_with_what_was_left_gives_his_turn_back(mounted, make, monkeypatch):
    path = mounted("cifs")
    store = make(path, timeout=0)
    store.put(record(0))
    path.with_name("store.db-journal").touch()
    monkeypatch.setattr(network_locks, "PATIENCE", 0.0)
    reader = network_locks.Turn(path)
    assert reader.take(exclusive=False)
    with pytest.raises(MetadataBusyError):
        store.get(KEYS[0])
    reader.give_back()
    assert reader.take(exclusive=True), "two who want to be alone would wait for each other"
    reader.close()


def test_what_was_in_wal_mode_leaves_it(mounted, make, tmp_path):
    elsewhere = make(tmp_path / "store.db")
    elsewhere.put(record(0))
    elsewhere.close()
    path = mounted("cifs")
    shutil.copy(tmp_path / "store.db", path)
    store = make(path)
    assert store.get(KEYS[0]) == record(0)
    assert store._database.handle().connection.mode() == "delete"
    assert files_in(path.parent) == ["store.db", "store.db.lock"]
    with another(path) as other:
        assert other.execute("PRAGMA journal_mode").fetchone() == ("delete",)
    make(path).put(record(1))
    assert store.get(KEYS[1]) == record(1), "it is not alone with the file"


@pytest.mark.parametrize("kind", ["cifs", "nfs4"])
def test_who_has_a_file_leave_wal_mode_is_alone(mounted, make, tmp_path, monkeypatch, kind):
    elsewhere = make(tmp_path / "store.db")
    elsewhere.put(record(0))
    elsewhere.close()
    path = mounted(kind)
    shutil.copy(tmp_path / "store.db", path)
    monkeypatch.setattr(network_locks, "PATIENCE", 0.0)
    reader, store = network_locks.Turn(path), make(path, timeout=0)
    assert reader.take(exclusive=False)
    with pytest.raises(MetadataBusyError):
        store.open()
    with another(path) as other:
        assert other.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    reader.close()
    assert store.get(KEYS[0]) == record(0)


def test_a_log_that_is_in_use_is_left_alone(mounted, make, tmp_path):
    path = mounted("cifs")
    with another(path) as other:
        other.execute("PRAGMA journal_mode = WAL")
        other.execute("CREATE TABLE it (is_mine)")
        with pytest.raises(MetadataError, match="choose another db_path"):
            make(path).put(record(0))
        assert other.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_what_may_only_be_read_needs_no_lock(mounted, make, monkeypatch):
    path = mounted("cifs")
    store = make(path)
    store.put(record(0))
    store.close()
    path.with_name("store.db.lock").unlink()
    monkeypatch.setattr(connections, "_may_write", lambda path: False)
    monkeypatch.setattr(leases, "_set_lock", no_locks)
    assert make(path).get(KEYS[0]) == record(0)
