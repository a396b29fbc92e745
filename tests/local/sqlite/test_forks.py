"""No thread is inside of SQLite while the process forks: a child would inherit its locks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from local.sqlite.test_processes import HEAD, forking, run

if TYPE_CHECKING:
    pass

FORKING = (
    """
import os
last = []
os.register_at_fork(before=lambda: last and last.pop()())  # the hook of the earliest is the last
"""
    + HEAD
    + """
import warnings
warnings.simplefilter("ignore")   # Python 3.12 warns of forking with threads: that is the case here
def fork():
    child = os.fork()
    if child == 0:
        put("child")
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
"""
)


@forking
def test_a_fork_waits_for_who_reads(tmp_path):
    code = (
        FORKING
        + """
from beautyspot_local.sqlite import schema
inside, forking, done = threading.Event(), threading.Event(), threading.Event()
os.register_at_fork(before=forking.set)
def wait():
    inside.set(); forking.wait(60)
    return 1
def read():
    handle = store._database.handle()
    handle.connection.create_function("wait", 0, wait)
    schema.TOTALS = "SELECT wait(), 1"
    store.totals()
    done.set()
put("before")
thread = threading.Thread(target=read); thread.start(); inside.wait(60)
said = []
last.append(lambda: said.append(done.is_set()))
fork()
thread.join()
print(*said, *[record.cache_key for record in store.scan()])
"""
    )
    assert run(code.format(path=str(tmp_path / "store.db"))) == ["True", "before", "child"]


COMERS = {
    "reads": ('assert store.find("before")', "_new_handle"),
    "lists": ("assert list(store.scan())", "_new_handle"),
    "ends": ("", "end"),
}


@forking
@pytest.mark.parametrize("comer", COMERS)
def test_who_comes_at_a_fork_waits(tmp_path, comer):
    code = (
        FORKING
        + """
import sys
opened, forking, done = threading.Event(), threading.Event(), threading.Event()
def come():
    store.open(); opened.set(); forking.wait(60)
    {act}
def watch():
    forking.set()
    frames = sys._current_frames
    while thread.is_alive() and frames()[thread.ident].f_code.co_name != "{waits}": pass
    said.append(thread.is_alive())
said = []
put("before")
thread = threading.Thread(target=come); thread.start(); opened.wait(60)
last.append(watch)
fork()
thread.join()
print(*said, *[record.cache_key for record in store.scan()])
"""
    )
    act, waits = COMERS[comer]
    code = code.format(path=str(tmp_path / "store.db"), act=act, waits=waits)
    assert run(code) == ["True", "before", "child"]


@forking
def test_a_fork_does_not_wait_for_a_store_that_is_just_closed(tmp_path):
    code = (
        FORKING
        + """
from beautyspot_local.sqlite.connections import Connection
from beautyspot_local.sqlite.database import Database
closing, forking = threading.Event(), threading.Event()
def end(self, end=Connection.end):
    closing.set(); forking.wait(60)
    end(self)
Connection.end = end
held = []
def hold(self, deadline, hold=Database.hold):
    kept = self.local
    forking.set()
    done = hold(self, deadline)
    held.append(self.local is not kept)   # or it could not be had in time
    return done
Database.hold = hold
def come():
    other = SqliteMetadataStore({path!r}); other.open(); other.close()
put("before")
thread = threading.Thread(target=come); thread.start(); closing.wait(60)
fork()
thread.join()
print(*held, *[record.cache_key for record in store.scan()])
"""
    )
    found = run(code.format(path=str(tmp_path / "store.db")))
    assert found == ["True", "True", "before", "child"]


@forking
def test_children_of_a_busy_process_can_all_read_and_write(tmp_path):
    code = (
        FORKING
        + """
import itertools, signal
over = threading.Event()
def work():
    while not over.is_set():
        store.find("before")
        other = threading.Thread(target=store.find, args=("before",)); other.start(); other.join()
put("before")
threads = [threading.Thread(target=work) for _ in range(4)]
for thread in threads: thread.start()
for _ in range(60): fork()
over.set()
for thread in threads: thread.join()
print(*[record.cache_key for record in store.scan()])
"""
    )
    assert run(code.format(path=str(tmp_path / "store.db"))) == ["before", "child"]
