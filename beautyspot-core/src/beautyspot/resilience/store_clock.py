"""The time by the clock of a metadata store, without a question to the store each time.

Machines that share a store do not agree on the time, so what is stored goes by the store's clock.
That of a store of one machine is this machine's, and costs nothing. Of a store on a network,
`StoreClock` knows how far its clock is from this machine's: each answer that tells the time
corrects that, and where none has for long, or this machine's clock was set, the store is asked.

The store read its clock between the question and the answer, so its clock shows no less than the
answer says, at any moment after that: this least time is the estimate. It is never ahead of the
store, and never behind what this process has heard before. So what is done after a result was seen
is dated after that result, on whatever machine. What is to win over all that has begun by now is
dated by `latest`, the most that the store's clock may show.
"""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING, Any, Final

from beautyspot.concurrency import deferred, locks
from beautyspot.concurrency.forks import reset_in_children
from beautyspot.concurrency.waiting import in_asyncio
from beautyspot.contracts import MetadataStoreBase
from beautyspot.errors import MetadataError
from beautyspot.messages import error_shown
from beautyspot.resilience.circuit_breaker import Resting

if TYPE_CHECKING:
    from collections.abc import Callable

    from beautyspot.resilience.reporting import Reporter

OLD: Final = 60.0
"""Seconds after which the store is asked again, though no other answer has told the time."""

AGAIN: Final = 1.0
"""Seconds after which it is, where no answer came, or what is known is in doubt."""

APART: Final = 0.5
"""Seconds by which this machine's two clocks move apart when one is set, or the machine stops."""

_time: Any = time  # some systems lack some of its clocks


def _clock_that_goes_on() -> int | None:
    """The clock of `ticks`; None where the system has `time.monotonic` only, as in a browser."""
    kind: int | None = getattr(time, "CLOCK_BOOTTIME", getattr(time, "CLOCK_MONOTONIC", None))
    try:
        return None if kind is None else (_time.clock_gettime(kind), kind)[1]
    except OSError:
        return None


_KIND: Final = _clock_that_goes_on()


def ticks() -> float:
    """Seconds by a clock that is never set, and goes on while the machine sleeps."""
    return time.monotonic() if _KIND is None else float(_time.clock_gettime(_KIND))


def has_own_clock(store: MetadataStoreBase) -> bool:
    """Whether the clock that counts for a store may be another one than this machine's."""
    return type(store).now is not MetadataStoreBase.now


class StoreClock:
    """Call it for the time, in Unix time, by the clock that a store has of its own.

    Args:
        ask: asks the store for the time.
        reporter: is told where that fails: the last estimate goes on, or this machine's clock.
        waits: whether asking may wait, as for a network; if not, the store is asked each time.
        own: gives the ticks of this machine, and its wall clock.
    """

    def __init__(
        self,
        ask: Callable[[], float],
        reporter: Reporter,
        *,
        waits: bool = True,
        own: tuple[Callable[[], float], Callable[[], float]] = (ticks, time.time),
    ) -> None:
        self._ask = ask
        self._reporter = reporter
        self._waits = waits
        self._ticks, self._wall = own
        self._ahead: float | None = None  # of the store's clock to the ticks; None: not known yet
        self._at_most = math.inf  # the same
        self._apart = 0.0  # the wall clock to the ticks, as the store was heard last
        self._heard = self._tried = -math.inf
        self.reset_after_fork()
        reset_in_children(self)

    def reset_after_fork(self) -> None:
        """A thread of the parent may have been asking, or have held the lock."""
        self._is_asking = False
        self._lock = locks.reentrant()

    def __call__(self) -> float:
        """The time; it is asked for in this thread only where nothing else waits for that."""
        if self._waits:
            self._follow()
        elif (told := self.measure()) is not None:
            return told
        return self._wall() if self._ahead is None else self._ticks() + self._ahead

    def latest(self) -> float:
        """The most that the store's clock may show now."""
        now = self()
        return now if self._ahead is None else max(now, self._ticks() + self._at_most)

    def _follow(self) -> None:
        """Ask the store again, where that is due."""
        now = self._ticks()
        is_doubtful = self._ahead is None or abs(self._wall() - now - self._apart) > APART
        due = self._tried + AGAIN if is_doubtful else max(self._heard, self._tried) + OLD
        if now < due or self._is_asking:
            return
        self._is_asking, self._tried = True, now
        if is_doubtful and not (in_asyncio() or locks.inside()):
            self.measure()
        else:
            deferred.later(self.measure)

    def measure(self) -> float | None:
        """Ask the store; what it said, or None where that failed, which is reported once."""
        try:
            sent = self._ticks()
            now = self._ask()
            self.hear(now, sent)
        except Resting:
            return None  # its cause was reported when it happened
        except Exception as error:
            self._reporter.once(
                "the clock of the store",
                f"the metadata store did not tell the time ({error_shown(error)}): what is stored "
                "and what expires goes by the time that is known of it, else by this machine's "
                "clock, until the store answers: mend the store",
            )
            return None
        finally:
            self._is_asking = False
        return now

    def hear(self, now: float, sent: float) -> None:
        """Take the time from an answer of the store, to a question that was `sent` at these ticks.

        Raises:
            MetadataError: it is no time.
        """
        came = self._ticks()
        if not isinstance(now, int | float) or not math.isfinite(now):
            raise MetadataError(f"`now` of the store gave {now!r:.40}: return Unix time in seconds")
        least, most = now - came, now - sent
        with self._lock:
            if self._ahead is None:
                self._ahead = least
            self._ahead = min(max(self._ahead, least), most)
            self._at_most = max(min(self._at_most, most), least)
            self._apart, self._heard = self._wall() - came, came
