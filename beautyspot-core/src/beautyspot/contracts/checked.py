"""Options of a backend, checked: what is wrong is a `ConfigError` that says what to give."""

from __future__ import annotations

import math
from typing import Final

from beautyspot.contracts.units import DURATION, SIZE, byte_count, seconds
from beautyspot.errors import ConfigError
from beautyspot.messages import checked

LONGEST: Final = 1e9
"""Seconds of what a server adds to its clock: 31 years."""


def name(option: str, value: object) -> str:
    """A text that is not empty."""
    if not isinstance(value, str) or not value.strip():
        raise ConfigError(f"{option}={value!r:.80} is no name: give a text, such as a team's")
    return value


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
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        raise ConfigError(f"{option}={value!r:.80}: give a whole number, {least} or more")
    return value


def switch(option: str, value: object) -> bool:
    """True or False."""
    if not isinstance(value, bool):
        raise ConfigError(f"{option}={value!r:.80} is no switch: give True or False")
    return value
