"""The SQLite store, where the contract suite does not reach: waiting, threads, damage, places."""

from __future__ import annotations

import os
import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest
from beautyspot.contracts import Context
from beautyspot.errors import ConfigError, MetadataBusyError, MetadataError
from beautyspot_local.sqlite import connections
from beautyspot_local.sqlite.store import SqliteMetadataStore
from beautyspot_testing.records import KEYS, a_record
from sqlite_tools import another, files, open_files, pausing, posix


@pytest.fixture
def path(tmp_path):
    return tmp_path / "store.db"


@pytest.fixture
def store(path):
    store = SqliteMetadataStore(path)
    yield store
    store.close()


def test_the_constructor_touches_nothing(tmp_path):
    SqliteMetadataStore(tmp_path / "no" / "store.db").close()
    assert files(tmp_path) == []


@posix
def test_everything_is_private(tmp_path):
    store = SqliteMetadataStore(tmp_path / "a" / "b" / "store.db")
    umask = os.umask(0)
    try:
        store.put(a_record())
        store.try_lease("k").release()
    finally:
        os.umask(umask)
    made = {path: path.stat().st_mode & 0o777 for path in tmp_path.rglob("*")}
    assert {mode for path, mode in made.items() if path.is_dir()} == {0o700}
    assert {mode for path, mode in made.items() if path.is_file()} == {0o600}
    assert files(tmp_path / "a" / "b") == [
        "store.db", "store.db-shm", "store.db-wal", "store.db.lock",
    ]  # fmt: skip
    store.close()


@posix
def test_what_is_there_keeps_its_permissions(path):
    path.touch()
    path.chmod(0o664)
    SqliteMetadataStore(path).put(a_record())
    assert path.stat().st_mode & 0o777 == 0o664


