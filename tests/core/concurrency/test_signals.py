"""What a signal's handler raises, at any moment of a call of ours: no lock stays locked.

By real signals, in programs of their own: a profiler comes to moments that no signal comes to, and
the other way round. An interrupted program goes on, and comes to its end, with all that it was
given stored; so do its threads, which need the same locks.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from beautyspot.spot import Spot
from gates import DEADLINE

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")

MARKED = """
import faulthandler, json, signal, sys, threading
faulthandler.dump_traceback_later(DEADLINE, exit=True)
from beautyspot.spot import Spot
from beautyspot_local import TokenBucket

spot = Spot("app", directory=sys.argv[1], save=sys.argv[2], limiter=TokenBucket(1e9), config=False)
limited = spot.limiter(max_concurrent=100)(lambda x: x)

@spot.mark(name="double")
def double(x):
    return 2 * limited(x)

returned = [double(0)]  # so that all is imported: the import system has locks of its own

def call_all(numbers):
    for x in numbers:
        assert double(x) == 2 * x
        returned.append(x)

def tell():
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    print(json.dumps(returned), flush=True)
"""

RUNG = """
class Rung(BaseException):
    pass

def ring(*_):
    if armed:
        raise Rung

armed = []
signal.signal(signal.SIGALRM, ring)
inputs = [range(n * 1000, n * 1000 + 150) for n in (1, 2)]
others = [threading.Thread(target=call_all, args=(each,)) for each in inputs]
for other in others:
    other.start()
rung = 0
for round in range(250):
    try:
        armed.append(True)
        signal.setitimer(signal.ITIMER_REAL, 0.0002 + round % 25 * 0.0001)
        call_all(range(10_000 + 20 * round, 10_020 + 20 * round))
    except Rung:
        rung += 1
    finally:
        armed.clear()
assert rung > 20
for other in others:
    other.join()
tell()
"""

STOPPED = """
from concurrent.futures import ThreadPoolExecutor

signal.signal(signal.SIGINT, signal.default_int_handler)
try:
    with ThreadPoolExecutor(2) as pool:
        for n in (1, 2):
            pool.submit(call_all, range(n * 1000, n * 1000 + 150))
        print("begun", flush=True)
        call_all(range(10_000, 10**9))
finally:
    tell()
"""


def started(code: str, directory: Path, save: str) -> subprocess.Popen[str]:
    marked = MARKED.replace("DEADLINE", str(DEADLINE))
    command = [sys.executable, "-c", marked + code, str(directory), save]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)  # noqa: S603 - our own


def check_stored(directory: Path, told: str) -> None:
    returned = json.loads(told)
    assert len(returned) > 100
    with Spot("app", directory=directory, mode="replay", config=False) as spot:
        double = spot.mark(name="double")(abs)
        assert [double(x) for x in returned] == [2 * x for x in returned]


@pytest.mark.parametrize("save", ["sync", "background"])
def test_a_program_whose_calls_alarms_end_comes_to_its_end(tmp_path: Path, save: str) -> None:
    with started(RUNG, tmp_path, save) as program:
        told, errors = program.communicate()
    assert program.returncode == 0, errors
    check_stored(tmp_path, told)


@pytest.mark.parametrize("save", ["sync", "background"])
def test_a_program_that_is_stopped_by_ctrl_c_comes_to_its_end(tmp_path: Path, save: str) -> None:
    for number in range(3):
        with started(STOPPED, tmp_path / str(number), save) as program:
            assert program.stdout is not None
            assert program.stdout.readline() == "begun\n"
            program.send_signal(signal.SIGINT)
            told, errors = program.communicate()
        assert program.returncode == -signal.SIGINT, errors
        check_stored(tmp_path / str(number), told)
