"""The SQLite store, where the contract suite does not reach: waiting, threads, places, costs."""

from __future__ import annotations

import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from beautyspot.contracts import Context
from beautyspot.contracts.records import covers_of
from beautyspot.contracts.store import Put
from beautyspot.errors import ConfigError, MetadataBusyError, MetadataError
from beautyspot_local import SqliteMetadataStore
from beautyspot_local.sqlite import connections
from beautyspot_testing.records import KEYS, a_record
from beautyspot_testing.store import MINE, OTHER, stored
from sqlite_tools import (
    another,
    connection_of,
    files,
    keys_in,
    open_files,
    pausing,
    plain,
    posix,
    statements,
)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "store.db"


@pytest.fixture
def store(path):
    store = SqliteMetadataStore(path)
    yield store
    store.close()


# ------------------------------------------------------------------------------ making one


def test_the_constructor_touches_nothing(tmp_path):
    SqliteMetadataStore(tmp_path / "no" / "store.db").close()
    assert files(tmp_path) == []


@posix
def test_a_store_is_private_if_nobody_else_may_read_its_file(path, tmp_path, monkeypatch):
    assert SqliteMetadataStore(path).private, "the file will be made so"
    store = SqliteMetadataStore(path)
    stored(store, a_record())
    store.close()
    assert SqliteMetadataStore(path).private
    for mode in (0o640, 0o604):
        path.chmod(mode)
        assert not SqliteMetadataStore(path).private
    path.chmod(0o600)
    monkeypatch.setattr(connections.os, "geteuid", lambda: os.getuid() + 1)
    assert not SqliteMetadataStore(path).private, "it is another user's, as for root"
    (tmp_path / "file").touch()
    assert not SqliteMetadataStore(tmp_path / "file" / "x.db").private


def test_what_was_made_while_a_put_waited_for_the_lock_is_newer(path):
    store, now = SqliteMetadataStore(path), time.time()
    stored(store, a_record(began_at=now + 1, made_at=now + 2, result_data=b"newer"))
    assert stored(store, a_record(began_at=now, made_at=now)) == {KEYS[0]}
    assert store.get(KEYS[0]).result_data == b"newer"
    store.close()


def test_the_path_does_not_follow_a_chdir(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    store = SqliteMetadataStore("store.db")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir("elsewhere")
    stored(store, a_record())
    store.close()
    assert files(tmp_path, "*.db") == ["store.db"]


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("sqlite:///rel/store.db", "rel/store.db"),
        ("sqlite:////abs/store.db", "/abs/store.db"),
        ("sqlite:///a%3Fb%23c.db?timeout=3", "a?b#c.db"),
    ],
)
def test_urls(url, path):
    assert SqliteMetadataStore.options_from_url(url) == {"path": path}


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///", "sqlite://user:secret@host/x.db"])
def test_a_url_without_a_file(url):
    with pytest.raises(ConfigError, match="sqlite:///relative") as caught:
        SqliteMetadataStore.options_from_url(url)
    assert "secret" not in str(caught.value)


def test_the_default_is_the_spot_s_path(tmp_path):
    context = Context(name="app", directory=tmp_path, db_path=tmp_path / "app.db")
    assert SqliteMetadataStore.defaults(context) == {"path": tmp_path / "app.db"}


@pytest.mark.parametrize("path", ["", None, 5, "a\0b", b"bytes", ":memory:"])
def test_a_path_that_is_none(path):
    with pytest.raises(ConfigError, match="path="):
        SqliteMetadataStore(path)


@pytest.mark.parametrize("timeout", [-1, float("nan"), float("inf"), "soon", None, True, 1e300])
def test_a_timeout_that_is_none(tmp_path, timeout):
    with pytest.raises(ConfigError, match="timeout=.*give "):
        SqliteMetadataStore(tmp_path / "x.db", timeout=timeout)


def test_the_repr_names_the_file(path):
    assert repr(SqliteMetadataStore(path)) == f"<SqliteMetadataStore {str(path)!r}>"


def test_the_mode_and_the_pragmas(store, path):
    store.open()
    execute = connection_of(store).execute
    assert execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert execute("PRAGMA synchronous").fetchone() == (1,)  # NORMAL
    assert execute("PRAGMA mmap_size").fetchone() in ((0,), None)
    assert execute("PRAGMA busy_timeout").fetchone() == (0,)


# ------------------------------------------------------------------------------------ costs


def kinds(seen):
    return [statement.split()[0] for statement in seen]


@pytest.fixture
def bare(path):
    """A store that keeps no rows in memory."""
    store = SqliteMetadataStore(path, memory=0)
    blob = {"result_type": "FILE", "result_data": None, "result_value": "a/b"}
    stored(store, plain(KEYS[0]), a_record(KEYS[1], **blob))
    yield store
    store.close()


