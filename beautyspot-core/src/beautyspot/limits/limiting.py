"""`Limiting`: what all limited functions and permits of one Spot share, with its counts."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final, Literal, NamedTuple, Protocol, TypedDict

from beautyspot import logs
from beautyspot.concurrency.forks import reset_in_children
from beautyspot.concurrency.locks import Lock
from beautyspot.limits.standby import Standby

if TYPE_CHECKING:
    from collections.abc import Callable

    from beautyspot.contracts import LimiterBase
    from beautyspot.limits.machine_places import MachinePlaces
    from beautyspot.resilience.circuit_breaker import Breaker
    from beautyspot.resilience.reporting import Reporter

MINUTE: Final = 60

BLOCK: Final = "spot.limit()"
"""What is said to wait, where that is a block."""

COUNTS: Final = "spot.limiter"
"""Under which name all permits of a Spot are counted in its store."""


class Counted(Protocol):
    """What is counted of the limiter, and written to the store by the hour."""

    grants: int
    waits: int
    refusals: int
    seconds_waited: float


class Asked(NamedTuple):
    """A permit that is asked for."""

    name: str  # of its function
    began: float  # when it was asked for, by the monotonic clock
    awaits: Literal["rate", "max_concurrent"]


class Asker(Protocol):
    """The permit itself."""

    def _asked(self) -> Asked: ...


class Counting(Protocol):
    """The counts of the Spot."""

    def of(self, func_identifier: str) -> Counted:
        """Those of a name."""
        ...

    def look(self) -> None:
        """Have them written, if it is time."""
        ...


class LimiterCounts(TypedDict):
    """The limiter's part of `Spot.stats`.

    Attributes:
        limiter_grants: calls that were let in.
        limiter_waits: those of them that had to wait.
        limiter_refusals: calls that got a `RateLimitError` or a `CostError`, and did not run.
        limiter_seconds_waited: how long the grants waited, together.
        limiter_grants_last_minute: those of the last 60 seconds.
        limiter_per_process: 1 if the limit holds for this process only, so that eight workers have
            eight times the rate ("gcra-shared" keeps one rate for all of a machine, "redis" for all
            machines), and 0 if it is shared or there is none. A cap (`max_concurrent`) is not shown
            here.
        limiter_away: 1 while the limiter fails, and this process keeps its share of the rate by
            itself.
    """

    limiter_grants: int
    limiter_waits: int
    limiter_refusals: int
    limiter_seconds_waited: float
    limiter_grants_last_minute: int
    limiter_per_process: int
    limiter_away: int


class LimitStats:
    """Counts in this process; the last minute in parts of a second each.

    Args:
        counting: has the counts, which it writes to the store.
        clock: gives seconds.

    Attributes:
        counted: calls that were let in, had to wait, or were refused.
    """

    def __init__(self, counting: Counting, clock: Callable[[], float] = time.monotonic) -> None:
        self._counting = counting
        self._clock = clock
        self.counted = counting.of(COUNTS)
        self.reset_after_fork()

    def reset_after_fork(self) -> None:  # pragma: no cover - children are not measured
        """Count from the start, with a lock that no thread of the parent holds."""
        self._lock = Lock()
        self._minute = [(-MINUTE, 0)] * MINUTE  # a second, and the grants in it

    def granted(self, waited: float) -> None:
        """Count a call that was let in after `waited` seconds."""
        second = int(self._clock())
        place = second % MINUTE
        with self._lock:  # nothing is called here
            self.counted.grants += 1
            if waited > 0:
                self.counted.waits += 1
                self.counted.seconds_waited += waited
            of, count = self._minute[place]
            self._minute[place] = (second, count + 1 if of == second else 1)
        if of != second:
            self._counting.look()

    def refused(self) -> None:
        """Count a call that was not let in."""
        with self._lock:
            self.counted.refusals += 1

    def last_minute(self) -> int:
        """Grants of the last 60 seconds, to the second."""
        since = int(self._clock()) - MINUTE
        return sum(count for second, count in self._minute.copy() if second > since)


class Limiting:
    """The Spot's limiter, and what watches and counts the calls that ask it.

    Args:
        bucket: the limiter; None where the Spot has no rate.
        reporter: told of the limiter's failures.
        counting: has the counts.
        machine_places: the places of all machines; None where the processes share no store.

    Attributes:
        bucket: the limiter, with what takes its place while it fails.
        stats: counts the calls that were granted or refused.
        asking: the permits that are asked for now, and were not granted yet.
    """

    def __init__(
        self,
        bucket: LimiterBase | None,
        reporter: Reporter,
        counting: Counting,
        machine_places: MachinePlaces | None = None,
    ) -> None:
        self.bucket = bucket
        if bucket is not None and (bucket.shared or bucket.blocking):  # which may fail
            self.bucket = Standby(bucket, reporter)
        self.reporter = reporter
        self.machine_places = machine_places
        self.stats = LimitStats(counting)
        self.asking: dict[Asker, None] = {}
        reset_in_children(self)
        if bucket is not None:
            logs.adapter()  # a limiter that fails has to log that, and may not import it then

    def reset_after_fork(self) -> None:
        """Count from the start."""
        self.stats.reset_after_fork()
        self.asking = {}

    def asked(self) -> list[Asked]:
        """Those that wait to be granted."""
        return [permit._asked() for permit in list(self.asking)]

    @property
    def breakers(self) -> list[Breaker]:
        """What says whether the limiter fails, if it may."""
        return [self.bucket.breaker] if isinstance(self.bucket, Standby) else []

    @property
    def is_away(self) -> bool:
        """Whether the limiter fails, and this process keeps its share of the rates."""
        return isinstance(self.bucket, Standby) and self.bucket.is_away

    def statistics(self) -> LimiterCounts:
        """The limiter's part of `Spot.stats`."""
        counted, bucket = self.stats.counted, self.bucket
        return {
            "limiter_grants": counted.grants,
            "limiter_waits": counted.waits,
            "limiter_refusals": counted.refusals,
            "limiter_seconds_waited": counted.seconds_waited,
            "limiter_grants_last_minute": self.stats.last_minute(),
            "limiter_per_process": int(bucket is not None and not bucket.shared),
            "limiter_away": int(self.is_away),
        }
