"""What `TokenBucket` does beyond the contract; and bursts, whatever rounding does to them."""

from __future__ import annotations

import gc
import itertools
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from beautyspot.contracts import Grant, Schedule, line
from beautyspot_local import SharedTokenBucket, TokenBucket
from gates import DEADLINE, until
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from owned_clock import Clock


def test_the_attributes_of_the_specification(clock: Clock) -> None:
    bucket = TokenBucket("600/min", 50, burst=5, clock=clock)
    assert (bucket.rate, bucket.max_cost, bucket.burst) == (10, 50, 5)
    assert (bucket.name, bucket.blocking, bucket.shared) == ("gcra", False, False)
    assert bucket.tat == clock()
    bucket.consume(20)
    assert bucket.tat == clock() + 2
    assert TokenBucket("600/min").max_cost == 600


def test_a_free_call_does_not_pass_those_in_line(
    clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Though what it would take is there: they have not asked again yet."""
    monkeypatch.setattr(line, "LONGEST", 0.05)
    bucket = TokenBucket(1000, 100_000, clock=clock)
    bucket.consume(50_000)
    first: list[Grant] = []
    waiting = threading.Thread(target=lambda: first.append(bucket.consume(20)), daemon=True)
    waiting.start()
    until(lambda: bool(bucket.lines))
    clock.now += 50
    assert bucket.consume().delay > 0
    waiting.join(DEADLINE)
    assert first


def test_idle_keys_are_forgotten(clock: Clock) -> None:
    bucket = TokenBucket(1000, clock=clock)
    gc.collect()
    for number in range(1000):
        bucket.consume(key=str(number))
        clock.now += 0.1
    assert sum(isinstance(each, Schedule) for each in gc.get_objects()) < 100


def test_what_a_call_of_a_forgotten_key_cost_beyond_its_estimate_is_made_up_for(
    clock: Clock,
) -> None:
    bucket = TokenBucket(1, 100, clock=clock)
    grant = bucket.consume(2, key="one")
    clock.now += 10
    for number in range(100):
        bucket.consume(key=str(number))
        clock.now += 1
    bucket.settle(grant, 500)
    assert bucket.take([{"rate": 1}], "one") == ([], 498)


def test_a_forked_child_does_not_wait_for_a_thread_of_its_parent() -> None:
    program = """
import os, signal, threading, time
from beautyspot_local import TokenBucket
inside, go_on = threading.Event(), threading.Event()
def clock():
    if threading.current_thread().name == "holder":
        inside.set()
        go_on.wait()
    return 1000.0
bucket = TokenBucket("1/h", clock=clock)
bucket.consume()
holder = threading.Thread(target=bucket.try_consume, name="holder")
holder.start()
inside.wait()
child = os.fork()
if not child:
    signal.alarm(20)
    os._exit(int(bucket.try_consume()))
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
go_on.set()
holder.join()
"""
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.split() == ["0"], "refused by what its parent had taken; -14 is the alarm"


# ---- a burst is granted whole, whatever rounding does to a rate and to the time


EFFORT = settings(
    deadline=None,
    max_examples=30,
    suppress_health_check=[HealthCheck.function_scoped_fixture],  # a new limiter each time
)
RATES = st.floats(1e-6, 100) | st.sampled_from([1 / 3, "600/min", "1/7s", "1000/h", "5/2weeks"])
TIMES = st.floats(0, 1e7)


@pytest.fixture(params=["gcra", "gcra-shared"])
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[..., Any]:
    pytest.importorskip("fcntl")
    numbers = itertools.count()

    def bucket(rate: Any, burst: float, clock: Clock) -> Any:
        options: Any = {"max_cost": burst + 1, "burst": burst, "clock": clock}
        if request.param == "gcra-shared":
            return SharedTokenBucket(rate, path=tmp_path / str(next(numbers)), **options)
        return TokenBucket(rate, **options)

    return bucket


@EFFORT
@given(rate=RATES, number=st.integers(1, 60), start=TIMES, idle=st.floats(0, 1e6))
@example(rate="600/min", number=600, start=1e7 + 0.1, idle=0.1)
@example(rate=3 / 7, number=1000, start=1e7 / 3, idle=1e6 / 3)
@example(rate=90.0, number=10_000, start=1e7 / 7, idle=1 / 7)
def test_as_many_go_at_once_as_a_burst_has(
    make: Any, rate: Any, number: int, start: float, idle: float
) -> None:
    """`burst` permits beyond the one that always may, and not one more."""
    clock = Clock(start)
    bucket = make(rate, number, clock)
    bucket.try_consume(number + 1)
    clock.now += idle + (number + 1) / bucket.rate + 1
    assert sum(bucket.try_consume(1) for _ in range(number + 3)) == number + 1


@EFFORT
@given(rate=st.floats(1e-6, 10), parts=st.integers(1, 30), start=TIMES)
def test_parts_of_a_burst_add_up(make: Any, rate: Any, parts: int, start: float) -> None:
    """Such as ten times 0.1, which are not quite 1; and one that always may."""
    bucket = make(rate, 1, Clock(start))
    assert sum(bucket.try_consume(1 / parts) for _ in range(parts + 3)) == parts + 1


@EFFORT
@given(rate=RATES, number=st.integers(1, 60), start=TIMES)
@example(rate="600/min", number=600, start=1000.1)
def test_costs_that_are_corrected_leave_a_burst_whole(
    make: Any, rate: Any, number: int, start: float
) -> None:
    """Each takes two, of which it uses one."""
    bucket = make(rate, number, Clock(start))
    for _ in range(number + 1):
        bucket.settle(bucket.consume(2, timeout=0), 1)
    assert not bucket.try_consume(1)
