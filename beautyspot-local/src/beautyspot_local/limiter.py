"""`TokenBucket`: rate limits within one process, by GCRA; see `beautyspot.contracts.Schedule`."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, ClassVar, Final

from beautyspot.contracts import Grant, LimiterBase, Lock, Rate, Schedules, reset_in_children

from beautyspot_local.rate import parse_rate

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

_PLAIN: Final = frozenset((int, float))
_new: Final = tuple.__new__


class TokenBucket(LimiterBase):
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
        burst: see above. Not to be assigned.

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
        self._set_up({"rate": parse_rate(rate, max_cost, burst)}, clock)

    def _set_up(self, limits: Mapping[str, Rate], clock: Callable[[], float]) -> None:
        self.limits = limits
        self.rate, self.max_cost, self.burst = next(iter(limits.values()))
        self._clock = clock
        self._schedules = Schedules(limits)
        self._plain = self._schedules.plain if [*limits] == ["rate"] else None
        self.reset_after_fork()
        reset_in_children(self)

    def reset_after_fork(self) -> None:
        """Another thread may have held the lock: the child's copy would stay locked for good."""
        self._lock = Lock()  # the clock alone is called within it

    @classmethod
    def together(cls, limits: Mapping[str, Any]) -> LimiterBase:
        """One limiter of all of these limits."""
        joint = cls.__new__(cls)
        clock = next(iter(limits.values()))._clock
        joint._set_up({name: one.limits["rate"] for name, one in limits.items()}, clock)
        return joint

    @property
    def tat(self) -> float:
        """The theoretical arrival time: when what was granted ends, in seconds of the clock."""
        with self._lock:
            return max(self._schedules.plain.ends[next(iter(self.limits))], self._clock())

    def take(
        self, asked: Sequence[Mapping[str, float]], key: str = ""
    ) -> tuple[list[Grant], float]:
        """See `LimiterBase.take`."""
        with self._lock:
            return self._schedules.take(asked, key, self._clock())

    def give_back(self, grant: Grant, real: Mapping[str, float]) -> None:
        """See `LimiterBase.give_back`."""
        with self._lock:
            self._schedules.give_back(grant, real, self._clock())

    def hold(self, seconds: float, key: str = "") -> None:
        """See `LimiterBase.hold`."""
        with self._lock:
            self._schedules.hold(seconds, key, self._clock())

    def consume(self, cost: Any = 1, *, timeout: float | None = None, key: str = "") -> Grant:
        """Wait until `cost` is granted; see `LimiterBase.consume`."""
        schedule = self._plain
        if schedule is not None and type(cost) in _PLAIN and timeout is None and not key:
            with self._lock:  # as below, where nothing is in the way: a third of the time
                now = self._clock()
                free = schedule.ends["rate"] <= now >= schedule.until
                if free and 0 < cost <= self.max_cost and not self._lines:
                    length = cost / self.rate
                    schedule.seen = schedule.start = now
                    schedule.ends["rate"] = now + length
                    schedule.taken = taken = schedule.taken + length
                    return _new(Grant, (0.0, {"rate": cost}, "", (schedule.made, taken)))
        return super().consume(cost, timeout=timeout, key=key)
