"""Databases at rest, for tests: without waiting for more than the next tick of the file clock."""

from __future__ import annotations

import sys

import pytest
from beautyspot_local.sqlite import row_cache, wal_watch
from beautyspot_local.sqlite.database_file import timed_by_the_kernel
from beautyspot_testing.records import a_record

linux = pytest.mark.skipif(sys.platform != "linux", reason="rows are kept on Linux only")


def plain(key, text="text"):
    """A record that `find` finds."""
    return a_record(key, result_type="DIRECT_BLOB", result_data=text.encode(), expires_at=None)


def eager(monkeypatch):
    """Look at each find, and count as quiet what the next write can be told from."""
    monkeypatch.setattr(wal_watch, "TICKS", 1)
    monkeypatch.setattr(wal_watch, "_ROUND", 1 << 62)
    monkeypatch.setattr(row_cache, "FINDS", 0)
    monkeypatch.setattr(row_cache, "FIRST_PAUSE", 0.0)


def settle(path):
    """Let the file clock tick past the last write, at most 10 ms."""
    if not timed_by_the_kernel(path):
        pytest.skip("this file system's times are not known to be the kernel's")
    changed = path.with_name(f"{path.name}-wal").stat().st_ctime_ns
    while wal_watch.coarse_now() <= changed:
        pass


def rows_of(store):
    """The rows in memory, by their keys."""
    return store._database.rows.snapshot


def connection_of(store):
    """The connection of this thread."""
    return store._database.handle().connection


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
