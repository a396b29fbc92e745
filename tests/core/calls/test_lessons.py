"""The lessons about running at the same time, each as a test of a Spot.

`test_once` holds the rest of them: threads and tasks that follow one leader, cancelled leaders and
followers, leaders that exit, and eight processes by eight threads.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from beautyspot.errors import RateLimitError
from beautyspot.spot import Spot
from gates import DEADLINE, State

STATE = State()


@pytest.fixture(autouse=True)
def _fresh() -> None:
    STATE.calls, STATE.gate, STATE.entered = [], threading.Event(), threading.Event()


FRESH = """
    import sys
    import beautyspot

    print("ready", flush=True)
    sys.stdin.readline()
    spot = beautyspot.Spot("app", directory=sys.argv[1], config=False, strict=True)
    marked = spot.mark(name="work")(lambda x: x * x)
    assert [marked(x) for x in range(3)] == [0, 1, 4]
    assert spot.peek(marked, 2) is not None
    spot.shutdown()
"""


def test_processes_that_open_a_fresh_store_at_one_moment_all_can(tmp_path: Path) -> None:
    """The switch to WAL does not wait by itself, and two may create one table."""
    for attempt in range(1):
        directory = str(tmp_path / str(attempt))
        command = [sys.executable, "-c", textwrap.dedent(FRESH), directory]
        pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
        processes = [subprocess.Popen(command, text=True, **pipes) for _ in range(4)]
        for process in processes:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
        for process in processes:
            assert process.stdin is not None
            process.stdin.write("\n")
            process.stdin.flush()
        for process in processes:
            _, errors = process.communicate(timeout=2 * DEADLINE)
            assert process.returncode == 0, errors


def test_every_event_loop_works_as_the_first(spot: Spot) -> None:
    @spot.mark(save_blob=True)  # read and written in the executor
    async def work(x: int) -> int:
        STATE.calls.append(x)
        await asyncio.sleep(0)
        return x

    for loop in range(3):
        assert asyncio.run(work(loop)) == loop
        assert asyncio.run(work(0)) == 0
    assert STATE.calls == [0, 1, 2]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_child_forked_during_a_call_does_not_wait_for_its_parents_flight(spot: Spot) -> None:
    @spot.mark
    def work(x: int) -> int:
        STATE.calls.append(x)
        if len(STATE.calls) == 1:
            STATE.entered.set()
            assert STATE.gate.wait(DEADLINE)
        return x

    thread = threading.Thread(target=work, args=(1,))
    thread.start()
    assert STATE.entered.wait(DEADLINE)
    child = os.fork()
    if child == 0:  # pragma: no cover - another process
        os._exit(0 if len(spot._engine.flights) == 0 and work(2) == 2 else 1)
    _, status = os.waitpid(child, 0)
    STATE.gate.set()
    thread.join(DEADLINE)
    assert os.waitstatus_to_exitcode(status) == 0


def test_cancelled_waiters_of_a_limit_hold_no_place(make_spot: Callable[..., Spot]) -> None:
    """Ten cancelled waiters at 1/s: the next one waits one second, not eleven."""
    spot = make_spot(strict=True, limiter={"use": "gcra", "rate": "1/s", "max_cost": 1})
    bucket = spot.bucket
    assert bucket is not None

    @spot.mark
    @spot.limiter
    async def ask(x: int) -> int:
        return x

    async def main() -> float:
        assert await ask(0) == 0
        waiters = [asyncio.create_task(ask(n)) for n in range(1, 11)]
        for _ in range(100):
            await asyncio.sleep(0)
        for waiter in waiters:
            waiter.cancel()
        await asyncio.gather(*waiters, return_exceptions=True)
        with pytest.raises(RateLimitError) as caught:
            await bucket.consume_async(1, timeout=0)
        return caught.value.retry_after or 0.0

    assert 0 < asyncio.run(main()) <= 1.0
