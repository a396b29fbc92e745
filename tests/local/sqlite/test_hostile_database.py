"""A database that an attacker wrote: nothing runs or is touched, every call gets its result."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from beautyspot import MetadataError
from beautyspot_local import SqliteMetadataStore
from beautyspot_local.sqlite import schema
from beautyspot_testing.records import KEYS, a_record
from beautyspot_testing.store import MINE, stored
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

posix = pytest.mark.skipif(os.name != "posix", reason="POSIX only")
COLUMNS = list(schema.COLUMNS)
ENDLESS = "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT"
META = (
    "CREATE TABLE beautyspot_meta (name TEXT PRIMARY KEY, value TEXT)",
    "INSERT INTO beautyspot_meta VALUES ('store_id', '0123456789abcdef')",
)
TABLE = f"CREATE TABLE tasks ({', '.join(COLUMNS)}, PRIMARY KEY (cache_key))"
CURRENT = f"PRAGMA user_version = {schema.VERSION}"


def work(x: int) -> list[int]:
    return [x]


def execute(path: Path, *statements: str, values: Any = ()) -> None:
    path.parent.mkdir(exist_ok=True)
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for statement in statements:
            connection.execute(statement, values)


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """The directory of the Spots, ready for an attacker."""
    path = tmp_path / "cache"
    path.mkdir()
    return path


@pytest.fixture
def db(place: Path) -> Path:
    return place / "app.db"


def use(spot: Any) -> Any:
    """Every operation there is, as a user and as an administrator."""
    marked = spot.mark(work)
    blob = spot.mark(save_blob=True, tags=("t",), ttl="1h", name="blob")(work)
    assert [marked(1), marked(1), blob(1), blob(1)] == [[1]] * 4
    assert spot.cached_run(work, 2) == [2]
    for ask in (
        lambda: spot.explain(marked, 3),
        lambda: list(spot.metadata.all_rows(data=True)),
        lambda: spot.stats(),
        lambda: spot.invalidate_all(tag="t"),
        lambda: spot.prune(older_than="520w", unused_for="520w", max_size="1GB"),
        lambda: spot.collect(),
    ):
        try:
            ask()
        except MetadataError as error:
            yield str(error)


def refused(db: Path, *, look: bool = False) -> str:
    """What a store says of a file that it does not open."""
    with closing(SqliteMetadataStore(db)) as store, pytest.raises(MetadataError) as no:
        store.open(look=look)
    return str(no.value)


both = pytest.mark.parametrize("look", [False, True])

# ------------------------------------------------------------------------------ what is no file


@posix
@both
def test_a_fifo_in_its_place(db: Path, look: bool) -> None:
    os.mkfifo(db)
    assert "a pipe or device stands at" in refused(db, look=look)


@both
def test_a_directory_in_its_place(db: Path, look: bool) -> None:
    db.mkdir()
    assert "a directory stands at" in refused(db, look=look)


@posix
@both
@pytest.mark.parametrize("device", ["/dev/zero", "/dev/null", "/dev/full", "/nowhere/at/all"])
def test_a_link_to_a_device_or_to_nothing(db: Path, device: str, look: bool) -> None:
    db.symlink_to(device)
    assert "is a symbolic link" in refused(db, look=look)
    assert db.is_symlink()


@posix
@both
def test_a_link_to_a_database_of_somebody_else(db: Path, tmp_path: Path, look: bool) -> None:
    other = tmp_path / "precious.sqlite"
    execute(other, "CREATE TABLE letters (text)")
    before = other.read_bytes(), sorted(tmp_path.iterdir())
    db.symlink_to(other)
    assert "give that file itself if it was you" in refused(db, look=look)
    assert (other.read_bytes(), sorted(tmp_path.iterdir())) == before


def tried(db: Path) -> None:
    """A miss, which may fail, and ends."""
    with closing(SqliteMetadataStore(db, timeout=0.1)) as store:
        try:
            since = store.begin([KEYS[0]], MINE).since
            stored(store, a_record(), token=MINE, since=since)
            assert store.find(KEYS[0]) is not None
        except MetadataError:
            return


@posix
@pytest.mark.parametrize("suffix", ["-wal", "-shm", "-journal", ".lock"])
def test_links_in_the_place_of_its_companions(db: Path, tmp_path: Path, suffix: str) -> None:
    precious, made = tmp_path / "precious", tmp_path / "made"
    precious.write_text("precious" * 1000)
    for target in (precious, made):
        companion = db.with_name(db.name + suffix)
        companion.unlink(missing_ok=True)
        companion.symlink_to(target)
        tried(db)
    assert precious.read_text() == "precious" * 1000
    assert not made.exists()


@posix
@pytest.mark.parametrize("suffix", ["-wal", "-shm", "-journal", ".lock"])
def test_fifos_in_the_place_of_its_companions(db: Path, suffix: str) -> None:
    os.mkfifo(db.with_name(db.name + suffix))
    tried(db)


# ------------------------------------------------------------------------- programs in the schema

PROGRAMS = {
    "a view that never ends": (
        f"CREATE VIEW tasks AS {ENDLESS} {', '.join(f'x AS {name}' for name in COLUMNS)} FROM c",
        *META,
    ),
    "a view of the IDs": (TABLE, f"CREATE VIEW beautyspot_meta AS {ENDLESS} x AS name FROM c"),
    "a trigger that fills the disk": (
        TABLE,
        *META,
        "CREATE TABLE junk (a)",
        f"CREATE TRIGGER t AFTER INSERT ON tasks BEGIN INSERT INTO junk {ENDLESS} x FROM c; END",
    ),
    "a trigger on the IDs": (
        *META,
        "CREATE TRIGGER t BEFORE DELETE ON beautyspot_meta BEGIN SELECT 1; END",
    ),
    "a generated gigabyte": (
        "CREATE TABLE tasks (cache_key, result_data GENERATED ALWAYS AS (zeroblob(900000000)))",
    ),
    "a generated gigabyte, written shortly": (
        "CREATE TABLE Tasks (cache_key TEXT PRIMARY KEY, result_data as\n(zeroblob(900000000)))",
    ),
    "a check": ("CREATE TABLE tasks (cache_key CHECK (length(hex(zeroblob(400000000))) > 0))",),
    "an index of an expression": (
        TABLE,
        "CREATE INDEX i ON tasks (hex(zeroblob(400000000 + length(func_name))))",
    ),
    "an index with a condition": (TABLE, "CREATE INDEX i ON tasks (tags) WHERE tags LIKE 'a'"),
    "a virtual table": (f"CREATE VIRTUAL TABLE tasks USING fts4({', '.join(COLUMNS)})",),
}


@both
@pytest.mark.parametrize("program", PROGRAMS)
@pytest.mark.parametrize("version", ["", CURRENT])
def test_programs_in_the_schema_are_refused(
    db: Path, program: str, version: str, look: bool
) -> None:
    execute(db, *PROGRAMS[program], *filter(None, [version]))
    said = refused(db, look=look)
    assert "was prepared by another program" in said
    assert "move it away to begin anew, or choose another file" in said


def test_indexes_of_plain_columns_are_the_user_s_affair(db: Path) -> None:
    execute(db, TABLE, 'CREATE UNIQUE INDEX "i" ON tasks (func_name COLLATE NOCASE, tags DESC)')
    with closing(SqliteMetadataStore(db)) as store:
        stored(store, a_record())


# ---------------------------------------------------------------------------------- the rows

ANYTHING = st.one_of(
    st.none(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=True),
    st.text(max_size=20),
    st.binary(max_size=60),
    st.sampled_from(
        [
            "DIRECT_BLOB", "FILE", "msgpack", "raw:text", "raw:bytes", "stream:msgpack",
            "/etc/passwd", "../../x", "file:///etc/passwd", "s3://other/x", "https://x/y", "NUL",
            "a\0b", "[" * 5000, '["t"]', '{"x": 1}', "9" * 5000, float("inf"), "1" * 100_000,
            b"\xff\xfe", b"\xdd\xff\xff\xff\xff\xc7\x09\x00", b"\xdd\xff\xff\xff\xff",
            b"\x91" * 5000, "2024-01-01", "9999-99-99", "0001-01-01 00:00:00+23:59",
        ]
    ),
)  # fmt: skip


def hostile_rows(keys: list[str]) -> Any:
    return st.lists(
        st.fixed_dictionaries(
            {"cache_key": st.sampled_from(keys) | ANYTHING},
            optional={name: ANYTHING for name in COLUMNS if name != "cache_key"},
        ),
        max_size=4,
    )


@pytest.fixture(scope="module")
def keys() -> list[str]:
    """The keys of the calls that `use` makes."""
    from beautyspot.testing import memory_spot

    with memory_spot() as spot:
        list(use(spot))
        return [spot.key(work, 1), spot.key(work, 2), spot.key(spot.mark(name="blob")(work), 1)]


@settings(deadline=None, max_examples=15, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_rows_of_anything(make_spot: Any, keys: list[str], data: Any, tmp_path: Path) -> None:
    outside = tmp_path / "precious"
    outside.write_text("precious")
    spot = make_spot(directory=tmp_path / os.urandom(4).hex())
    spot.metadata.open()
    with closing(sqlite3.connect(spot.db_path)) as connection:
        for row in data.draw(hostile_rows(keys)):
            marks = ", ".join("?" * len(row))
            statement = f"INSERT OR REPLACE INTO tasks ({', '.join(row)}) VALUES ({marks})"
            connection.execute(statement, list(row.values()))
        connection.commit()
    assert list(use(spot)) == []
    for record in spot.metadata.all_rows(data=True):
        assert_well_typed(record)
    assert outside.read_text() == "precious"
    spot.shutdown()


def assert_well_typed(record: Any) -> None:
    """A record is what its class says, whatever the row is."""
    plain = a_record()
    for field, value in record._asdict().items():
        wanted = type(getattr(plain, field))
        if wanted is type(None) or value is None:
            continue
        fits = (int, float) if wanted is float else wanted
        assert isinstance(value, fits), field


def test_sizes_that_are_none(make_spot: Any) -> None:
    spot = make_spot(strict=True)
    marked = spot.mark(work)
    for x in range(5):
        marked(x)
    total = spot.stats()["bytes"]
    for x, size in enumerate((float("inf"), -(2**63), "9" * 400, b"\xff")):
        values = (size, spot.key(marked, x))
        execute(spot.db_path, "UPDATE tasks SET size = ? WHERE cache_key = ?", values=values)
    assert spot.stats()["bytes"] == total / 5
    assert spot.prune(max_size=0) == (0, 0, 0, 1, total / 5)
    assert spot.stats()["entries"] == 4


def test_blobs_elsewhere_are_neither_read_nor_removed(make_spot: Any, tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.write_bytes(b"\x91\x01")
    spot = make_spot()
    marked = spot.mark(save_blob=True)(work)
    for location in (
        str(precious), f"../../{precious.name}", f"file://{precious}", f"{precious}\0", "/dev/zero",
        f"{spot.storage.base_dir}/../../{precious.name}", "s3://bucket/key", "https://x/y", "CON",
        f"{spot.metadata.store_id}/../../../{precious.name}",
    ):  # fmt: skip
        marked(1)
        digest = connections_digest(spot, spot.key(marked, 1), b"\x91\x01")
        execute(
            spot.db_path, "UPDATE tasks SET result_value = ?, digest = ?", values=(location, digest)
        )
        assert spot.peek(marked, 1) is None
        assert marked(1) == [1]
        assert spot.prune(max_size=0).evicted == 1
    assert precious.read_bytes() == b"\x91\x01"


def connections_digest(spot: Any, key: str, data: bytes) -> bytes:
    from beautyspot.results.validity import fingerprint

    return fingerprint(key, "msgpack", data)
