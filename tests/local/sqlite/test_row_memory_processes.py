"""Rows in memory while other processes commit, are stopped half-way, and die."""

from __future__ import annotations

import mmap
import os
import signal
import struct
import tempfile
import threading
from contextlib import closing
from pathlib import Path

import pytest
from beautyspot.contracts import in_full
from beautyspot_local import SqliteMetadataStore
from beautyspot_testing.records import KEYS
from beautyspot_testing.store import stored
from child import Child
from sqlite_tools import another, eager, keep, kept, linux, plain, settle

pytestmark = linux

ONE = KEYS[0]


@pytest.fixture
def path(request, tmp_path):
    """On a disk where a commit has to be caught: one in memory does not wait for any."""
    if "stopped" not in request.fixturenames:
        yield tmp_path / "store.db"
        return
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder) / "store.db"


@pytest.fixture
def store(path, monkeypatch):
    eager(monkeypatch)
    store = SqliteMetadataStore(path)
    stored(store, plain(ONE, "0"))
    settle(path)  # or skip
    yield store
    store.close()


# ----------------------------------------------------------- a writer that is stopped half-way

# FULL: between the write to the log and the index it waits for the disk, nearly all of its time.
COMMITTING = """
import sqlite3
connection = sqlite3.connect({path!r}, isolation_level=None, timeout=5)
connection.execute("PRAGMA synchronous = FULL")
connection.execute("PRAGMA wal_autocheckpoint = 0")
connection.execute("SELECT * FROM tasks").fetchall()
number = 0
while True:
    say(number)
    number += 1
    connection.execute("UPDATE tasks SET result_data = ?", (str(number).encode(),))
"""


FRAME = 24 + 4096
"""Bytes that one commit of it adds to the log."""


@pytest.fixture
def stopped(store, path):
    """A process with its commit in the log, and not yet in the index."""
    log = path.with_name(f"{path.name}-wal")
    before = log.stat().st_size
    with (
        another(path) as connection,
        Child(COMMITTING.format(path=str(path))) as child,
    ):
        process = child._process.pid
        for _ in range(300):
            child.heard()  # one commit is done, the next begins
            os.kill(process, signal.SIGSTOP)
            os.waitid(os.P_PID, process, os.WSTOPPED | os.WNOWAIT)
            shown = int(connection.execute("SELECT result_data FROM tasks").fetchone()[0])
            if log.stat().st_size == before + (shown + 1) * FRAME:
                connection.close()
                yield child
                return
            os.kill(process, signal.SIGCONT)
        pytest.skip("the disk is too fast for a commit to be caught")


def test_a_commit_that_is_half_way_is_no_rest(store, path, stopped):
    settle(path)
    before = [in_full(store.find(ONE)).result_data for _ in range(3)]
    assert len(set(before)) == 1
    assert kept(store) == set()
    os.kill(stopped._process.pid, signal.SIGCONT)
    while (committed := int(stopped.heard())) <= int(before[0]):
        pass  # it said so before it was stopped
    assert int(in_full(store.find(ONE)).result_data) >= committed


READING = """
import sqlite3
connection = sqlite3.connect({path!r}, isolation_level=None)
say(connection.execute("SELECT result_data FROM tasks").fetchone()[0].decode())
wait()
"""


def test_a_commit_whose_writer_was_killed_stays_hidden(path, store, stopped):
    """SQLite would bring it to light, without a write, were the file opened anew."""
    store._database.reset()  # the connections of this process
    code = READING.format(path=str(path))

    def keep_in_a_thread():
        keep(store, ONE)

    with Child(code) as another_user:
        before = another_user.heard()
        stopped.kill()
        thread = threading.Thread(target=keep_in_a_thread)
        thread.start()
        thread.join()
        # Killed, not closed: whoever is the last to close the file removes the log.
    with Child(code) as newcomer:
        assert in_full(store.find(ONE)).result_data.decode() == newcomer.heard() == before
        assert kept(store) == {ONE}


