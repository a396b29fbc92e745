"""`Counting`: what was counted since a Spot was made, by function, and the writing of it.

The store adds up what all processes count, by function and hour. Nothing is written at a hit, and
no transaction is added to a miss: a thread writes once a minute while functions run, and once an
hour where all calls are hits (see `last_use`); `flush` and the Spot's end write too. Only before a
result with a price is stored, that is counted: whatever becomes of the process, no less was spent
than stands in the rows. What is written counts for the hour of the writing.

Beside the counts stand remarks: the unit of prices, and why nothing of a function is stored.

What could not be written is written the next time. A write that the store did not answer in time
may have been done all the same, and is not repeated: rather is something counted once too little.
"""

from __future__ import annotations

import threading
from math import isfinite
from time import monotonic
from typing import TYPE_CHECKING, Any, Final

from beautyspot.concurrency import deferred
from beautyspot.contracts.counts import PRICE_UNIT, UNSTORED, Counts
from beautyspot.logs import logger
from beautyspot.tasks.counted import NOTHING, Counted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from beautyspot.resilience.guarded_backends import GuardedStore
    from beautyspot.tasks.counted import Numbers

LIMIT: Final = 10_000
"""Identifiers that are counted by themselves; further ones are counted together."""

INTERVAL: Final = 60.0
"""Seconds between two writings, while functions run."""

HOUR: Final = 3600


class Counting:
    """The counts of one Spot.

    Args:
        store: keeps counts and remarks.
        clock: gives Unix time.
        reasons: why results are not stored, by function.
        unit: that of prices; "" where nobody said.

    Attributes:
        bypassed: calls that ran uncached: no stable key, the Spot switched off, Trio.
        due: when `write_later` is to be called, on the monotonic clock.
        changed: calls that were not stored, since what their key is made of changed meanwhile.
        writes: False where nothing may be written.
    """

    __slots__ = (
        *("_clock", "_functions", "_lock", "_others", "_reasons", "_remarked", "_store"),
        *("_unit", "_written", "bypassed", "changed", "due", "writes"),
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
        self._others = Counted("")
        self.reset_after_fork()

    def reset_after_fork(self) -> None:
        """Another process counts from the start; another thread may have held the lock."""
        self.bypassed = self.changed = 0
        self._lock = threading.RLock()
        self._written: dict[str, Numbers] = {}
        self.due = monotonic() + INTERVAL
        for counted in self:
            counted.reset_after_fork()

    def of(self, func_identifier: str) -> Counted:
        """The counts of all functions of an identifier."""
        if len(self._functions) >= LIMIT:
            return self._functions.get(func_identifier, self._others)
        return self._functions.setdefault(func_identifier, Counted(func_identifier))

    def __iter__(self) -> Iterator[Counted]:
        return iter([*list(self._functions.values()), self._others])

    # ------------------------------------------------------------------------------- writing

    def look(self) -> None:
        """Have a thread write, if it is time; called where a function has run."""
        if monotonic() > self.due:
            self.write_later()

    def write_later(self) -> None:
        """Have a thread write."""
        self.due = monotonic() + INTERVAL
        deferred.later(self.write)

    def write(self) -> None:
        """Write what was counted since the last time; a failure is only logged, for debugging.

        What another thread has begun to write is written when this returns.
        """
        if self.writes and self._store.real.counters:
            with self._lock:
                self._write()

    def _write(self) -> None:
        news = self._news()
        try:
            if news:
                hour = int(self._clock()) // HOUR
                counts = [_counts(name, hour, numbers) for name, numbers in news.items()]
                self._store.add_counts(counts)
        except Exception as error:
            logger.debug("the counts of %d functions were not written: %r", len(news), error)
            if not isinstance(error.__cause__, TimeoutError):  # which may have been written
                self._take_back(news)
        else:
            self._write_remarks(self._unit if news else "")

    def _news(self) -> dict[str, Numbers]:
        """What is to be written, by function; it counts as written from here on."""
        news: dict[str, Numbers] = {}
        for name, counted in self._functions.copy().items():
            before, now = self._written.get(name, NOTHING), counted.numbers()
            if now != before:
                self._written[name] = now
                news[name] = _less(now, before)
        return news

    def _take_back(self, news: dict[str, Numbers]) -> None:
        for name, numbers in news.items():
            self._written[name] = _less(self._written.get(name, NOTHING), numbers)

    def _write_remarks(self, unit: str) -> None:
        """Write what the store has not been told; a failure is only logged, for debugging."""
        remarks = self._remarks()
        if unit and self._remarked.get(PRICE_UNIT) != unit:
            remarks[PRICE_UNIT] = unit
        try:
            if remarks:
                self._store.remark(remarks)
                self._remarked.update(remarks)
        except Exception as error:
            logger.debug("remarks were not written: %r", error)

    def _remarks(self) -> dict[str, str]:
        """Why nothing of a function is stored, where that is new; "" once something is."""
        found: dict[str, str] = {}
        for name, why in self._reasons.copy().items():
            text = "" if self.of(name).has_stored else why
            if text != self._remarked.get(f"{UNSTORED}{name}", ""):
                found[f"{UNSTORED}{name}"] = text
        return found


def _less(numbers: Numbers, others: Numbers) -> Numbers:
    return tuple(one - other for one, other in zip(numbers, others, strict=True))


def _counts(name: str, hour: int, numbers: Numbers) -> Counts:
    given: list[Any] = [read(number) for read, number in zip(_READERS, numbers, strict=True)]
    return Counts(name, hour, *given)


def _finite(number: float) -> float:
    """The number; 0.0 for one that came of a row which someone else has written."""
    return number if isfinite(number) else 0.0


_READERS: Final = tuple(
    int if isinstance(Counts._field_defaults[name], int) else _finite for name in Counts._fields[2:]
)
