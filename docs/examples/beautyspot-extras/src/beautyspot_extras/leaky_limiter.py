"""A leaky bucket: calls leave one after the other, evenly spaced."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence

import beautyspot as bs
from beautyspot.contracts import Grant, Lock, Rate, Schedules, reset_in_children


class LeakyLimiter(bs.LimiterBase):
    """Spaces calls evenly; a call of cost 3 takes the time of three.

    Args:
        rate_per_second: how many calls of cost 1 leave in a second.
        max_cost: the largest cost of one call.
        burst: how much may leave at once after idling, beyond the call that always may.
        clock: returns seconds, counted from any moment.
    """

    name = "leaky"

    def __init__(
        self,
        rate_per_second: float,
        max_cost: float = 1,
        burst: float = 0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        if not 0 < rate_per_second < math.inf:
            raise bs.ConfigError(f"rate_per_second={rate_per_second}: give a number above 0")
        self.limits = {"rate": Rate(rate_per_second, max_cost, burst)}
        self._clock = clock
        self._schedules = Schedules(self.limits)
        self.reset_after_fork()
        reset_in_children(self)

    def reset_after_fork(self) -> None:
        """In a forked child, where another thread of the parent may have held the lock."""
        self._lock = Lock()

    def take(
        self, asked: Sequence[Mapping[str, float]], key: str = ""
    ) -> tuple[list[Grant], float]:
        """Grant those that may begin soon, and say how long the next one has to wait."""
        with self._lock:
            return self._schedules.take(asked, key, self._clock())

    def give_back(self, grant: Grant, real: Mapping[str, float]) -> None:
        """Correct what was granted to its real costs."""
        with self._lock:
            self._schedules.give_back(grant, real, self._clock())

    def hold(self, seconds: float, key: str = "") -> None:
        """Grant nothing for so long: of a key, or of all."""
        with self._lock:
            self._schedules.hold(seconds, key, self._clock())
