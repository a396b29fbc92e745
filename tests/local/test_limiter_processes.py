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
from beautyspot_local.shared_limiter import SharedTokenBucket

pytest.importorskip("fcntl")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "app.limit"


def test_a_fork_has_a_lock_of_its_own(path: Path) -> None:
    program = """
import os, sys
from beautyspot_local.shared_limiter import SharedTokenBucket
bucket = SharedTokenBucket("1/h", path=sys.argv[1])
bucket.consume()
with bucket._timeline():
    child = os.fork()
    if not child:
        from beautyspot_local import shared_file
        shared_file.LOCK_TIMEOUT = 0
        try:
            bucket.reserve()
        except TimeoutError:
            os._exit(7)
        os._exit(1)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
child = os.fork()
if not child:
    os._exit(0 if 3000 < bucket.reserve().delay <= 3600 else 1)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
print(7000 < bucket.reserve().delay <= 7200)
"""
    assert _run(program, path).split() == ["7", "0", "True"]


def test_a_process_killed_with_the_lock_held(path: Path) -> None:
    program = """
import os, signal, sys
from beautyspot_local.shared_limiter import SharedTokenBucket
bucket = SharedTokenBucket("1/h", path=sys.argv[1])
bucket.consume()
with bucket._timeline() as line:
    line.charge(1e9)
    os.kill(os.getpid(), signal.SIGKILL)
"""
    with pytest.raises(subprocess.CalledProcessError) as caught:
        _run(program, path)
    assert caught.value.returncode == -signal.SIGKILL
    held = SharedTokenBucket("1/h", path=path).reserve()
    assert held is not None
    assert 3000 < held.delay <= 3600, "the lock fell, and the state is the one before"


def test_four_processes_of_two_threads_keep_one_rate(path: Path) -> None:
    program = """
import json, sys, threading, time
from beautyspot_local.shared_limiter import SharedTokenBucket
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
