"""How a call waits for what it can only ask for: at growing distances."""

from __future__ import annotations

import random
from time import monotonic
from typing import TYPE_CHECKING, Final

from beautyspot.concurrency import waiting
from beautyspot.errors import RateLimitError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from beautyspot.limits.concurrency_cap import Cap, Place

FIRST: Final = 0.01
GROWS: Final = 1.5
LONGEST: Final = 1.0
"""Seconds between two questions for a place: the first, by what each is longer, the longest."""


class Until:
    """How long a call may wait for a place.

    Args:
        timeout: the seconds that are left of its time-out; None where there is none.
    """

    def __init__(self, timeout: float | None) -> None:
        self._timeout = timeout
        self._began = monotonic()

    def pauses(self, place: Place, tell: Callable[[Cap], object]) -> Iterator[float]:
        """The seconds to wait before each question; `tell` is told of a long wait, once.

        Raises:
            RateLimitError: the time-out is over.
        """
        pause, tells = FIRST, True
        while True:
            waited = monotonic() - self._began
            if self._timeout is not None and waited >= self._timeout:
                raise RateLimitError(
                    f"{place.cap.size} calls were under way in all processes for all of "
                    f"{self._timeout:.3g} s: wait longer (timeout= of spot.limiter) or raise "
                    "max_concurrent="
                )
            if tells and waited > waiting.PATIENCE:
                tells = False
                tell(place.cap)
            some = pause * random.uniform(0.75, 1.25)  # noqa: S311 - so that not all ask at once
            yield some if self._timeout is None else min(some, self._timeout - waited)
            pause = min(pause * GROWS, LONGEST)
