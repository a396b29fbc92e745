"""What the tests of the SQLite store share."""

from __future__ import annotations

import gc
import os
import sqlite3
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from beautyspot_local.sqlite import connections

posix = pytest.mark.skipif(os.name != "posix", reason="POSIX only")


@contextmanager
def another(path):
    """A connection of another program."""
    with closing(sqlite3.connect(path, isolation_level=None, timeout=0)) as connection:
        yield connection


def files(directory, pattern="*"):
    return sorted(path.name for path in directory.glob(pattern))


def open_files():
    gc.collect()
    return len(list(Path("/proc/self/fd").iterdir()))


def pausing(monkeypatch):
    """A list of what to do at each pause of a waiting store, in place of sleeping."""
    work = []

    def sleep(seconds):
        assert 0 <= seconds <= connections.LONGEST_PAUSE * 1.5
        if work:
            work.pop(0)()

    monkeypatch.setattr(connections.time, "sleep", sleep)
    return work
