"""When each result was last found: kept in memory, and written at most an hour later.

A hit writes nothing: it leaves a time in a dict, which takes one or two hundredths of the hit. The
first hit after an hour has a thread write them; `flush` and the Spot's end write too.
"""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING, Final

from beautyspot.concurrency import deferred
from beautyspot.logs import logger

if TYPE_CHECKING:
    from collections.abc import Callable

INTERVAL: Final = 3600.0
"""Seconds between two writings."""

LIMIT: Final = 100_000
"""Keys that wait to be written; beyond, they are written earlier. It bounds the memory."""


class LastUses:
    """The last uses of one Spot's results.

    Args:
        touch: writes such times, in Unix time by key.
        clock: gives Unix time.
        then: called whenever these times are written, or there are none.

    Attributes:
        seen: by key, when it was last found, on the monotonic clock. It is never replaced: the
            shortest way to a hit writes into it directly.
        due: when `write_later` is to be called, on the same clock.
        writes: False where nothing may be written.
    """

    __slots__ = ("_clock", "_then", "_touch", "due", "seen", "writes")

    def __init__(
        self,
        touch: Callable[[dict[str, float]], None],
        clock: Callable[[], float],
        then: Callable[[], object],
    ) -> None:
        self._touch = touch
        self._clock = clock
        self._then = then
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
        """Have a thread write."""
        self.due = monotonic() + INTERVAL
        deferred.later(self.write)

    def times(self) -> dict[str, float]:
        """By key, when it was last found, in Unix time."""
        offset = self._clock() - monotonic()
        return {key: when + offset for key, when in self.seen.copy().items()}

    def write(self) -> None:
        """Write what is remembered, and forget it; a failure is only logged, for debugging."""
        if self._write():  # else the store would have its caller wait once more
            self._then()

    def _write(self) -> bool:
        used = self.times()
        for key in used:
            self.seen.pop(key, None)
        if not used or not self.writes:
            return True
        try:
            self._touch(used)
        except Exception as error:
            logger.debug("the last use of %d results was not written: %r", len(used), error)
            return False
        return True

    def reset_after_fork(self) -> None:
        """Forget what the parent found: that is the parent's to write."""
        self.seen.clear()
