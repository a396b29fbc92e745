"""`Limiting`: what all limited functions and permits of one Spot share, with its counts, and the
limiters of single keys, such as a host: made when the key comes, and dropped when it is idle.
"""

from __future__ import annotations

import sys
import threading
import time
from functools import cached_property
from typing import TYPE_CHECKING, Final, Literal, NamedTuple, Protocol, TypedDict, TypeVar

from beautyspot import logs
from beautyspot.concurrency.forks import reset_in_children
from beautyspot.contracts import LimiterBase
from beautyspot.errors import ConfigError, NotSupportedError
from beautyspot.limits.combined import CombinedLimiter
from beautyspot.resilience.circuit_breaker import Breaker

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Executor

    from beautyspot.limits.machine_places import MachinePlaces
    from beautyspot.limits.standby import Standby
    from beautyspot.resilience.reporting import Reporter

FEW: Final = 32
"""Keys up to which none is dropped."""


class _Entry:
    __slots__ = ("calls", "limiter")

    def __init__(self, limiter: LimiterBase) -> None:
        self.limiter = limiter
        self.calls: set[object] = set()


class LimitsByKey:
    """The limiters of single keys, each made by `LimiterBase.for_key`.

    The limiter of a key is dropped only while no call of the key is under way, which could still
    settle its cost, and once all that was reserved has passed: then a new limiter would answer as
    the old one. Idle ones are looked for whenever the number of keys has doubled, so there are at
    most twice as many as the rate keeps busy (or `FEW`).

    Args:
        limiter: makes the limiter of each key.

    Raises:
        ConfigError: that limiter can't make one for a key.
    """

    def __init__(self, limiter: LimiterBase) -> None:
        try:
            # Only one that can have keys can tell; one on a network is not asked for that.
            real: LimiterBase = getattr(limiter, "real", limiter)  # beneath what takes its place
            if not real.remote or type(real).busy_for is LimiterBase.busy_for:
                limiter.busy_for()
        except NotSupportedError as error:
            raise ConfigError(
                f"limiter(key=) does not fit: {error}; use a limiter that can, such as 'gcra'"
            ) from error
        except Exception:  # noqa: S110 - it fails at the moment: the calls will tell
            pass
        self._limiter = limiter
        self._entries: dict[str, _Entry] = {}
        self._most = FEW
        self.reset_after_fork()
        reset_in_children(self)

    def reset_after_fork(self) -> None:
        """A forked child may have copied the lock while another thread held it."""
        self._lock = threading.RLock()

    def __len__(self) -> int:
        """The keys whose limiters are kept."""
        return len(self._entries)

    def enter(self, key: str, call: object) -> LimiterBase:
        """The limiter of `key`, which is kept until the call leaves."""
        with self._lock:
            if len(self._entries) >= self._most:
                self._drop_idle()
            entry = self._entries.get(key)
            if entry is None:
                made = _Entry(self._limiter.for_key(key))
                made.limiter._tell_with(self._limiter)
                entry = self._entries.setdefault(key, made)  # a handler may have been faster
            entry.calls.add(call)
            return entry.limiter

    def leave(self, key: str, call: object) -> None:
        """End a call of `key`. A second call does nothing."""
        with self._lock:
            entry = self._entries.get(key)
            if entry is not None:
                entry.calls.discard(call)

    def _drop_idle(self) -> None:
        self._most = sys.maxsize  # a handler that comes meanwhile drops none
        for key, entry in list(self._entries.items()):
            idle = not entry.calls and _is_idle(entry.limiter)
            if idle and not entry.calls:  # a handler may have begun a call of it meanwhile
                del self._entries[key]
                entry.limiter.close()
        self._most = max(FEW, 2 * len(self._entries))


def _is_idle(limiter: LimiterBase) -> bool:
    try:
        return limiter._busy_here() <= 0
    except Exception:  # it can't tell at the moment, such as a shared file that is locked
        return False


T = TypeVar("T", bound="LimiterBase | None")

MINUTE: Final = 60

BLOCKS: Final = "spot.limit()"
"""What the permits of blocks are counted as, which are of no function."""


class Counted(Protocol):
    """What is counted of one function, and written to the store by the hour."""

    func_identifier: str
    grants: int
    waits: int
    refusals: int
    seconds_waited: float


class Asked(NamedTuple):
    """A permit that is asked for."""

    counted: Counted  # of its function
    began: float  # when it was asked for, by the monotonic clock
    awaits: Literal["rate", "max_concurrent"]


class Asker(Protocol):
    """The permit itself."""

    def _asked(self) -> Asked: ...


