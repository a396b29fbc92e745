"""What a call costs, in things that can be counted: the same on every machine, busy or idle.

SQL statements, system calls, function calls of a hit, bytes: no clock. How long a call takes is
measured by ``python -m benchmarks``. A bound that a change breaks is to be looked at, and raised
only where the change is worth it: the numbers of today stand beside the bounds.
"""

from __future__ import annotations

import asyncio
import itertools
import sqlite3
import sys
import tracemalloc
from collections import Counter
from contextlib import closing, contextmanager

import numpy as np
import pytest
from beautyspot.results import local_files
from beautyspot_local.sqlite import connections


def work(number, text, factor=1.0):
    return {"text": text, "factor": factor, "good": True}


async def work_async(number, text, factor=1.0):
    return {"text": text, "factor": factor, "good": True}


def ten(number):
    yield from range(10)


def data(number, size):
    return number.to_bytes(8, "big") * (size // 8)


def text(number, size):
    return data(number, size).decode()


def array_of(number, size):
    return np.full(size // 8, float(number))


@pytest.fixture
def calls(spot, monkeypatch):
    """The kinds of calls, each of which has been made before: what is made once is made."""
    monkeypatch.setattr(local_files, "SETTLED", 0)  # what was just stored is remembered as well
    marked, marked_async, numbers = spot.mark(work), spot.mark(work_async), itertools.count(100)
    streamed, large, array = spot.mark(ten), spot.mark(data), spot.mark(array_of)
    kinds = {
        "hit": lambda: marked(1, "words"),
        "hit, large": lambda: large(1, 2**20),
        "hit, array": lambda: array(1, 2**20),
        "hit by key": lambda: marked([1], "words"),
        "hit, async": lambda: _finish(marked_async(1, "words")),
        "hit, generator": lambda: list(streamed(1)),
        "miss": lambda: marked(next(numbers), "words"),
    }
    asyncio.run(marked_async(1, "words"))
    for call in kinds.values():
        call()
        call()
    return kinds


def _finish(coroutine):
    """Run a coroutine that does not wait for anything, and so needs no event loop."""
    try:
        coroutine.send(None)
    except StopIteration as done:
        return done.value
    coroutine.close()
    pytest.fail("it waited for something")


# ------------------------------------------------------------------------------- statements


@contextmanager
def statements(spot):
    """What the calling thread's connection executes: the first two words of each statement."""
    seen = []
    handle = spot.metadata._database.handle()

    def note(statement):
        seen.append(statement.split("(")[0].split(" result")[0].split(" func_name")[0])

    handle.connection.set_trace_callback(note)
    try:
        yield seen
    finally:
        handle.connection.set_trace_callback(None)


@pytest.mark.parametrize("kind", ["hit", "hit by key", "hit, async", "hit, generator"])
def test_a_hit_is_one_statement(spot, calls, kind):
    with statements(spot) as seen:
        calls[kind]()
    assert seen == ["SELECT"]


@pytest.mark.parametrize("kind", [bytes, str])
def test_so_is_one_of_bytes_or_text_that_lie_in_their_row_as_they_are(spot, kind):
    marked = spot.mark(data if kind is bytes else text)
    made = marked(7, 1 << 17)
    marked(7, 1 << 17)  # the first hit compares what made it
    with statements(spot) as seen:
        hit = marked(7, 1 << 17)
    assert seen == ["SELECT"]
    assert type(hit) is kind
    assert hit == made
    assert spot.stats()["hits"] == 2


def test_a_miss_is_two_looks_and_one_insert_in_a_transaction_of_its_own(spot, calls):
    """The second look is that of whoever won the key: another one may have stored it meanwhile.

    It also tells the number of the last invalidation: a later one has the result not stored.
    """
    with statements(spot) as seen:
        calls["miss"]()
    assert [statement.split()[0] for statement in seen] == ["SELECT", "SELECT", "INSERT"]


@contextmanager
def opening(monkeypatch):
    """All statements of connections that are made meanwhile."""
    seen = []
    connect = sqlite3.connect

    def traced(*args, **kwargs):
        connection = connect(*args, **kwargs)
        connection.set_trace_callback(seen.append)
        return connection

    with monkeypatch.context() as patch:
        patch.setattr(connections.sqlite3, "connect", traced)
        yield seen


def test_opening_and_looking_up_scan_no_table(make_spot, monkeypatch):
    make_spot().mark(work)(1, "words")
    with opening(monkeypatch) as seen:
        spot = make_spot()
        spot.mark(work)(1, "words")
        spot.mark(work)([1], "words")
    with closing(sqlite3.connect(spot.db_path)) as connection:
        plans = [
            str(row[-1])
            for statement in seen
            if statement.startswith("SELECT")
            for row in connection.execute(f"EXPLAIN QUERY PLAN {statement}")
        ]
    assert any("tasks" in plan for plan in plans)
    assert [plan for plan in plans if plan.startswith("SCAN tasks")] == []


# -------------------------------------------------------------------------------- calls


def count_calls(call):
    """How many functions are called: those written in Python, and those in C."""
    counts = Counter()
    sys.setprofile(lambda frame, event, argument: counts.update([event]))
    try:
        call()
    finally:
        sys.setprofile(None)
    return counts["call"], counts["c_call"] - 1  # less `setprofile` itself


@pytest.mark.parametrize(
    ("kind", "most_python", "most_c"),
    [
        ("hit", 8, 11),  # 7 and 9 today
        ("hit, async", 9, 12),  # 8 and 10, of the test's own two
        ("hit, large", 17, 20),  # 16 and 18: a SELECT more, and a file
        ("hit, array", 44, 43),  # 41 and 37: the array's form, too
    ],
)
def test_a_hit_calls_few_functions(calls, kind, most_python, most_c):
    python, c = count_calls(calls[kind])
    assert 0 < python <= most_python
    assert 0 < c <= most_c


# ------------------------------------------------------------------------------------ memory


@contextmanager
def memory():
    """Gives a function that tells the bytes at the highest, and those that are left, since."""
    tracemalloc.start()
    try:
        start = tracemalloc.get_traced_memory()[0]
        yield lambda: tuple(size - start for size in tracemalloc.get_traced_memory()[::-1])
    finally:
        tracemalloc.stop()
