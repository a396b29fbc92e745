"""How long to go on trying: by the clock, and by the sum of the pauses that were made.

A clock may stand still, as that of a test which freezes the time does: a wait that looks at nothing
else would have no end.
"""

from __future__ import annotations

import time


class Patience:
    """Lasts so many seconds from now."""

    __slots__ = ("_rest", "_until")

    def __init__(self, seconds: float) -> None:
        self._rest = seconds
        self._until = time.monotonic() + seconds

    def left(self) -> float:
        """Seconds that it lasts; 0.0 once it has ended."""
        return max(0.0, min(self._rest, self._until - time.monotonic()))

    def spend(self, pause: float) -> float:
        """The pause to make now: as much of it as there is patience left."""
        spent = min(pause, self.left())
        self._rest -= spent
        return spent
