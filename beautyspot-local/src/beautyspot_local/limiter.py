"""`TokenBucket`: a rate limit within one process, by GCRA. The algorithm is in `timeline.py`."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, ClassVar, Final

from beautyspot_local.held import Held
from beautyspot_local.rate import checked_seconds
from beautyspot_local.timeline import Timeline
from beautyspot_local.timeline_limiter import TimelineLimiter

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from beautyspot.contracts import Reservation


class TokenBucket(TimelineLimiter):
    """Grants permits evenly spaced at a rate, with no burst after idling.

    In any window of T seconds it grants no more than rate x T plus the last cost in it, measured at
    the times that it grants; the first call goes at once. Waiting calls are served in the order of
    arrival, from any number of threads, tasks and event loops. When a call gives time back, those
    behind it move up.

    The limit holds for one process. A forked child continues with a copy of its own.

    Args:
        rate: ``"600/min"``, ``"10/s"``, ``"5/2s"`` (units: ms, s, sec, second(s), min, minute(s),
            h, hour(s), d, day(s), w, week(s)), or a number per second.
        max_cost: the largest single cost. The call after it waits `max_cost / rate` seconds.
            Default: the number in the text (``"600/min"``: 600) or per second, and at least 1.
        burst: how much may go at once after idling, beyond the call that always may. A window of
            T seconds then grants that much more. By default none.
        clock: returns seconds. A clock that goes back counts as standing still.

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
        super().__init__(rate, max_cost, burst, clock)
        self._line = Timeline(clock(), self._tolerance)
        self._largest = int(self.max_cost)

    @contextmanager
    def _timeline(self) -> Iterator[Timeline]:
        with self._alone():
            self._line.tick(self._clock())
            yield self._line

    def _fresh(self, key: str) -> TokenBucket:
        del key
        return TokenBucket(self.rate, self.max_cost, burst=self.burst, clock=self._clock)

    def reserve(self, cost: float = 1, *, max_wait: float | None = None) -> Held | None:
        """Reserve `cost` at the earliest time, or None where that is over `max_wait` seconds away.

        Raises:
            CostError: `cost` is not a positive finite number, or above `max_cost`.
            ConfigError: `max_wait` is not a number.
        """
        if max_wait is not None:
            checked_seconds(max_wait)
        return self._reserve_at_once(cost) or super().reserve(cost, max_wait=max_wait)

    def consume(self, cost: float = 1, *, timeout: float | None = None) -> Reservation:
        """Wait until `cost` is granted; see `LimiterBase.consume`."""
        if timeout is not None:
            checked_seconds(timeout)
        kind = cost.__class__  # an int compared with a float takes a tenth of all
        if (kind is int and 0 < cost <= self._largest) or (
            kind is float and 0.0 < cost <= self.max_cost
        ):
            # `_reserve_at_once`, and `Held(...)`: to call these two takes a quarter of all.
            line = self._line
            reading = self._clock()
            with self._lock:  # nothing is called until the line is right again
                start = reading - line.offset
                if start >= line.tat and start >= line.now and not self._busy:
                    line.now = start
                    line.tat = end = start + cost / self.rate
                    held = _new(Held)
                    held.delay, held.cost, held.owner = 0.0, cost, self
                    held.start, held.end = start, end
                    held.open = held.settled = False
                    return held
        return super().consume(cost, timeout=timeout)

    def _reserve_at_once(self, cost: float) -> Held | None:
        """What `reserve` does where no reservation is ahead, which is the common case.

        It takes a third of the time. All gaps lie before `tat`, so they have passed then.
        """
        if type(cost) not in _PLAIN or not 0 < cost <= self.max_cost:
            return None
        line = self._line
        reading = self._clock()
        with self._lock:  # nothing is called here: no handler of a signal comes in between
            start = reading - line.offset
            if start < line.tat or start < line.now or self._busy:
                return None
            line.now = start
            line.tat = end = start + cost / self.rate
        return Held(0.0, cost, start, end, self)


_new: Final = object.__new__
_PLAIN: Final = frozenset((int, float))
