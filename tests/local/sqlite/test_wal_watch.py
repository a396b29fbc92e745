"""Whether a database is at rest, and for how long."""

from __future__ import annotations

import subprocess
import sys

import pytest
from beautyspot_local.sqlite import wal_watch
from beautyspot_local.sqlite.store import SqliteMetadataStore
from beautyspot_testing.records import KEYS
from quiet import eager, linux, plain, settle
from sqlite_tools import another

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


# ---------------------------------------------------------------------------- the descriptor


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
