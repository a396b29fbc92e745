"""Durations and sizes as people write them: one language, for ``ttl="7 days"`` as for ``"600/min"``
and ``memory="64 MiB"``.
"""

from __future__ import annotations

import math
import re
import sys
from typing import Final

SECONDS_PER_UNIT: Final[dict[str, float]] = {
    **dict.fromkeys(("ms", "millisecond", "milliseconds"), 1e-3),
    **dict.fromkeys(("s", "sec", "secs", "second", "seconds"), 1.0),
    **dict.fromkeys(("m", "min", "mins", "minute", "minutes"), 60.0),
    **dict.fromkeys(("h", "hr", "hrs", "hour", "hours"), 3600.0),
    **dict.fromkeys(("d", "day", "days"), 86400.0),
    **dict.fromkeys(("w", "week", "weeks"), 604800.0),
}
"""The seconds of each unit, by its spellings in lower case."""

UNITS: Final = "ms, s, sec, second(s), m, min, minute(s), h, hr, hour(s), d, day(s), w, week(s)"
"""The same, for messages."""

DURATION: Final = (
    'a number of seconds, not negative, a timedelta, or a text such as "90s", "10 minutes" or '
    f'"1h30m" (units: {UNITS})'
)
"""What `seconds` takes, for messages."""

_PART: Final = r"\s*(\d+(?:\.\d+)?)\s*([A-Za-z]+)"
_LONGEST: Final = 100
"""Characters: of a longer text, the pattern takes time by the cube of its length."""


def seconds(value: object) -> float:
    """A duration in seconds: a number, a `timedelta`, or a text such as ``"7d"`` or ``"1h 30min"``.

    The units are those of `SECONDS_PER_UNIT`.

    Raises:
        TypeError, ValueError: it is none of these, negative, or not finite.
    """
    if isinstance(value, str):
        number = _read(value)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        number = float(value) if value <= sys.float_info.max else math.inf
    elif (total := getattr(value, "total_seconds", None)) is not None:
        number = float(total())  # a timedelta, without importing `datetime`
    else:
        raise TypeError("no duration")
    if not 0 <= number < math.inf:
        raise ValueError("negative or not finite")
    return number


def _read(text: str) -> float:
    if len(text) > _LONGEST:
        raise ValueError("too long")
    parts = [(float(number), seconds_per(unit)) for number, unit in re.findall(_PART, text)]
    lengths = [number * length for number, length in parts if length is not None]
    if not parts or len(lengths) < len(parts) or re.sub(_PART, "", text).strip():
        return float(text)
    return sum(lengths)


def seconds_per(unit: str) -> float | None:
    """The seconds of a unit; None for one that there is not.

    A month has no fixed length, and ``"1M"`` may mean one: so it is refused.
    """
    return None if unit == "M" else SECONDS_PER_UNIT.get(unit.lower())


SIZE: Final = (
    'a number of bytes, not negative, or a text such as "500MB" or "1.5 GiB" '
    "(units: B, kB, MB, GB, TB, KiB, MiB, GiB, TiB)"
)
"""What `byte_count` takes, for messages."""

_BYTES: Final = {
    unit.lower(): base**power
    for base, units in ((1000, "B kB MB GB TB"), (1024, "B KiB MiB GiB TiB"))
    for power, unit in enumerate(units.split())
}
_SIZE_PARTS: Final = r"(\d+(?:\.\d+)?)\s*([a-z]+)"


def byte_count(value: object) -> int:
    """A size in bytes: a whole number, or a text such as ``"500MB"`` or ``"1.5 GiB"``.

    Units: B, kB, MB, GB, TB (powers of 1000), KiB, MiB, GiB, TiB (powers of 1024).

    Raises:
        TypeError, ValueError: it is none of these, or negative.
    """
    if isinstance(value, str):
        parts = re.fullmatch(_SIZE_PARTS, value.lower().strip())
        if parts is not None and parts[2] not in _BYTES:
            raise ValueError(f"no unit {parts[2]!r}")
        value = int(value) if parts is None else int(float(parts[1]) * _BYTES[parts[2]])
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError("no number of bytes")
    if value < 0:
        raise ValueError("negative")
    return value
