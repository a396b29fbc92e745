"""`Counting`: what was counted since a Spot was made, by function, and the writing of it.

The store adds up what all processes count, by function and hour. Nothing is written at a hit, and
no transaction is added to a miss: a thread writes once a minute while functions run, and once an
hour where all calls are hits (see `last_use`); `flush` and the Spot's end write too. What is
written counts for the hour of the writing.

What could not be written is written the next time. A write that the store did not answer in time
may have been done all the same, and is not repeated: rather is something counted once too little.
"""

from __future__ import annotations

from math import isfinite
from time import monotonic
from typing import TYPE_CHECKING, Any, Final

from beautyspot.concurrency import deferred, locks
from beautyspot.contracts.counts import Counts
from beautyspot.logs import logger
from beautyspot.tasks.counted import NOTHING, Counted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from beautyspot.tasks.counted import Numbers

LIMIT: Final = 10_000
"""Identifiers that are counted by themselves; further ones are counted together."""

INTERVAL: Final = 60.0
"""Seconds between two writings, while functions run."""

HOUR: Final = 3600


class Counting:
    """The counts of one Spot.

    Args:
        add: writes counts; None where the store keeps none.
        clock: gives Unix time.

    Attributes:
        bypassed: calls that ran uncached: no stable key, the Spot switched off, Trio.
        changed: calls that were not stored, since what their key is made of changed meanwhile.
        writes: False where nothing may be written.
    """

    __slots__ = (
        *("_add", "_clock", "_due", "_functions", "_lock", "_others", "_written"),
        *("bypassed", "changed", "writes"),
    )

    def __init__(
        self, add: Callable[[list[Counts]], None] | None, clock: Callable[[], float]
    ) -> None:
        self._add = add
        self._clock = clock
        self.writes = True
        self._functions: dict[str, Counted] = {}
        self._others = Counted("")
        self.reset_after_fork()

    def reset_after_fork(self) -> None:
        """Another process counts from the start; another thread may have held the lock."""
        self.bypassed = self.changed = 0
        self._lock = locks.reentrant()
        self._written: dict[str, Numbers] = {}
        self._due = monotonic() + INTERVAL
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

    @property
    def has_news(self) -> bool:
        """Whether there is something to write."""
        if not self.writes or self._add is None:
            return False
        return any(
            counted.numbers() != self._written.get(name, NOTHING)
            for name, counted in self._functions.copy().items()
        )

    def look(self) -> None:
        """Have a thread write, if it is time; called where a function has run."""
        now = monotonic()
        if now > self._due:
            self._due = now + INTERVAL
            deferred.later(self.write)

    def write(self) -> None:
        """Write what was counted since the last time; a failure is only logged, for debugging."""
        if not self.writes or self._add is None or locks.inside():
            return
        news = self._news()
        if not news:
            return
        hour = int(self._clock()) // HOUR
        try:
            self._add([_counts(name, hour, numbers) for name, numbers in news.items()])
        except Exception as error:
            logger.debug("the counts of %d functions were not written: %r", len(news), error)
            if not isinstance(error.__cause__, TimeoutError):  # which may have been written
                self._take_back(news)

    def _news(self) -> dict[str, Numbers]:
        """What is to be written, by function; it counts as written from here on."""
        news: dict[str, Numbers] = {}
        with self._lock:
            for name, counted in self._functions.copy().items():
                before, now = self._written.get(name, NOTHING), counted.numbers()
                if now != before:
                    self._written[name] = now
                    news[name] = _less(now, before)
        return news

    def _take_back(self, news: dict[str, Numbers]) -> None:
        with self._lock:
            for name, numbers in news.items():
                self._written[name] = _less(self._written.get(name, NOTHING), numbers)


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
