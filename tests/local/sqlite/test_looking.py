"""Looking at a database changes nothing, and reads what can be read of it."""

from __future__ import annotations

import os
import random
import shutil
import sqlite3
import tempfile
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from beautyspot.contracts import Counts, Selection
from beautyspot.contracts.store import listed
from beautyspot.errors import MetadataBusyError, MetadataError, NotSupportedError
from beautyspot_local import SqliteMetadataStore
from beautyspot_testing.records import KEYS, a_record
from beautyspot_testing.store import MINE, stored
from child import Child
from sqlite_tools import another, keys_in, posix, sql


@pytest.fixture
def path(tmp_path):
    return tmp_path / "cache" / "app.db"


def filled(path, *records):
    store = SqliteMetadataStore(path)
    stored(store, *(records or [a_record(key, began_at=1.0) for key in KEYS[:5]]))
    store.add_counts([Counts("m:f", 1, hits=1)])
    store.close()
    return path


def looking_at(path, **options):
    store = SqliteMetadataStore(path, **options)
    store.open(look=True)
    return store


def contents(folder):
    """Every file below a folder but those that SQLite makes to read, and what it holds."""
    return {
        file.relative_to(folder): (file.read_bytes(), file.stat().st_mtime_ns)
        for file in folder.rglob("*")
        if file.is_file() and not file.name.endswith("-shm") and file.stat().st_size
    }


def all_of(store):
    """The answers to all there is to ask."""
    records = list(store.all_rows(data=True))
    for order in ("key", "newest"):
        keys = {record.cache_key for record in listed(store, Selection(function="*"), order)}
        assert keys == {record.cache_key for record in records}
    assert sum(totals.entries for totals in store.function_totals()) == len(records)
    list(store.counts())
    store.remarks()
    found = store.find_many([record.cache_key for record in records[:3]])
    for record in records[:3]:
        assert store.get(record.cache_key) == record
        assert store.find(record.cache_key) == found[record.cache_key]
    return records


@contextmanager
def untouched(folder):
    """Nothing in the folder is another, or there or gone, afterwards."""
    before = contents(folder)
    yield
    assert contents(folder) == before


# ----------------------------------------------------------------------------- nothing is changed


def test_looking_changes_no_file(path):
    filled(path)
    with untouched(path.parent):
        store = looking_at(path)
        assert [r.cache_key for r in all_of(store)] == KEYS[:5]
        assert store.store_id
        assert list(store.counts()) == [Counts("m:f", 1, hits=1)]
        store.open()
        store.close()
        with pytest.raises(MetadataError, match="is closed"):
            store.get(KEYS[0])


CHANGES = {
    "begin": lambda store: store.begin([KEYS[9]], MINE),
    "put": lambda store: stored(store, a_record(), since=0),
    "put of many": lambda store: stored(store, a_record(), a_record(KEYS[1]), since=0),
    "delete": lambda store: store.delete({KEYS[0]: 1.0}),
    "note": lambda store: store.note("all"),
    "touch": lambda store: store.touch({}),
    "counts": lambda store: store.add_counts([]),
    "remark": lambda store: store.remark({}),
    "sweep": lambda store: store.sweep(0.0),
}


@pytest.mark.parametrize("change", CHANGES)
def test_every_change_is_refused(path, change):
    filled(path)
    store = looking_at(path)
    for _ in range(2):
        with pytest.raises(NotSupportedError, match="opened to look at it"):
            CHANGES[change](store)
        store.open()  # it stays so
    assert store.put_at_once([]) is None
    assert store.sweep(0.0, dry_run=True) == 0
    assert not path.with_name("app.db.lock").exists()
    store.close()


def test_what_another_process_writes_is_seen_while_it_does(path):
    filled(path)
    code = (
        "from beautyspot_local import SqliteMetadataStore\n"
        "from beautyspot.contracts.store import Put\n"
        f"store = SqliteMetadataStore({str(path)!r})\n"
        "for number in range(100, 400):\n"
        "    store.put([Put(TaskRecord(f'{number:032x}', 'f', 'i'), ('all',), 0)])\n"
        "    if number == 150: say('begun')\n"
        "say('done'); wait()"
    )
    store = looking_at(path)
    with Child(code) as child:
        assert child.heard() == "begun"
        while len(keys_in(store)) < 305:
            assert store.function_totals()[0].entries >= 50
        assert child.heard() == "done"
        child.go_on()
        child.expect_success()
    assert len(keys_in(store)) == 305
    store.close()


@pytest.fixture(scope="module")
def left(tmp_path_factory):
    """The folder of a process that was killed."""
    path = tmp_path_factory.mktemp("left") / "app.db"
    code = (
        "from beautyspot_local import SqliteMetadataStore\n"
        "from beautyspot.contracts.store import Put\n"
        f"store = SqliteMetadataStore({str(path)!r})\n"
        "for number in range(5):\n"
        "    record = TaskRecord(f'{number:032x}', 'f', 'i', result_data=b'x')\n"
        "    store.put([Put(record, ('all',), 0)])\n"
        "say('done'); wait()"
    )
    with Child(code) as child:
        assert child.heard() == "done"
        child.kill()
    return path.parent


@pytest.mark.parametrize("with_shm", [True, False])
def test_what_a_killed_process_left_is_read_and_stays(left, path, with_shm):
    shutil.copytree(left, path.parent)
    assert path.with_name("app.db-wal").stat().st_size > 0
    if not with_shm:
        path.with_name("app.db-shm").unlink()
    with untouched(path.parent):
        store = looking_at(path)
        assert [r.cache_key for r in all_of(store)] == KEYS[:5]
        store.close()


