"""Rows kept in memory: what a hit then costs, what ends it, and how much is kept."""

from __future__ import annotations

import gc
import multiprocessing
import os
import sqlite3
import sys
import threading
import weakref
from types import SimpleNamespace

import pytest
from beautyspot import files
from beautyspot.contracts import in_full
from beautyspot.errors import ConfigError, MetadataError
from beautyspot_local import SqliteMetadataStore
from beautyspot_local.sqlite import row_memory
from beautyspot_local.sqlite.database import FINDS
from beautyspot_testing.records import KEYS
from beautyspot_testing.store import stored
from owned_clock import Clock
from sqlite_tools import (
    another,
    connection_of,
    eager,
    keep,
    kept,
    linux,
    plain,
    posix,
    rows_of,
    settle,
    statements,
)

pytestmark = linux

ONE, TWO = KEYS[:2]


@pytest.fixture
def path(tmp_path):
    return tmp_path / "store.db"


@pytest.fixture
def make(path, monkeypatch):
    """Makes stores of the one file, which look at each find."""
    eager(monkeypatch)
    stores = []

    def make(**options):
        store = SqliteMetadataStore(path, **options)
        stores.append(store)
        return store

    yield make
    for store in stores:
        store.close()


@pytest.fixture
def store(make):
    store = make()
    stored(store, plain(ONE), plain(TWO))
    return store


def row(store, key=ONE):
    found = store.find(key)
    return None if found is None else in_full(found).result_data.decode()


@pytest.fixture
def looks(monkeypatch):
    """The calls that ask the file system."""
    calls = []
    for name in ("stat", "fstat"):
        real = getattr(os, name)
        monkeypatch.setattr(os, name, lambda *a, _real=real, **k: calls.append(a) or _real(*a, **k))
    return calls


def in_a_thread(work):
    """Call `work` in a thread that ends; what it returns."""
    results = []
    thread = threading.Thread(target=lambda: results.append(work()))
    thread.start()
    thread.join()
    return results[0]


# ------------------------------------------------------------------------------------- a hit


def test_a_quiet_hit_is_one_look_at_the_file_and_no_sql(store, looks):
    keep(store, ONE)
    looks.clear()
    with statements(store) as seen:
        assert row(store) == "text"
    assert seen == []
    assert len(looks) == 1


def test_a_row_that_was_read_before_the_rest_is_not_kept(store, path, monkeypatch):
    """Others commit, and another thread looks, between a thread's SELECT and its keeping."""
    handle = store._database.handle()
    execute = handle.execute

    def interrupted(*statement):
        monkeypatch.setattr(handle, "execute", execute)
        found = execute(*statement).fetchone()
        with another(path) as connection:
            connection.execute("UPDATE tasks SET result_data = x'37'")
            in_a_thread(lambda: keep(store, TWO))
        return SimpleNamespace(fetchone=lambda: found)

    monkeypatch.setattr(handle, "execute", interrupted)
    assert row(store) == "text", "it began before the commit"
    assert kept(store) == {TWO}
    assert row(store) == "7"


# ----------------------------------------------------------------------------- when it looks


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(row_memory.time, "monotonic", clock)
    return clock


@pytest.fixture
def patient(path, clock):
    """A store that looks as seldom as in use, at a file that is quiet by its own clock."""
    store = SqliteMetadataStore(path)
    stored(store, plain(ONE), plain(TWO))
    settle(path)
    yield store
    store.close()


@pytest.fixture
def observed(monkeypatch):
    """What the looks for a rest found."""
    answers = []
    real = row_memory.watched

    def observe(*given):
        found = real(*given)
        answers.append(found.handle is not None)
        return found

    monkeypatch.setattr(row_memory, "watched", observe)
    return answers


def test_between_two_looks_a_hit_asks_for_nothing(patient, observed, looks, path):
    with another(path) as connection:
        connection.execute("UPDATE tasks SET version = 'another'")
        for _ in range(FINDS + 1):
            patient.find(ONE)
        assert observed == [False]
        looks.clear()
        with statements(patient) as seen:
            for _ in range(1000):
                patient.find(ONE)
    assert len(looks) <= 2 * 1000 / FINDS, "whether the file is still there"
    assert len(seen) == 1000
    assert {statement.split()[0] for statement in seen} == {"SELECT"}


# ------------------------------------------------------------------------- where it can't be


def never(store, path):
    settle(path)
    for _ in range(3):
        assert row(store) == "text"
    return kept(store) == set()


def test_switched_off(make, store, path):
    assert never(make(memory=0), path)


def test_on_a_file_system_whose_times_are_not_known(make, path, monkeypatch):
    monkeypatch.setattr(row_memory, "timed_by_the_kernel", lambda _: False)
    other = make()
    stored(other, plain(ONE))
    assert never(other, path)


def test_a_look_that_fails_costs_no_hit(store, path, monkeypatch):
    settle(path)
    looks = []

    def watched(handle, room):
        looks.append(1)
        handle.execute("BEGIN IMMEDIATE")
        error = sqlite3.OperationalError("disk I/O error")
        error.sqlite_errorcode = sqlite3.SQLITE_IOERR
        raise error

    monkeypatch.setattr(row_memory, "watched", watched)
    assert [row(store) for _ in range(3)] == ["text"] * 3
    assert looks
    with another(path) as other:
        other.execute("BEGIN IMMEDIATE")
        other.execute("ROLLBACK")


