"""Whether a database is at rest, and for how long."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys

import pytest
from beautyspot import files
from beautyspot_local.sqlite import database_file, wal_watch
from beautyspot_local.sqlite.store import SqliteMetadataStore
from beautyspot_testing.records import KEYS
from owned_clock import Clock
from quiet import eager, linux, plain, settle
from sqlite_tools import another, open_files

pytestmark = linux


@pytest.fixture
def path(tmp_path):
    return tmp_path / "store.db"


@pytest.fixture
def log(path):
    return path.with_name("store.db-wal")


@pytest.fixture
def store(path, monkeypatch):
    eager(monkeypatch)
    store = SqliteMetadataStore(path)
    store.put(plain(KEYS[0]))
    yield store
    store.close()


@pytest.fixture
def handle(store):
    return store._database.handle()


@pytest.fixture
def seen(handle):
    statements = []
    handle.connection.set_trace_callback(statements.append)
    return statements


@pytest.fixture
def rest(handle, path):
    settle(path)
    return wal_watch.watch(handle)


def test_it_lasts_until_somebody_writes(handle, path):
    with another(path) as connection:
        # Who opens a log as root gives it to its owner, which is a change.
        connection.execute("SELECT * FROM tasks").fetchall()
        settle(path)
        rest = wal_watch.watch(handle)
        connection.execute("SELECT * FROM tasks").fetchall()
        connection.execute("PRAGMA wal_checkpoint")
        assert rest.is_unchanged()
        connection.execute("UPDATE tasks SET version = 'another'")
        assert not rest.is_unchanged()


def test_an_open_transaction_of_another_is_no_rest(handle, path):
    with another(path) as connection:
        connection.execute("BEGIN IMMEDIATE")
        settle(path)
        assert wal_watch.watch(handle) is None
        connection.execute("ROLLBACK")
        assert wal_watch.watch(handle) is not None


def test_what_others_wrote_early_of_a_transaction_is_a_write(rest, path):
    with another(path) as connection:
        connection.execute("PRAGMA cache_size = 1")
        connection.execute("BEGIN")
        connection.execute("CREATE TABLE large (x)")
        connection.executemany("INSERT INTO large VALUES (zeroblob(?))", [(5000,)] * 50)
        assert not rest.is_unchanged()
        connection.execute("ROLLBACK")


def test_a_recent_write_is_no_rest_and_nobody_meets_our_lock(handle, log, seen, monkeypatch):
    changed = log.stat().st_ctime_ns
    monkeypatch.setattr(wal_watch, "TICKS", 50)
    for now, rested in ((changed + 49, False), (changed - 1000, False), (changed + 50, True)):
        monkeypatch.setattr(wal_watch, "coarse_now", lambda now=now: now)
        assert (wal_watch.watch(handle) is not None) == rested
        assert bool(seen) == rested


def test_a_write_between_the_first_look_and_the_lock(handle, path, monkeypatch):
    settle(path)
    answers = iter([True, False])
    monkeypatch.setattr(wal_watch, "settled", lambda _: next(answers))
    assert wal_watch.watch(handle) is None
    assert not handle.connection.in_transaction


def test_a_clock_of_seconds_tells_nothing():
    tick = wal_watch._ROUND
    assert not wal_watch.settled(1_700_000_000 * 10**9)
    assert not wal_watch.settled(1_700_000_000 * 10**9 + 20 * tick)
    assert wal_watch.settled(1_700_000_000 * 10**9 + 1)


def test_a_file_that_is_not_in_wal_mode(store, path, log):
    handle = store._database.handle()
    handle.execute("PRAGMA journal_mode = DELETE")
    assert wal_watch.watch(handle) is None, "there is no log"
    log.touch()
    settle(path)
    assert wal_watch.watch(handle) is None
    assert not handle.connection.in_transaction
    log.unlink()


def test_a_file_that_was_replaced(handle, path):
    settle(path)
    aside = path.rename(f"{path}.aside")
    assert wal_watch.watch(handle) is None
    path.touch()
    assert wal_watch.watch(handle) is None
    aside.rename(path)
    assert wal_watch.watch(handle) is not None


def test_a_log_behind_a_link(handle, path, log):
    settle(path)
    aside = log.rename(f"{path}-aside")
    log.symlink_to(aside)
    settle(path)
    assert wal_watch.watch(handle) is None
    aside.rename(log)


def test_a_pipe_in_the_place_of_the_log_is_not_waited_for(handle, path, log):
    settle(path)
    aside = log.rename(f"{path}-aside")
    os.mkfifo(log)
    settle(path)
    assert wal_watch.watch(handle) is None
    aside.rename(log)


def test_what_sqlite_says_of_a_broken_connection_is_raised(handle, path, monkeypatch):
    settle(path)
    failure = sqlite3.OperationalError("disk I/O error")
    failure.sqlite_errorcode = sqlite3.SQLITE_IOERR

    def execute(statement):
        raise failure

    monkeypatch.setattr(handle, "execute", execute)
    with pytest.raises(sqlite3.OperationalError, match="disk"):
        wal_watch.watch(handle)


def test_the_log_goes_away(rest, log):
    aside = log.rename(f"{log}-aside")
    assert not rest.is_unchanged(), "a new name is a change of the file"
    aside.rename(log)


def test_it_does_not_last_for_ever(store, path, monkeypatch):
    clock = Clock()
    monkeypatch.setattr(wal_watch.time, "monotonic", clock)
    settle(path)
    rest = wal_watch.watch(store._database.handle())
    clock.now += wal_watch.LONGEST - 1
    assert rest.is_unchanged()
    clock.now += 1
    assert not rest.is_unchanged()


# ---------------------------------------------------------------------------- the descriptor


def test_the_descriptor_ends_with_it(store, path):
    settle(path)
    before = open_files()
    rest = wal_watch.watch(store._database.handle())
    assert open_files() == before + 1
    del rest
    assert open_files() == before


def test_whoever_closes_all_descriptors_ends_it(rest):
    os.close(rest._descriptor)
    assert not rest.is_unchanged()


def test_a_descriptor_that_is_another_s_by_now_stays_open(handle, path, tmp_path):
    settle(path)
    rest = wal_watch.watch(handle)
    (tmp_path / "other").touch()
    number = rest._descriptor
    os.close(number)
    other = os.open(tmp_path / "other", os.O_RDONLY)
    os.dup2(other, number)
    rest._changed = os.fstat(number).st_ctime_ns  # were it changed within one tick
    assert not rest.is_unchanged()
    del rest
    os.fstat(number)
    os.close(number)
    if other != number:
        os.close(other)


LOCKS = """
import os, sqlite3, subprocess, sys
flags = {flags}
connection = sqlite3.connect("x.db", isolation_level=None)
connection.execute("PRAGMA journal_mode = WAL")
connection.execute("CREATE TABLE t (x)")
connection.execute("BEGIN IMMEDIATE")
for part in ("x.db", "x.db-wal", "x.db-shm"):
    os.close(os.open(part, flags | os.O_CLOEXEC))
