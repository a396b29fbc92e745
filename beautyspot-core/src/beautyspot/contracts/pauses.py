"""How long a pause is: a number, a duration, or the text of a ``Retry-After`` header."""

from __future__ import annotations

import math
import re
import time
from typing import TYPE_CHECKING, Final, TypeAlias

from beautyspot.contracts.units import seconds
from beautyspot.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import timedelta

Pause: TypeAlias = "float | str | timedelta | None"
"""What `pause_seconds` reads."""

FORMS: Final = (
    'seconds, a timedelta, a duration such as "10 minutes", the text of a Retry-After header, such '
    'as "120" or "Wed, 21 Oct 2026 07:28:00 GMT", or a date-time with its zone, such as '
    '"2026-10-21T07:28:00Z"'
)
"""The same, for messages."""

LONGEST: Final = 400 * 86400.0
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
        number = _read(given, clock or time.time)
    except (TypeError, ValueError, OverflowError):
        number = math.nan
    if not math.isfinite(number):
        raise ConfigError(f"{given!r:.80} is no pause: give {FORMS}")
    if number > LONGEST:
        raise ConfigError(
            f"{given!r:.80} is a pause of over a year: give the seconds that are left. Those of a "
            "Unix time, as of X-RateLimit-Reset, are int(text) - time.time()"
        )
    return max(0.0, number)


def _read(given: object, clock: Callable[[], float]) -> float:
    if isinstance(given, str):
        return _read_text(given.strip(), clock)
    if given is None:
        return 0.0
    total = getattr(given, "total_seconds", None)  # a timedelta, without importing `datetime`
    if total is not None:
        return float(total())
    from numbers import Real  # not needed to import the library

    return float(given) if isinstance(given, Real) and not isinstance(given, bool) else math.nan


def _read_text(text: str, clock: Callable[[], float]) -> float:
    if not text or re.fullmatch(_BELOW_ZERO, text):
        return 0.0
    try:
        return seconds(text)
    except ValueError:
        return _read_date(text) - clock()


def _read_date(text: str) -> float:
    from datetime import datetime  # both are needed for dates only
    from email.utils import parsedate_to_datetime

    if re.fullmatch(_ISO, text.upper()):
        date = datetime.fromisoformat(text.upper())
    elif re.fullmatch(_HTTP, text):
        date = parsedate_to_datetime(text)
    else:
        return math.nan
    return date.timestamp() if date.tzinfo is not None else math.nan  # local, or UTC?
