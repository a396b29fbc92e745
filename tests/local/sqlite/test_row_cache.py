"""Rows kept in memory: what a hit then costs, what ends it, and how much is kept."""

from __future__ import annotations

import gc
import os
import shutil
import sqlite3
import sys
import threading
import weakref
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from types import SimpleNamespace

import pytest
from beautyspot import files
from beautyspot.contracts import entry_of, in_full
from beautyspot.errors import ConfigError, MetadataError
from beautyspot_local.sqlite import connections, database_file, row_cache, schema, wal_watch
from beautyspot_local.sqlite.store import SqliteMetadataStore
from beautyspot_testing.records import KEYS, a_record
from beautyspot_testing.shared import in_forked_child
from owned_clock import Clock
from quiet import connection_of, eager, keep, kept, linux, plain, rows_of, settle
from sqlite_tools import another, posix

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
    store.put_many([plain(ONE), plain(TWO)])
    return store


def row(store, key=ONE):
    found = store.find(key)
    return None if found is None else in_full(found).result_data.decode()


@contextmanager
def statements(store):
    """What this thread's connection executes meanwhile."""
    seen = []
    connection = connection_of(store)
    connection.set_trace_callback(seen.append)
    yield seen
    connection.set_trace_callback(None)


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


@pytest.mark.parametrize(
    "record",
    [
        a_record(ONE, result_type="FILE", result_value="ab/cd.bin", result_data=None),
        plain(ONE)._replace(expires_at=9e9),
    ],
    ids=["a blob", "it expires"],
)
def test_a_quiet_hit_of_what_is_no_plain_row_is_no_sql_either(store, record):
    store.put(record)
    before = store.find(ONE)
    keep(store, ONE)
    with statements(store) as seen:
        assert store.find(ONE) == before == entry_of(record)
    assert seen == []
    store.put(record._replace(took=7.0))
    assert store.find(ONE).took == 7.0


def test_a_hit_by_a_thread_without_a_connection(store, monkeypatch):
    keep(store, ONE)
    monkeypatch.setattr(sqlite3, "connect", lambda *_, **__: pytest.fail("it needs none"))
    assert in_a_thread(lambda: row(store)) == "text"


def test_each_commit_is_seen(store, make, path):
    other_store = make()
    keep(store, ONE, TWO)
    store.put(plain(ONE, "own"))
    assert row(store) == "own"
    keep(store, ONE, TWO)
    other_store.put(plain(ONE, "other store"))
    assert row(store) == "other store"
    with another(path) as connection:
        connection.execute("SELECT * FROM tasks").fetchone()
        keep(store, ONE, TWO)
        connection.execute("UPDATE tasks SET result_data = x'37' WHERE cache_key = ?", (ONE,))
        assert row(store) == "7"
        keep(store, ONE, TWO)
        connection.execute("UPDATE tasks SET expires_at = 1 WHERE cache_key = ?", (ONE,))
        assert store.find(ONE).expires_at == 1.0
        keep(store, TWO)
    store.delete(TWO)
    assert row(store, TWO) is None
    assert kept(store) == set()


def test_a_row_that_is_not_there_is_not_kept(store):
    store.delete(TWO)
    keep(store, ONE)
    assert row(store, TWO) is None
    assert kept(store) == {ONE}


def test_a_row_that_is_not_committed_is_not_kept(store):
    """A signal may come while its thread writes, and its handler may call a marked function."""
    keep(store, TWO)
    seen = []

    class Handled:
        def __conform__(self, _):
            seen.extend([row(store), row(store)])
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        store.put_many([plain(ONE, "not yet"), plain(TWO)._replace(func_name=Handled())])
    assert seen == ["not yet"] * 2
    assert row(store) == "text"


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
    monkeypatch.setattr(row_cache.time, "monotonic", clock)
    return clock


@pytest.fixture
def patient(path, clock):
    """A store that looks as seldom as in use, at a file that is quiet by its own clock."""
    store = SqliteMetadataStore(path)
    store.put_many([plain(ONE), plain(TWO)])
    settle(path)
    yield store
    store.close()


@pytest.fixture
def observed(monkeypatch):
    """What the looks for a rest found."""
    answers = []
    real = wal_watch.watch

    def observe(handle):
        answers.append(real(handle))
        return answers[-1]

    monkeypatch.setattr(wal_watch, "watch", observe)
    return answers


def test_a_script_of_a_few_calls_never_looks(patient, observed, looks):
    looks.clear()
    for _ in range(row_cache.FINDS):
        patient.find(ONE)
    assert observed == looks == []
    patient.find(ONE)
    assert len(observed) == 1


