"""`TokenBucket`: a rate limit within one process, by GCRA. The algorithm is in `timeline.py`."""

from __future__ import annotations

import os
import threading
import time
from typing import TYPE_CHECKING, ClassVar, Final
from weakref import WeakSet

from beautyspot_local.rate import (
    checked_cost,
    checked_pause,
    checked_seconds,
    parse_burst,
    parse_rate,
    real_length,
)
from beautyspot_local.timeline import Timeline
from beautyspot_local.waiting import LATE, Held, WaitingLimiter

if TYPE_CHECKING:
    from collections.abc import Callable

    from beautyspot.contracts import Reservation


class TokenBucket(WaitingLimiter):
    """Grants permits evenly spaced at a rate, with no burst after idling.

    In any window of T seconds it grants no more than rate x T plus the last cost in it, measured at
    the times that it gives out; the first call goes at once. Those who wait are served in the order
    in which they came, from any number of threads, tasks and event loops; only time that somebody
    gave back goes to the next one whose cost fits into it.

    The limit holds for one process. A forked child goes on with a copy of its own.

    Args:
        rate: ``"600/min"``, ``"10/s"``, ``"5/2s"`` (units: ms, s, sec, second(s), min, minute(s),
            h, hour(s), d, day(s)), or a number per second.
        max_cost: the largest single cost. The call after it waits `max_cost / rate` seconds.
            Default: the number in the text (``"600/min"``: 600) or per second, and at least 1.
        burst: how much may go at once after idling, beside the call that always may. A window of
            T seconds then grants so much more. None unless asked for.
        clock: gives seconds. It should never go back; one that does is taken as standing still.

    Attributes:
        rate: permits per second. Not to be assigned.
        max_cost: see above. Not to be assigned.

    Raises:
        ConfigError: `rate` or `max_cost` is not positive and finite, or unreadable; or `burst` is
            negative or not finite.
    """

    name: ClassVar[str] = "gcra"
    blocking: ClassVar[bool] = False

    def __init__(
        self,
        rate: str | float,
        max_cost: float | None = None,
        *,
        burst: float = 0.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.rate: float
        self.max_cost: float
        self.rate, self.max_cost = parse_rate(rate, max_cost)
        self._clock = clock
        self._lock = threading.Lock()
        self._line = Timeline(clock(), parse_burst(burst) / self.rate)
        _alive.add(self)

    @property
    def tat(self) -> float:
        """The theoretical arrival time: when what is reserved ends, in seconds of the clock."""
        return self._line.tat + self._line.offset

    def reserve(self, cost: float = 1, *, max_wait: float | None = None) -> Held | None:
        """Reserve `cost` at the earliest time, or None where that is over `max_wait` seconds away.

        Raises:
            CostError: `cost` is not a positive finite number, or above `max_cost`.
            ConfigError: `max_wait` is not a number.
        """
        if type(cost) not in _PLAIN or not 0 < cost <= self.max_cost:
            cost = checked_cost(cost, self.max_cost)
        if max_wait is not None and (type(max_wait) not in _PLAIN or not max_wait >= 0):
            max_wait = checked_seconds(max_wait, "timeout")
        lock, line = self._lock, self._line
        lock.acquire()  # `with` takes 0.1 us longer, of 0.6
        try:
            now = self._clock() - line.offset
            if now < line.tat:
                return self._queue(cost, cost / self.rate, max_wait)
            # Nobody waits, which is the common case: the same as `_queue`, in a third of the time.
            # All gaps are before `tat`, so they have passed.
            line.now = now
            line.tat = end = now + cost / self.rate
        finally:
            lock.release()
        return Held(0.0, cost, now, end, self)

    def remaining(self, reservation: Reservation) -> float:
        """Seconds that `reservation` must still wait; 0.0 means granted, and from then on used."""
        held = self._own(reservation)
        with self._lock:
            if not held.open:
                return 0.0
            self._line.tick(self._clock())
            if self._line.now > held.end + LATE:
                held.start, held.end = self._line.take(self._line.earliest(held.end - held.start))
            left = self._line.wait_until(held.start)
            held.open = left > 0
            return left

    def release(self, reservation: Reservation) -> None:
        """Give back a reservation that will not be used, as far as its interval has not passed.

        What `consume` granted is used; it can't be given back. A second call does nothing.

        Raises:
            ConfigError: it is another limiter's reservation.
        """
        held = self._own(reservation)
        with self._lock:
            if held.open:
                held.open, held.settled = False, True
                self._line.tick(self._clock())
                self._line.give_back((held.start, held.end))

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
        with self._lock:
            if held.settled:
                return
            held.open, held.settled = False, True
            self._line.tick(self._clock())
            end = held.start + length
            if end > held.end:
                self._line.charge(end - held.end)
            else:
                self._line.give_back((end, held.end))

    def pause(self, seconds: float) -> None:
        """Grant nothing for so many seconds: what a server's ``Retry-After`` asks for.

        Those who wait already are held too, and keep their order and their distance. Pauses
        overlap: a second one only matters for what it is longer. What was granted before goes on.

        Raises:
            ConfigError: `seconds` is not a finite number.
        """
        length = checked_pause(seconds)
        with self._lock:
            self._line.tick(self._clock())
            self._line.pause(length)

    def _queue(self, cost: float, length: float, max_wait: float | None) -> Held | None:
        line = self._line
        line.tick(self._clock())
        span = line.earliest(length)
        wait = line.wait_until(span[0])
        if max_wait is not None and wait > max_wait:
            return None
        return Held(wait, cost, *line.take(span), self)


_PLAIN: Final = frozenset((int, float))

# A fork while another thread holds the lock would leave the child's copy locked for good.
_alive: WeakSet[TokenBucket] = WeakSet()


def _unlock_all() -> None:
    for bucket in _alive:
        bucket._lock = threading.Lock()


if hasattr(os, "register_at_fork"):  # pragma: no branch - Windows has no fork
    os.register_at_fork(after_in_child=_unlock_all)