@pytest.mark.parametrize("memory", [-1, 1.5, "5 mega", None, True])
def test_a_memory_that_is_none(path, memory):
    with pytest.raises(ConfigError, match=r"memory=.*give a number of bytes"):
        SqliteMetadataStore(path, memory=memory)


# ------------------------------------------------------------------------------ how much


def weight(snapshot):
    """What the rows of a snapshot take, by Python's own count of all its parts."""
    parts = [snapshot, *snapshot, *snapshot.values(), *(c for r in snapshot.values() for c in r)]
    return sum(map(sys.getsizeof, parts))


@pytest.mark.parametrize("length", [0, 100, 5000])
def test_it_stays_within_its_bytes(make, length, path):
    memory = 100_000
    store = make(memory=memory)
    keys = [f"{number:032x}" for number in range(400)]
    rows = [plain(key, str(number).rjust(length)) for number, key in enumerate(keys)]
    stored(store, *rows)
    settle(path)
    largest = 0
    for number, key in enumerate(keys[:1] + keys):
        assert int(row(store, key)) == max(number - 1, 0)
        largest = max(largest, weight(rows_of(store)))
    assert memory / 3 < largest <= memory
    keep(store, keys[-1])


# -------------------------------------------------------------------- the life of the store


def test_a_closed_store_hands_out_nothing(store):
    keep(store, ONE)
    store.close()
    with pytest.raises(MetadataError, match="closed"):
        store.find(ONE)


def test_its_connection_stays_as_long_as_the_rows(store, path):
    """Else the file might be opened anew, and a commit come to light without a write."""

    def look():
        keep(store, ONE)
        return weakref.ref(connection_of(store))

    connection = in_a_thread(look)
    gc.collect()
    assert kept(store) == {ONE}
    assert connection() is not None
    stored(store, plain(TWO))
    assert row(store) == "text"
    gc.collect()
    assert connection() is None


def replace(path, new):
    for part in ("-wal", "-shm", ""):
        path.with_name(f"{path.name}{part}").rename(f"{path}.aside{part}")
    stored(new, plain(ONE, "replaced"))


def test_a_file_that_is_replaced_is_seen_where_its_log_is_as_well(store, path, make):
    keep(store, ONE)
    replace(path, make())
    assert kept(store) == {ONE}
    assert row(store) == "replaced"
    assert kept(store) == set()


@pytest.mark.parametrize("moved", ["the file", "the folder"])
@pytest.mark.parametrize("length", [10, row_memory.LARGEST])
def test_a_place_that_is_left_beside_its_log_is_seen_soon(tmp_path, make, clock, moved, length):
    """Neither changes the log: who moves a database in its place, or the folder away."""
    path = tmp_path / "folder" / "store.db"
    store, new = SqliteMetadataStore(path), make()
    stored(store, plain(ONE, "o" * length))
    settle(path)
    for _ in range(3):
        assert row(store) == "o" * length
    if moved == "the file":
        stored(new, plain(ONE, "new"))
        connection_of(new).execute("PRAGMA wal_checkpoint(TRUNCATE)")
        (tmp_path / "store.db").rename(path)
    else:
        path.parent.rename(tmp_path / "aside")
    clock.now += row_memory.CHECK_PLACE
    row(store)
    assert row(store) == ("new" if moved == "the file" else None)
    store.close()


@posix
def test_a_forked_child_starts_without_rows(store):
    keep(store, ONE)

    def work():  # pragma: no cover - in the child, which measures nothing
        assert kept(store) == set()
        assert row(store) == "text"

    child = multiprocessing.get_context("fork").Process(target=work)
    child.start()
    child.join(60)
    assert child.exitcode == 0
    assert kept(store) == {ONE}


# ---------------------------------------------------------------------------- whether it is at rest


def test_a_clock_of_seconds_tells_nothing():
    tick = row_memory._ROUND
    assert not row_memory.settled(1_700_000_000 * 10**9)
    assert not row_memory.settled(1_700_000_000 * 10**9 + 20 * tick)
    assert row_memory.settled(1_700_000_000 * 10**9 + 1)


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
        (["0:1 / / rw - ext4 /dev/a"], False),
        (["0:1 / / rw - btrfs /dev/a"], True),
        (["here / / rw - zfs pool"], False),
        (["here / / rw - ext4 /dev/a", "0:2 / /T rw - nfs4 server:/"], False),
        (["0:2 / /T/place rw - nfs4 server:/", "here / /T rw - ext4 /dev/a"], True),
        ([], False),
    ],
)
def test_which_file_systems_are_known(mounts, tmp_path, lines, known):
    mounts(*lines)
    (tmp_path / "place").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "place")
    assert row_memory.timed_by_the_kernel(tmp_path / "place" / "x.db") == known
    assert row_memory.timed_by_the_kernel(tmp_path / "link" / "x.db") == known