other = "import sqlite3; sqlite3.connect('x.db', timeout=0).execute('BEGIN IMMEDIATE')"
print(subprocess.run([sys.executable, "-c", other], stderr=subprocess.DEVNULL).returncode)
"""


@pytest.mark.parametrize(("flags", "held"), [("os.O_PATH", True), ("os.O_RDONLY", False)])
def test_a_descriptor_that_only_names_a_file_drops_no_locks(tmp_path, flags, held):
    """What the rule not to open the database's files is about, and what it is not about."""
    code = LOCKS.format(flags=flags)
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, cwd=tmp_path
    )
    assert (done.stdout.strip() != "0", done.stderr) == (held, "")


# ------------------------------------------------------------------------------ file systems


@pytest.fixture
def mounts(tmp_path, monkeypatch):
    """A table of mounts; "here" stands for the device of the test's directory, "/T" for itself."""
    table = tmp_path / "mountinfo"
    monkeypatch.setattr(files, "_MOUNTS", table)
    device = tmp_path.stat().st_dev
    here = f"{os.major(device)}:{os.minor(device)}"

    def write(*lines):
        text = "".join(f"7 1 {line} rw\n" for line in lines)
        table.write_text(text.replace("here", here).replace("/T", os.path.realpath(tmp_path)))

    return write


@pytest.mark.parametrize(
    ("lines", "known"),
    [
        (["here / / rw - ext4 /dev/a"], True),
        (["here / / rw shared:1 master:2 - xfs /dev/a"], True),
        (["here / /T/place rw - ext4 /dev/a"], True),
        (["0:1 / / rw - ext4 /dev/a"], False),
        (["0:1 / / rw - btrfs /dev/a"], True),
        (["here / / rw - zfs pool"], False),
        (["here / / rw - ext4 /dev/a", "0:2 / /T rw - nfs4 server:/"], False),
        (["0:2 / /T/place rw - nfs4 server:/", "here / /T rw - ext4 /dev/a"], True),
        (["here / / rw - ext4 /dev/a", "0:2 / /T/pla rw - nfs4 server:/"], True),
        ([], False),
    ],
)
def test_which_file_systems_are_known(mounts, tmp_path, lines, known):
    mounts(*lines)
    (tmp_path / "place").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "place")
    assert database_file.timed_by_the_kernel(tmp_path / "place" / "x.db") == known
    assert database_file.timed_by_the_kernel(tmp_path / "link" / "x.db") == known


def test_a_place_that_is_gone(mounts, tmp_path):
    mounts("here / / rw - ext4 /dev/a")
    assert not database_file.timed_by_the_kernel(tmp_path / "gone" / "x.db")


def test_a_place_with_a_space(mounts, tmp_path):
    mounts("here / / rw - ext4 /dev/a", r"0:2 / /T/a\040place rw - cifs //server/share")
    (tmp_path / "a place").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "a place")
    assert files.network_file_system(tmp_path / "a place" / "x.db") == "cifs"
    assert files.network_file_system(tmp_path / "link" / "x.db") == "cifs"
    assert not database_file.timed_by_the_kernel(tmp_path / "a place" / "x.db")
