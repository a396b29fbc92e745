"""The part of a text that a page shows: of stored bytes, or of a text within a value."""

from __future__ import annotations

import codecs
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from beautyspot_dashboard.values.spans import wanted

if TYPE_CHECKING:
    from beautyspot_dashboard.values.views import Look

PAGE: Final = 100_000
"""Bytes, or characters, of a page."""

_ENCODINGS: Final = (
    "utf-8", "utf-16", "utf-16-le", "utf-16-be", "ascii", "iso8859-1", "iso8859-15", "cp1252",
    "shift_jis", "euc_jp", "gb18030", "big5", "euc_kr", "koi8-r", "cp1251",
)  # fmt: skip
"""Those that decode characters; Python has others, which decompress."""


@dataclass(frozen=True)
class Part:
    """A part of a text.

    Attributes:
        text: it.
        start: where it begins, in units of the whole.
        total: how long the whole is.
        unit: "bytes" or "characters".
        is_sound: whether all bytes were characters.
    """

    text: str
    start: int
    total: int
    unit: str
    is_sound: bool = True

    @property
    def is_whole(self) -> bool:
        """Whether there is no other part."""
        return self.start == 0 and self.total <= PAGE


def part_of_bytes(look: Look) -> Part:
    """The part of the stored text that the query names.

    Raises:
        BeautyspotError: it can't be read.
    """
    start = wanted(look, "from") // PAGE * PAGE
    data = look.file.read(start, PAGE + 3)
    encoding = _encoding(look.file.content_type, data)
    data = _whole_characters(data, start) if encoding == "utf-8" else data[:PAGE]
    try:
        text, is_sound = data.decode(encoding), True
    except UnicodeDecodeError:
        text, is_sound = data.decode(encoding, "replace"), False
    return Part(text.removeprefix("\ufeff"), start, look.file.size, "bytes", is_sound)


def part_of_text(look: Look, text: str) -> Part:
    """The part of a text within a value that the query names."""
    start = wanted(look, "from") // PAGE * PAGE
    return Part(text[start : start + PAGE], start, len(text), "characters")


def _encoding(content_type: str, data: bytes) -> str:
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    _, _, told = content_type.lower().partition("charset=")
    try:
        name = codecs.lookup(told.partition(";")[0].strip().strip('"')).name
    except (LookupError, ValueError):
        return "utf-8"
    return name if name in _ENCODINGS else "utf-8"


def _whole_characters(data: bytes, start: int) -> bytes:
    """The characters of UTF-8 that begin in a part: all of each, and none of the others."""
    first, last = 0, min(len(data), PAGE)
    while start and first < min(3, len(data)) and _goes_on(data[first]):
        first += 1
    while last < len(data) and _goes_on(data[last]):
        last += 1
    return data[first:last]


def _goes_on(byte: int) -> bool:
    return 0x80 <= byte < 0xC0
