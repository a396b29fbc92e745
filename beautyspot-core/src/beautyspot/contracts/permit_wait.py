"""How one caller waits for its permit: how long each sleep is, and when it gives up."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from beautyspot.logs import logger

if TYPE_CHECKING:
    from collections.abc import Iterator

    from beautyspot.contracts.limiter import LimiterBase, Reservation

LONG: Final = 5.0
"""Seconds of waiting from which on the log says so."""

NAP: Final = 60.0
"""Longest single sleep in seconds: so often a long wait is logged, and `remaining` is asked."""


class PermitWait:
    """Iterate over it for the seconds to sleep, again and again, until the permit is granted.

    A plain sleep of the delay is not enough: it may end early by the clock's resolution, a pause
    may move the whole plan meanwhile, and after a suspend all waiters would go at once.

    Attributes:
        woken: whether the last sleep ended before its time, since the permit comes sooner. Who
            sleeps sets it.
    """

    def __init__(
        self, limiter: LimiterBase, reservation: Reservation, timeout: float | None
    ) -> None:
        self.woken = False
        self._limiter = limiter
        self._reservation = reservation
        self._timeout = timeout

    def __iter__(self) -> Iterator[float]:
        """The seconds to sleep.

        Raises:
            RateLimitError: the wait became longer than the time-out.
        """
        limiter, left, slept = self._limiter, self._reservation.delay, 0.0
        while left > 0:
            if left >= LONG:
                logger.info("waiting %.0f s for the limiter %r", left, limiter.name)
            nap, began = min(left, NAP), time.monotonic()
            yield nap
            slept += min(nap, time.monotonic() - began) if self.woken else nap
            before, left = left, limiter.remaining(self._reservation)
            if left == before and not self.woken:
                return  # its clock stands still, as a test's may
            # The first wait was promised to be short enough; a later one comes from a pause.
            if self._timeout is not None and left > max(0.0, self._timeout - slept):
                raise limiter._refusal(self._reservation.cost, self._timeout, left)
