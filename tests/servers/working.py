"""Threads that work on a Spot while its server is disturbed."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from beautyspot.spot import Spot
from servers.valkey import until

TIMEOUT = 1.0
"""What the Spot's store has to have, in seconds."""

CALLERS = 8


def is_settled(spot: Spot) -> bool:
    """Whether a Spot knows that all is stored, and asks its store again.

    Another client may find the last result a moment before that.
    """
    stats = spot.stats()
    return not (stats["unsaved"] or stats["resting"])


def squared(x: int) -> int:
    return x * x


class Work:
    """Threads that call a function with ever new numbers, and with ones that came before.

    Attributes:
        most: the longest that a call took, in seconds.
        wrong: what a call gave or raised that it should not have.
        called: the numbers.
    """

    def __init__(self, spot: Spot, function: Callable[[int], Any] = squared) -> None:
        self._function = function
        self._marked = spot.mark(function)
        self._ends = threading.Event()
        self.most = 0.0
        self.wrong: list[Any] = []
        self.called: set[int] = set()

    def __enter__(self) -> Work:
        self._pool = ThreadPoolExecutor(CALLERS)
        for number in range(CALLERS):
            self._pool.submit(self._call_on, random.Random(number), number)
        return self

    def __exit__(self, *_: object) -> None:
        self._ends.set()
        self._pool.shutdown()

    def _call_on(self, dice: random.Random, number: int) -> None:
        while not self._ends.wait(0.02):
            number += CALLERS
            self._call(dice.choice([number, number, dice.randrange(number + 1)]))

    def _call(self, x: int) -> None:
        self.called.add(x)
        began = time.monotonic()
        try:
            value = self._marked(x)
        except Exception as error:
            self.wrong.append(error)
        else:
            if value != self._function(x):
                self.wrong.append((x, value))
        self.most = max(self.most, time.monotonic() - began)

    def go_on(self, calls: int = 50) -> None:
        """Wait for so many calls more."""
        goal = len(self.called) + calls
        assert until(lambda: len(self.called) >= goal)


def check(work: Work, spot: Spot, entries: Callable[[], int], most: float = 10 * TIMEOUT) -> None:
    """Each value was right, none was waited for too long, and all are stored."""
    assert not work.wrong
    assert work.most < most, "one time-out, on a machine that does other things too"
    assert until(spot.flush)
    assert entries() == len(work.called)
