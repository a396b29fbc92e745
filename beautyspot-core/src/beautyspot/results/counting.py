"""`Counting`: what is written behind the calls: counts by function, and last uses by key.

The store adds up what all processes count, by function and hour. Nothing is written at a hit, and
no transaction is added to a miss: a thread writes once a minute while functions run, and once an
hour where all calls are hits; `flush` and the Spot's end write too. What is
written counts for the hour of the writing.

A hit writes nothing: it leaves a time in a dict, which takes one or two hundredths of the hit. The
first hit after an hour has a thread write these.

Beside the counts stand remarks: the unit of prices, and why nothing of a function is stored.

What could not be written is written the next time. A write that the store did not answer in time
may have been done all the same, and is not repeated: rather is something counted once too little.
"""

from __future__ import annotations

from math import isfinite
from time import monotonic
from typing import TYPE_CHECKING, Any, Final

from beautyspot.concurrency import deferred
from beautyspot.concurrency.locks import Lock
from beautyspot.contracts.selection import PRICE_UNIT, UNSTORED, Counts
from beautyspot.logs import logger
from beautyspot.tasks.counted import NOTHING, Counted

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

    from beautyspot.resilience.guarded_backends import GuardedStore
    from beautyspot.tasks.counted import Numbers

INTERVAL: Final = 60.0
"""Seconds between two writings of counts, while functions run."""

USES_INTERVAL: Final = 3600.0
"""Seconds between two writings of last uses."""

LIMIT: Final = 100_000
"""Keys that wait to be written; beyond, they are written earlier. It bounds the memory."""

HOUR: Final = 3600


class Counting:
    """The counts and last uses of one Spot.

    Args:
        store: keeps counts, remarks and last uses.
        clock: gives Unix time.
        reasons: why results are not stored, by function.
        unit: that of prices; "" where nobody said.

    Attributes:
        bypassed: calls that ran uncached: no stable key, the Spot switched off, Trio.
        seen: by key, when its result was last found, on the monotonic clock. It is never replaced:
            the shortest way to a hit writes into it directly.
        due: when `write_later` is to be called, on the same clock.
        counts_due: likewise `count_later`.
        changed: calls that were not stored, since what their key is made of changed meanwhile.
        writes: False where nothing may be written.
    """

    __slots__ = (
        *("_clock", "_functions", "_lock", "_reasons", "_remarked", "_store"),
        *("_unit", "_written", "bypassed", "changed", "counts_due", "due", "seen", "writes"),
    )

    def __init__(
        self,
        store: GuardedStore,
        clock: Callable[[], float],
        reasons: dict[str, str],
        unit: str,
    ) -> None:
        self._store = store
        self._clock = clock
        self._reasons = reasons
        self._unit = unit
        self._remarked: dict[str, str] = {}  # what this process has told the store
        self.writes = True
        self._functions: dict[str, Counted] = {}
        self.seen: dict[str, float] = {}
        self.due = monotonic() + USES_INTERVAL
        self.reset_after_fork()

    def reset_after_fork(self) -> None:
        """Another process counts from the start; another thread may have held the lock."""
        self.seen.clear()
        self.bypassed = self.changed = 0
        self._lock = Lock()
        self._written: dict[str, Numbers] = {}
        self.counts_due = monotonic() + INTERVAL
        for counted in self:
            counted.reset_after_fork()

    def of(self, func_identifier: str) -> Counted:
        """The counts of all functions of an identifier."""
        return self._functions.setdefault(func_identifier, Counted(func_identifier))

    def __iter__(self) -> Iterator[Counted]:
        return iter(list(self._functions.values()))

    # ------------------------------------------------------------------------------- writing

    def look(self) -> None:
        """Have a thread write counts, if it is time; called where a function has run."""
        if monotonic() > self.counts_due:
            self.count_later()

    def count_later(self) -> None:
        """Have a thread write counts."""
        self.counts_due = monotonic() + INTERVAL
        deferred.later(self.write_counts)

    def use(self, key: str) -> None:
        """Remember that the result of `key` was found just now."""
        now = monotonic()
        self.seen[key] = now
        if now > self.due:
            self.write_later()
        self.bound()

    def bound(self) -> None:
        """Write earlier where too much waits: called wherever a key comes up that was not seen."""
        if len(self.seen) > LIMIT:
            self.write_later()

    def write_later(self) -> None:
        """Have a thread write last uses and counts."""
        self.due = monotonic() + USES_INTERVAL
        deferred.later(self.write)

    def write(self) -> None:
        """Write last uses, and forget them, and counts."""
        offset = self._clock() - monotonic()
        used = {key: when + offset for key, when in self.seen.copy().items()}
        for key in used:
            self.seen.pop(key, None)
        if not self.writes or self._has_told(self._store.touch, used):
            self.write_counts()  # else the store would have its caller wait once more

    def write_counts(self) -> None:
        """Write what was counted since the last time.

        What another thread has begun to write is written when this returns.
        """
        if self.writes and self._store.real.counters:
            with self._lock:
                self._write()

    def _write(self) -> None:
        sums = {name: counted.numbers() for name, counted in self._functions.copy().items()}
        hour, counts = int(self._clock()) // HOUR, list[Counts]()
        for name, numbers in sums.items():
            before = self._written.get(name, NOTHING)
            if numbers != before:
                more = (one - other for one, other in zip(numbers, before, strict=True))
                # What came of a row that someone else has written may be infinite.
                counts.append(Counts(name, hour, *(n if isfinite(n) else 0.0 for n in more)))  # type: ignore[arg-type]
        if self._has_told(self._store.add_counts, counts):
            self._written = sums
            self._write_remarks(has_counts=bool(counts))

    def _write_remarks(self, *, has_counts: bool) -> None:
        """Write why nothing of a function is stored, "" once something is; and the unit."""
        remarks = {
            f"{UNSTORED}{name}": "" if self.of(name).has_stored else why
            for name, why in self._reasons.copy().items()
        }
        if has_counts:
            remarks[PRICE_UNIT] = self._unit
        told = self._remarked
        news = {name: text for name, text in remarks.items() if text != told.get(name, "")}
        if self._has_told(self._store.remark, news):
            told.update(news)

    def _has_told(self, write: Callable[[Any], object], news: Collection[Any]) -> bool:
        """Whether news were written, or may have been; a failure is only logged, for debugging."""
        try:
            if news:
                write(news)
        except Exception as error:
            logger.debug("%d uses, counts or remarks were not written: %r", len(news), error)
            return isinstance(error.__cause__, TimeoutError)
        return True