# ------------------------------------------------------------------- many writers and readers

WRITER = """
import mmap, sqlite3, struct, time
from beautyspot_local import SqliteMetadataStore
from beautyspot_testing.store import stored
from sqlite_tools import plain
key, ours, bursts = {key!r}, {ours}, {bursts}
with open({acks!r}, "r+b") as file: acknowledged = mmap.mmap(file.fileno(), 4096)
if ours:
    store = SqliteMetadataStore({path!r}, timeout=30)
    store.open()
    write = lambda number: stored(store, plain(key, str(number)), since=0)
else:
    connection = sqlite3.connect({path!r}, isolation_level=None, timeout=30)
    connection.execute("PRAGMA synchronous = OFF")
    update = "UPDATE tasks SET result_data = ? WHERE cache_key = ?"
    write = lambda number: connection.execute(update, (str(number).encode(), key))
say("ready")
wait()
number = 0
for burst in range(bursts):
    for _ in range(1 + burst % 4):
        number += 1
        write(number)
        struct.pack_into("q", acknowledged, {place}, number)
    if not ours and burst % 5 == 4:
        connection.execute("PRAGMA wal_checkpoint(RESTART)").fetchall()
    rested = time.clock_gettime_ns(5) + 10_000_000
    while time.clock_gettime_ns(5) < rested:
        pass
say("done")
wait()
"""

READER = """
import mmap, struct, threading
from beautyspot.contracts import in_full
from beautyspot_local.sqlite import database, row_memory
from beautyspot_local import SqliteMetadataStore
keys = {keys!r}
with open({acks!r}, "r+b") as file: acknowledged = mmap.mmap(file.fileno(), 4096)
row_memory.TICKS, database.FINDS = 1, 0
row_memory.PAUSE = row_memory.STABLE = 0.0
store = SqliteMetadataStore({path!r}, timeout=30)
looks, stale = [0, 0], []

def read():
    while not acknowledged[-1]:
        for place, key in enumerate(keys):
            snapshot = store._database.rows.snapshot
            at_least = struct.unpack_from("q", acknowledged, 8 * place)[0]
            number = int(in_full(store.find(key)).result_data)
            looks[key in snapshot] += 1
            if number < at_least:
                stale.append((number, at_least))

store.open()
say("ready")
wait()
threads = [threading.Thread(target=read) for _ in range(2)]
for thread in threads: thread.start()
for thread in threads: thread.join()
say(f"{{len(stale)}} {{looks[1]}}")
"""


@pytest.mark.parametrize("bursts", [5, pytest.param(1000, marks=pytest.mark.slow)])
def test_no_reader_sees_what_was_before_an_acknowledged_commit(store, path, tmp_path, bursts):
    keys = KEYS[:2]
    acks = tmp_path / "acknowledged"
    acks.write_bytes(bytes(4096))
    stored(store, *(plain(key, "0") for key in keys))
    store.close()
    given = {"path": str(path), "acks": str(acks), "bursts": bursts, "keys": keys}
    paths = f"import sys; sys.path.insert(0, {str(Path(__file__).parents[2])!r})"
    writers = [
        Child(paths + WRITER.format(**given, key=key, place=8 * place, ours=bool(place)))
        for place, key in enumerate(keys)
    ]
    readers = [Child(READER.format(**given)) for _ in range(2)]
    try:
        everyone = [*writers, *readers]
        assert [child.heard() for child in everyone] == ["ready"] * 4
        for child in everyone:
            child.go_on()
        assert [child.heard() for child in writers] == ["done"] * 2
        with acks.open("r+b") as file, closing(mmap.mmap(file.fileno(), 4096)) as shared:
            written = struct.unpack_from("qq", shared)
            shared[-1] = 1
        assert min(written) >= bursts
        for reader in readers:
            stale, from_memory = map(int, reader.heard().split())
            assert stale == 0
            assert from_memory > 0
    finally:
        for child in [*writers, *readers]:
            child.kill()
