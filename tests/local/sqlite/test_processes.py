"""The SQLite store across forks, kills and interpreter ends."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from beautyspot_local import SqliteMetadataStore
from sqlite_tools import keys_in

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
from beautyspot_local.sqlite import connections
from beautyspot.contracts import TaskRecord
from beautyspot.contracts.store import Put
from beautyspot_local import SqliteMetadataStore
store = SqliteMetadataStore({path!r})
def key(name): return name.encode().hex().rjust(32, "0")
def row(name, func="f"): return Put(TaskRecord(key(name), func, "i", result_data=b"x"), ("all",), 0)
def put(name): store.put([row(name)])
def names(): return [bytes.fromhex(r.cache_key).strip(bytes(1)).decode() for r in store.all_rows()]
def keys(): return sorted(names())
"""


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
handle.execute("INSERT INTO tasks (cache_key, result_data) VALUES ('open', x'00')")
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
    other.delete({{key("before"): None}})
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
store.begin([key("k")], "a" * 32)
"""
    )
    assert run(code.format(path=str(tmp_path / "store.db"))) == []
    store = SqliteMetadataStore(tmp_path / "store.db")
    assert len(keys_in(store)) == 3
    store.close()
