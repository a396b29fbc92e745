"""Options as people write them, checked: what is wrong is a `ConfigError` that says what to give.

Durations, sizes and pauses are one language, for ``ttl="7 days"`` as for ``"600/min"`` and
``memory="64 MiB"``.
"""

from __future__ import annotations

import math
import re
import sys
import time
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from beautyspot.errors import ConfigError
from beautyspot.messages import checked

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import timedelta

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
_LONGEST_TEXT: Final = 100
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
    if len(text) > _LONGEST_TEXT:
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


def as_number(value: object) -> float | None:
    """`value` as a float where it is a real number; a bool and a text are none, so None.

    NumPy's numbers and fractions count. A number too large for a float is infinite.
    """
    if isinstance(value, bool):
        return None
    if not isinstance(value, int | float):
        from numbers import Real  # only for numbers of other kinds

        if not isinstance(value, Real):
            return None
    number: Any = value  # numbers.Real has comparisons that no type checker knows
    try:
        return float(number)
    except OverflowError:
        return math.inf if number > 0 else -math.inf


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


Pause: TypeAlias = "float | str | timedelta | None"
"""What `pause_seconds` reads."""

PAUSE: Final = (
    'seconds, a timedelta, a duration such as "10 minutes", the text of a Retry-After header, such '
    'as "120" or "Wed, 21 Oct 2026 07:28:00 GMT", or a date-time with its zone, such as '
    '"2026-10-21T07:28:00Z"'
)
"""The same, for messages."""

LONGEST_PAUSE: Final = 400 * 86400.0
"""The longest pause in seconds: what is longer is no length, but a Unix time."""

_ISO: Final = r"\d{4}-\d\d-\d\d[T ]\d\d:.*"
_HTTP: Final = r"[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} .*"
_BELOW_ZERO: Final = r"-[0-9]+(?:\.[0-9]+)?"


def pause_seconds(given: object, clock: Callable[[], float] | None = None) -> float:
    """The length of a pause in seconds; what is over already, or missing, is 0.0.

    A date counts by the wall clock. It has the form that servers send (RFC 9110's IMF-fixdate), or
    that of ISO 8601 with a zone.

    Args:
        given: a number of seconds, a `timedelta`, or a text: a number, a duration such as
            ``"10 minutes"``, or a date. None and ``""``, as of a response without the header, are
            no pause.
        clock: gives the seconds since 1970; by default the system's.

    Raises:
        ConfigError: it is nothing of that, not finite, or longer than a year.
    """
    try:
        number = _pause_in(given, clock or time.time)
    except (TypeError, ValueError, OverflowError):
        number = math.nan
    if not math.isfinite(number):
        raise ConfigError(f"{given!r:.80} is no pause: give {PAUSE}")
    if number > LONGEST_PAUSE:
        raise ConfigError(
            f"{given!r:.80} is a pause of over a year: give the seconds that are left. Those of a "
            "Unix time, as of X-RateLimit-Reset, are int(text) - time.time()"
        )
    return max(0.0, number)


def _pause_in(given: object, clock: Callable[[], float]) -> float:
    if given is None:
        return 0.0
    if isinstance(given, str):
        text = given.strip()
        if not text or re.fullmatch(_BELOW_ZERO, text):
            return 0.0
        try:
            return seconds(text)
        except ValueError:
            return _date_in(text) - clock()
    total = getattr(given, "total_seconds", None)  # a timedelta, without importing `datetime`
    if total is not None:
        return float(total())
    from numbers import Real  # not needed to import the library

    return float(given) if isinstance(given, Real) and not isinstance(given, bool) else math.nan


def _date_in(text: str) -> float:
    from datetime import datetime  # both are needed for dates only
    from email.utils import parsedate_to_datetime

    if re.fullmatch(_ISO, text.upper()):
        date = datetime.fromisoformat(text.upper())
    elif re.fullmatch(_HTTP, text):
        date = parsedate_to_datetime(text)
    else:
        return math.nan
    return date.timestamp() if date.tzinfo is not None else math.nan  # local, or UTC?


# --------------------------------------------------------------------------------- options

LONGEST: Final = 1e9
"""Seconds of what a server adds to its clock: 31 years."""


def fitting(fits: Callable[[Any], bool]) -> Callable[[object], Any]:
    """A check that gives a value back, where it fits; else it raises a ValueError."""

    def checked(value: object) -> Any:
        if fits(value):
            return value
        raise ValueError("it does not fit")

    return checked


# As checks of one value: what does not fit is a ValueError.
flag: Final = fitting(lambda value: isinstance(value, bool))
text: Final = fitting(lambda value: isinstance(value, str) and value.strip() != "")
whole: Final = fitting(lambda n: isinstance(n, int) and not isinstance(n, bool) and n >= 0)


def name(option: str, value: object) -> str:
    """A text that is not empty."""
    return str(checked(option, value, text, "a text, such as a team's name"))


def duration(option: str, value: object, *, least: float = 0.0, most: float = math.inf) -> float:
    """Seconds."""
    found = checked(option, value, seconds, DURATION)
    if found < least:
        raise ConfigError(f"{option}={value!r:.80} is too short: give {least} s or more")
    if found > most:
        raise ConfigError(f"{option}={value!r:.80} is too long: give {most:.0f} s or less")
    return found


def lease_time(value: object) -> float:
    """Seconds for which a lease or a place holds; it is renewed three times in them."""
    return duration("lease_time", value, least=0.1, most=LONGEST)


def size(option: str, value: object, *, most: int | None = None) -> int:
    """A number of bytes."""
    found = checked(option, value, byte_count, SIZE)
    if most is not None and found > most:
        raise ConfigError(f"{option}={value!r:.80} is too much: give {most:,} or less")
    return found


def count(option: str, value: object, *, least: int = 1) -> int:
    """A whole number."""
    fits = fitting(lambda n: whole(n) >= least)
    return int(checked(option, value, fits, f"a whole number, {least} or more"))


def switch(option: str, value: object) -> bool:
    """True or False."""
    return bool(checked(option, value, flag, "True or False"))
