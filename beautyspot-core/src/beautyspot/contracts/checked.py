"""Options of a backend, checked: what is wrong is a `ConfigError` that says what to give."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

from beautyspot.contracts.units import DURATION, SIZE, byte_count, seconds
from beautyspot.errors import ConfigError
from beautyspot.messages import checked

if TYPE_CHECKING:
    from collections.abc import Callable

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