def test_where_others_commit_all_the_time_it_looks_ever_less_often(
    patient, observed, path, clock, monkeypatch
):
    monkeypatch.setattr(row_cache, "FINDS", 4)
    times = []
    with another(path) as connection:
        connection.execute("PRAGMA synchronous = OFF")
        while len(times) < 10:
            connection.execute("UPDATE tasks SET version = ?", (str(clock.now),))
            before = len(observed)
            for _ in range(row_cache.FINDS + 1):
                patient.find(ONE)
            if len(observed) > before:
                times.append(clock.now)
            clock.now += 0.01
    assert observed == [None] * 10
    pauses = [round(later - earlier, 2) for earlier, later in zip(times, times[1:], strict=False)]
    assert pauses == sorted(pauses)
    assert pauses[:3] == pytest.approx([0.08, 0.16, 0.32], abs=0.011)
    assert pauses[-2:] == pytest.approx([4.0, 4.0], abs=0.011)


def test_between_two_looks_a_hit_asks_for_nothing(patient, observed, looks, path):
    with another(path) as connection:
        connection.execute("UPDATE tasks SET version = 'another'")
        for _ in range(row_cache.FINDS + 1):
            patient.find(ONE)
        assert observed == [None]
        looks.clear()
        with statements(patient) as seen:
            for _ in range(1000):
                patient.find(ONE)
    assert len(looks) <= 2 * 1000 / row_cache.FINDS, "whether the file is still there"
    assert len(seen) == 1000
    assert {statement.split()[0] for statement in seen} == {"SELECT"}


def test_rows_are_read_anew_after_a_while(store, clock):
    keep(store, ONE)
    clock.now += wal_watch.LONGEST
    with statements(store) as seen:
        assert row(store) == "text"
    assert len(seen) == 1
    keep(store, ONE)


def test_a_rest_is_checked_also_where_no_key_comes_twice(store):
    keys = [f"{number:032x}" for number in range(row_cache.CHECKED)]
    store.put_many(plain(key) for key in keys)
    keep(store, *keys[:3])
    store.put(plain(TWO))
    for key in keys[3:-1]:
        row(store, key)
    assert kept(store) == set(keys[:-1]), "kept in vain"
    row(store, keys[-1])
    assert kept(store) == set()


def test_while_another_thread_of_ours_writes_nothing_is_seen(store, observed, path):
    settle(path)
    inside, done = threading.Event(), threading.Event()

    class Slow:
        def __conform__(self, _):
            inside.set()
            done.wait(60)
            return "slow"

    with ThreadPoolExecutor(1) as other:
        writing = other.submit(store.put_many, [plain(TWO)._replace(func_name=Slow())])
        assert inside.wait(60)
        assert row(store) == "text"
        done.set()
        writing.result()
    assert observed == []


# ------------------------------------------------------------------------- where it can't be


def never(store, path):
    settle(path)
    for _ in range(3):
        assert row(store) == "text"
    return kept(store) == set()


def test_it_states_how_old_an_answer_may_be(make):
    assert (make().memory_age, make(memory=0).memory_age) == (60.0, 0.0)


def test_switched_off(make, store, path):
    assert never(make(memory=0), path)


def test_on_a_file_system_whose_times_are_not_known(make, path, monkeypatch):
    monkeypatch.setattr(row_cache, "timed_by_the_kernel", lambda _: False)
    other = make()
    other.put(plain(ONE))
    assert never(other, path)


def test_on_another_system(tmp_path, monkeypatch):
    monkeypatch.setattr(files.sys, "platform", "darwin")
    assert not database_file.timed_by_the_kernel(tmp_path / "store.db")


def test_a_file_that_may_only_be_read(store, path, monkeypatch):
    settle(path)
    store.close()
    monkeypatch.setattr(connections, "may_write", lambda _: False)
    reader = SqliteMetadataStore(path)
    with another(path):
        for _ in range(3):
            assert row(reader) == "text"
        assert kept(reader) == set()
    reader.close()


def test_a_look_that_fails_switches_it_off(store, path, monkeypatch):
    settle(path)
    connection = weakref.ref(connection_of(store))
    looks = []

    def watch(handle):
        looks.append(handle.identity)
        raise sqlite3.OperationalError("disk I/O error")

    monkeypatch.setattr(wal_watch, "watch", watch)
    assert row(store) == "text"
    gc.collect()
    assert connection() is None, "it may hold a lock"
    assert [row(store) for _ in range(3)] == ["text"] * 3
    assert len(looks) == 1


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
    store.put_many(plain(key, str(number).rjust(length)) for number, key in enumerate(keys))
    settle(path)
    largest = 0
    for number, key in enumerate(keys[:1] + keys):
        assert int(row(store, key)) == max(number - 1, 0)
        largest = max(largest, weight(rows_of(store)))
    assert memory / 3 < largest <= memory
    keep(store, keys[-1])