class Counting(Protocol):
    """The counts of the Spot."""

    def of(self, func_identifier: str) -> Counted:
        """Those of a function."""
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
        clock: gives seconds.
        look: is called at the first grant of each second.

    Attributes:
        grants: calls that were let in.
        refusals: calls that got a `RateLimitError` or a `CostError`.
        waits: those of the grants that had to wait.
        seconds: how long they waited, together.
    """

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        look: Callable[[], object] = lambda: None,
    ) -> None:
        self._clock = clock
        self._look = look
        self.reset_after_fork()

    def reset_after_fork(self) -> None:  # pragma: no cover - children are not measured
        """Count from the start, with a lock that no thread of the parent holds."""
        self._lock = threading.Lock()
        self.grants = 0
        self.refusals = 0
        self.waits = 0
        self.seconds = 0.0
        self._minute = [(-MINUTE, 0)] * MINUTE  # a second, and the grants in it

    def granted(self, waited: float, counted: Counted) -> None:
        """Count a call that was let in after `waited` seconds."""
        second = int(self._clock())
        place = second % MINUTE
        with self._lock:  # nothing is called here
            self.grants += 1
            counted.grants += 1
            if waited > 0:
                self.waits += 1
                self.seconds += waited
                counted.waits += 1
                counted.seconds_waited += waited
            of, count = self._minute[place]
            self._minute[place] = (second, count + 1 if of == second else 1)
        if of != second:
            self._look()

    def refused(self, counted: Counted) -> None:
        """Count a call that was not let in."""
        with self._lock:
            self.refusals += 1
            counted.refusals += 1

    def last_minute(self) -> int:
        """Grants of the last 60 seconds, to the second."""
        since = int(self._clock()) - MINUTE
        return sum(count for second, count in self._minute.copy() if second > since)


def _needs_standby(limiter: LimiterBase) -> bool:
    """Whether another one is to take a limiter's place while it fails.

    That is where it has a share, and where it may fail at all: if processes share it, or it blocks.
    One that waits in a way of its own, and has no share, is asked as it is.
    """
    cls = type(limiter)
    if cls.share is not LimiterBase.share:
        return True
    own = cls.consume is LimiterBase.consume and cls.consume_async is LimiterBase.consume_async
    return own and (limiter.shared or limiter.blocking)


def standing_by(limiter: LimiterBase, reporter: Reporter) -> LimiterBase:
    """A limiter, or several that are kept together, with what takes its place while it fails."""
    if type(limiter) is CombinedLimiter:  # those that are joined fail, and come back, together
        return limiter.of_each(lambda limit: standing_by(limit, reporter))
    if not _needs_standby(limiter):
        return limiter
    from beautyspot.limits.standby import Standby

    return Standby(limiter, reporter)


def _limits_in(bucket: LimiterBase | None) -> dict[str, LimiterBase]:
    """Each limit that a limiter keeps, by its name; one that is alone is "rate"."""
    if isinstance(bucket, CombinedLimiter):
        return bucket.limits
    return {} if bucket is None else {"rate": bucket}


def _beneath(limiter: T, breaker: Breaker) -> tuple[T | LimiterBase, Breaker]:
    """A limiter without what takes its place while it fails, and what says whether it does."""
    from beautyspot.limits.standby import Standby

    return (limiter.real, limiter.breaker) if isinstance(limiter, Standby) else (limiter, breaker)


class Limiting:
    """The Spot's limiter, and what watches and counts the calls that ask it.

    Args:
        bucket: the limiter, as it was made; None where the Spot has no rate.
        reporter: told of the limiter's failures.
        executor: gives the executor that runs what may block, for asynchronous code.
        counting: counts by function.
        machine_places: the places of all machines; None where the processes share no store.

    Attributes:
        given: the limiter, as it was made.
        bucket: the same with what takes its place while it fails.
        breaker: lets calls through while a limiter fails that has nothing in its place.
        stats: counts the calls that were granted or refused.
        asking: the permits that are asked for now, and were not granted yet.
    """

    def __init__(
        self,
        bucket: LimiterBase | None,
        reporter: Reporter,
        executor: Callable[[], Executor],
        counting: Counting,
        machine_places: MachinePlaces | None = None,
    ) -> None:
        self.given = bucket
        self.bucket = None if bucket is None else standing_by(bucket, reporter)
        self.reporter = reporter
        self.executor = executor
        self.breaker = Breaker("the limiter")
        self.counting = counting
        self.machine_places = machine_places
        self.stats = LimitStats(look=counting.look)
        self.asking: dict[Asker, None] = {}
        reset_in_children(self)
        if bucket is not None:
            logs.adapter()  # a limiter that fails has to log that, and may not import it then

    def reset_after_fork(self) -> None:
        """Count from the start, and ask the limiter again."""
        self.breaker.reset_after_fork()
        self.stats.reset_after_fork()
        self.asking = {}

    def asked(self) -> list[Asked]:
        """Those that wait to be granted."""
        return [permit._asked() for permit in list(self.asking)]

    @cached_property
    def blocks(self) -> Counted:
        """The counts of permits that are of no function."""
        return self.counting.of(BLOCKS)

    @property
    def limits(self) -> dict[str, tuple[LimiterBase, Breaker]]:
        """Each limit by its name, as it was made, and what says whether it fails."""
        bucket, breaker = _beneath(self.bucket, self.breaker)
        limits = _limits_in(bucket).items()
        return {name: _beneath(limit, breaker) for name, limit in limits}

    @property
    def _standbys(self) -> list[Standby]:
        """Those of its limits that have one."""
        from beautyspot.limits.standby import Standby

        return [one for one in _limits_in(self.bucket).values() if isinstance(one, Standby)]

    @property
    def breakers(self) -> list[Breaker]:
        """Those of its limits."""
        return [self.breaker, *(standby.breaker for standby in self._standbys)]

    @cached_property
    def by_key(self) -> LimitsByKey:
        """The limits of single keys, made when first asked for.

        Raises:
            ConfigError: the limiter can't keep a limit for each key.
        """
        assert self.bucket is not None  # noqa: S101 - the callers check it
        return LimitsByKey(self.bucket)

    def statistics(self) -> LimiterCounts:
        """The limiter's part of `Spot.stats`."""
        stats, bucket = self.stats, self.bucket
        return {
            "limiter_grants": stats.grants,
            "limiter_waits": stats.waits,
            "limiter_refusals": stats.refusals,
            "limiter_seconds_waited": stats.seconds,
            "limiter_grants_last_minute": stats.last_minute(),
            "limiter_per_process": int(bucket is not None and not bucket.shared),
            "limiter_away": int(any(breaker.is_open for breaker in self.breakers)),
        }
