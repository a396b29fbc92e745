"""Databases of earlier, partial, foreign and newer making."""

from __future__ import annotations

import re
import shutil
import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import datetime
from pathlib import Path

import beautyspot as bs
import pytest
from beautyspot.contracts import Counts, TaskRecord
from beautyspot.errors import MetadataError, SchemaError
from beautyspot_local.sqlite import schema
from beautyspot_local.sqlite.store import SqliteMetadataStore
from beautyspot_testing.records import KEYS, a_record
from beautyspot_testing.shared import Child

DATA = Path(__file__).parent / "data"
RELEASES = ["2.0.0", "2.4.1", "2.7.7"]


@pytest.fixture
def path(tmp_path):
    return tmp_path / "app.db"


@pytest.fixture
def old(path):
    """Put the database of a release into place."""

    def place(release):
        shutil.copy(DATA / f"beautyspot-{release}.db", path)
        return path

    return place


def sql(path, *statements):
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        rows = [connection.execute(statement).fetchall() for statement in statements]
    return rows[-1]


def listed(path):
    store = SqliteMetadataStore(path)
    records = list(store.scan(with_data=True))
    store.close()
    return records


@pytest.mark.parametrize("release", RELEASES)
def test_an_old_database_is_listed_without_loss(old, release):
    path = old(release)
    before = sql(path, "SELECT cache_key, func_name, input_id, version, result_type, content_type, "
                       "result_value, result_data FROM tasks ORDER BY cache_key")  # fmt: skip
    records = listed(path)
    assert [record[:8] for record in records] == before
    assert {record.key_scheme for record in records} == {None}
    assert {record.func_name for record in records} >= {"square", "report", "picture"}
    for record in records:
        assert re.fullmatch(r"2026-11-24 \d\d:\d\d:\d\d(\.\d{6})?", record.updated_at)
    assert [record.version for record in records if record.func_name == "report"] == ["v2", "v2"]


def test_the_expiry_of_2_7_is_a_number(old):
    path = old("2.7.7")
    texts = dict(sql(path, "SELECT cache_key, expires_at FROM tasks"))
    store = SqliteMetadataStore(path)
    for record in store.scan():
        stored = datetime.fromisoformat(texts[record.cache_key])
        assert record.expires_at == stored.timestamp()
        assert record.func_identifier == f"__main__.{record.func_name}"
        assert store.find(record.cache_key).expires_at == record.expires_at
        assert store.find(record.cache_key).took is None
    store.close()


@pytest.mark.parametrize("release", RELEASES)
def test_a_migrated_database_works_like_a_fresh_one(old, release):
    path = old(release)
    number = len(sql(path, "SELECT 1 FROM tasks"))
    store = SqliteMetadataStore(path)
    store.put(a_record())
    assert store.get(KEYS[0]) == a_record()
    assert store.totals().entries == number + 1
    store_id = store.store_id
    store.close()
    again = SqliteMetadataStore(path)
    assert again.store_id == store_id
    again.close()
    assert sql(path, "PRAGMA user_version") == [(schema.VERSION,)]
    assert sql(path, "PRAGMA integrity_check") == [("ok",)]


def test_the_columns_of_a_fresh_table_are_the_specification_s(path):
    SqliteMetadataStore(path).open()
    columns = {row[1]: row[2] for row in sql(path, "PRAGMA table_info(tasks)")}
    assert columns.items() >= {
        "cache_key": "TEXT", "func_name": "TEXT", "input_id": "TEXT", "version": "TEXT",
        "result_type": "TEXT", "content_type": "TEXT", "result_value": "TEXT",
        "result_data": "BLOB", "updated_at": "TIMESTAMP",
    }.items()  # fmt: skip
    assert set(columns) == set(TaskRecord._fields)
    keys = [row[1] for row in sql(path, "PRAGMA table_info(tasks)") if row[5]]
    assert keys == ["cache_key"]


@pytest.mark.parametrize("missing", [name for name in schema.COLUMNS if name != "cache_key"])
def test_any_missing_column_is_added(path, missing):
    columns = [f"{n} {k}" for n, k in schema.COLUMNS.items() if n != missing]
    sql(
        path,
        f"CREATE TABLE tasks ({', '.join(columns)})",
        "INSERT INTO tasks (cache_key) VALUES ('k')",
        "CREATE TABLE beautyspot_meta (name TEXT PRIMARY KEY, value TEXT)",
        "INSERT INTO beautyspot_meta VALUES ('store_id', '0123456789abcdef')",
        f"PRAGMA user_version = {schema.VERSION}",  # a number that lies
    )
    store = SqliteMetadataStore(path)
    assert store.store_id == "0123456789abcdef", "the ID is for good"
    assert [record.cache_key for record in store.scan()] == ["k"]
    store.put(a_record())
    assert store.get(KEYS[0]) == a_record()
    store.close()