def test_large_rows_are_not_kept(make, path):
    store = make(memory=10**9)
    store.put_many([plain(ONE, "x" * row_cache.LARGEST), plain(TWO, "x" * 60_000)])
    settle(path)
    for key in (ONE, TWO, ONE, TWO):
        store.find(key)
    assert kept(store) == {TWO}


def test_nothing_is_kept_that_has_no_room(make, store, path):
    small = make(memory=100)
    settle(path)
    for _ in range(3):
        assert row(small) == "text"
    assert kept(small) == set()


def test_a_column_of_another_type_counts_as_well(store, path):
    with another(path) as connection:
        connection.execute(
            "UPDATE tasks SET took = ? WHERE cache_key = ?", ("x" * row_cache.LARGEST, ONE)
        )
        keep(store, TWO)
        assert row(store) == "text"
        assert kept(store) == {TWO}


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
    store.put(plain(TWO))
    assert row(store) == "text"
    gc.collect()
    assert connection() is None


def replace(path, new):
    for part in ("-wal", "-shm", ""):
        path.with_name(f"{path.name}{part}").rename(f"{path}.aside{part}")
    new.put(plain(ONE, "replaced"))


def test_a_file_that_is_replaced_is_seen_where_its_log_is_as_well(store, path, make):
    keep(store, ONE)
    replace(path, make())
    assert kept(store) == {ONE}
    assert row(store) == "replaced"
    assert kept(store) == set()


@pytest.mark.parametrize("memory", [0, 1_000_000])
def test_a_folder_that_was_removed_is_seen_in_a_while(tmp_path, memory):
    folder = tmp_path / "folder"
    store = SqliteMetadataStore(folder / "store.db", memory=memory)
    store.put(plain(ONE))
    assert store.find(ONE)
    shutil.rmtree(folder)
    for _ in range(row_cache.FINDS):
        store.find(ONE)
    assert not store.find(ONE)
    assert folder.exists()
    store.close()


def test_a_folder_that_is_removed_below_kept_rows_is_seen_at_once(store, path):
    keep(store, ONE)
    assert kept(store) == {ONE}
    shutil.rmtree(path.parent)
    assert row(store) is None


def test_a_file_that_is_replaced_alone(store, path, tmp_path):
    """Who leaves the old log beside it asks for trouble; the rows are no worse than a SELECT's."""
    keep(store, ONE)
    path.rename(tmp_path / "aside")
    path.touch()
    assert row(store) == "text"


@pytest.mark.parametrize("moved", ["the file", "the folder"])
@pytest.mark.parametrize("length", [10, row_cache.LARGEST])
def test_a_place_that_is_left_beside_its_log_is_seen_soon(tmp_path, make, clock, moved, length):
    """Neither changes the log: who moves a database in its place, or the folder away."""
    path = tmp_path / "folder" / "store.db"
    store, new = SqliteMetadataStore(path), make()
    store.put(plain(ONE, "o" * length))
    settle(path)
    for _ in range(3):
        assert row(store) == "o" * length
    if moved == "the file":
        new.put(plain(ONE, "new"))
        connection_of(new).execute("PRAGMA wal_checkpoint(TRUNCATE)")
        (tmp_path / "store.db").rename(path)
    else:
        path.parent.rename(tmp_path / "aside")
    clock.now += wal_watch.CHECK_PLACE
    row(store)
    assert row(store) == ("new" if moved == "the file" else None)
    store.close()


@posix
def test_a_forked_child_starts_without_rows(store):
    keep(store, ONE)

    def work():  # pragma: no cover - in the child, which measures nothing
        assert kept(store) == set()
        return row(store)

    assert in_forked_child(work) == "text"
    assert kept(store) == {ONE}


def test_it_may_be_said_as_a_text(make, path):
    assert make(memory="0 kB").memory_age == 0.0
    assert make(memory="64 MiB").memory_age > 0.0


def test_a_blob_s_row_is_found_while_a_fork_hides_the_connection(store, monkeypatch):
    store.put(a_record(ONE, result_type="FILE", result_value="ab/cd.bin", result_data=None))
    assert store.find(ONE).result_value == "ab/cd.bin"
    to_entry = schema.to_entry

    def forking(row):
        store._database.local = threading.local()  # as it is for other threads while one forks
        return to_entry(row)

    monkeypatch.setattr(schema, "to_entry", forking)
    assert store.find(ONE).result_value == "ab/cd.bin"
