"""Databases of earlier, partial, foreign and newer making."""

from __future__ import annotations

import re
import shutil
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from beautyspot.contracts import Counts, TaskRecord
from beautyspot.contracts.records import FIELD_TYPES
from beautyspot.errors import MetadataError, SchemaError
from beautyspot_local import SqliteMetadataStore
from beautyspot_local.sqlite import schema
from beautyspot_testing.records import KEYS, a_record
from beautyspot_testing.store import MINE, stored
from child import Child
from sqlite_tools import another, files, keys_in, sql

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


def looked_at(path):
    """A store that only looks, as `beautyspot ls` does."""
    store = SqliteMetadataStore(path)
    store.open(look=True)
    return closing(store)


FIRST = """
CREATE TABLE tasks (
    cache_key TEXT PRIMARY KEY, func_name TEXT, input_id TEXT, version TEXT, result_type TEXT,
    content_type TEXT, result_value TEXT, result_data BLOB, updated_at TIMESTAMP
)
"""


@pytest.mark.parametrize("look", [False, True])
def test_the_first_table_is_read_and_listed(path, look):
    key = "d41d8cd98f00b204e9800998ecf8427e"
    row = f"'{key}', 'f', 'i', 'v1', 'FILE', 'image/png', 'a/b.bin', NULL, '2024-02-29 12:00:00.5'"
    sql(path, FIRST, f"INSERT INTO tasks VALUES ({row})")
    with closing(SqliteMetadataStore(path)) as store:
        store.open(look=look)
        (record,) = store.all_rows(data=True)
        made_at = datetime(2024, 2, 29, 12, tzinfo=UTC).timestamp() + 0.5
        expected = TaskRecord(key, "f", "i", "v1", "FILE", "image/png", "a/b.bin")
        assert record == expected._replace(updated_at="2024-02-29 12:00:00.5", made_at=made_at)
    assert (len(sql(path, "PRAGMA table_info(tasks)")) == 9) == look


@pytest.mark.parametrize("release", RELEASES)
def test_an_old_database_is_listed_without_loss(old, release):
    path = old(release)
    before = sql(path, "SELECT cache_key, func_name, input_id, version, result_type, content_type, "
                       "result_value, result_data FROM tasks ORDER BY cache_key")  # fmt: skip
    with looked_at(path) as store:
        looked = list(store.all_rows(data=True))
    assert len(sql(path, "PRAGMA table_info(tasks)")) <= 11, "looking adds no columns"
    with closing(SqliteMetadataStore(path)) as store:
        records = list(store.all_rows(data=True))
        assert list(store.all_rows()) == [r._replace(result_data=None) for r in records]
    assert looked == records
    assert [record[:8] for record in records] == before
    assert {record.key_scheme for record in records} == {None}, "so that they are no hits"
    assert {record.func_name for record in records} >= {"square", "report", "picture"}
    for record in records:
        assert re.fullmatch(r"2026-11-24 \d\d:\d\d:\d\d(\.\d{6})?", record.updated_at)
        updated_at = datetime.fromisoformat(f"{record.updated_at}+00:00")
        assert record.made_at == pytest.approx(updated_at.timestamp(), abs=1e-6)
    assert [record.version for record in records if record.func_name == "report"] == ["v2", "v2"]


def test_the_expiry_of_2_7_is_a_number(old):
    path = old("2.7.7")
    texts = dict(sql(path, "SELECT cache_key, expires_at FROM tasks"))
    store = SqliteMetadataStore(path)
    for record in store.all_rows():
        expires_at = datetime.fromisoformat(texts[record.cache_key]).timestamp()
        assert record.expires_at == pytest.approx(expires_at, abs=1e-6)
        assert record.func_identifier == f"__main__.{record.func_name}"
        assert store.find(record.cache_key).expires_at == record.expires_at
        assert store.find(record.cache_key).took is None
    store.close()


@pytest.mark.parametrize("release", RELEASES)
def test_a_migrated_database_works_like_a_fresh_one(old, release):
    path = old(release)
    number = len(sql(path, "SELECT 1 FROM tasks"))
    store = SqliteMetadataStore(path)
    record = a_record(began_at=1.0)
    stored(store, record)
    assert store.get(KEYS[0]) == record
    assert len(keys_in(store)) == number + 1
    store_id = store.store_id
    store.close()
    again = SqliteMetadataStore(path)
    assert again.store_id == store_id
    again.close()
    assert sql(path, "PRAGMA user_version") == [(schema.VERSION,)]
    assert sql(path, "PRAGMA integrity_check") == [("ok",)]


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
    assert keys_in(store) == ["k"]
    record = a_record(began_at=1.0)
    stored(store, record)
    assert store.get(KEYS[0]) == record
    store.close()


def test_a_newer_database_is_left_alone(path):
    sql(
        path,
        "CREATE TABLE results (other TEXT)",
        "CREATE TABLE beautyspot_meta (name TEXT PRIMARY KEY, value TEXT)",
        f"PRAGMA user_version = {schema.VERSION + 1}",
    )
    before = path.read_bytes()
    store = SqliteMetadataStore(path)
    with pytest.raises(SchemaError, match="upgrade beautyspot"):
        store.open()
    with pytest.raises(SchemaError):
        store.find("k")
    store.close()
    assert sql(path, "SELECT * FROM sqlite_master")[0][4] == "CREATE TABLE results (other TEXT)"
    assert len(path.read_bytes()) == len(before)