def test_a_hit_is_one_select(bare):
    with statements(bare) as seen:
        assert bare.find(KEYS[0]) is not None
        assert bare.find(KEYS[1]).result_value == "a/b"
        assert bare.find(KEYS[2]) is None
    assert kinds(seen) == ["SELECT"] * 3


def test_a_miss_is_three_statements(bare):
    with statements(bare) as seen:
        assert bare.find(KEYS[5]) is None
        begun = bare.begin([KEYS[5]], MINE)
        bare.put([Put(a_record(KEYS[5]), covers_of(a_record()), begun.since, MINE)])
    assert kinds(seen) == ["SELECT", "SELECT", "INSERT"]


# --------------------------------------------------------------------------------- waiting


@pytest.fixture
def pauses(monkeypatch):
    return pausing(monkeypatch)


def test_find_never_waits(path, pauses):
    """On a file without WAL, a reader meets a writer's lock."""
    store = SqliteMetadataStore(path, timeout=60)
    stored(store, a_record())
    connection_of(store).execute("PRAGMA journal_mode = DELETE")
    with another(path) as other:
        other.execute("BEGIN EXCLUSIVE")
        pauses.append(lambda: pytest.fail("find must not wait"))
        with pytest.raises(MetadataBusyError, match="try again"):
            store.find(KEYS[0])
        pauses[:] = [lambda: other.execute("COMMIT")]
        assert store.get(KEYS[0]) is not None, "others do"
    store.close()


def test_a_write_waits_for_another_s(store, path, pauses):
    stored(store, a_record(KEYS[0]))
    with another(path) as other:
        other.execute("BEGIN IMMEDIATE")
        pauses += [lambda: None, lambda: None, lambda: other.execute("COMMIT")]
        stored(store, a_record(KEYS[1]))
        other.execute("BEGIN IMMEDIATE")
        pauses.append(lambda: other.execute("COMMIT"))
        stored(store, a_record(KEYS[2]), a_record(KEYS[3]))
    assert pauses == []
    assert keys_in(store) == KEYS[:4]


def test_a_write_gives_up_in_time(path):
    store = SqliteMetadataStore(path, timeout=0)
    stored(store, a_record())
    with another(path) as other:
        other.execute("BEGIN IMMEDIATE")
        for rows in ([a_record(version="2")], [a_record(version="2"), a_record(KEYS[1])]):
            with pytest.raises(MetadataBusyError, match="another connection has locked it"):
                stored(store, *rows)
    stored(store, a_record(version="3"))
    assert store.get(KEYS[0]).version == "3"
    store.close()


def test_a_put_that_failed_keeps_its_lease(path):
    store, other = SqliteMetadataStore(path, timeout=0), SqliteMetadataStore(path)
    store.begin([KEYS[0]], MINE)
    with another(path) as program:
        program.execute("BEGIN IMMEDIATE")
        with pytest.raises(MetadataBusyError):
            stored(store, a_record(), token=MINE)
    assert not other.begin([KEYS[0]], OTHER).leased
    stored(store, a_record(), token=MINE)
    assert other.begin([KEYS[0]], OTHER, rejected={KEYS[0]: float("inf")}).leased
    store.close()
    other.close()


def test_a_write_does_not_queue_for_ever(path):
    store = SqliteMetadataStore(path, timeout=0)
    store.open()
    inside, done = threading.Event(), threading.Event()

    class Slow:
        def __conform__(self, _):
            inside.set()
            done.wait(60)
            return "slow"

    with ThreadPoolExecutor(1) as other:
        writing = other.submit(stored, store, a_record(func_name=Slow()), a_record(KEYS[1]))
        assert inside.wait(60)
        with pytest.raises(MetadataBusyError):
            stored(store, a_record())
        done.set()
        writing.result()
    store.close()


# --------------------------------------------------------------------------------- threads


@posix
def test_the_connection_of_a_thread_goes_with_it(store):
    stored(store, a_record())
    # SQLite keeps one descriptor for the next who opens the file: closing it would drop locks.
    ThreadPoolExecutor(1).submit(store.find, KEYS[0]).result()
    before = open_files()
    for _ in range(10):
        thread = threading.Thread(target=store.find, args=[KEYS[0]])
        thread.start()
        thread.join()
    assert open_files() <= before


@posix
def test_closing_closes_all_threads_connections(store):
    before = open_files()
    opened, done = threading.Barrier(5), threading.Barrier(5)

    def work():
        store.find(KEYS[0])
        opened.wait(30)
        done.wait(30)
        with pytest.raises(MetadataError, match="closed: make a new one"):
            store.find(KEYS[0])
        return True

    with ThreadPoolExecutor(4) as pool:
        working = [pool.submit(work) for _ in range(4)]
        opened.wait(30)
        store.close()
        assert open_files() <= before
        done.wait(30)
        assert all(thread.result() for thread in working)


