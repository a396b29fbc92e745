"""How tests wait for what other threads and tasks do: on events, and never for good."""

from __future__ import annotations

import faulthandler
import sys
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from types import SimpleNamespace
from typing import Any

from beautyspot.spot import Spot

DEADLINE = 30.0
"""Seconds after which a test that hangs fails; none comes near."""


class State(SimpleNamespace):
    """What functions share with their test; global, since what is captured counts as input."""


class Gate:
    """A function's body that says when it was entered, and waits until it is let through."""

    def __init__(self) -> None:
        self.entered = threading.Event()
        self.open = threading.Event()
        self.count = 0

    def pass_through(self) -> None:
        """Count, say so, and wait."""
        self.count += 1
        self.entered.set()
        assert self.open.wait(DEADLINE)


def until(condition: Callable[[], bool], *, unless: Sequence[Future[Any]] = ()) -> None:
    """Wait for a state that no event announces; raises what one of `unless` has raised.

    Where it does not come, the stacks of all threads tell why, among what the test has printed.
    """
    deadline = time.monotonic() + DEADLINE
    while not condition():
        for future in unless:
            if future.done():
                future.result()
        if time.monotonic() >= deadline:
            faulthandler.dump_traceback(sys.__stderr__)
            raise AssertionError("it has not come")
        time.sleep(0.001)


def followers(spot: Spot) -> int:
    """How many wait for the flights of a Spot."""
    return sum(len(flight.wakers) for flight in spot._engine.flights)