@contextmanager
def as_another_user():
    """Root may write anything: become somebody who may not."""
    if os.geteuid() != 0:
        pytest.skip("only root can become another user")
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.fixture
def shared():
    """A folder that another user may enter, unlike those of pytest."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


@posix
@pytest.mark.parametrize("in_use", [False, True])
def test_where_nothing_can_be_written_a_log_says_that_the_file_is_in_use(shared, left, in_use):
    """Else it is taken for one that never changes."""
    path = shared / "app.db"
    shutil.copytree(left, shared, dirs_exist_ok=True)
    shared.chmod(0o755)
    if not in_use:
        with another(path) as other:
            other.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        assert not path.with_name("app.db-wal").exists()
    for file in shared.iterdir():
        file.chmod(0o444)
    with as_another_user():
        store = looking_at(path)
        modes = {handle.keeps for handle in [store._database.handle()]}
        assert keys_in(store) == KEYS[:5]
        store.close()
    assert modes == {in_use}


def test_a_file_that_never_rests_is_busy(path):
    filled(path)
    store = SqliteMetadataStore(path, timeout=0)
    with another(path) as other:
        other.execute("PRAGMA journal_mode = delete")
        other.execute("BEGIN EXCLUSIVE")
        other.execute("UPDATE tasks SET version = 'v2'")
        with pytest.raises(MetadataBusyError, match="try again"):
            store.open(look=True)
        with pytest.raises(MetadataBusyError, match="try again"):
            keys_in(store)


# ----------------------------------------------------------------------------- what is not there


def test_nothing_is_there(path):
    with pytest.raises(MetadataError, match=r"ENOENT.*nothing is there: give the path"):
        looking_at(path)
    assert not path.parent.exists()
    filled(path)
    with pytest.raises(MetadataError, match="a directory stands at"):
        looking_at(path.parent)
    with pytest.raises(MetadataError, match="ENOTDIR"):
        looking_at(path / "x.db")


# -------------------------------------------------------------------------------- of any release


@pytest.mark.parametrize("readable_from", ["8", "99"])
def test_a_database_of_a_later_release_is_read_as_far_as_it_is_known(path, readable_from):
    filled(path)
    sql(
        path,
        "ALTER TABLE tasks ADD COLUMN colour TEXT",
        "ALTER TABLE tasks DROP COLUMN price",
        "DROP TABLE beautyspot_covers",
        f"UPDATE beautyspot_meta SET value = {readable_from!r} WHERE name = 'readable_from'",
        "PRAGMA user_version = 99",
    )
    with untouched(path.parent), closing(looking_at(path)) as store:
        assert all_of(store) == [a_record(key, began_at=1.0) for key in KEYS[:5]]
        assert store.store_id


# --------------------------------------------------------------------------------------- damage


def overwritten(path, start, end=None):
    data = bytearray(path.read_bytes())
    end = len(data) if end is None else end
    data[start:end] = b"\xa5" * (end - start)
    path.write_bytes(data)


def leaves(path, name="tasks"):
    """The pages of the table, or of its index, that hold rows."""
    with closing(sqlite3.connect(path)) as connection:
        try:
            rows = connection.execute(
                "SELECT pageno FROM dbstat WHERE name = ? AND pagetype = 'leaf'", (name,)
            )
            return [number for (number,) in rows]
        except sqlite3.OperationalError:  # pragma: no cover - SQLite was built without it
            pytest.skip("this SQLite does not tell which page is which")


INDEX = "sqlite_autoindex_tasks_1"


@pytest.fixture
def large(path):
    """A database of a thousand rows on many pages, whose keys are in no order."""
    keys = [f"{number:032x}" for number in range(1000)]
    random.Random(5).shuffle(keys)  # noqa: S311
    filled(path, *(a_record(key) for key in keys))
    return path


@pytest.mark.parametrize("places", [[0], [3, 5, 6, 7, 40], [-2, -1]])
def test_a_listing_goes_on_behind_damaged_pages(large, places, caplog):
    pages = leaves(large)
    for place in places:
        overwritten(large, (pages[place] - 1) * 4096, pages[place] * 4096)
    with untouched(large.parent):
        store = looking_at(large)
        keys = keys_in(store)
        assert keys == sorted(keys)
        assert store.lost == 1000 - len(keys), "the index knows of each"
        assert 0 < store.lost < 1000 / len(pages) * len(places) * 2
        assert [record.cache_key for record in all_of(store)] == keys
        assert list(store.counts()) == [Counts("m:f", 1, hits=1)]
        assert store.store_id
        store.close()
    assert caplog.text.count("is damaged") == 1
    assert f"{store.lost} of its rows can't be read" in caplog.text


@pytest.mark.parametrize("places", [[0], [1, 2], [-1], [3, -4]])
def test_a_damaged_index_hides_no_row(large, places):
    pages = leaves(large, INDEX)
    for place in places:
        overwritten(large, (pages[place] - 1) * 4096, pages[place] * 4096)
    with closing(looking_at(large)) as store:
        assert len(keys_in(store)) == 1000
        assert store.lost == 0


def test_what_is_left_can_be_copied_into_another_store(large, tmp_path):
    page = leaves(large)[9]
    overwritten(large, (page - 1) * 4096, page * 4096)
    with (
        closing(looking_at(large)) as store,
        closing(SqliteMetadataStore(tmp_path / "b.db")) as new,
    ):
        for record in store.all_rows(data=True):
            stored(new, record)
        assert len(keys_in(new)) == 1000 - store.lost
        assert list(new.all_rows(data=True)) == list(store.all_rows(data=True))
