"""No thread is inside of SQLite while the process forks: a child would inherit its locks."""

from __future__ import annotations

import pytest
from local.sqlite.test_processes import HEAD, forking, run

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
def test_a_fork_waits_for_a_commit(tmp_path):
    code = (
        FORKING
        + """
begun, forking, done = threading.Event(), threading.Event(), threading.Event()
os.register_at_fork(before=forking.set)
class Slow:
    def __conform__(self, _):
        begun.set(); forking.wait(60)
        return "slow"
def write():
    rows = [row("a"), row("b", Slow())]
    store.put(rows)
    done.set()
put("before")
thread = threading.Thread(target=write); thread.start(); begun.wait(60)
said = []
last.append(lambda: said.append(done.is_set()))
fork()
thread.join()
print(*said, *keys())
"""
    )
    found = run(code.format(path=str(tmp_path / "store.db")))
    assert found == ["True", "a", "b", "before", "child"]


COMERS = {
    "reads": "assert store.find(key('before'))",
    "lists": "assert keys()",
    "begins": "assert store.begin([key('before')], 'a' * 32).found",
    "writes": "put('after')",
}


@forking
@pytest.mark.parametrize("comer", COMERS)
def test_who_comes_at_a_fork_waits(tmp_path, comer):
    code = (
        FORKING
        + """
opened, forking, done = threading.Event(), threading.Event(), threading.Event()
def come():
    store.open(); opened.set(); forking.wait(60)
    {act}
def watch():
    forking.set()
    frames = sys._current_frames
    while thread.is_alive() and frames()[thread.ident].f_code.co_name != "acquire": pass
    said.append(thread.is_alive())
said = []
put("before")
thread = threading.Thread(target=come); thread.start(); opened.wait(60)
last.append(watch)
fork()
thread.join()
print(*said, *keys())
"""
    )
    found = run(code.format(path=str(tmp_path / "store.db"), act=COMERS[comer]))
    assert found[0] == "True"
    assert found[-2:] == ["before", "child"]


@forking
def test_children_of_a_busy_process_can_all_read_and_write(tmp_path):
    code = (
        FORKING
        + """
over = threading.Event()
def work(number):
    while not over.is_set():
        store.find(key("before"))
        other = threading.Thread(target=store.find, args=(key("before"),))
        other.start(); other.join()
put("before")
threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
for thread in threads: thread.start()
for _ in range(60): fork()
over.set()
for thread in threads: thread.join()
print(*keys())
"""
    )
    assert run(code.format(path=str(tmp_path / "store.db"))) == ["before", "child"]


@forking
def test_a_fork_goes_on_where_a_reader_does_not_end(tmp_path):
    """Better a child that may hang than a parent that does."""
    code = (
        FORKING
        + """
from beautyspot_local.sqlite import waiting
waiting.LONGEST = 0.01
inside, done = threading.Event(), threading.Event()
def wait():
    inside.set(); done.wait(60)
    return 1
def read():
    store._database.handle().connection.create_function("wait", 0, wait)
    store._database.read("SELECT wait()")
store.open()
thread = threading.Thread(target=read); thread.start(); inside.wait(60)
child = os.fork()
if child == 0: os._exit(0)
os.waitpid(child, 0)
done.set()
thread.join()
put("after")
print(*keys())
"""
    )
    assert run(code.format(path=str(tmp_path / "store.db"))) == ["after"]
