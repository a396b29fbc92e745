"""Stored texts, sizes, durations, times and money, as people read them.

Nothing in a stored text reaches a terminal as a command.
"""

from __future__ import annotations

import math
import re
import time
import unicodedata
from datetime import UTC, datetime
from decimal import Decimal
from typing import Final

NOTHING: Final = "-"
"""What stands for an unknown value."""

_UNSAFE: Final = re.compile(
    "[\x00-\x1f\x7f-\x9f\xad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff\ufff9-\ufffb"
    "\U000e0000-\U000e007f]"
)
"""Controls, what turns the direction of a text, what is invisible, and lone surrogates."""

_DURATIONS: Final = ((86400, "d"), (3600, "h"), (60, "min"), (1, "s"))


def safe(text: str) -> str:
    r"""The text on one line; what a terminal would obey is written as in Python, as ``\x1b``."""
    return _UNSAFE.sub(_escaped, text)


def safe_lines(text: str) -> str:
    """The same of a text of several lines."""
    return "\n".join(map(safe, text.split("\n")))


def _escaped(found: re.Match[str]) -> str:
    return found[0].encode("unicode_escape", "surrogatepass").decode("ascii")


def count(number: int) -> str:
    """A number of things: ``1,234``; nothing for none."""
    return f"{number:,}" if number else NOTHING


def size(number: int | None) -> str:
    """Bytes, in powers of 1000: ``12.3 MB``."""
    if number is None:
        return NOTHING
    if number < 1000:
        return f"{number} B"
    amount, unit = number / 1000, "kB"
    for larger in ("MB", "GB", "TB"):
        if amount >= 999.95:
            amount, unit = amount / 1000, larger
    return f"{amount:.1f} {unit}"


def duration(seconds: float | None) -> str:
    """Seconds, in the one or two greatest units: ``250 ms``, ``3.4 s``, ``2 h 5 min``."""
    if seconds is None or not math.isfinite(seconds):
        return NOTHING
    if seconds < 0.0009995:
        return f"{seconds * 1_000_000:.3g} us" if seconds else "0 s"
    if seconds < 0.09995:
        return f"{seconds * 1000:.3g} ms"
    if seconds < 59.95:
        return f"{seconds:.3g} s"
    return " ".join(_parts(round(seconds))[:2])


def _parts(seconds: int) -> list[str]:
    parts = []
    for length, unit in _DURATIONS:
        times, seconds = divmod(seconds, length)
        if times:
            parts.append(f"{times} {unit}")
    return parts or ["0 s"]


def ago(when: float | None) -> str:
    """How long ago a moment was: ``3 d ago``, ``in 12 min``."""
    if when is None or _date(when) is None:
        return NOTHING
    seconds = time.time() - when
    text = _parts(int(abs(seconds)))[0]
    return f"in {text}" if seconds <= -1 else f"{text} ago"


def moment(when: float | None) -> str:
    """A moment in local time: ``2026-11-26 12:04:05``."""
    date = _date(when)
    return NOTHING if date is None else f"{date.astimezone():%Y-%m-%d %H:%M:%S}"


def iso(when: float | None) -> str | None:
    """A moment in UTC, for JSON: ``2026-11-26T11:04:05.123456Z``."""
    date = _date(when)
    return None if date is None else date.isoformat().replace("+00:00", "Z")


def _date(when: float | None) -> datetime | None:
    """A moment in UTC; None where no calendar has it, since a row may say anything."""
    if when is None:
        return None
    try:
        date = datetime.fromtimestamp(when, UTC)
        date.astimezone()
    except (ValueError, OverflowError, OSError):
        return None
    return date


def money(amount: float | None, unit: str = "") -> str:
    """An amount for people: ``12.40``, ``0.0021``, ``$0.0021``, ``12.40 USD``; nothing for none."""
    if not amount:
        return NOTHING
    if 0.995 <= abs(amount) < 9999.995:
        text = f"{amount:,.2f}"
    else:
        text = f"{Decimal(f'{amount:.{3 if abs(amount) < 1 else 6}g}'):,f}"
    is_sign = len(unit) == 1 and unicodedata.category(unit) == "Sc"
    return f"{safe(unit)}{text}" if is_sign else f"{text} {safe(unit)}".rstrip()
