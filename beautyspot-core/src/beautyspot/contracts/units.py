"""The units of durations and rates in texts: one table for ``ttl="7 days"`` and ``"600/min"``."""

from __future__ import annotations

from typing import Final

SECONDS_PER_UNIT: Final[dict[str, float]] = {
    "ms": 1e-3,
    **dict.fromkeys(("s", "sec", "second", "seconds"), 1.0),
    **dict.fromkeys(("min", "minute", "minutes"), 60.0),
    **dict.fromkeys(("h", "hour", "hours"), 3600.0),
    **dict.fromkeys(("d", "day", "days"), 86400.0),
    **dict.fromkeys(("w", "week", "weeks"), 604800.0),
}
"""The seconds of each unit, by its spellings in lower case."""

UNITS: Final = "ms, s, sec, second(s), min, minute(s), h, hour(s), d, day(s), w, week(s)"
"""The same, for messages."""