def test_the_path_does_not_follow_a_chdir(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    store = SqliteMetadataStore("store.db")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir("elsewhere")
    store.put(a_record())
    store.close()
    assert files(tmp_path, "*.db") == ["store.db"]


@pytest.mark.parametrize("name", ["sp ace.db", "que?ry.db", "ha#sh.db", "per%20cent.db", "日本.db"])
def test_any_file_name(tmp_path, name):
    store = SqliteMetadataStore(tmp_path / name)
    store.put(a_record())
    store.close()
    assert name in files(tmp_path)


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
    execute = store._database.handle().execute
    assert execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert execute("PRAGMA synchronous").fetchone() == (1,)  # NORMAL
    assert execute("PRAGMA mmap_size").fetchone() in ((0,), None)
    assert execute("PRAGMA busy_timeout").fetchone() == (0,)


@pytest.fixture
def pauses(monkeypatch):
    return pausing(monkeypatch)


@contextmanager
def locked_whole(path):
    """Another connection that lets nobody even read."""
    with another(path) as connection:
        connection.execute("PRAGMA locking_mode = EXCLUSIVE")
        connection.execute("BEGIN EXCLUSIVE")
        yield connection


def test_find_never_waits(path, pauses):
    store = SqliteMetadataStore(path, timeout=60)
    store.put(a_record())
    store._database.reset()
    with locked_whole(path):
        store._database.store_id = "open already"
        pauses.append(lambda: pytest.fail("find must not wait"))
        store._database.timeout = 0.0  # of the connection's own making
        store._database.handle  # noqa: B018
        with pytest.raises(MetadataBusyError, match="try again"):
            store.find(KEYS[0])
    store.close()


def test_a_write_waits_for_another_s(store, path, pauses):
    store.put(a_record(KEYS[0]))
    with another(path) as other:
        other.execute("BEGIN IMMEDIATE")
        pauses += [lambda: None, lambda: None, lambda: other.execute("COMMIT")]
        store.put(a_record(KEYS[1]))
        other.execute("BEGIN IMMEDIATE")
        pauses.append(lambda: other.execute("COMMIT"))
        store.put_many([a_record(KEYS[2])])
    assert pauses == []
    assert store.totals().entries == 3


def test_a_reader_is_not_in_a_writer_s_way(store, path):
    store.put(a_record())
    with another(path) as other:
        other.execute("BEGIN IMMEDIATE")
        other.execute("DELETE FROM tasks")
        assert store.find(KEYS[0]) is not None
        other.execute("ROLLBACK")


def test_a_write_gives_up_in_time(path):
    store = SqliteMetadataStore(path, timeout=0)
    store.put(a_record())
    with another(path) as other:
        other.execute("BEGIN IMMEDIATE")
        for write in (store.put, lambda record: store.put_many([record])):
            with pytest.raises(MetadataBusyError, match="locked by another connection"):
                write(a_record(version="2"))
    store.put(a_record(version="3"))
    assert store.get(KEYS[0]).version == "3"
    store.close()


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
        writing = other.submit(store.put_many, [a_record(func_name=Slow())])
        assert inside.wait(60)
        with pytest.raises(MetadataBusyError):
            store.put(a_record())
        done.set()
        writing.result()
    store.close()


def test_opening_waits_for_the_switch_to_wal(path, pauses):
    """SQLite gives up at once there, whatever its time-out."""
    with another(path) as other:
        other.execute("CREATE TABLE notes (text)")
        other.execute("BEGIN IMMEDIATE")
        other.execute("INSERT INTO notes VALUES ('x')")
        pauses += [lambda: None, lambda: other.execute("COMMIT")]
        store = SqliteMetadataStore(path)
        store.open()
    assert pauses == []
    store.close()


def test_opening_gives_up_in_time_and_may_be_tried_again(path):
    store = SqliteMetadataStore(path, timeout=0)
    with another(path) as other:
        other.execute("CREATE TABLE notes (text)")
        other.execute("BEGIN IMMEDIATE")
        other.execute("INSERT INTO notes VALUES ('x')")
        with pytest.raises(MetadataBusyError):
            store.open()
    store.open()
    store.close()


@posix
def test_the_connection_of_a_thread_goes_with_it(store):
    store.put(a_record())
    # SQLite keeps one descriptor for the next who opens the file: closing it would drop locks.
    ThreadPoolExecutor(1).submit(store.find, KEYS[0]).result()
    before = open_files()
    for _ in range(10):
        thread = threading.Thread(target=store.find, args=[KEYS[0]])
        thread.start()
        thread.join()
    assert open_files() <= before


@posix
def test_stores_that_are_dropped_leave_nothing(tmp_path):
    before, threads = open_files(), threading.active_count()
    for number in range(10):
        SqliteMetadataStore(tmp_path / f"{number}.db").put(a_record())
    assert open_files() <= before
    assert threading.active_count() <= threads
    assert files(tmp_path, "*-wal") == []


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


def test_nothing_is_stored_of_many_when_one_can_t_be(store):
    with pytest.raises(MetadataError, match="surrogates not allowed: check"):
        store.put_many([a_record(KEYS[0]), a_record("\ud800")])
    with pytest.raises(MetadataError, match="too large"):
        store.put_many([a_record(KEYS[0]), a_record(KEYS[1], size=2**70)])
    with pytest.raises(MetadataError, match="not supported"):
        store.put(a_record(KEYS[1], func_name=object()))
    assert list(store.scan()) == []
    store.put(a_record())


def test_the_thread_that_writes_does_not_write_in_between(store):
    """A signal's handler would do so within the transaction, which may be rolled back."""

    class Handled:
        def __conform__(self, _):
            with pytest.raises(MetadataBusyError):
                store.put(a_record(KEYS[2]))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        store.put_many([a_record(KEYS[0]), a_record(KEYS[1], func_name=Handled())])
    assert list(store.scan()) == []


def test_an_interrupt_leaves_no_transaction_open(store):
    class Interrupting:
        def __conform__(self, _):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        store.put_many([a_record(KEYS[0]), a_record(KEYS[1], func_name=Interrupting())])
    store.put(a_record(KEYS[2]))
    assert [record.cache_key for record in store.scan()] == [KEYS[2]]


def test_a_full_disk_says_so(store):
    store.put(a_record())
    pages = store._database.handle().execute("PRAGMA page_count").fetchone()[0]
    store._database.handle().execute(f"PRAGMA max_page_count = {pages}")
    for write in (store.put, lambda record: store.put_many([record])):
        with pytest.raises(MetadataError, match="free some space"):
            write(a_record(KEYS[1], result_data=bytes(2**20)))
    assert store.get(KEYS[0]) == a_record()


def test_a_full_disk_says_so_to_who_frees_space(store, monkeypatch):
    store.put(a_record())

    def write(_):
        error = sqlite3.OperationalError("database or disk is full")
        error.sqlite_errorcode = sqlite3.SQLITE_FULL
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(store._database, "write", write)
        with pytest.raises(
            MetadataError, match=r"full: free .* first, some .*deleted by hand"
        ) as no:
            store.delete(KEYS[0])
    assert connections.code_of(no.value.__cause__) == sqlite3.SQLITE_FULL
    assert store.delete(KEYS[0])


@pytest.mark.parametrize("method", ["find", "generation", "try_lease"])
def test_who_inherits_is_asked_at_the_begin_of_a_call(path, method):
    asked = []

    def ask(store, *args):
        asked.append(method)
        return getattr(SqliteMetadataStore, method)(store, *args)

    store = type("Own", (SqliteMetadataStore,), {method: ask})(path)
    store.open()
    store.begin("0" * 32).lease.release()
    assert asked == [method]
    store.close()
