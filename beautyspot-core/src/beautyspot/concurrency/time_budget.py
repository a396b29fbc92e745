"""How long to go on trying: by the clock, and by the sum of the pauses that were made.

A test that freezes the time stops the clock: a wait that looks at nothing else would have no end.
"""

from __future__ import annotations

import time


class TimeBudget:
    """Seconds to spend on pauses, from now on."""

    __slots__ = ("_rest", "_until")

    def __init__(self, seconds: float) -> None:
        self._rest = seconds
        self._until = time.monotonic() + seconds

    def left(self) -> float:
        """Seconds that are left; 0.0 once it is spent."""
        return max(0.0, min(self._rest, self._until - time.monotonic()))

    def spend(self, pause: float) -> float:
        """The seconds to pause now: `pause`, or what is left if that is less."""
        spent = min(pause, self.left())
        self._rest -= spent
        return spent
