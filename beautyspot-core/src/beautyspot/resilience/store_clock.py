"""The time by the clock of a metadata store, without a question to the store each time.

Machines that share a store do not agree on the time, so what is stored goes by the store's clock.
Each answer that tells the time says how far that is from this machine's. The store read its clock
between the question and the answer, so it shows no less than the answer says at any moment after
that: this least time is the estimate. It is never ahead of the store, and never behind what this
process has heard before.
"""

from __future__ import annotations

import math
import threading
import time
from functools import partial
from operator import methodcaller
from typing import TYPE_CHECKING, Any, Final

from beautyspot.errors import MetadataError

if TYPE_CHECKING:
    from collections.abc import Callable

_time: Any = time  # some systems lack some of its clocks
_KIND: Final = getattr(time, "CLOCK_BOOTTIME", getattr(time, "CLOCK_MONOTONIC", None))


wall: Final[Callable[[], float]] = partial(methodcaller("time"), time)
"""This machine's clock, asked for by its name each time: what freezes the time in tests (freezegun)
puts another function there. A function of our own would be a call more."""


def ticks() -> float:
    """Seconds by a clock that is never set, and goes on while the machine sleeps, where it can."""
    return time.monotonic() if _KIND is None else float(_time.clock_gettime(_KIND))


class StoreClock:
    """Call it for the time, in Unix time, by the clock that a store has of its own.

    Args:
        ticks: seconds of this machine.
        wall: its wall clock, by which it goes until the store was heard.
    """

    def __init__(
        self, ticks: Callable[[], float] = ticks, wall: Callable[[], float] = wall
    ) -> None:
        self.ticks, self._wall = ticks, wall
        self._ahead: float | None = None  # of the store's clock to the ticks; None: not known yet
        self._lock = threading.Lock()  # nothing is called within it

    def __call__(self) -> float:
        """The time."""
        ahead = self._ahead
        return self._wall() if ahead is None else self.ticks() + ahead

    def hear(self, now: object, sent: float) -> None:
        """Take the time from an answer of the store to a question that was `sent` at these ticks.

        Raises:
            MetadataError: it is no time.
        """
        came = self.ticks()
        if not isinstance(now, int | float) or not math.isfinite(now):
            raise MetadataError(f"`now` of the store gave {now!r:.40}: return Unix time in seconds")
        least, most = now - came, now - sent
        with self._lock:
            ahead = least if self._ahead is None else self._ahead
            self._ahead = min(max(ahead, least), most)

    def reset_after_fork(self) -> None:
        """A thread of the parent may have held the lock."""
        self._lock = threading.Lock()
