"""Attempts to replace what was read, where others replace it at the same time."""

from __future__ import annotations

import random
import time
from typing import TYPE_CHECKING, Final

from beautyspot.errors import MetadataBusyError

if TYPE_CHECKING:
    from collections.abc import Iterator

PAUSE: Final = 0.02
"""Seconds, about, between the first attempt and the second; then longer."""

LONGEST_PAUSE: Final = 0.5


def tries(seconds: float, what: str) -> Iterator[None]:
    """Attempts for so many seconds, with pauses between them; what succeeds leaves the loop.

    Raises:
        MetadataBusyError: the time is over.
    """
    ends, pause = time.monotonic() + seconds, PAUSE
    while True:
        yield
        if time.monotonic() >= ends:
            raise MetadataBusyError(
                f"{what} could not be written within {seconds:g} s: too many change it at once, or "
                "the server refuses each write that has a condition: try again, and see what "
                "`beautyspot doctor` says"
            )
        time.sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311 - so that two do not meet again
        pause = min(2 * pause, LONGEST_PAUSE)
