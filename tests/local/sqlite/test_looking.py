"""Looking at a database changes nothing, and reads what can be read of it."""

from __future__ import annotations

import os
import shutil
import sqlite3
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from beautyspot.contracts import Context, Counts, Selection
from beautyspot.errors import MetadataError, NotSupportedError
from beautyspot_local import LocalStorage
from beautyspot_local.sqlite import schema
from beautyspot_local.sqlite.store import SqliteMetadataStore
from beautyspot_testing.records import KEYS, a_record
from beautyspot_testing.shared import Child
from sqlite_tools import another, posix

DATA = Path(__file__).parent / "data"
RELEASES = ["2.0.0", "2.4.1", "2.7.7"]


@pytest.fixture
def path(tmp_path):
    return tmp_path / "cache" / "app.db"


def filled(path, *records):
    store = SqliteMetadataStore(path)
    store.put_many(records or [a_record(key) for key in KEYS[:5]])
    store.add_counts([Counts("m:f", 1, hits=1)])
    store.close()
    return path


def looking_at(path):
    return SqliteMetadataStore(path).for_looking()


def contents(folder):
    """Every file below a folder, what it holds and when it was changed."""
    return {
        file.relative_to(folder): (file.read_bytes(), file.stat().st_mtime_ns)
        for file in folder.rglob("*")
        if file.is_file()
    }


def all_of(store):
    """The answers to all there is to ask."""
    records = list(store.scan(with_data=True))
    store.totals()
    store.function_totals()
    list(store.counts())
    for order in ("key", "newest"):
        page = store.page(Selection(function="*", text=""), order=order, limit=9999)
        assert {r.cache_key for r in page.records} == {r.cache_key for r in records}
    for record in records[:3] + records[-3:]:
        assert store.get(record.cache_key) == record
        assert store.find(record.cache_key) is not None
    return records


def sql(path, *statements):
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for statement in statements:
            connection.execute(statement)


@contextmanager
def untouched(folder):
    """Nothing in the folder is another, or there or gone, afterwards."""
    before = contents(folder)
    yield
    assert contents(folder) == before


# ----------------------------------------------------------------------------- nothing is changed


def test_looking_leaves_no_trace(path):
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


def test_what_another_process_writes_is_seen_while_it_does(path):
    filled(path)
    code = (
        "from beautyspot_local.sqlite.store import SqliteMetadataStore\n"
        f"store = SqliteMetadataStore({str(path)!r})\n"
        "for number in range(100, 400):\n"
        "    store.put(TaskRecord(f'{number:032x}', 'f', 'i'))\n"
        "    if number == 150: say('begun')\n"
        "say('done'); wait()"
    )
    store = looking_at(path)
    with Child(code) as child:
        assert child.heard() == "begun"
        while len(list(store.scan())) < 305:
            assert store.page(order="newest", limit=2).records[0].cache_key > KEYS[4]
            assert store.function_totals()[0].entries >= 50
        assert child.heard() == "done"
        assert len(list(store.scan())) == 305, "it is still open there"
        child.go_on()
        child.expect_success()
    with untouched(path.parent):
        assert len(list(store.scan())) == 305
    store.close()


@pytest.fixture(scope="module")
def left(tmp_path_factory):
    """The folder of a process that was killed."""
    path = tmp_path_factory.mktemp("left") / "app.db"
    code = (
        "from beautyspot_local.sqlite.store import SqliteMetadataStore\n"
        f"store = SqliteMetadataStore({str(path)!r})\n"
        "for number in range(5): store.put(TaskRecord(f'{number:032x}', 'f', 'i'))\n"
        "say('done'); wait()"
    )
    with Child(code) as child:
        assert child.heard() == "done"
        child.kill()
    return path.parent


@pytest.mark.parametrize("with_shm", [True, False])
@pytest.mark.parametrize("folder_mode", [0o700, pytest.param(0o500, marks=posix)])
def test_what_a_killed_process_left_is_read_and_stays(left, path, with_shm, folder_mode):
    shutil.copytree(left, path.parent)
    assert path.with_name("app.db-wal").stat().st_size > 0
    if not with_shm:
        path.with_name("app.db-shm").unlink()
    path.parent.chmod(folder_mode)
    before = contents(path.parent)
    store = looking_at(path)
    assert [r.cache_key for r in all_of(store)] == KEYS[:5]
    store.close()
    path.parent.chmod(0o700)
    after = contents(path.parent)
    assert after.keys() == before.keys()
    assert {n: c for n, c in after.items() if n.suffix != ".db-shm"} == {
        n: c for n, c in before.items() if n.suffix != ".db-shm"
    }


