"""The name of a Spot: it becomes a file's name, so it can't lead out of the Spot's folder."""

from __future__ import annotations

from typing import Final

from beautyspot.errors import ConfigError

MAX_LENGTH: Final = 100

_MAX_BYTES: Final = 240  # file systems take 255, and ".db-wal" comes behind
_SIGNS: Final = frozenset(" -_.+@")
# Devices on Windows, also with an extension behind.
_RESERVED: Final = frozenset(
    {"CON", "PRN", "AUX", "NUL", *(f"{port}{n}" for port in ("COM", "LPT") for n in range(10))}
)
_ALLOWED: Final = (
    f"use 1 to {MAX_LENGTH} letters, digits, spaces and the signs - _ . + @, "
    "with no dot or space at either end, and no '..'"
)


def check_name(name: object) -> str:
    """`name`, if it can be the name of a Spot on every operating system.

    Raises:
        ConfigError: it can't; says which characters are allowed.
    """
    if not isinstance(name, str):
        raise ConfigError(f"a Spot's name is a text, not {type(name).__name__}: {_ALLOWED}")
    wrong = _what_is_wrong(name)
    if wrong:
        raise ConfigError(f"{name!r:.120} can't be the name of a Spot ({wrong}): {_ALLOWED}")
    return name


def _what_is_wrong(name: str) -> str:
    bad = sorted({char for char in name if not _is_allowed(char)})
    if not name:
        return "it is empty"
    if bad:
        return f"it has {' '.join(ascii(char) for char in bad[:5])}"
    if len(name) > MAX_LENGTH or len(name.encode()) > _MAX_BYTES:
        return "it is too long"
    if ".." in name or name[0] in " ." or name[-1] in " .":
        return "a dot or space where none may be"
    if name.partition(".")[0].strip().upper() in _RESERVED:
        return "Windows keeps that name for a device"
    return ""


def _is_allowed(char: str) -> bool:
    if char.isascii():
        return char.isalnum() or char in _SIGNS
    import unicodedata  # takes a quarter of a millisecond, and few names need it

    # L, M, N: letters, the marks that some scripts put on them, and digits of every script.
    return unicodedata.category(char)[0] in "LMN"
