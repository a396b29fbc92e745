"""Machines that share one store and one rate: real processes, networks and clocks of their own."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import pytest
from servers.machines import Machine, Network

SPOT = """
import uuid
import beautyspot as bs
spot = bs.Spot("app", directory=FOLDER, metadata=STORE, config=False)
"""

MANY = f"""{SPOT}
from concurrent.futures import ThreadPoolExecutor

@spot.mark(name="slow")
def slow(number):
    say("ran")
    time.sleep(0.3)
    return uuid.uuid4().hex

with ThreadPoolExecutor(8) as pool:
    say("ready")
    wait()
    values = set(pool.map(slow, [1] * 8))
say(*values)
"""

ONE = f"""{SPOT}
@spot.mark(name="held")
def held(number):
    say("ran")
    return wait()

say(held(1))
spot.shutdown()
"""

LOOK = f"""{SPOT}
@spot.mark(name="held", mode="replay")
def held(number): ...

say(held(1))
"""


@pytest.mark.parametrize("count", [2, pytest.param(8, marks=pytest.mark.slow)])
def test_many_machines_by_eight_threads_run_a_call_once(network: Network, count: int) -> None:
    with ExitStack() as stack:
        programs = [stack.enter_context(network.add().running(MANY)) for _ in range(count)]
        assert [program.heard() for program in programs] == ["ready"] * count
        for program in programs:
            program.tell()
        said = Counter(line for program in programs for line in program.rest())
    assert said.pop("ran") == 1
    assert list(said.values()) == [count], "all get one value"


def _look(network: Network) -> str:
    with network.add().running(LOOK) as program:
        (found,) = program.rest()
    return found


@pytest.mark.slow
def test_what_a_killed_machine_ran_another_runs(network: Network) -> None:
    with network.add().running(ONE) as first:
        assert first.heard() == "ran"
        with network.add().running(ONE) as second:
            first.kill()
            second.tell("by the second")
            assert second.rest() == ["ran", "by the second"], "its lease has fallen"
    assert _look(network) == "by the second"


@pytest.mark.slow
def test_what_a_machine_computed_while_cut_off_is_stored_later(network: Network) -> None:
    one: Machine = network.add()
    with one.running(ONE) as program:
        assert program.heard() == "ran"
        one.cut_off()
        program.tell("while away")
        assert program.heard() == "while away", "the caller waits for no network"
        one.connect()
        assert program.rest() == []
    assert _look(network) == "while away"


RETURNED = 30

CALLS = f"""{SPOT}
@spot.mark(name="kept")
def kept(number):
    return number

for number in range(1_000_000):
    say(kept(number))
"""

KEPT = f"""{SPOT}
@spot.mark(name="kept", mode="replay")
def kept(number): ...

say(*[kept(number) for number in range({RETURNED})])
"""


@pytest.mark.slow
def test_what_a_killed_machine_has_returned_is_stored(network: Network) -> None:
    with network.add().running(CALLS) as program:
        returned = [program.heard() for _ in range(RETURNED)]
        program.kill()
    with network.add().running(KEPT) as program:
        assert program.rest() == [" ".join(returned)]


"""Of all machines. In a bucket each takes eight requests, and a millisecond of boto3 for each."""


RATE, PERMITS = 200, 50

LIMITED = f"""
import beautyspot as bs
limiter = {{**LIMITER, "rate": {RATE}}}
spot = bs.Spot("app", directory=FOLDER, metadata="memory", limiter=limiter, config=False)
say("ready")
wait()
for _ in range({PERMITS}):
    with spot.limit():
        say(time.monotonic())  # one for all namespaces
"""


@pytest.mark.slow
def test_machines_with_other_clocks_keep_one_rate(
    network: Network, limiter: Callable[..., dict[str, Any]]
) -> None:
    given = {"LIMITER": limiter(network.host)}
    with ExitStack() as stack:
        made = [network.add(clock=60.0 * (number % 3 - 1)) for number in range(8)]
        programs = [stack.enter_context(machine.running(LIMITED, **given)) for machine in made]
        assert [program.heard() for program in programs] == ["ready"] * 8
        for program in programs:
            program.tell()
        granted = sorted(float(line) for program in programs for line in program.rest())
    assert len(granted) == PERMITS * len(made)
    # A thread wakes up late by some milliseconds, so that now and then two permits come closer.
    most = max(bisect_right(granted, moment + 1.0) - at for at, moment in enumerate(granted))
    assert most <= RATE * 1.05 + 1, "never above the rate, in any second"
