"""`SharedTokenBucket` in real processes: forked, killed, and several at once."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from beautyspot.errors import RateLimitError
from beautyspot_local import SharedTokenBucket

pytest.importorskip("fcntl")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "app.limit"


def test_a_fork_has_a_lock_of_its_own(path: Path) -> None:
    program = """
import os, sys, time
from beautyspot.errors import RateLimitError
from beautyspot_local import SharedTokenBucket, shared_file
in_lock = []
def clock():
    if in_lock:
        in_lock.pop()()
    return time.monotonic()
def fork():
    child = os.fork()
    if child:
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
        return
    shared_file.LOCK_TIMEOUT = 0
    try:
        bucket.consume(timeout=0)
    except TimeoutError:
        os._exit(7)
    os._exit(1)
bucket = SharedTokenBucket("1/h", path=sys.argv[1], clock=clock)
in_lock.append(fork)
bucket.consume()
child = os.fork()
try:
    bucket.consume(timeout=0)
except RateLimitError as error:
    code = int(3000 < error.retry_after <= 3600)
if not child:
    os._exit(code)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), code)
"""
    assert _run(program, path).split() == ["7", "1", "1"]


def test_a_process_killed_with_the_lock_held(path: Path) -> None:
    program = """
import os, signal, sys, time
from beautyspot_local import SharedTokenBucket
in_lock = []
def clock():
    if in_lock:
        os.kill(os.getpid(), signal.SIGKILL)
    return time.monotonic()
bucket = SharedTokenBucket("1/h", path=sys.argv[1], clock=clock)
bucket.consume()
in_lock.append(1)
bucket.consume(timeout=0)
"""
    with pytest.raises(subprocess.CalledProcessError) as caught:
        _run(program, path)
    assert caught.value.returncode == -signal.SIGKILL
    with pytest.raises(RateLimitError) as refused:
        SharedTokenBucket("1/h", path=path).consume(timeout=0)
    assert refused.value.retry_after is not None
    assert 3000 < refused.value.retry_after <= 3600, "the lock fell, the state is the one before"


def test_four_processes_of_two_threads_keep_one_rate(path: Path) -> None:
    program = """
import json, sys, threading, time
from beautyspot_local import SharedTokenBucket
bucket, times = SharedTokenBucket(200, path=sys.argv[1]), []
def work():
    for _ in range(5):
        bucket.consume()
        times.append(time.monotonic())
threads = [threading.Thread(target=work) for _ in range(2)]
print("ready", flush=True)
sys.stdin.readline()
[thread.start() for thread in threads]
[thread.join() for thread in threads]
print(json.dumps(times))
"""
    processes, start = _started_together(4, program, str(path))
    times = sorted(when for process in processes for when in json.loads(process.communicate()[0]))
    assert len(times) == 40
    early = [place for place, when in enumerate(times) if when < start + place / 200 - 1e-3]
    assert not early, f"granted before their time: {early}"


def _started_together(
    number: int, program: str, *arguments: str
) -> tuple[list[subprocess.Popen[str]], float]:
    """Processes that begin at a signal, once all are ready; and when that was."""
    command = [sys.executable, "-c", program, *arguments]
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    started = [subprocess.Popen(command, **pipes) for _ in range(number)]
    assert [one.stdout.readline() for one in started if one.stdout] == ["ready\n"] * number
    start = time.monotonic()
    for one in started:
        assert one.stdin is not None
        one.stdin.write("go\n")
        one.stdin.flush()
    return started, start


def _run(program: str, path: Path) -> str:
    command = [sys.executable, "-c", program, str(path)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout
