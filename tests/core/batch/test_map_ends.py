"""How `spot.map` over plain functions ends: closed, interrupted, terminated, killed."""

from __future__ import annotations

import itertools
import os
import signal
import sqlite3
import subprocess
import sys
import threading
from collections import Counter
from contextlib import closing, suppress
from pathlib import Path

import pytest
from beautyspot.spot import Spot
from gates import DEADLINE, Gate, until


class Slow:
    """A function whose first calls wait until they are let through."""

    def __init__(self, spot: Spot, most: int = 2) -> None:
        self.gate, self.ran = Gate(), list[int]()

        @spot.mark(name="slow", ignore=("self", "most"))
        def slow(number: int) -> int:
            self.ran.append(number)
            if 0 < number <= most:
                self.gate.pass_through()
            return number

        self.function = slow


@pytest.fixture
def slow(spot: Spot) -> Slow:
    return Slow(spot)


def test_closing_waits_for_what_runs_and_begins_nothing(spot: Spot, slow: Slow) -> None:
    results = spot.map(slow.function, itertools.count(), concurrency=2)
    assert next(results) == 0
    until(lambda: {1, 2} <= set(slow.ran))
    closer = threading.Thread(target=results.close)
    closer.start()
    until(lambda: results.gi_running)
    assert spot.peek(slow.function, 1) is None
    assert closer.is_alive()
    slow.gate.open.set()
    closer.join(DEADLINE)
    assert not closer.is_alive()
    assert spot.peek(slow.function, 1) is not None
    assert spot.peek(slow.function, 2) is not None
    assert len(slow.ran) < 20
    assert list(results) == []


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
def test_a_child_leaves_the_map_to_its_parent(spot: Spot, slow: Slow) -> None:
    results = spot.map(slow.function, range(10), concurrency=2)
    assert next(results) == 0
    until(lambda: {1, 2} <= set(slow.ran))
    pid = os.fork()
    if not pid:  # pragma: no cover - children are not measured
        with suppress(BaseException):
            try:
                next(results)
            except RuntimeError as error:
                if "call spot.map anew" in str(error):
                    results.close()
                    os._exit(3)
        os._exit(4)
    slow.gate.open.set()
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 3
    assert list(results) == list(range(1, 10))


# --------------------------------------------------------------------------- in other processes

PROGRAM = """
import contextlib, signal, sys, threading, time
import beautyspot as bs

place, where, how_long = sys.argv[1:]
spot = bs.Spot("app", directory=place, config=False)
held = threading.Event()

def wait():
    held.wait(float(how_long))

@spot.mark(name="f")
def f(number):
    with open(place + "/ran.txt", "a") as file:
        file.write(f"{number}\\n")
    if number > 3 and where != "all":
        with open(place + "/held.txt", "a") as file:
            file.write(f"{number}\\n")
        wait()
    return number

if where == "handled":
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(5))
results = spot.map(f, range(20), concurrency=4)
for number in results:
    if where == "body" and number == 3:
        time.sleep(60)
    if where == "global" and number == 3:
        break
if where == "all":
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
"""


def begun(folder: Path, where: str, how_long: float = 0.3) -> subprocess.Popen[str]:
    (folder / "program.py").write_text(PROGRAM)
    command = [sys.executable, "-W", "error", str(folder / "program.py")]
    return subprocess.Popen(
        [*command, str(folder), where, str(how_long)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def lines(path: Path) -> list[int]:
    return [int(line) for line in path.read_text().split()] if path.exists() else []


def stored(folder: Path) -> int:
    with closing(sqlite3.connect(folder / "app.db")) as connection:
        (count,) = connection.execute("SELECT COUNT(*) FROM tasks").fetchone()
    return int(count)


def check_the_rest_is_computed(folder: Path, lost: int) -> None:
    before = stored(folder)
    ran = lines(folder / "ran.txt")
    again = begun(folder, "all")
    assert again.communicate(timeout=DEADLINE)[1] == ""
    assert again.returncode == 0
    new = lines(folder / "ran.txt")[len(ran) :]
    assert len(new) == 20 - before, "what was missing, and nothing else"
    assert stored(folder) == 20
    assert sum(Counter(ran + new).values()) == 20 + lost


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
@pytest.mark.parametrize(
    ("where", "number", "status"),
    [
        ("next", signal.SIGTERM, 143),
        ("next", signal.SIGINT, -signal.SIGINT),
        pytest.param("body", signal.SIGTERM, 143, marks=pytest.mark.slow),
        pytest.param("body", signal.SIGINT, -signal.SIGINT, marks=pytest.mark.slow),
        pytest.param("handled", signal.SIGTERM, 5, marks=pytest.mark.slow),
    ],
)
def test_signals_let_finish_and_be_stored_what_runs(
    tmp_path: Path, where: str, number: int, status: int
) -> None:
    process = begun(tmp_path, where)
    until(lambda: len(lines(tmp_path / "held.txt")) >= 4)
    process.send_signal(number)
    process.communicate(timeout=DEADLINE)
    assert process.returncode == status
    assert stored(tmp_path) == len(lines(tmp_path / "ran.txt")) < 20
    check_the_rest_is_computed(tmp_path, lost=0)


BUSY = """
import sys, beautyspot as bs
spot = bs.Spot("app", directory=sys.argv[1], config=False)
file = open(sys.argv[1] + "/ran.txt", "a", buffering=1)

@spot.mark(name="f", version="1")
def f(number):
    file.write(f"{number}\\n")
    return number

for number in spot.map(f, range(1000000), concurrency=4):
    pass
"""


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
def test_ctrl_c_anywhere_in_a_map_that_is_busy_lets_it_end(tmp_path: Path) -> None:
    command = [sys.executable, "-c", BUSY, str(tmp_path)]
    processes = [subprocess.Popen(command, stderr=subprocess.DEVNULL) for _ in range(3)]
    until(lambda: len(lines(tmp_path / "ran.txt")) >= 500)
    for process in processes:
        process.send_signal(signal.SIGINT)
    assert [process.wait(DEADLINE) for process in processes] == [-signal.SIGINT] * 3
    assert stored(tmp_path) == len({*lines(tmp_path / "ran.txt")})


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
def test_after_a_kill_what_is_missing_is_computed(tmp_path: Path) -> None:
    process = begun(tmp_path, "next", how_long=60)
    until(lambda: len(lines(tmp_path / "held.txt")) >= 4)
    process.kill()
    process.communicate()
    assert stored(tmp_path) == 4
    check_the_rest_is_computed(tmp_path, lost=4)


def test_the_end_of_the_program_waits_for_what_runs(tmp_path: Path) -> None:
    process = begun(tmp_path, "global", how_long=0.05)
    assert process.communicate(timeout=DEADLINE)[1] == ""
    assert process.returncode == 0
    assert stored(tmp_path) == len(lines(tmp_path / "ran.txt"))


def test_a_call_over_its_time_does_not_keep_the_program(tmp_path: Path) -> None:
    program = (
        "import threading, beautyspot as bs\n"
        "spot = bs.Spot('app', metadata='memory', config=False)\n"
        "wait = threading.Event().wait\n"
        "results = spot.map(lambda n: wait(60 * n), [0, 1], timeout=1, errors='skip')\n"
        "assert len(list(results)) == 1\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=DEADLINE
    )
    assert done.returncode == 0, done.stderr
