"""`ServerClock`: the server's clock, told by the header `Date` of its answers.

The header gives whole seconds. So an answer says only that the server's clock was somewhere in such
a second, at a moment between the question and the answer. Each answer narrows down how far that
clock is from this machine's ticks, to about the time of a round trip; this machine's own time of
day, right or wrong, is never asked. Where a clock is set, the next answer corrects it.
"""

from __future__ import annotations

import time
from email.utils import parsedate_to_datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable

ERROR: Final = 2.0
"""Seconds that what one process is told may be behind what another one is."""

_RESOLUTION: Final = 1.0

_time: Any = time  # some systems lack some of its clocks
_KIND: Final = getattr(time, "CLOCK_BOOTTIME", None)


def ticks() -> float:
    """Seconds by a clock that is never set, and goes on while the machine sleeps."""
    return time.monotonic() if _KIND is None else float(_time.clock_gettime(_KIND))


class ServerClock:
    """The clock of one server, as far as its answers have told it.

    Args:
        own: this machine's ticks, for tests.

    Attributes:
        heard: whether an answer has come, with a date or without.
    """

    def __init__(self, own: Callable[[], float] = ticks) -> None:
        self.heard = False
        self._own = own
        self._ahead: float | None = None

    def hear(self, date: str, sent: float, received: float) -> None:
        """Take the time from an answer.

        Args:
            date: its header `Date`; what is none is passed over.
            sent, received: when the question was sent and the answer had come, by `ticks`.
        """
        self.heard = True
        shown = _unix_time(date)
        if shown is not None and received >= sent:
            least, most = shown - received, shown + _RESOLUTION - sent
            known = least if self._ahead is None else self._ahead
            self._ahead = min(max(known, least), most)

    def now(self) -> float | None:
        """Unix time by the server's clock; None where no answer has told it."""
        return None if self._ahead is None else self._own() + self._ahead


_clocks: dict[str, ServerClock] = {}


def clock_of(server: str) -> ServerClock:
    """The clock of a server, by any name of it: one for all of this process that ask it."""
    return _clocks.setdefault(server, ServerClock())


@lru_cache(16)
def _unix_time(date: str) -> float | None:
    try:
        return parsedate_to_datetime(date).timestamp()
    except (ValueError, TypeError, OverflowError):
        return None
