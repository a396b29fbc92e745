"""Machines that call, invalidate and refresh at random: nobody is given what is outdated.

Every operation is written down with its beginning and its end, by the one monotonic clock of this
computer. A result is the time at which its run began.
"""

from __future__ import annotations

import json
from contextlib import ExitStack
from typing import NamedTuple

import pytest
from servers.machines import Network

MACHINES, THREADS, CALLS, KEYS = 3, 4, 60, 3

PROGRAM = """
import random
from concurrent.futures import ThreadPoolExecutor
import beautyspot as bs
spot = bs.Spot("app", directory=FOLDER, metadata=STORE, config=False, strict=True)

@spot.mark(name="timed")
def timed(key):
    began = time.monotonic()
    time.sleep(random.choice([0, 0, 0.01, 0.1]))
    return began

def one(dice):
    key, what = dice.randrange(KEYS), dice.choices(["call", "refresh", "forget"], [8, 1, 2])[0]
    began = time.monotonic()
    value = None
    if what == "forget":
        spot.invalidate(timed, key)
    else:
        value = timed(key) if what == "call" else spot.refresh(timed, key)
    return what, key, began, time.monotonic(), value

def many(number):
    dice = random.Random(number)
    return [one(dice) for _ in range(CALLS)]

with ThreadPoolExecutor(THREADS) as pool:
    say("ready")
    wait()
    lists = list(pool.map(many, range(NUMBER * 100, NUMBER * 100 + THREADS)))
spot.shutdown()
say(json.dumps(sum(lists, [])))
"""


class Done(NamedTuple):
    """One operation; `value` is that of a call."""

    what: str
    key: int
    began: float
    ended: float
    value: float | None


def _done(network: Network) -> list[Done]:
    """What all did, on all machines."""
    sizes = {"THREADS": THREADS, "CALLS": CALLS, "KEYS": KEYS}
    network.given["STORE"] |= {"lease_time": 30, "timeout": 20}
    with ExitStack() as stack:
        programs = [
            stack.enter_context(network.add().running(PROGRAM, NUMBER=number, **sizes))
            for number in range(MACHINES)
        ]
        assert [program.heard() for program in programs] == ["ready"] * MACHINES
        for program in programs:
            program.tell()
        return [Done(*one) for program in programs for one in json.loads(program.rest()[0])]


@pytest.mark.slow
def test_nobody_is_given_what_was_invalidated_before(network: Network) -> None:
    history = _done(network)
    calls = [(one, one.value) for one in history if one.value is not None]
    forgotten = [one for one in history if one.what == "forget"]
    assert len(calls) + len(forgotten) == MACHINES * THREADS * CALLS
    assert len({(one.key, value) for one, value in calls}) < 0.9 * len(calls), "too few were hits"
    wrong = [
        (one, before)
        for one, value in calls
        for before in forgotten
        if one.key == before.key and before.ended < one.began and value < before.began
    ]
    assert wrong == []
