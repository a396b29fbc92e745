"""Sizes, durations, times, money and keys, as people write them and as programs read them."""

from __future__ import annotations

import time
from datetime import UTC, datetime
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


def money(amount: float | None) -> str:
    """An amount, without its unit, which nobody told: ``12.40``, ``0.0021``; nothing for none."""
    if not amount:
        return NOTHING
    return f"{amount:,.2f}" if abs(amount) >= 0.995 else f"{amount:.3g}"


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

    def money(self, amount: float | None) -> str:
        """An amount, so exactly that near ones can be told apart."""
        if not amount:
            return NOTHING
        exact = f"{amount:.6f}".rstrip("0").rstrip(".")
        return exact if abs(amount) >= 0.001 else f"{amount:.6g}"

    def code(self, code: str | None) -> str:
        """The digest of a function's source."""
        return safe((code or "").partition(":")[0]) or NOTHING


class _ForPeople(Format):
    def key(self, key: str) -> str:
        """What tells it from others; every command takes that for the key."""
        return safe(key[:12])

    def money(self, amount: float | None) -> str:
        """Three digits, or cents."""
        return money(amount)

    def code(self, code: str | None) -> str:
        """Nothing: `show` has it, and the arguments need the room."""
        del code
        return NOTHING

    def count(self, number: int) -> str:
        """With commas."""
        return f"{number:,}"

    def when(self, moment_: float | None) -> str:
        """How long ago."""
        return ago(moment_)


FOR_PEOPLE: Final = _ForPeople()
FOR_PROGRAMS: Final = Format()
