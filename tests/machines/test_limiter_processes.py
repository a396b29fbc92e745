"""Limits in real processes: one rate, places that fall with their holders, Ctrl-C."""

from __future__ import annotations

import itertools
import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from gates import DEADLINE

Start = Callable[..., subprocess.Popen[str]]

HEAD = """
import asyncio, json, signal, sys, threading, time
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell ignores it in the background
import beautyspot as bs
def said(*what):
    print(*what, flush=True)
parts, directory = json.loads(sys.argv[1]), sys.argv[2]
spot = bs.Spot("app", directory=directory, config=False, strict=True, **parts)
"""


@pytest.fixture
def start(limiter: Callable[..., dict[str, Any]], tmp_path: Path) -> Iterator[Start]:
    """Start a process that says when it is ready, and goes on at a line."""
    started: list[subprocess.Popen[str]] = []

    def begin(program: str) -> subprocess.Popen[str]:
        folder = str(tmp_path / str(len(started)))
        parts = {"limiter": limiter(rate=100), "metadata": limiter(lease_time=1.5)}
        options = json.dumps(parts)
        command = [sys.executable, "-c", HEAD + program, options, folder]
        pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        process = subprocess.Popen(command, **pipes)
        started.append(process)
        assert line(process) == "ready"
        return process

    yield begin
    for process in started:
        process.kill()
        process.communicate()


def line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def go(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    process.stdin.write("go\n")
    process.stdin.flush()


RATE = """
times = []
@spot.limiter
def call(x):
    times.append(time.monotonic())
@spot.limiter
async def call_later(x):
    times.append(time.monotonic())
async def tasks():
    await asyncio.gather(*(call_later(x) for x in range(8)))
threads = [threading.Thread(target=lambda: [call(x) for x in range(4)]) for _ in range(2)]
said("ready")
sys.stdin.readline()
[thread.start() for thread in threads]
asyncio.run(tasks())
[thread.join() for thread in threads]
said(json.dumps(times))
"""


def test_two_processes_keep_one_rate(start: Start) -> None:
    """Threads and tasks of both: the n-th permit is never before its time, and none is lost."""
    processes = [start(RATE) for _ in range(2)]
    began = time.monotonic()
    for process in processes:
        go(process)
    times = sorted(when for process in processes for when in json.loads(line(process)))
    assert len(times) == 32
    early = [n for n, when in enumerate(times) if when < began + n / 100 - 2e-3]
    assert not early, f"granted before their time: {early}"


CAP = """
times = []
def note(what):
    times.append((time.monotonic(), what))
@spot.limiter(max_concurrent=3)
def call(x):
    note(1), time.sleep(0.02), note(-1)
@spot.limiter(max_concurrent=3)
async def call_later(x):
    note(1), await asyncio.sleep(0.02), note(-1)
call_later.__beautyspot__._caps = call.__beautyspot__._caps
async def tasks():
    await asyncio.gather(*(call_later(x) for x in range(20)))
threads = [threading.Thread(target=lambda: [call(x) for x in range(5)]) for _ in range(4)]
said("ready")
sys.stdin.readline()
[thread.start() for thread in threads]
asyncio.run(tasks())
[thread.join() for thread in threads]
spot.shutdown()
said(json.dumps(times))
"""


def test_two_processes_keep_one_cap(start: Start) -> None:
    """Threads and tasks of both: never more than three at work, and all have a turn."""
    processes = [start(CAP) for _ in range(2)]
    for process in processes:
        go(process)
    times = sorted(tuple(time) for process in processes for time in json.loads(line(process)))
    at_work = [*itertools.accumulate(what for _, what in times)]
    assert len(times) == 160
    assert 1 < max(at_work) <= 3


HOLD = """
@spot.limiter(max_concurrent=1)
def work():
    said("ready")
    time.sleep(3600)
work()
"""

WAIT = """
def work():
    return "done"
try:
    spot.limiter(max_concurrent=1, timeout=0)(work)()
except bs.RateLimitError:
    pass
try:
    said("ready")
    said(spot.limiter(max_concurrent=1)(work)())
except KeyboardInterrupt:
    said("interrupted")
    sys.stdin.readline()
"""


def test_the_place_of_a_killed_process_falls(start: Start) -> None:
    """Who was interrupted by Ctrl-C while it waited takes none, as long as it lives on."""
    holder, interrupted, waiting = start(HOLD), start(WAIT), start(WAIT)
    interrupted.send_signal(signal.SIGINT)
    assert line(interrupted) == "interrupted"
    holder.send_signal(signal.SIGKILL)
    holder.wait(DEADLINE)
    assert line(waiting) == "done"


@pytest.mark.slow
def test_the_place_of_a_stopped_process_falls_too(start: Start) -> None:
    """SIGSTOP for longer than it holds. Its process may run on beside another one later."""
    holder, waiting = start(HOLD), start(WAIT)
    holder.send_signal(signal.SIGSTOP)
    assert line(waiting) == "done"
    holder.send_signal(signal.SIGCONT)


ASK = """
said("ready")
while True:
    spot.bucket.settle(spot.bucket.consume(), 0)
"""

ASK_AND_END = """
said("ready")
sys.stdin.readline()
for _ in range(100):
    spot.bucket.settle(spot.bucket.consume(), 0)
said("done")
"""


@pytest.mark.slow
def test_who_is_stopped_or_killed_as_it_asks_holds_up_nobody(start: Start) -> None:
    asking = start(ASK_AND_END)
    for stopping in (signal.SIGSTOP, signal.SIGKILL) * 4:
        start(ASK).send_signal(stopping)
    go(asking)
    assert line(asking) == "done"
