"""How tests wait for what other threads and tasks do: on events, and never for good."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from beautyspot.spot import Spot

DEADLINE = 30.0
"""Seconds after which a test that hangs fails; none comes near."""


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


def until(condition: Callable[[], bool]) -> None:
    """Wait for a state that no event announces."""
    deadline = time.monotonic() + DEADLINE
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.001)


def followers(spot: Spot) -> int:
    """How many wait for the flights of a Spot."""
    return sum(len(flight._wakers) for flight in spot._engine.flights._flights.values())