def test_a_store_without_codes_gets_a_column_for_them(path):
    columns = [f"{name} {kind}" for name, kind in schema.COLUMNS.items() if name != "code"]
    sql(
        path,
        f"CREATE TABLE tasks ({', '.join(columns)})",
        "INSERT INTO tasks (cache_key, func_name) VALUES ('k', 'f')",
        "PRAGMA user_version = 3",
    )
    store = SqliteMetadataStore(path)
    assert store.get("k").func_name == "f"
    assert store.get("k").code is store.find_code("k") is None
    store.put(a_record(code="0f" * 16))
    assert store.get(KEYS[0]).code == store.find_code(KEYS[0]) == "0f" * 16
    sql(path, "UPDATE tasks SET code = x'ff'")
    assert store.get(KEYS[0]).code is store.find_code(KEYS[0]) is None
    store.close()
    assert sql(path, "PRAGMA user_version") == [(schema.VERSION,)]


def test_column_names_differ_in_case_only(path):
    sql(path, "CREATE TABLE tasks (CACHE_KEY TEXT PRIMARY KEY, Func_Name TEXT)")
    store = SqliteMetadataStore(path)
    store.put(a_record())
    assert store.get(KEYS[0]) == a_record()
    store.close()


def test_a_newer_database_is_left_alone(path):
    sql(path, "CREATE TABLE tasks (other TEXT)", f"PRAGMA user_version = {schema.VERSION + 1}")
    before = path.read_bytes()
    store = SqliteMetadataStore(path)
    with pytest.raises(SchemaError, match="upgrade beautyspot"):
        store.open()
    with pytest.raises(SchemaError):
        store.find("k")
    store.close()
    assert sql(path, "SELECT * FROM sqlite_master")[0][4] == "CREATE TABLE tasks (other TEXT)"
    assert len(path.read_bytes()) == len(before)


def later(path, *, written_by=9, readable_from="5"):
    """What a later release makes of a database of ours: a column, a table and its number."""
    store = SqliteMetadataStore(path)
    store.put(a_record(KEYS[0]))
    store_id = store.store_id
    store.close()
    sql(
        path,
        "ALTER TABLE tasks ADD COLUMN colour TEXT",
        "UPDATE tasks SET colour = 'red'",
        "CREATE TABLE beautyspot_colours (name TEXT)",
        f"UPDATE beautyspot_meta SET value = {readable_from!r} WHERE name = 'readable_from'",
        f"PRAGMA user_version = {written_by}",
    )
    return store_id


def test_a_newer_database_that_is_readable_is_used_and_left_as_it_is(path):
    store_id = later(path)
    before = sql(path, "SELECT type, name, sql FROM sqlite_master")
    store = SqliteMetadataStore(path)
    assert store.store_id == store_id
    assert store.find(KEYS[0]) is not None
    store.put_many([a_record(KEYS[1]), a_record(KEYS[2])])
    assert store.put_valid(a_record(KEYS[3]), store.generation())
    store.add_counts([Counts("m:f", 1, hits=1)])
    assert [record.cache_key for record in store.scan()] == KEYS[:4]
    store.close()
    assert sql(path, "PRAGMA user_version") == [(9,)], "its number stays"
    assert sql(path, "SELECT type, name, sql FROM sqlite_master") == before
    assert sql(path, "SELECT colour FROM tasks ORDER BY cache_key")[:2] == [("red",), (None,)]


@pytest.mark.parametrize(
    ("written_by", "readable_from"), [(9, "8"), (9, "x"), (9, ""), (9, "-1"), (7, "8"), (3, "9")]
)
def test_a_database_that_is_not_readable_by_us_is_left_alone(path, written_by, readable_from):
    later(path, written_by=written_by, readable_from=readable_from)
    before = sql(path, "SELECT * FROM beautyspot_meta")
    store = SqliteMetadataStore(path)
    with pytest.raises(SchemaError, match=f"has schema {written_by}.*: upgrade beautyspot"):
        store.open()
    store.close()
    assert sql(path, "SELECT * FROM beautyspot_meta") == before
    assert sql(path, "PRAGMA user_version") == [(written_by,)]


def migrated_meanwhile(path):
    """What a worker of a later release does to a database while ours have it open."""
    sql(
        path,
        "ALTER TABLE tasks ADD COLUMN colour TEXT",
        "CREATE TABLE beautyspot_colours (name TEXT)",
        "UPDATE tasks SET colour = 'red'",
        f"PRAGMA user_version = {schema.VERSION + 3}",
    )