def test_closing_ends_the_leases(path):
    store, other = SqliteMetadataStore(path), SqliteMetadataStore(path)
    store.begin([KEYS[0]], MINE)
    store.close()
    assert other.begin([KEYS[0]], OTHER).leased
    store.release([KEYS[0]], MINE)
    with pytest.raises(MetadataError, match="closed"):
        store.begin([KEYS[0]], MINE)
    other.close()


def test_nothing_is_stored_of_many_when_one_can_t_be(store):
    with pytest.raises(MetadataError, match="check what was asked for"):
        stored(store, a_record(KEYS[0]), a_record(KEYS[1], size=2**70))
    with pytest.raises(MetadataError, match="check what was asked for"):
        stored(store, a_record(KEYS[1], func_name=object()))
    assert keys_in(store) == []
    stored(store, a_record())


def test_an_interrupt_leaves_no_transaction_open(store):
    class Interrupting:
        def __conform__(self, _):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stored(store, a_record(KEYS[0]), a_record(KEYS[1], func_name=Interrupting()))
    stored(store, a_record(KEYS[2]))
    assert keys_in(store) == [KEYS[2]]


def test_a_full_disk_says_so(store):
    stored(store, a_record())
    pages = connection_of(store).execute("PRAGMA page_count").fetchone()[0]
    connection_of(store).execute(f"PRAGMA max_page_count = {pages}")
    large = {"result_data": bytes(2**20)}
    for rows in ([a_record(KEYS[1], **large)], [a_record(key, **large) for key in KEYS[1:3]]):
        with pytest.raises(MetadataError, match="free some space .* first, some .* by hand"):
            stored(store, *rows)
    assert keys_in(store) == KEYS[:1]


# ---------------------------------------------------------------------------- invalidations


def noted(path):
    with another(path) as other:
        return dict(other.execute("SELECT cover, number FROM beautyspot_covers").fetchall())


def test_numbers_begin_at_the_clock_and_go_up(store, path, monkeypatch):
    before = store.begin([], MINE).since
    assert before == 0
    store.note("all")
    first = store.begin([], MINE).since
    assert abs(first / 1e6 - store.now()) < 60
    monkeypatch.setattr("beautyspot_local.sqlite.store.time.time_ns", lambda: 0)
    store.note("tag:x")
    assert store.begin([], MINE).since == first + 1, "also where the clock was put back"
    assert noted(path) == {"": first + 1, "all": first, "tag:x": first + 1}


def test_a_fresh_database_goes_on_with_higher_numbers(tmp_path):
    """A call that began before the old one was damaged must see what is invalidated after."""
    numbers = []
    for name in ("a.db", "b.db"):
        store = SqliteMetadataStore(tmp_path / name)
        store.note("all")
        numbers.append(store.begin([], MINE).since)
        store.close()
    assert numbers[0] < numbers[1]


@pytest.mark.parametrize("count", [1, 7, 41, 75])
def test_of_many_rows_those_stay_out_that_were_invalidated_or_have_a_newer_one(store, count):
    """As many statements put them as there are sizes for."""
    keys = [f"{number:032x}" for number in range(count)]
    newer, invalid = keys[::5], keys[1::5]
    now = store.now()
    stored(store, *(a_record(key, began_at=now - 5, made_at=now - 4) for key in newer))
    since = store.begin([], MINE).since
    for key in invalid:
        store.note(f"key:{key}")
    rows = [a_record(key, began_at=now - 8, made_at=now, result_data=b"new") for key in keys]
    assert stored(store, *rows, since=since) == {*newer, *invalid}
    found = {key: store.get(key) for key in keys}
    assert {key for key, row in found.items() if row is None} == set(invalid)
    put = {key for key, row in found.items() if row is not None and row.result_data == b"new"}
    assert put == set(keys) - {*newer, *invalid}


def test_what_was_noted_a_month_ago_is_forgotten(store, path):
    store.note("all")
    store.note(f"key:{KEYS[0]}")
    with another(path) as other:
        month = 31 * 86400 * 1_000_000
        other.execute(
            "UPDATE beautyspot_covers SET number = number - ? WHERE cover = 'all'", [month]
        )
    before = store.begin([], MINE).since
    assert store.sweep(40 * 86400.0) == 0, "it may be told to leave more"
    assert store.sweep(0.0, dry_run=True) == 1
    assert set(noted(path)) == {"", "all", f"key:{KEYS[0]}"}
    assert store.sweep(0.0) == 1
    assert set(noted(path)) == {"", f"key:{KEYS[0]}"}
    assert store.begin([], MINE).since == before, "the counter stays"
