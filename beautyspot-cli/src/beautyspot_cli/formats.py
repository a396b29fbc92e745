"""Sizes, durations, times, money and keys, as people write them and as programs read them."""

from __future__ import annotations

import time
import unicodedata
from datetime import UTC, datetime
from decimal import Decimal
from typing import Final

from beautyspot_cli.texts import safe

NOTHING: Final = "-"
"""What stands for an unknown value."""

_SIZES: Final = ("kB", "MB", "GB", "TB")
_DURATIONS: Final = ((86400, "d"), (3600, "h"), (60, "min"), (1, "s"))


def size(count: int | None) -> str:
    """Bytes, in powers of 1000: ``12.3 MB``."""
    if count is None:
        return NOTHING
    if count < 1000:
        return f"{count} B"
    number = count / 1000
    for unit in _SIZES[:-1]:
        if number < 999.95:
            return f"{number:.1f} {unit}"
        number /= 1000
    return f"{number:.1f} {_SIZES[-1]}"


def duration(seconds: float | None) -> str:
    """Seconds, in the one or two greatest units: ``250 ms``, ``3.4 s``, ``2 h 5 min``."""
    if seconds is None:
        return NOTHING
    if seconds < 0.0009995:
        return f"{seconds * 1_000_000:.3g} us" if seconds else "0 s"
    if seconds < 0.09995:
        return f"{seconds * 1000:.3g} ms"
    if seconds < 59.95:
        return f"{seconds:.3g} s"
    return " ".join(_parts(round(seconds)))


def _parts(seconds: int) -> list[str]:
    parts: list[str] = []
    for length, unit in _DURATIONS:
        count, seconds = divmod(seconds, length)
        if parts:
            return parts + ([f"{count} {unit}"] if count else [])
        if count:
            parts.append(f"{count} {unit}")
    return parts


def age(when: float | None) -> str:
    """How long ago a moment was: ``3 d``, ``12 min``."""
    if when is None or _date(when) is None:
        return NOTHING
    seconds = time.time() - when
    return f"in {_short(-seconds)}" if seconds <= -1 else _short(max(0.0, seconds))


def ago(when: float | None) -> str:
    """The same in a sentence: ``3 d ago``, ``in 12 min``."""
    text = age(when)
    return text if text.startswith(("in ", NOTHING)) else f"{text} ago"


def _short(seconds: float) -> str:
    parts = _parts(int(seconds))
    return parts[0] if parts else "0 s"


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


class Format:
    """How cells of a table are written that a person and a program want differently."""

    def key(self, key: str) -> str:
        """A key."""
        return safe(key)

    def count(self, number: int) -> str:
        """A number of things."""
        return str(number)

    def when(self, moment_: float | None) -> str:
        """A moment."""
        return moment(moment_)

    def rare(self, number: int) -> str:
        """A number of what should not be."""
        return self.count(number)

    def money(self, amount: float | None) -> str:
        """An amount in six digits, without an exponent."""
        return f"{Decimal(f'{amount:.6g}'):f}" if amount else NOTHING

    def code(self, code: str | None) -> str:
        """The digest of a function's source."""
        return safe((code or "").partition(":")[0]) or NOTHING


class ForPeople(Format):
    """What a person reads.

    Args:
        unit: of amounts.
    """

    def __init__(self, unit: str = "") -> None:
        self._unit = unit

    def key(self, key: str) -> str:
        """What tells it from others; every command takes that for the key."""
        return safe(key[:12])

    def money(self, amount: float | None) -> str:
        """Three digits, or cents, with the unit."""
        return money(amount, self._unit)

    def code(self, code: str | None) -> str:
        """Nothing: `show` has it, and the arguments need the room."""
        del code
        return NOTHING

    def count(self, number: int) -> str:
        """With commas."""
        return f"{number:,}"

    def rare(self, number: int) -> str:
        """Nothing for none."""
        return self.count(number) if number else NOTHING

    def when(self, moment_: float | None) -> str:
        """How long ago."""
        return ago(moment_)


FOR_PROGRAMS: Final = Format()
