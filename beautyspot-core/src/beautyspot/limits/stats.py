"""What became of the calls that a Spot's limits were asked for."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

MINUTE: Final = 60


class LimitStats:
    """Counts in this process; the last minute in parts of a second each.

    Attributes:
        grants: calls that were let in.
        refusals: calls that got a `RateLimitError` or a `CostError`.
        waits: those of the grants that had to wait.
        seconds: how long they waited, together.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self.reset_after_fork()

    def reset_after_fork(self) -> None:
        """Count from the start, with a lock that no thread of the parent holds."""
        self._lock = threading.Lock()
        self.grants = 0
        self.refusals = 0
        self.waits = 0
        self.seconds = 0.0
        self._counts = [0] * MINUTE
        self._seconds = [-MINUTE] * MINUTE  # which second each of the counts is of

    def granted(self, waited: float) -> None:
        """Count a call that was let in after `waited` seconds."""
        second = int(self._clock())
        place = second % MINUTE
        with self._lock:  # nothing is called here: see `beautyspot.concurrency.locks`
            self.grants += 1
            self.waits += waited > 0
            self.seconds += waited
            if self._seconds[place] != second:
                self._seconds[place], self._counts[place] = second, 0
            self._counts[place] += 1

    def refused(self) -> None:
        """Count a call that was not let in."""
        with self._lock:
            self.refusals += 1

    def last_minute(self) -> int:
        """Grants of the last 60 seconds, to the second."""
        since = int(self._clock()) - MINUTE
        pairs = zip(self._seconds.copy(), self._counts.copy(), strict=True)
        return sum(count for second, count in pairs if second > since)
