"""A leaky bucket: calls leave one after the other, evenly spaced."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Mapping, Sequence

import beautyspot as bs
from beautyspot.contracts import Grant, Rate, Schedule, reset_in_children


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
        self._schedules = {"": Schedule(self.limits)}  # by key; "" is none
        self.reset_after_fork()
        reset_in_children(self)

    def reset_after_fork(self) -> None:
        """In a forked child, where another thread of the parent may have held the lock."""
        self._lock = threading.Lock()

    def take(
        self, asked: Sequence[Mapping[str, float]], key: str = ""
    ) -> tuple[list[Grant], float]:
        """Grant those that may begin soon, and say how long the next one has to wait."""
        with self._lock:
            delays, wait = self._of(key).take(asked, self._clock())
        return [Grant(delay, costs, key) for delay, costs in zip(delays, asked, strict=False)], wait

    def give_back(self, grant: Grant, real: Mapping[str, float]) -> None:
        """Correct what was granted to its real costs."""
        with self._lock:
            self._of(grant.key).give_back(grant.costs, real, self._clock())

    def hold(self, seconds: float, key: str = "") -> None:
        """Grant nothing for so long: of a key, or of all."""
        with self._lock:
            now = self._clock()
            for schedule in [self._of(key)] if key else self._schedules.values():
                schedule.pause(seconds, now)

    def _of(self, key: str) -> Schedule:
        """The schedule of a key; those of a hundred may be busy, of more the idle are forgotten."""
        if key not in self._schedules:
            if len(self._schedules) > 100:
                now = self._clock()
                for idle in [k for k, each in self._schedules.items() if k and each.is_idle(now)]:
                    del self._schedules[idle]
            whole = self._schedules[""]
            fresh = self._schedules[key] = Schedule(self.limits)
            fresh.until, fresh.seen = whole.until, whole.seen  # a pause of all is one of new keys
        return self._schedules[key]