def test_a_database_without_a_log_is_read_while_it_is_written(path):
    filled(path)
    with another(path) as other:
        other.execute("PRAGMA journal_mode = delete")
        other.execute("BEGIN IMMEDIATE")
        other.execute("UPDATE tasks SET version = 'v2'")
        store = looking_at(path)
        assert {record.version for record in all_of(store)} == {"v1"}
        other.execute("COMMIT")
        assert {record.version for record in all_of(store)} == {"v2"}


def test_every_change_is_refused(path):
    filled(path)
    store = looking_at(path)
    changes = [
        lambda: store.put(a_record()),
        lambda: store.delete(KEYS[0]),
        lambda: store.touch({}),
        lambda: store.add_counts([]),
    ]
    for change in changes:
        with pytest.raises(NotSupportedError, match=r"for_looking"):
            change()
    assert "LookingStore" in repr(store)
    assert str(path) in repr(store)


# ----------------------------------------------------------------------------- what is not there


def test_nothing_is_there(path):
    store = looking_at(path)
    with pytest.raises(MetadataError, match=r"is not there: no database \(\*.db\) is in"):
        store.open()
    assert not path.parent.exists()
    for number in range(7):
        filled(path.with_name(f"other{number}.db"))
    with pytest.raises(MetadataError, match=r"other0.db, .*, other4.db and 2 others"):
        list(store.scan())
    assert not path.exists()
    with pytest.raises(MetadataError, match=r"is a folder: give a file .*other0.db"):
        looking_at(path.parent).open()
    with pytest.raises(MetadataError, match="is not there"):
        looking_at(path.with_name("other0.db") / "x.db").open()


@posix
@pytest.mark.skipif(os.geteuid() == 0, reason="root may read anything")
def test_a_file_that_may_not_be_read(path):  # pragma: no cover - not run by root
    filled(path).chmod(0)
    with pytest.raises(MetadataError, match="may be read"):
        looking_at(path).open()


def test_a_spot_s_parts_make_no_folder_by_being_made(tmp_path):
    context = Context("app", tmp_path / "cache", tmp_path / "cache" / "app.db")
    store = SqliteMetadataStore(**SqliteMetadataStore.defaults(context))
    storage = LocalStorage(**LocalStorage.defaults(context))
    assert list(storage.list()) == []
    looking = store.for_looking()
    with pytest.raises(MetadataError, match="is not there"):
        looking.store_id  # noqa: B018
    assert list(tmp_path.iterdir()) == []


# -------------------------------------------------------------------------------- of any release


@pytest.mark.parametrize("release", RELEASES)
def test_databases_of_earlier_releases_are_read_as_they_are(tmp_path, release):
    path = tmp_path / "old.db"
    shutil.copy(DATA / f"beautyspot-{release}.db", path)
    migrated = shutil.copy(path, tmp_path / "migrated.db")
    with closing(SqliteMetadataStore(migrated)) as store:
        expected = list(store.scan(with_data=True))
        totals, functions = store.totals(), store.function_totals()
    with untouched(tmp_path):
        store = looking_at(path)
        assert all_of(store) == expected
        assert (store.totals(), store.function_totals()) == (totals, functions)
        assert list(store.counts()) == []
        with pytest.raises(MetadataError, match="has no ID yet"):
            store.store_id  # noqa: B018


@pytest.mark.parametrize("version", range(1, 5))
def test_databases_of_earlier_schemas_are_read_as_they_are(tmp_path, version):
    path = tmp_path / "old.db"
    columns = list(schema.COLUMNS)[: 14 + 2 * version]
    sql(
        path,
        f"CREATE TABLE tasks ({', '.join(f'{n} {schema.COLUMNS[n]}' for n in columns)})",
        "INSERT INTO tasks (cache_key, func_name, tags) VALUES ('k', 'f', '[\"t\"]')",
        f"PRAGMA user_version = {version}",
    )
    with untouched(tmp_path):
        (record,) = all_of(looking_at(path))
        assert (record.cache_key, record.code, record.price) == ("k", None, None)
        assert [r.cache_key for r in looking_at(path).scan(tag="t")] == (["k"] if version else [])


@pytest.mark.parametrize("readable_from", ["5", "99"])
def test_a_database_of_a_later_release_is_read_as_far_as_it_is_known(path, readable_from):
    filled(path)
    sql(
        path,
        "ALTER TABLE tasks ADD COLUMN colour TEXT",
        "ALTER TABLE tasks DROP COLUMN price",
        f"UPDATE beautyspot_meta SET value = {readable_from!r} WHERE name = 'readable_from'",
        "PRAGMA user_version = 99",
    )
    with untouched(path.parent):
        store = looking_at(path)
        assert all_of(store) == [a_record(key) for key in KEYS[:5]]
        assert store.store_id


