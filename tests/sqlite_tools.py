"""What the tests of the SQLite store share."""

from __future__ import annotations

import gc
import os
import sqlite3
import sys
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from beautyspot_local.sqlite import row_memory, waiting
from beautyspot_local.sqlite.row_memory import timed_by_the_kernel
from beautyspot_testing.records import a_record

posix = pytest.mark.skipif(os.name != "posix", reason="POSIX only")
linux = pytest.mark.skipif(sys.platform != "linux", reason="Linux only")


@contextmanager
def another(path):
    """A connection of another program."""
    with closing(sqlite3.connect(path, isolation_level=None, timeout=0)) as connection:
        yield connection


def sql(path, *statements):
    """What the last of some statements of another program gives."""
    with another(path) as connection:
        return [connection.execute(statement).fetchall() for statement in statements][-1]


def keys_in(store):
    """The keys of all rows."""
    return [record.cache_key for record in store.all_rows()]


def files(directory, pattern="*"):
    return sorted(path.name for path in directory.glob(pattern))


def open_files():
    gc.collect()
    return len(list(Path("/proc/self/fd").iterdir()))


def pausing(monkeypatch):
    """A list of what to do at each pause of a waiting store, in place of sleeping."""
    work = []

    def sleep(seconds):
        assert 0 <= seconds <= waiting.LONGEST_PAUSE * 1.5
        if work:
            work.pop(0)()

    monkeypatch.setattr(waiting.time, "sleep", sleep)
    return work


@contextmanager
def statements(store):
    """What this thread's connection executes meanwhile."""
    seen = []
    connection = connection_of(store)
    connection.set_trace_callback(seen.append)
    yield seen
    connection.set_trace_callback(None)


def connection_of(store):
    """The connection of this thread."""
    return store._database.handle().connection


# ------------------------------------------------------------------------------ rows in memory


def plain(key, text="text", **fields):
    """A record that `find` finds, and that may be kept."""
    fields = {"result_data": text.encode(), "expires_at": None, **fields}
    return a_record(key, **fields)


def eager(monkeypatch):
    """Look at each find, and count as quiet what the next write can be told from."""
    for name, value in {"TICKS": 1, "_ROUND": 1 << 62, "PAUSE": 0.0, "STABLE": 0.0}.items():
        monkeypatch.setattr(row_memory, name, value)
    monkeypatch.setattr("beautyspot_local.sqlite.database.FINDS", 0)


def settle(path):
    """Let the file clock tick past the last write, at most 10 ms."""
    if not timed_by_the_kernel(path):
        pytest.skip("this file system's times are not known to be the kernel's")
    changed = path.with_name(f"{path.name}-wal").stat().st_ctime_ns
    while coarse_now() <= changed:
        pass


def coarse_now():
    """The clock of the times of files."""
    return row_memory.time.clock_gettime_ns(5)


def rows_of(store):
    """The rows in memory, by their keys."""
    return store._database.rows.snapshot


def kept(store):
    """The keys in memory."""
    return set(rows_of(store))


def keep(store, *keys):
    """Have these rows in memory."""
    store.open()
    settle(store._database.path)
    for _ in range(2):  # the first find only looks
        for key in keys:
            assert store.find(key) is not None
    assert kept(store) >= set(keys)
