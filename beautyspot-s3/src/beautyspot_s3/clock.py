"""`ServerClock`: the server's clock, told by the header `Date` of its answers.

The header gives whole seconds. So an answer says only that the server's clock was somewhere in such
a second, at a moment between the question and the answer: how far it is from this machine's ticks
lies in an interval. Each answer narrows that, down to about the time of a round trip; this
machine's own time of day, right or wrong, is never asked. What is told is the least that the
interval allows: it is never ahead of the server.

An answer that fits the interval no more means that a clock was set. It counts once a second one
confirms it: some servers that stand before S3 answer with a date of their own now and then.
"""

from __future__ import annotations

import functools
import math
import time
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

RESOLUTION: Final = 1.0
"""Seconds that the header tells apart."""

DRIFT: Final = 2e-4
"""Seconds by which two clocks move apart in each second, at most, that nobody sets."""

APART: Final = 2.0
"""Seconds by which the clocks of the machines that serve one bucket may differ."""

OLD: Final = 60.0
"""Seconds after which the server is to be asked for the time, where nothing else was asked."""

_time: Any = time  # some systems lack some of its clocks
_KIND: Final = getattr(time, "CLOCK_BOOTTIME", getattr(time, "CLOCK_MONOTONIC", None))


def ticks() -> float:
    """Seconds by a clock that is never set, and goes on while the machine sleeps."""
    return time.monotonic() if _KIND is None else float(_time.clock_gettime(_KIND))


class _Known(NamedTuple):
    """How far the server's clock is ahead of the ticks, at least and at most, and when heard."""

    least: float
    most: float
    heard: float

    def now(self, at: float) -> _Known:
        """The same at a later time."""
        drift = max(0.0, at - self.heard) * DRIFT
        return _Known(self.least - drift, self.most + drift, at)

    def and_also(self, other: _Known) -> _Known | None:
        """What both allow; None where they contradict each other."""
        least, most = max(self.least, other.least), min(self.most, other.most)
        if least > most:
            if least - most > APART:
                return None
            least, most = most, least  # another machine of the server, or a bit more of a drift
        return _Known(least, most, max(self.heard, other.heard))


class ServerClock:
    """The clock of one server, as far as its answers have told it.

    There is no lock: where two threads hear at the same time, one answer may be forgotten.

    Args:
        own: this machine's ticks, for tests.
    """

    def __init__(self, own: Callable[[], float] = ticks) -> None:
        self._own = own
        self._known: _Known | None = None
        self._doubt: _Known | None = None  # an answer that contradicts what is known
        self._asked = -math.inf  # when an answer came last, with a date or without
        self._was_set = -math.inf  # when a clock was seen to be set last

    def hear(self, date: str, sent: float, received: float) -> None:
        """Take the time from an answer.

        Args:
            date: its header `Date`; what is none is passed over.
            sent, received: when the question was sent and the answer had come, by `ticks`.
        """
        self._asked = received
        shown = unix_time(date)
        if shown is None or received < sent:
            return
        heard = _Known(shown - received, shown + RESOLUTION - sent, received)
        known = self._known
        both = heard if known is None else known.now(received).and_also(heard)
        if both is None:
            self._was_set = received
            doubt = self._doubt
            both = None if doubt is None else doubt.now(received).and_also(heard)
            if both is None:
                self._doubt = heard
                return
        self._known, self._doubt = both, None

    def now(self) -> float | None:
        """Unix time by the server's clock, at least; None where no answer has told it."""
        known, at = self._known, self._own()
        return None if known is None else at + known.now(at).least

    def latest(self) -> float | None:
        """The same, at most."""
        known, at = self._known, self._own()
        return None if known is None else at + known.now(at).most

    def is_due(self) -> bool:
        """Whether no answer has come for long, from which the time may be known."""
        return self._own() - self._asked > OLD

    def is_steady(self, seconds: float) -> bool:
        """Whether no clock was seen to be set within the last `seconds`."""
        return self._own() - self._was_set > seconds


_clocks: dict[str, ServerClock] = {}


def clock_of(server: str) -> ServerClock:
    """The clock of a server, by any name of it: one for all of this process that ask it."""
    return _clocks.setdefault(server, ServerClock())


def least_age(date: str, modified: float) -> float | None:
    """For how many seconds an object has been there, at least, by the clock that dated it.

    Args:
        date: the header of that name, of the answer with the object.
        modified: its `Last-Modified`, as Unix time.

    Returns:
        None where the answer has no date.
    """
    shown = unix_time(date)
    return None if shown is None else shown - modified - RESOLUTION


@functools.lru_cache(16)
def unix_time(date: str) -> float | None:
    """What a header `Date` shows; None where it is none."""
    try:
        return parsedate_to_datetime(date).timestamp()
    except (ValueError, TypeError, OverflowError):
        return None
