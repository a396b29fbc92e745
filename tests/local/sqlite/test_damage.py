"""Damaged, moved and removed databases: nothing is lost, and a fresh one takes the place."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from beautyspot.errors import MetadataError
from beautyspot_local import SqliteMetadataStore
from beautyspot_local.sqlite import connections
from beautyspot_testing.records import KEYS, a_record
from beautyspot_testing.store import MINE, stored
from sqlite_tools import connection_of, files, keys_in


@pytest.fixture
def path(tmp_path):
    return tmp_path / "store.db"


@pytest.fixture
def store(path):
    store = SqliteMetadataStore(path)
    yield store
    store.close()


DAMAGE = """
import os, sys
with open(sys.argv[1], "r+b") as file:
    file.seek(4096)
    file.write(b"\\xa5" * (os.path.getsize(sys.argv[1]) - 4096))
"""
"""Overwrites all pages but the first, as a bad disk would."""

NO_LONGER = b"SQLite format 3\0" + b"\xa5" * 10_000
"""A file that was a database once."""


@pytest.mark.parametrize("content", [b"a,b\n1,2\n", b"a,b\n" + b"1,2\n" * 5000, bytes(3) + b"x"])
def test_a_file_that_never_was_a_database_is_refused_and_stays(path, content, caplog):
    path.write_bytes(content)
    store = SqliteMetadataStore(path)
    for _ in range(2):
        with pytest.raises(
            MetadataError,
            match=r"store\.db .*no SQLite database.* move it away to begin anew, or name",
        ):
            store.begin([KEYS[0]], MINE)
    store.close()
    assert path.read_bytes() == content
    assert files(path.parent) == ["store.db"]
    assert caplog.text == ""


def test_a_spot_that_is_given_such_a_file_goes_on_in_memory(path, make_spot, caplog):
    path.write_text("a,b\n1,2\n")
    _RAN.clear()
    spot = make_spot(metadata=f"sqlite:///{path}")
    with caplog.at_level("WARNING", logger="beautyspot"):
        doubled = spot.mark(name="app:f")(_doubled)
        assert [doubled(1), doubled(1)] == [2, 2]
    assert _RAN == [1]
    assert path.read_text() == "a,b\n1,2\n"
    assert "is no SQLite database" in caplog.text


_RAN = []


def _doubled(x):
    _RAN.append(x)
    return 2 * x


@pytest.mark.parametrize("content", [NO_LONGER, bytes(16) + b"\xa5" * 10_000, NO_LONGER[:20]])
def test_a_file_that_was_a_database_makes_way(path, content, caplog):
    path.write_bytes(content)
    before = path.read_bytes()
    store = SqliteMetadataStore(path)
    stored(store, a_record(began_at=1.0))
    assert store.get(KEYS[0]) == a_record(began_at=1.0)
    (aside,) = path.parent.glob("store.db.damaged-*[0-9]Z")
    assert aside.read_bytes() == before
    assert str(aside) in caplog.text
    store.close()


def test_a_database_that_is_damaged_makes_way_when_that_shows(path, caplog):
    store = SqliteMetadataStore(path)
    stored(store, *(a_record(key) for key in KEYS))
    first = store.store_id
    store.close()
    subprocess.run([sys.executable, "-c", DAMAGE, str(path)], check=True)
    before = path.read_bytes()
    store = SqliteMetadataStore(path)
    assert store.find(KEYS[0]) is None, "a fresh store took the place"
    assert "is damaged and was renamed to" in caplog.text
    assert store.store_id != first
    (aside,) = path.parent.glob("store.db.damaged-*")
    assert aside.read_bytes() == before
    stored(store, a_record(began_at=1.0))
    store.close()


@pytest.fixture
def damaged_while_open(path):
    """Two stores of one place with a connection each, whose tables get damaged below them."""
    stores = [SqliteMetadataStore(path), SqliteMetadataStore(path)]
    stored(stores[0], *(a_record(key, result_data=bytes(3000)) for key in KEYS))
    for store in stores:
        store.open()
        connection_of(store).execute("PRAGMA wal_checkpoint(TRUNCATE)")
    # By another process: a descriptor closed in this one would drop SQLite's locks.
    subprocess.run([sys.executable, "-c", DAMAGE, str(path)], check=True)
    for store in stores:
        connection_of(store).execute("PRAGMA shrink_memory")  # what it read is forgotten
    yield stores
    for store in stores:
        store.close()


def find_until_quiet(store):
    for _ in range(3):
        try:
            return store.find(KEYS[0])
        except MetadataError:
            continue
    return pytest.fail("it never recovered")


def test_damage_of_an_open_database(damaged_while_open, path, monkeypatch):
    abandoned = []
    monkeypatch.setattr(connections, "_abandoned", abandoned)
    one, two = damaged_while_open
    assert find_until_quiet(one) is None
    assert abandoned == [], "its own connection was closed before the file was moved"
    stored(one, a_record(version="after"))
    stored(two, a_record(KEYS[1], began_at=1.0), since=0)
    assert one.get(KEYS[1]) == a_record(KEYS[1], began_at=1.0), "both use the fresh file"
    assert two.get(KEYS[0]).version == "after"
    assert len(files(path.parent, "store.db.damaged-*[0-9]Z")) == 1, "only one of them moved it"
    one.close()
    two.close()
    for connection in abandoned:
        connection.close()


def test_a_removed_file_is_made_again(store, path, monkeypatch):
    abandoned = []
    monkeypatch.setattr(connections, "_abandoned", abandoned)
    stored(store, a_record(KEYS[0]))
    first = store.store_id
    for file in path.parent.iterdir():
        file.unlink()
    stored(store, a_record(KEYS[1]))
    assert keys_in(store) == [KEYS[1]]
    assert store.store_id != first
    assert not abandoned


def test_damage_that_can_t_be_moved(path, monkeypatch, caplog):
    path.write_bytes(NO_LONGER)
    store = SqliteMetadataStore(path)

    def refuse(*_):
        raise PermissionError("not yours")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", refuse)
        with pytest.raises(MetadataError, match="damaged"):
            store.find(KEYS[0])
    assert "renaming it failed (not yours): move it away" in caplog.text
    assert store.find(KEYS[0]) is None
    store.close()


def test_what_belongs_to_it_is_moved_too(path):
    for suffix in ("", "-wal", "-shm", ".lock"):
        path.with_name(path.name + suffix).write_text(suffix)
    aside = connections.set_aside(path)
    for suffix in ("", "-wal", "-shm"):
        assert aside.with_name(aside.name + suffix).read_text() == suffix
    assert files(path.parent, "store.db*") == sorted(
        ["store.db.lock", *files(path.parent, "*.damaged-*")]
    )