def test_a_rolling_upgrade_leaves_older_workers_their_hits(make_spot, caplog):
    """Also one that starts after it; what only the later release can read is a miss, said once."""
    workers = [make_spot() for _ in range(2)]
    known, other = [worker.mark(name="app:f")(_doubled) for worker in workers]
    _RUNS.clear()
    assert [known(x) for x in range(3)] == [0, 2, 4]
    migrated_meanwhile(workers[0].db_path)
    sql(workers[0].db_path, "UPDATE tasks SET serializer = 'lz9.4:msgpack' WHERE "
                            f"cache_key = '{workers[0].key(known, 2)}'")  # fmt: skip
    late = make_spot().mark(name="app:f")(_doubled)
    with caplog.at_level("WARNING", logger="beautyspot"):
        for f in (known, other, late):
            assert [f(0), f(1)] == [0, 2]
    assert _RUNS == [0, 1, 2]
    assert caplog.records == []
    with caplog.at_level("WARNING", logger="beautyspot"):
        assert [known(2), other(2), late(2), known(5), late(5)] == [4, 4, 4, 10, 10]
    assert _RUNS == [0, 1, 2, 2, 5]
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "can't read it" in caplog.text or "damaged" in caplog.text
    assert sql(workers[0].db_path, "PRAGMA user_version") == [(schema.VERSION + 3,)]


_RUNS = []


def _doubled(x):
    _RUNS.append(x)
    return 2 * x


def test_an_older_database_without_the_second_number_gets_it(path):
    later(path, written_by=4)
    sql(path, "DELETE FROM beautyspot_meta WHERE name = 'readable_from'")
    SqliteMetadataStore(path).open()
    assert sql(path, "SELECT value FROM beautyspot_meta WHERE name = 'readable_from'") == [("5",)]
    assert sql(path, "PRAGMA user_version") == [(schema.VERSION,)]


def test_foreign_counts_stop_no_listing(path):
    store = SqliteMetadataStore(path)
    store.add_counts([Counts("m:f", 1, hits=1)])
    sql(
        path,
        "INSERT INTO beautyspot_counts (func_identifier, hour, hits, runs, seconds_saved, "
        "money_saved) VALUES ('m:g', 'x', 'many', x'ff', 9e999, NULL)",
    )
    assert list(store.counts()) == [Counts("m:f", 1, hits=1), Counts("m:g", 0)]
    store.close()


_LIMITS = ("grants", "waits", "refusals", "seconds_waited")


def before_limits(path):
    """A database as a release left it that counted nothing of limits."""
    store = SqliteMetadataStore(path)
    store.add_counts([Counts("m:f", 1, hits=1)])
    store.close()
    sql(
        path,
        *(f"ALTER TABLE beautyspot_counts DROP COLUMN {name}" for name in _LIMITS),
        "PRAGMA user_version = 6",
    )


def test_what_limits_did_is_counted_in_a_database_of_an_earlier_release(path):
    before_limits(path)
    with bs.open_store(path) as looking:
        assert looking.counts() == [Counts("m:f", 1, hits=1)], "looking changes nothing"
    assert sql(path, "PRAGMA user_version") == [(6,)]
    store = SqliteMetadataStore(path)
    store.add_counts([Counts("m:f", 1, grants=2, waits=1, refusals=3, seconds_waited=0.5)])
    store.close()
    again = SqliteMetadataStore(path)
    assert list(again.counts()) == [
        Counts("m:f", 1, hits=1, grants=2, waits=1, refusals=3, seconds_waited=0.5)
    ]
    assert sql(path, "PRAGMA user_version") == [(schema.VERSION,)]
    again.close()


def test_a_worker_of_an_earlier_release_goes_on_counting(path):
    before_limits(path)
    store = SqliteMetadataStore(path)
    store.add_counts([Counts("m:f", 1, grants=2)])
    sql(path, "INSERT INTO beautyspot_counts (func_identifier, hour, hits, runs, failures, "
              "seconds_saved, seconds_spent, money_saved, money_spent) VALUES ('m:f', 2, 1, 1, 0, "
              "0, 0, 0, 0)")  # fmt: skip
    assert sql(path, "SELECT grants, seconds_waited FROM beautyspot_counts WHERE hour = 2") == [
        (0, 0.0)
    ]
    store.add_counts([Counts("m:f", 2, grants=4)])
    sql(path, "UPDATE beautyspot_counts SET hits = hits + 1 WHERE hour = 1")
    assert list(store.counts()) == [
        Counts("m:f", 1, hits=2, grants=2),
        Counts("m:f", 2, hits=1, runs=1, grants=4),
    ]
    store.close()


