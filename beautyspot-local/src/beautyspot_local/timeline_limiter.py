"""What the limiters that follow a `Timeline` have in common, wherever that timeline is kept."""

from __future__ import annotations

import os
import threading
from abc import abstractmethod
from typing import TYPE_CHECKING
from weakref import WeakSet

from beautyspot_local.rate import (
    checked_cost,
    checked_pause,
    checked_seconds,
    parse_burst,
    parse_rate,
    real_length,
)
from beautyspot_local.waiting import LATE, Held, WaitingLimiter

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from beautyspot.contracts import Reservation

    from beautyspot_local.timeline import Timeline


class TimelineLimiter(WaitingLimiter):
    """A limiter that reserves intervals of a `Timeline`.

    A subclass sets `_locked`, which gives the timeline at the present time to one thread at a time,
    and defines `reserve`.

    Attributes:
        rate: permits per second. Not to be assigned.
        max_cost: the largest single cost. Not to be assigned.
    """

    _locked: AbstractContextManager[Timeline]

    def __init__(
        self,
        rate: str | float,
        max_cost: float | None,
        burst: float,
        clock: Callable[[], float],
    ) -> None:
        self.rate: float
        self.max_cost: float
        self.rate, self.max_cost = parse_rate(rate, max_cost)
        self._clock = clock
        self._burst = parse_burst(burst)
        self._tolerance = self._burst / self.rate
        self._twins: WeakSet[TimelineLimiter] = WeakSet()

    @property
    def tat(self) -> float:
        """The theoretical arrival time: when what is reserved ends, in seconds of the clock."""
        with self._locked as line:
            return line.tat + line.offset

    def reserve_after(
        self, cost: float, seconds: float, *, max_wait: float | None = None
    ) -> Held | None:
        """`reserve`, at the earliest time that is `seconds` away or more.

        Raises:
            CostError: see `reserve`.
            ConfigError: `seconds` or `max_wait` is not a number.
        """
        cost = checked_cost(cost, self.max_cost)
        after = checked_seconds(seconds, "seconds")
        most = None if max_wait is None else checked_seconds(max_wait, "max_wait")
        with self._locked as line:
            return self._queue(line, cost, cost / self.rate, most, after)

    def wait_for(self, cost: float = 1) -> float:
        """Seconds that a reservation of `cost` would have to wait now. It reserves nothing.

        Raises:
            CostError: see `reserve`.
        """
        length = checked_cost(cost, self.max_cost) / self.rate
        with self._locked as line:
            return line.wait_until(line.earliest(length)[0])

    def remaining(self, reservation: Reservation) -> float:
        """Seconds that `reservation` must still wait; 0.0 means granted, and from then on used."""
        held = self._own(reservation)
        with self._locked as line:
            if not held.open:
                return 0.0
            if line.now > held.end + LATE:
                held.start, held.end = line.take(line.earliest(held.end - held.start))
            left = line.wait_until(held.start)
            held.open = left > 0
            return left

    def release(self, reservation: Reservation) -> None:
        """Give back a reservation that will not be used, as far as its interval has not passed.

        What `consume` granted is used; it can't be given back. A second call does nothing.

        Raises:
            ConfigError: it is another limiter's reservation.
        """
        held = self._own(reservation)
        with self._locked as line:
            if held.open:
                held.open, held.settled = False, True
                line.give_back((held.start, held.end))

    def settle(self, reservation: Reservation, real_cost: float) -> None:
        """Correct a reservation to its real cost, which may be 0 and may be above `max_cost`.

        What was reserved too much is free at once for those who come next. What was reserved too
        little is added behind all that wait already. Only the first call counts; one after
        `release` does nothing.

        Raises:
            CostError: `real_cost` is not a finite number from 0 up.
            ConfigError: it is another limiter's reservation.
        """
        held = self._own(reservation)
        length = real_length(real_cost, self.rate)
        with self._locked as line:
            if held.settled:
                return
            held.open, held.settled = False, True
            end = held.start + length
            if end > held.end:
                line.charge(end - held.end)
            else:
                line.give_back((end, held.end))

    def pause(self, seconds: float) -> None:
        """Grant nothing for so many seconds: what a server's ``Retry-After`` asks for.

        Those who wait already are held too, and keep their order and their distance. Pauses
        overlap: a second one only matters for what it is longer. What was granted before goes on.
        The twins pause as well.

        Raises:
            ConfigError: `seconds` is not a finite number.
        """
        length = checked_pause(seconds)
        with self._locked as line:
            line.pause(length)
        with _twins_lock[0]:
            twins = list(self._twins)
        for twin in twins:
            twin.pause(length)

    def busy_for(self) -> float:
        """Seconds until all that is reserved has passed: then it is as good as a new one."""
        with self._locked as line:
            return max(0.0, line.tat - line.now)

    def for_key(self, key: str) -> TimelineLimiter:
        """A limiter like this one, fresh, for what `key` names; see `LimiterBase.for_key`."""
        twin = self._fresh(key)
        with _twins_lock[0]:
            self._twins.add(twin)
        with self._locked as line:
            left = line.pause_left()
        if left > 0:
            twin.pause(left)
        return twin

    @abstractmethod
    def _fresh(self, key: str) -> TimelineLimiter:
        """A limiter of the same rate, for another key."""

    def _queue(
        self,
        line: Timeline,
        cost: float,
        length: float,
        max_wait: float | None,
        after: float = 0.0,
    ) -> Held | None:
        span = line.earliest(length, after)
        wait = max(after, line.wait_until(span[0]))
        if max_wait is not None and wait > max_wait:
            return None
        return Held(wait, cost, *line.take(span), self)


# One for all: pauses and new keys are rare. In a list, for a forked child is given a new one.
_twins_lock = [threading.RLock()]


def _reset_lock() -> None:
    _twins_lock[0] = threading.RLock()


if hasattr(os, "register_at_fork"):  # pragma: no branch - Windows has no fork
    os.register_at_fork(after_in_child=_reset_lock)
