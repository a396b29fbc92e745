"""The sleeps of a call that waits for its permit."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

LONG: Final = 5.0
"""Seconds of waiting from which on the log says so."""

NAP: Final = 60.0
"""Longest single sleep in seconds: so often a long wait is logged, and `remaining` is asked.

What takes longer may be a mistake, and the first such wait is a warning.
"""

_BEFORE: Final = "what was granted before, or a pause, takes so long"
_MEANWHILE: Final = "a pause, or a cost that was settled meanwhile, put it off"
_ADVICE: Final = (
    "if you did not mean that, look at what cost= and settle= give, or limit the wait by timeout="
)


class Naps:
    """Iterate over it for the seconds to sleep, again and again, until the permit is granted.

    A plain sleep of the delay is not enough: it may end early by the clock's resolution, a pause
    may move the whole plan meanwhile, and after a suspend all waiters would go at once.

    Args:
        name: the limiter's.
        delay: how long the wait is, as far as is known.
        remaining: asks the limiter how long it still is.
        timeout: how long it may be.
        refusal: what to raise where it became longer, of how long it is.
        told: the causes of long waits that were warned of, which are added to it.

    Attributes:
        woken: whether the last sleep ended before its time, since the permit comes sooner. Who
            sleeps sets it.
    """

    def __init__(
        self,
        name: str,
        delay: float,
        remaining: Callable[[], float],
        timeout: float | None,
        refusal: Callable[[float], Exception],
        told: set[str],
    ) -> None:
        self.woken = False
        self._name = name
        self._delay = delay
        self._remaining = remaining
        self._timeout = timeout
        self._refusal = refusal
        self._told = told

    def __iter__(self) -> Iterator[float]:
        """The seconds to sleep; the first of them without asking the limiter.

        Raises:
            RateLimitError: the wait became longer than the time-out.
        """
        left, slept, cause = self._delay, 0.0, _BEFORE
        while left > 0:
            if left >= LONG:
                from beautyspot.logs import logger  # not needed to import the library

                text = f"waiting {left:.0f} s for the limiter {self._name!r}"
                if left > NAP and cause not in self._told:
                    self._told.add(cause)
                    logger.warning("%s, since %s: %s", text, cause, _ADVICE)
                else:
                    logger.info("%s", text)
            nap, began = min(left, NAP), time.monotonic()
            yield nap
            slept += min(nap, time.monotonic() - began) if self.woken else nap
            before, left = left, self._remaining()
            if left == before and not self.woken:
                return  # its clock stands still, as a test's may
            cause = _MEANWHILE if left > before else cause
            # The first wait was promised to be short enough; a later one comes from a pause.
            if self._timeout is not None and left > max(0.0, self._timeout - slept):
                raise self._refusal(left)