def test_counts_copied_out_of_an_earlier_database_are_added_to(path):
    store = SqliteMetadataStore(path)
    store.add_counts([Counts("m:f", 1, hits=1)])
    sql(path, "UPDATE beautyspot_counts SET grants = NULL, seconds_waited = NULL")
    store.add_counts([Counts("m:f", 1, grants=4, seconds_waited=2.0)])
    assert list(store.counts()) == [Counts("m:f", 1, hits=1, grants=4, seconds_waited=2.0)]
    store.close()


def test_a_table_of_another_program_is_left_alone(path):
    sql(path, "CREATE TABLE tasks (id INTEGER, title TEXT)")
    store = SqliteMetadataStore(path)
    with pytest.raises(MetadataError, match="another program: choose another db_path"):
        store.open()
    store.close()
    assert [row[1] for row in sql(path, "PRAGMA table_info(tasks)")] == ["id", "title"]


def test_tables_of_another_program_stay(path):
    sql(path, "CREATE TABLE notes (text TEXT)", "INSERT INTO notes VALUES ('mine')")
    store = SqliteMetadataStore(path)
    store.put(a_record())
    store.close()
    assert sql(path, "SELECT * FROM notes") == [("mine",)]


def test_a_migration_is_done_wholly_or_not(old, monkeypatch):
    path = old("2.0.0")
    monkeypatch.setitem(schema.COLUMNS, "used_at", "REAL NOT NULL")  # can't be added
    store = SqliteMetadataStore(path)
    with pytest.raises(MetadataError, match="NOT NULL"):
        store.open()
    assert len(sql(path, "PRAGMA table_info(tasks)")) == 9
    monkeypatch.undo()
    assert len(list(store.scan())) == 6
    store.close()


@pytest.mark.parametrize("release", [None, *RELEASES])
def test_threads_with_stores_of_their_own_open_it_at_once(old, path, release):
    if release:
        old(release)
    barrier = threading.Barrier(8)

    def work(number):
        store = SqliteMetadataStore(path, timeout=30)
        barrier.wait(30)
        store.put(a_record(KEYS[number]))
        return store

    with ThreadPoolExecutor(8) as pool:
        stores = list(pool.map(work, range(8)))
    assert len({store.store_id for store in stores}) == 1
    assert {record.cache_key for record in stores[0].scan()} >= set(KEYS[:8])
    for store in stores:
        store.close()


def test_processes_migrate_one_database_at_once(old):
    path = old("2.7.7")
    code = (
        "from beautyspot_local.sqlite.store import SqliteMetadataStore\n"
        f"store = SqliteMetadataStore({str(path)!r}, timeout=30)\n"
        "say('ready'); wait(); say(sum(1 for _ in store.scan()))"
    )
    children = [Child(code) for _ in range(4)]
    assert [child.heard() for child in children] == ["ready"] * 4
    for child in children:
        child.go_on()
    assert [child.heard() for child in children] == ["7"] * 4
    for child in children:
        child.expect_success()


@pytest.mark.parametrize(
    ("stored", "tags"),
    [
        ("NULL", ()), ("'[\"a\", 1, null, \"b\"]'", ("a", "b")), ("'{\"a\": 1}'", ()),
        ("'not json'", ()), ("''", ()), ("5", ()), ("x'ff'", ()),
    ],
)  # fmt: skip
def test_foreign_tags_stop_no_listing(path, stored, tags):
    store = SqliteMetadataStore(path)
    store.put(a_record(KEYS[1], tags=("wanted",)))
    sql(path, f"INSERT INTO tasks (cache_key, tags) VALUES ('k', {stored})")
    assert store.get("k").tags == tags
    assert [record.cache_key for record in store.scan(tag="wanted")] == [KEYS[1]]
    store.close()


@pytest.mark.parametrize("order", ["key", "newest"])
def test_keys_of_other_programs_are_listed_once(path, order):
    store = SqliteMetadataStore(path)
    store.put_many([a_record(KEYS[0]), a_record("z")])
    sql(
        path,
        "INSERT INTO tasks (cache_key) VALUES (CAST(x'66ff67' AS TEXT)), (x'ff'), (NULL), ('a')",
    )
    following, keys = None, []
    while len(keys) < 9:
        page = store.page(order=order, following=following, limit=1)
        keys += [record.cache_key for record in page.records]
        following = page.following
        if following is None:
            break
    assert sorted(keys) == [KEYS[0], "a", "f\\xffg", "z"], "a key is a text"
    assert sorted(record.cache_key for record in store.scan()) == sorted(keys)
    store.close()