def later(path, *, written_by=9, readable_from="8"):
    """What a later release makes of a database of ours: a column, a table and its number."""
    store = SqliteMetadataStore(path)
    stored(store, a_record(KEYS[0]))
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
    stored(store, a_record(KEYS[1]), a_record(KEYS[2]))
    stored(store, a_record(KEYS[3]))
    store.note("all")
    store.add_counts([Counts("m:f", 1, hits=1)])
    assert keys_in(store) == KEYS[:4]
    store.close()
    assert sql(path, "PRAGMA user_version") == [(9,)], "its number stays"
    assert sql(path, "SELECT type, name, sql FROM sqlite_master") == before
    assert sql(path, "SELECT colour FROM tasks ORDER BY cache_key")[:2] == [("red",), (None,)]


@pytest.mark.parametrize(
    ("written_by", "readable_from"), [(9, "9"), (9, "x"), (9, ""), (9, "-1"), (8, "9"), (3, "9")]
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


@pytest.mark.parametrize("look", [False, True])
@pytest.mark.parametrize("mode", ["delete", "wal"])
@pytest.mark.parametrize(
    "statements",
    [
        ["CREATE TABLE tasks (id INTEGER, title TEXT)"],
        ["CREATE TABLE tasks (cache_key TEXT, func_name TEXT)"],  # no key
        ["CREATE TABLE notes (text TEXT)", "INSERT INTO notes VALUES ('mine')"],
        ["CREATE TABLE places (name TEXT)", "PRAGMA user_version = 77"],
        ["CREATE VIEW one AS SELECT 1"],
        [
            "CREATE TABLE tasks (id INTEGER)",
            "CREATE TABLE beautyspot_meta (name TEXT PRIMARY KEY, value TEXT)",
        ],
    ],
)
def test_a_database_of_another_program_is_refused_and_stays_as_it_is(path, statements, mode, look):
    sql(path, f"PRAGMA journal_mode = {mode}", *statements)
    before = path.read_bytes()
    store = SqliteMetadataStore(path)
    for ask in (lambda: store.open(look=look), lambda: store.find(KEYS[0])):
        with pytest.raises(MetadataError, match="of another program.*: move it away to begin anew"):
            ask()
    if not look:
        with pytest.raises(MetadataError, match="of another program"):
            store.begin([KEYS[0]], MINE)
    store.close()
    assert path.read_bytes() == before
    if mode == "delete":  # else SQLite itself makes two more
        assert files(path.parent) == ["app.db"]


def test_a_migration_is_done_wholly_or_not(old, monkeypatch):
    path = old("2.0.0")
    monkeypatch.setitem(schema.COLUMNS, "used_at", "REAL NOT NULL")  # can't be added
    store = SqliteMetadataStore(path)
    with pytest.raises(MetadataError, match="SQLITE_ERROR"):
        store.open()
    assert len(sql(path, "PRAGMA table_info(tasks)")) == 9
    monkeypatch.undo()
    assert len(keys_in(store)) == 6
    store.close()


def test_processes_migrate_one_database_at_once(old):
    path = old("2.7.7")
    code = (
        "from beautyspot_local import SqliteMetadataStore\n"
        f"store = SqliteMetadataStore({str(path)!r}, timeout=30)\n"
        "say('ready'); wait(); say(sum(1 for _ in store.all_rows()))"
    )
    children = [Child(code) for _ in range(4)]
    assert [child.heard() for child in children] == ["ready"] * 4
    for child in children:
        child.go_on()
    assert [child.heard() for child in children] == ["7"] * 4
    for child in children:
        child.expect_success()


FOREIGN = [None, "", b"x", b"\xff", -5, -(2**63), 1.5, float("inf"), "2024-01-01", '["x"]', "é"]


@pytest.mark.parametrize("column", [name for name in schema.COLUMNS if name != "cache_key"])
def test_values_of_other_types_stop_no_listing(path, column):
    """What another program wrote is left out of a record, and each row is on one page."""
    with closing(SqliteMetadataStore(path)) as store:
        stored(store, a_record(KEYS[0]), *(a_record(key) for key in KEYS[1 : len(FOREIGN)]))
        with another(path) as other:
            for key, value in zip(KEYS, FOREIGN, strict=False):
                values = (value, key)
                other.execute(f"UPDATE tasks SET {column} = ? WHERE cache_key = ?", values)
        keys = KEYS[: len(FOREIGN)]
        assert keys_in(store) == keys
        for record in store.all_rows(data=True):
            for name, value in record._asdict().items():
                assert value is None or isinstance(value, FIELD_TYPES[name])
            store.find(record.cache_key)
        assert sum(totals.entries for totals in store.function_totals()) == len(keys)


def test_a_text_that_is_no_utf8_hides_no_other_row(path):
    with closing(SqliteMetadataStore(path)) as store:
        stored(store, *(a_record(key) for key in KEYS[:3]))
        sql(
            path,
            f"UPDATE tasks SET func_name = CAST(x'66ff66' AS TEXT) WHERE cache_key = {KEYS[1]!r}",
        )
        assert keys_in(store) == KEYS[:3]
        assert store.get(KEYS[1]).func_name == "f\\xff" + "f"
        sql(
            path, f"UPDATE tasks SET serializer = CAST(x'ff' AS TEXT) WHERE cache_key = {KEYS[1]!r}"
        )
        assert set(store.find_many(KEYS[:3])) == set(KEYS[:3])
        assert store.find(KEYS[1]) is not None


def _doubled(x):
    _RUNS.append(x)
    return 2 * x
