"""Rows in memory against the database, after whatever others do to it.

Two stores of one file keep rows, and a program that is not ours writes, deletes, lets expire,
leaves transactions open, writes early what has no room, cuts the log and starts it anew, and
rebuilds the whole file. After each step both stores hand out what another connection selects.
"""

from __future__ import annotations

import sqlite3
import tempfile
from pathlib import Path
from types import SimpleNamespace

import hypothesis.strategies as st
import pytest
from beautyspot.contracts import Entry, in_full
from beautyspot.contracts.store import Put
from beautyspot_local import SqliteMetadataStore
from beautyspot_local.sqlite import schema
from beautyspot_testing.store import stored
from hypothesis import settings
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlite_tools import another, eager, kept, linux, plain, settle

KEYS = [f"{number:032x}" for number in range(3)]
keys = st.sampled_from(KEYS)
which = st.integers(0, 1)
from_memory = []

SELECT = f"SELECT {', '.join(Entry._fields)} FROM tasks WHERE cache_key = ?"


class Machine(RuleBasedStateMachine):
    def __init__(self):
        super().__init__()
        self.place = tempfile.TemporaryDirectory()
        self.path = Path(self.place.name) / "store.db"
        self.version = 0
        self.replaced = 0
        self.other = self.witness = None
        self.stores = []

    @initialize()
    def begin(self):
        self.stores = [SqliteMetadataStore(self.path, timeout=0) for _ in range(2)]
        stored(self.stores[0], self.record(KEYS[0]))
        self.stores[1].open()
        self.connect()

    def connect(self):
        self.other = sqlite3.connect(self.path, isolation_level=None, timeout=0)
        self.other.execute("PRAGMA cache_size = 1")
        self.other.execute("PRAGMA synchronous = OFF")
        self.witness = sqlite3.connect(self.path, isolation_level=None)
        self.witness.execute("PRAGMA cache_size = 0")

    def disconnect(self):
        self.other.close()
        self.witness.close()

    def record(self, key):
        self.version += 1
        return plain(key, f"{self.version}")

    def teardown(self):
        for store in self.stores:
            store.close()
        if self.other is not None:
            self.disconnect()
        self.place.cleanup()

    @property
    def free(self):
        return self.other is not None and not self.other.in_transaction

    # ------------------------------------------------------------------------------ our own

    @precondition(lambda self: self.free)
    @rule(which=which, key=keys)
    def put(self, which, key):
        stored(self.stores[which], self.record(key))

    @precondition(lambda self: self.free)
    @rule(which=which)
    def put_many(self, which):
        stored(self.stores[which], *(self.record(key) for key in KEYS))

    @precondition(lambda self: self.free)
    @rule(which=which, key=keys)
    def delete(self, which, key):
        found = self.stores[which].get(key)
        self.stores[which].delete({key: found and found.made_at})

    @rule(which=which)
    def reset(self, which):
        self.stores[which]._database.reset()

    # -------------------------------------------------------------------------- the other's

    @rule(key=keys)
    def write(self, key):
        self.version += 1
        data = str(self.version).encode()
        written = "SET result_type = 'DIRECT_BLOB', result_value = NULL, result_data = ?"
        self.other.execute(f"UPDATE tasks {written} WHERE cache_key = ?", (data, key))

    @rule(key=keys)
    def insert(self, key):
        put = Put(self.record(key)._replace(began_at=1e12, made_at=0.0), ("all",), 2**60)
        schema.put_one(SimpleNamespace(execute=self.other.execute), put)

    @rule(key=keys)
    def remove(self, key):
        self.other.execute("DELETE FROM tasks WHERE cache_key = ?", (key,))

    @rule(key=keys, when=st.sampled_from([None, 1.0, 1e12]))
    def expire(self, key, when):
        self.other.execute("UPDATE tasks SET expires_at = ? WHERE cache_key = ?", (when, key))

    @rule(key=keys)
    def move_elsewhere(self, key):
        moved = "SET result_type = 'FILE', result_value = 'a/b', result_data = NULL"
        self.other.execute(f"UPDATE tasks {moved} WHERE cache_key = ?", (key,))

    @precondition(lambda self: self.free)
    @rule(kind=st.sampled_from(["", "IMMEDIATE"]))
    def leave_open(self, kind):
        self.other.execute(f"BEGIN {kind}")

    @rule()
    def write_early(self):
        self.other.execute("CREATE TABLE IF NOT EXISTS large (x)")
        self.other.execute("INSERT INTO large VALUES (zeroblob(20000))")

    @precondition(lambda self: not self.free)
    @rule(how=st.sampled_from(["COMMIT", "ROLLBACK"]))
    def finish(self, how):
        self.other.execute(how)

    @rule(how=st.sampled_from(["PASSIVE", "FULL", "RESTART", "TRUNCATE"]))
    def checkpoint(self, how):
        try:
            self.other.execute(f"PRAGMA wal_checkpoint({how})").fetchall()
        except sqlite3.OperationalError:  # within its own transaction
            assert not self.free

    @precondition(lambda self: self.free)
    @rule(
        statements=st.sampled_from(
            [
                ("VACUUM",),
                ("ALTER TABLE tasks RENAME TO away", "ALTER TABLE away RENAME TO tasks"),
                ("DROP TABLE IF EXISTS large",),
                ("DELETE FROM tasks",),
                (f"PRAGMA user_version = {schema.VERSION}",),
                ("REINDEX",),
            ]
        )
    )
    def rebuild(self, statements):
        for statement in statements:
            self.other.execute(statement)

    @precondition(lambda self: self.free)
    @rule()
    def come_and_go(self):
        self.disconnect()
        self.connect()

    @precondition(lambda self: self.free)
    @rule()
    def replace(self):
        """Another file takes the place; readers are told, as a write of theirs would tell them."""
        self.disconnect()
        self.replaced += 1
        for part in ("-wal", "-shm", ""):
            old = self.path.with_name(f"{self.path.name}{part}")
            old.rename(f"{self.path}.{self.replaced}{part}")
        fresh = SqliteMetadataStore(self.path)
        stored(fresh, self.record(KEYS[1]))
        for store in self.stores:
            stored(store, self.record(KEYS[2]), since=0)
        fresh.close()
        self.connect()

    # ------------------------------------------------------------------------------- always

    @invariant()
    def both_find_what_is_there(self):
        if self.stores:
            before = {store: kept(store) for store in self.stores}
            self.compare()
            from_memory.extend(key for store in self.stores for key in before[store] & kept(store))
            settle(self.path)
            self.compare()
            self.compare()  # the first but looks whether the database is at rest
            self.compare()

    def compare(self):
        there = {key: self.selected(key) for key in KEYS}
        for store in self.stores:
            for key in KEYS:
                found = store.find(key)
                assert (None if found is None else in_full(found)) == there[key]

    def selected(self, key):
        row = self.witness.execute(SELECT, (key,)).fetchone()
        return None if row is None else Entry(*row)


@linux
@pytest.mark.parametrize(
    "examples", [4, pytest.param(1500, marks=pytest.mark.slow)], ids=["few", "many"]
)
def test_rows_in_memory_are_those_of_the_database(monkeypatch, tmp_path, examples):
    eager(monkeypatch)
    with another(tmp_path / "any.db") as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("CREATE TABLE t (x)")
        settle(tmp_path / "any.db")  # or skip
    tried = max(12, examples)  # of a few alone, it may be that hardly one looks twice
    run_state_machine_as_test(
        Machine, settings=settings(max_examples=tried, stateful_step_count=20, deadline=None)
    )
    assert len(from_memory) > examples, "rows were found there after a step"
    from_memory.clear()
