"""What the limiters that follow a `Timeline` have in common, wherever that timeline is kept."""

from __future__ import annotations

import os
import threading
from abc import abstractmethod
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final
from weakref import WeakSet

from beautyspot.contracts import LimiterBase, Reservation, pause_seconds
from beautyspot.errors import ConfigError, NotSupportedError

from beautyspot_local.held import Held
from beautyspot_local.rate import (
    checked_cost,
    checked_seconds,
    parse_burst,
    parse_rate,
    real_length,
)
from beautyspot_local.waiters import Waiters

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from beautyspot.contracts import Pause

    from beautyspot_local.timeline import Span, Timeline

LATE: Final = 0.1
"""Seconds after the end of its interval up to which a waiter may still use it.

Threads and event loops wake up late by milliseconds, and must not lose their turn for it. One that
comes later than this (a suspended machine, a blocked event loop) is given a new interval: all that
slept with it would otherwise start at the same moment.
"""


class TimelineLimiter(LimiterBase):
    """A limiter that reserves intervals of a `Timeline`.

    Attributes:
        rate: permits per second. Not to be assigned.
        burst: how much may go at once after idling. Not to be assigned.
        max_cost: the largest single cost. Not to be assigned.
    """

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
        self.burst = parse_burst(burst)
        self._tolerance = self.burst / self.rate
        self._keyed: WeakSet[TimelineLimiter] = WeakSet()
        self._lock = threading.RLock()
        self._busy = False
        self._waiters = Waiters()
        _alive.add(self)

    def _reset_after_fork(self) -> None:
        """Another thread may have held the lock: the child's copy would stay locked for good.

        Who waits stayed in the parent.
        """
        self._lock = threading.RLock()
        self._busy = False
        self._waiters = Waiters()

    @abstractmethod
    def _timeline(self) -> AbstractContextManager[Timeline]:
        """The timeline at the present time, for one thread at a time; within `_alone`."""

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Keep other threads out, and code that interrupts this one.

        Raises:
            NotSupportedError: this code does interrupt: it can't wait for what it interrupts.
        """
        with self._lock:
            if self._busy:
                raise NotSupportedError(
                    f"the limiter {self.name!r} was asked in the midst of its own work, by the "
                    "handler of a signal or by __del__: let these call nothing that is limited"
                )
            self._busy = True
            try:
                yield
            finally:
                self._busy = False

    @property
    def tat(self) -> float:
        """The theoretical arrival time: when what is reserved ends, in seconds of the clock."""
        with self._timeline() as line:
            return line.tat + line.offset

    def reserve(self, cost: float = 1, *, max_wait: float | None = None) -> Held | None:
        """Reserve `cost` at the earliest time, or None where that is over `max_wait` seconds away.

        Raises:
            CostError: `cost` is not a positive finite number, or above `max_cost`.
            ConfigError: `max_wait` is not a number.
        """
        return self.reserve_after(cost, 0.0, max_wait=max_wait)

    def reserve_after(
        self, cost: float, seconds: float, *, max_wait: float | None = None
    ) -> Held | None:
        """`reserve`, at the earliest time that is `seconds` away or more.

        Raises:
            CostError: see `reserve`.
            ConfigError: `seconds` or `max_wait` is not a number.
        """
        length = checked_cost(cost, self.max_cost) / self.rate
        after = checked_seconds(seconds)
        most = None if max_wait is None else checked_seconds(max_wait)
        with self._timeline() as line:
            start = self._earliest(line, length, after)
            wait = max(after, line.wait_until(start, length))
            if most is not None and wait > most:
                return None
            return Held(wait, cost, *line.take(start, length), self)

    def _earliest(self, line: Timeline, length: float, after: float = 0.0) -> float:
        """Where a new interval of that length would start: behind all who wait."""
        if self._waiters.behind_gaps:
            self._waiters.move_up(line, everybody=True)
        return line.earliest(length, max(line.now + after, self._waiters.last))

    def wait_for(self, cost: float = 1) -> float:
        """Seconds that a reservation of `cost` would have to wait now. It reserves nothing.

        Raises:
            CostError: see `reserve`.
        """
        length = checked_cost(cost, self.max_cost) / self.rate
        with self._timeline() as line:
            return line.wait_until(self._earliest(line, length), length)

    def wake_early(self, reservation: Reservation, wake: Callable[[], object]) -> bool:
        """Move `reservation` up where others before it are given back, and `wake` its caller."""
        held = self._own(reservation)
        with self._timeline() as line:
            if held.open:
                self._waiters.join(held, wake)
                self._give(line)
        return True

    def remaining(self, reservation: Reservation) -> float:
        """Seconds that `reservation` must still wait; 0.0 means granted, and from then on used."""
        held = self._own(reservation)
        with self._timeline() as line:
            if not held.open:
                return 0.0
            if line.now > held.end + LATE:
                self._place_anew(line, held)
            self._give(line)
            left = line.wait_until(held.start, held.length)
            held.told = held.start
            held.open = left > 0
            if not held.open:
                self._waiters.leave(held)
            return left

    def _place_anew(self, line: Timeline, held: Held) -> None:
        """Reserve for one that came too late for its interval, behind those who wait."""
        waits, length = self._waiters.leave(held), held.length
        held.start, held.end = line.take(self._earliest(line, length), length)
        if waits:
            self._waiters.join(held, held.wake)

    def _give(self, line: Timeline, *spans: Span) -> None:
        """Free intervals, or the ends of some, and give what is free to those who wait."""
        for span in spans:
            line.give_back(span)
        self._waiters.behind_gaps |= bool(line.gaps)
        self._waiters.move_up(line)

    def _mark_used(self, reservation: Reservation) -> None:
        held = self._own(reservation)
        held.open = False
        if held.delay > 0:
            with self._alone():
                self._waiters.leave(held)  # it is there if the clock stands still

    def release(self, reservation: Reservation) -> None:
        """Give back a reservation that will not be used, as far as its interval has not passed.

        What `consume` granted is used; it can't be given back. A second call does nothing.

        Raises:
            ConfigError: it is another limiter's reservation.
        """
        held = self._own(reservation)
        with self._timeline() as line:
            if held.open:
                held.open, held.settled = False, True
                self._waiters.leave(held)
                self._give(line, (held.start, held.end))

    def settle(self, reservation: Reservation, real_cost: float) -> None:
        """Correct a reservation to its real cost, which may be 0 and may be above `max_cost`.

        If too much was reserved, the rest goes to those who wait, in the order in which they asked,
        or else to the next callers. If too little was
        reserved, it is added behind all calls that wait already. Only the first `settle` counts;
        one after `release` does nothing.

        Raises:
            CostError: `real_cost` is not a finite number from 0 up.
            ConfigError: it is another limiter's reservation.
        """
        held = self._own(reservation)
        length = real_length(real_cost, self.rate)
        with self._timeline() as line:
            if held.settled:
                return
            held.open, held.settled = False, True
            end = held.start + length
            if end > held.end:
                debt = Held(0.0, 0.0, *line.charge(end - held.end), self)
                self._waiters.charge(debt, line.now)
            else:
                self._give(line, (end, held.end))

    def pause(self, seconds: Pause) -> None:
        """Grant nothing for so many seconds: what a server's ``Retry-After`` asks for.

        `seconds` may be the header's own text, too; see `LimiterBase.pause`.

        Callers that wait already are held too, and keep their order and their distance. Pauses
        overlap: a second one only matters for what it is longer. What was granted before goes on.
        The limiters of single keys pause as well.

        Raises:
            ConfigError: `seconds` is no length of time, not finite, or longer than a year.
        """
        length = pause_seconds(seconds)
        if not length:
            return
        with self._timeline() as line:
            line.pause(length)
            keyed = list(self._keyed)
        for limiter in keyed:
            limiter.pause(length)

    def busy_for(self) -> float:
        """Seconds until all that is reserved has passed: then it is as good as a new one."""
        with self._timeline() as line:
            return max(0.0, line.tat - line.now)

    def for_key(self, key: str) -> TimelineLimiter:
        """A limiter like this one, fresh, for what `key` names; see `LimiterBase.for_key`."""
        made = self._fresh(key)
        with self._timeline() as line:
            self._keyed.add(made)
            left = line.pause_left()
        if left > 0:
            made.pause(left)
        return made

    @abstractmethod
    def _fresh(self, key: str) -> TimelineLimiter:
        """A limiter of the same rate, for another key."""

    def _own(self, reservation: Reservation) -> Held:
        if not isinstance(reservation, Held) or reservation.owner is not self:
            raise ConfigError(
                f"{reservation!r:.80} is not of this limiter: hand it to the one that granted it"
            )
        return reservation


_alive: WeakSet[TimelineLimiter] = WeakSet()


def _reset_all() -> None:
    for limiter in _alive:
        limiter._reset_after_fork()


if hasattr(os, "register_at_fork"):  # pragma: no branch - Windows has no fork
    os.register_at_fork(after_in_child=_reset_all)
