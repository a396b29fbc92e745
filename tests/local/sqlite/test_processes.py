"""The SQLite store across forks, kills and interpreter ends."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from beautyspot_local.sqlite.store import SqliteMetadataStore
from beautyspot_testing.records import a_record
from beautyspot_testing.shared import Child

forking = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")


def run(code):
    """A strict interpreter must end well and say nothing."""
    done = subprocess.run(
        [sys.executable, "-X", "dev", "-W", "error", "-c", code],
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.split()


HEAD = """
import os, sys, threading
from beautyspot_local.sqlite import connections, fork_guard
from beautyspot.contracts import TaskRecord
from beautyspot_local.sqlite.store import SqliteMetadataStore
store = SqliteMetadataStore({path!r})
def put(key): store.put(TaskRecord(key, "f", "i"))
"""


@forking
@pytest.mark.parametrize("end", ["os._exit(0)", "sys.exit(0)"])
def test_a_forked_child_uses_the_store(tmp_path, end):
    path = tmp_path / "store.db"
    code = (
        HEAD
        + """
put("before")
child = os.fork()
if child == 0:
    assert store.find("before")
    put("child")
    assert {{r.cache_key for r in store.scan()}} == {{"before", "child"}}
    {end}
assert os.waitpid(child, 0)[1] == 0
assert store.find("child")
put("after")
print(*[record.cache_key for record in store.scan()])
"""
    )
    assert run(code.format(path=str(path), end=end)) == ["after", "before", "child"]
    store = SqliteMetadataStore(path)
    assert store.totals().entries == 3
    store.close()


@forking
@pytest.mark.parametrize("end", ["os._exit(0)", "sys.exit(0)"])
def test_a_child_does_not_end_its_parent_s_transaction(tmp_path, end):
    path = tmp_path / "store.db"
    code = (
        HEAD
        + """
put("before")
handle = store._database.handle()
handle.execute("BEGIN IMMEDIATE")
handle.execute("INSERT INTO tasks (cache_key) VALUES ('open')")
child = os.fork()
if child == 0:
    from beautyspot_local.sqlite import connections
    handle = None
    assert store.find("open") is None
    assert len(connections._abandoned) == 1
    {end}
assert os.waitpid(child, 0)[1] == 0
other = SqliteMetadataStore({path!r}, timeout=0)
try:
    other.delete("before")
except TimeoutError:
    print("still locked")
handle.execute("COMMIT")
assert other.find("open")
assert handle.execute("PRAGMA integrity_check").fetchone() == ("ok",)
"""
    )
    assert run(code.format(path=str(path), end=end)) == ["still", "locked"]


def test_an_interpreter_ends_quietly_with_everything_open(tmp_path):
    code = (
        HEAD
        + """
put("main")
thread = threading.Thread(target=put, args=["thread"]); thread.start(); thread.join()
waiting = threading.Event()
def work():
    put("daemon"); waiting.set(); threading.Event().wait()
threading.Thread(target=work, daemon=True).start(); waiting.wait(60)
lease = store.try_lease("k")
"""
    )
    assert run(code.format(path=str(tmp_path / "store.db"))) == []
    store = SqliteMetadataStore(tmp_path / "store.db")
    assert store.totals().entries == 3
    store.close()


def test_a_killed_writer_leaves_all_of_a_batch_or_nothing(tmp_path):
    path = tmp_path / "store.db"
    code = (
        HEAD.format(path=str(path))
        + """
put("committed")
inserted = []
def pause(statement):
    if "INSERT" in statement:
        inserted.append(statement)
    if len(inserted) == 2:
        say("in the middle"); wait()
store._database.handle().connection.set_trace_callback(pause)
store.put_many(TaskRecord(f"batch {number}", "f", "i") for number in range(3))
"""
    )
    store = SqliteMetadataStore(path)
    with Child(code) as child:
        assert child.heard() == "in the middle"
        child.kill()
    assert [record.cache_key for record in store.scan()] == ["committed"]
    store.put(a_record())
    store.close()


def test_four_processes_write_steadily(tmp_path):
    path = tmp_path / "store.db"
    code = (
        HEAD.format(path=str(path))
        + """
say("ready"); wait()
for number in range(100):
    put(f"{me}-{number}")
"""
    )
    children = [Child(f"me = {number}\n{code}") for number in range(4)]
    assert [child.heard() for child in children] == ["ready"] * 4
    for child in children:
        child.go_on()
    for child in children:
        child.expect_success()
    store = SqliteMetadataStore(path)
    assert store.totals().entries == 400
    store.close()
