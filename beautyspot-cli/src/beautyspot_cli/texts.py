"""Stored texts as they may be shown: nothing in them reaches a terminal as a command."""

from __future__ import annotations

import re
from typing import Final

_UNSAFE: Final = re.compile(
    "[\x00-\x1f\x7f-\x9f\xad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff\ufff9-\ufffb"
    "\U000e0000-\U000e007f]"
)
"""Controls, what turns the direction of a text, what is invisible, and lone surrogates."""

_UNSAFE_IN_LINES: Final = re.compile(_UNSAFE.pattern.replace("\x00-\x1f", "\x00-\x09\x0b-\x1f"))


def safe(text: str) -> str:
    r"""The text on one line; what a terminal would obey is written as in Python, as ``\x1b``."""
    return text if text.isascii() and text.isprintable() else _UNSAFE.sub(_escaped, text)


def safe_lines(text: str) -> str:
    """The same of a text of several lines."""
    return _UNSAFE_IN_LINES.sub(_escaped, text)


def shown_place(word: str) -> str:
    """What a STORE is called in a message: of a URL, which may hold a password, how it begins."""
    scheme, is_url, _ = word.partition("://")
    return f"{scheme}://..." if is_url else word


def _escaped(found: re.Match[str]) -> str:
    return found[0].encode("unicode_escape", "surrogatepass").decode("ascii")
