"""`TokenBucket`: a rate limit within one process, by GCRA. The algorithm is in `timeline.py`."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, ClassVar, Final
from weakref import WeakSet

from beautyspot_local.exclusive import Exclusive
from beautyspot_local.rate import checked_cost, checked_seconds
from beautyspot_local.timeline import Timeline
from beautyspot_local.timeline_limiter import TimelineLimiter
from beautyspot_local.waiting import Held

if TYPE_CHECKING:
    from collections.abc import Callable


class _Locked(Exclusive):
    """The timeline of one process."""

    def __init__(self, line: Timeline, clock: Callable[[], float]) -> None:
        self._line = line
        self._clock = clock
        self._renew()
        self.lock = self._lock

    def _begin(self) -> Timeline:
        self._line.tick(self._clock())
        return self._line

    def _end(self, *, failed: bool) -> None:
        del failed


class TokenBucket(TimelineLimiter):
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
        super().__init__(rate, max_cost, burst, clock)
        self._line = Timeline(clock(), self._tolerance)
        self._unlock()
        _alive.add(self)

    def _unlock(self) -> None:
        self._locked = self._at = _Locked(self._line, self._clock)
        self._lock = self._at.lock

    def _fresh(self, key: str) -> TokenBucket:
        del key
        return TokenBucket(self.rate, self.max_cost, burst=self._burst, clock=self._clock)

    def _reserve(self, cost: float, max_wait: float | None) -> Held | None:
        if type(cost) not in _PLAIN or not 0 < cost <= self.max_cost:
            cost = checked_cost(cost, self.max_cost)
        if max_wait is not None and (type(max_wait) not in _PLAIN or not max_wait >= 0):
            max_wait = checked_seconds(max_wait, "timeout")
        line, at = self._line, self._at
        reading = self._clock()
        with self._lock:  # nothing is called here: no handler of a signal comes in between
            now = reading - line.offset
            end = now
            free = now >= line.tat and now >= line.now and not (at.busy or at.later)
            if free:
                # Nobody waits, which is the common case: the same as `_queue`, in a third of the
                # time. All gaps are before `tat`, so they have passed.
                line.now = now
                line.tat = end = now + cost / self.rate
        if not free:
            with self._locked as line:
                return self._queue(line, cost, cost / self.rate, max_wait)
        held = _new(Held)  # `Held(0.0, cost, now, end, self)`, without the cost of a frame
        held.delay = 0.0
        held.cost = cost
        held.start = now
        held.end = end
        held.owner = self
        held.open = True
        held.settled = False
        return held


_PLAIN: Final = frozenset((int, float))
_new: Final = object.__new__

# A fork while another thread holds the lock would leave the child's copy locked for good.
_alive: WeakSet[TokenBucket] = WeakSet()


def _unlock_all() -> None:
    for bucket in _alive:
        bucket._unlock()


if hasattr(os, "register_at_fork"):  # pragma: no branch - Windows has no fork
    os.register_at_fork(after_in_child=_unlock_all)
