"""The leaky bucket as a queue: calls leave one after the other, evenly spaced."""

from __future__ import annotations

import math
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress

import beautyspot as bs


class _Place(bs.Reservation):
    """A place in the queue, with the time at which it ends."""

    __slots__ = ("end",)

    def __init__(self, delay: float, cost: float, end: float) -> None:
        super().__init__(delay, cost)
        self.end = end


class LeakyLimiter(bs.LimiterBase):
    """Spaces calls evenly; a call of cost 3 takes the time of three.

    Args:
        rate_per_second: how many calls of cost 1 leave in a second.
        max_cost: the largest cost of one call.
        clock: returns seconds, counted from any moment.
    """

    name = "leaky"

    def __init__(
        self,
        rate_per_second: float,
        max_cost: float = 1,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        if not 0 < rate_per_second < math.inf:
            raise bs.ConfigError(f"rate_per_second={rate_per_second}: give a number above 0")
        self._rate = rate_per_second
        self._max_cost = max_cost
        self._clock = clock
        self._read_at = clock()
        self._now = 0.0
        self._queue: deque[_Place] = deque()
        self._lock = threading.Lock()

    def reserve(self, cost: float = 1, *, max_wait: float | None = None) -> _Place | None:
        """See the base class."""
        _check(cost, self._max_cost)
        with self._lock:
            now = self._time()
            start = self._queue[-1].end if self._queue else now
            if max_wait is not None and start - now > max_wait:
                return None
            place = _Place(start - now, cost, start + cost / self._rate)
            self._queue.append(place)
            return place

    def release(self, reservation: bs.Reservation) -> None:
        """Give back a place; one in the middle of the queue stays empty."""
        with self._lock, suppress(ValueError):  # released before, or long over
            self._time()
            self._queue.remove(reservation)  # type: ignore[arg-type]  # any object may be looked for

    def _time(self) -> float:
        """Return the seconds since the start, and drop the places whose time is over."""
        reading = self._clock()
        self._now += max(0.0, reading - self._read_at)  # a clock set back stands still
        self._read_at = reading
        while self._queue and self._queue[0].end <= self._now:
            self._queue.popleft()
        return self._now


def _check(cost: float, most: float) -> None:
    if isinstance(cost, bool) or not isinstance(cost, int | float) or not 0 < cost < math.inf:
        raise bs.CostError(f"the cost {cost!r:.40} is not a number above 0: correct the cost")
    if cost > most:
        raise bs.CostError(f"the cost {cost} is above max_cost {most}: raise that, or split it")
