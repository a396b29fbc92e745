"""When a result was made, as text for its row."""

from __future__ import annotations

import time
from functools import lru_cache


def timestamp(now: float) -> str:
    """Unix time as SQLite writes a TIMESTAMP, in UTC, with microseconds."""
    seconds = int(now)
    return f"{_second(seconds)}.{int((now - seconds) * 1_000_000):06d}"


@lru_cache(maxsize=2)  # many results are made within one second, and formatting takes 3 us
def _second(seconds: int) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(seconds))
