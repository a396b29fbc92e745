"""When each result was last found: kept in memory, and written at most an hour later.

A hit writes nothing: it leaves a time in a dict, which takes one or two hundredths of the hit. The
first hit after an hour hands the writing to the executor; `flush` and the Spot's end write too.
"""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING, Final

from beautyspot.concurrency import locks
from beautyspot.logs import logger

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Executor

    from beautyspot.results.cache import Cache

INTERVAL: Final = 3600.0
"""Seconds between two writings."""

LIMIT: Final = 100_000
"""Keys that wait to be written; beyond, they are written earlier. It bounds the memory."""


class Uses:
    """The last uses of one Spot's results.

    Attributes:
        seen: by key, when it was last found, on the monotonic clock. It is never replaced: the
            shortest way to a hit writes into it directly.
        due: when `write_later` is to be called, on the same clock.
        writes: False where nothing may be written.
    """

    __slots__ = ("_cache", "_executor", "due", "seen", "writes")

    def __init__(self, cache: Cache, executor: Callable[[], Executor]) -> None:
        self._cache = cache
        self._executor = executor
        self.seen: dict[str, float] = {}
        self.due = monotonic() + INTERVAL
        self.writes = True

    def note(self, key: str) -> None:
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
        """Have the executor write; where it does not take work any more, the Spot's end will."""
        self.due = monotonic() + INTERVAL
        try:
            locks.submit(self._executor(), self.write)
        except RuntimeError:
            self.seen.clear()  # nothing bounds it any more

    def times(self) -> dict[str, float]:
        """By key, when it was last found, in Unix time."""
        offset = self._cache.clock() - monotonic()
        return {key: when + offset for key, when in self.seen.copy().items()}

    def write(self) -> None:
        """Write what is remembered, and forget it; what fails is no trouble to anybody."""
        used = self.times()
        for key in used:
            self.seen.pop(key, None)
        if not used or not self.writes:
            return
        try:
            self._cache.metadata.touch(used)
        except Exception as error:
            logger.debug("the last use of %d results was not written: %r", len(used), error)

    def reset_after_fork(self) -> None:
        """What the parent found is the parent's to write."""
        self.seen.clear()
