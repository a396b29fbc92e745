"""Texts as the server can hold them: it takes no zero character and no lone surrogate.

Such a character is an escape character and four hex digits of its number, as are the two escape
characters. They stand in the order of characters where what they escape does, so that texts keep
their order, and where they begin alike they still do.

A key that is too long for an index is abbreviated there, and stands whole in a column of its own.
"""

from __future__ import annotations

import re
from typing import Final

LOW: Final = "\x01"
"""The escape character for a zero, and for itself."""

HIGH: Final = "\ue000"
"""That of lone surrogates, and for itself."""

LONGEST: Final = 1000
"""Bytes of a key that are not abbreviated: an index takes 2,700."""

_BEGINNING: Final = 200
"""Characters that stay of a longer one."""

_SPECIAL: Final = re.compile("[\0\x01\ud800-\udfff\ue000]")
_ESCAPED: Final = re.compile("[\x01\ue000]([0-9a-f]{4})")


def stored(text: str) -> str:
    """A text as it stands in a column."""
    if text.isascii() and text.isprintable():
        return text
    return _SPECIAL.sub(_escape, text)


def _escape(found: re.Match[str]) -> str:
    number = ord(found[0])
    return f"{LOW if number < 2 else HIGH}{number:04x}"


def restored(text: str) -> str:
    """A text that stands in a column, as it was."""
    if text.isascii() and text.isprintable():
        return text
    return _ESCAPED.sub(lambda found: chr(int(found[1], 16)), text)


def key(text: str) -> tuple[str, str | None]:
    """A key as it stands in an index, and whole where that is an abbreviation."""
    if len(text) <= LONGEST // 4 and text.isascii() and text.isprintable():
        return text, None
    whole = stored(text)
    data = whole.encode()
    if len(data) <= LONGEST:
        return whole, None
    from hashlib import sha256

    return f"{whole[:_BEGINNING]}{LOW}#{sha256(data).hexdigest()}", whole


def short(text: str) -> str:
    """A key as it stands in an index."""
    return key(text)[0]


def beginning(text: str) -> str:
    """How the keys in the index begin whose texts begin so; others may, too."""
    return stored(text)[:_BEGINNING]