def test_a_file_without_a_table_is_an_empty_store(tmp_path):
    path = tmp_path / "fresh.db"
    path.touch()
    assert all_of(looking_at(path)) == []
    assert path.stat().st_size == 0


@pytest.mark.parametrize(
    ("statement", "says"),
    [
        ("CREATE TABLE photos (a)", "no table `tasks`, but photos"),
        ("CREATE TABLE tasks (id, title)", "its table `tasks` is another program's"),
        ("CREATE VIEW tasks AS SELECT 1 AS cache_key", "prepared by another program"),
        ("CREATE TABLE tasks (cache_key, x AS (zeroblob(9)))", "prepared by another program"),
    ],
)
def test_databases_of_other_programs_are_refused(tmp_path, statement, says):
    path = tmp_path / "other.db"
    sql(path, statement)
    with untouched(tmp_path), pytest.raises(MetadataError, match=says):
        all_of(looking_at(path))


@posix
def test_a_link_is_refused(path, tmp_path):
    filled(path)
    (tmp_path / "link.db").symlink_to(path)
    with pytest.raises(MetadataError, match="is a symbolic link"):
        looking_at(tmp_path / "link.db").open()


# --------------------------------------------------------------------------------------- damage


def overwritten(path, start, end=None):
    data = bytearray(path.read_bytes())
    end = len(data) if end is None else end
    data[start:end] = b"\xa5" * (end - start)
    path.write_bytes(data)


def leaves(path):
    """The pages of the table that hold rows."""
    with closing(sqlite3.connect(path)) as connection:
        try:
            rows = connection.execute(
                "SELECT pageno FROM dbstat WHERE name = 'tasks' AND pagetype = 'leaf'"
            )
            return [number for (number,) in rows]
        except sqlite3.OperationalError:  # pragma: no cover - SQLite was built without it
            pytest.skip("this SQLite does not tell which page is which")


@pytest.fixture
def large(path):
    """A database of a thousand rows on many pages."""
    records = [a_record(f"{number:032x}") for number in range(1000)]
    filled(path, *records)
    return path


@pytest.mark.parametrize("places", [[0], [3, 5, 6, 7, 40], [-2, -1]])
def test_a_listing_goes_on_behind_damaged_pages(large, places, caplog):
    pages = leaves(large)
    for place in places:
        overwritten(large, (pages[place] - 1) * 4096, pages[place] * 4096)
    with untouched(large.parent):
        store = looking_at(large)
        keys = [record.cache_key for record in all_of(store)]
        lost = 1000 - len(keys)
        assert 0 < lost < 1000 / len(pages) * len(places) * 2
        newest = store.page(order="newest", limit=5000).records
        assert sorted(keys, reverse=True) == [record.cache_key for record in newest]
        assert store.totals().entries == store.function_totals()[0].entries == len(keys)
        assert list(store.counts()) == [Counts("m:f", 1, hits=1)]
        assert store.store_id
        store.close()
    assert caplog.text.count("is damaged") == 1
    assert f"{len(keys)} of its rows can be read, and {lost} can't" in caplog.text


def test_a_file_that_was_cut_short_is_read_to_there(large, caplog):
    os.truncate(large, large.stat().st_size // 2)
    with untouched(large.parent):
        store = looking_at(large)
        assert len(all_of(store)) > 300
        store.close()
    assert "can be read, and" in caplog.text


def test_a_row_whose_data_can_t_be_read_is_listed(path):
    whole = a_record(KEYS[0], result_data=bytes(50_000))
    filled(path, whole, a_record(KEYS[1]))
    with closing(sqlite3.connect(path)) as connection:
        (page,) = connection.execute(
            "SELECT max(pageno) FROM dbstat WHERE name = 'tasks' AND pagetype = 'overflow'"
        ).fetchone()
    overwritten(path, 4096 * 4, 4096 * 5) if page is None else overwritten(
        path, (page - 3) * 4096, page * 4096
    )
    store = looking_at(path)
    assert [record.cache_key for record in store.scan()] == KEYS[:2]
    assert [r.result_data for r in store.scan(with_data=True)] == [None, b"\xa1x"]
    store.close()


@pytest.mark.parametrize("what", ["text", "header", "all"])
def test_what_is_no_database_is_said(large, what, caplog):
    if what == "text":
        large.write_text("no database" * 1000)
    else:
        overwritten(large, 0, 100 if what == "header" else None)
    with untouched(large.parent), pytest.raises(MetadataError, match="is no SQLite database"):
        looking_at(large).open()
    assert not caplog.records
