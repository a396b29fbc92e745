"""Width and height of a picture, read from its first bytes, where that is simple."""

from __future__ import annotations

import re
from struct import unpack_from
from typing import Final, NamedTuple

_PNG: Final = rb"\x89PNG\r\n\x1a\n....IHDR"
_JPEG: Final = b"\xff\xd8\xff"
_FRAMES: Final = frozenset({*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC})
"""Markers of a JPEG behind which its measures stand."""


class Measures(NamedTuple):
    """Of a picture, in pixels."""

    width: int
    height: int


def measured(head: bytes) -> Measures | None:
    """The measures of a picture that begins so; None where they are not found."""
    found = _read(head)
    return None if found is None or not all(found) else Measures(*found)


def _read(head: bytes) -> tuple[int, int] | None:
    if re.match(_PNG, head, re.DOTALL) and len(head) >= 24:
        return _pair(">II", head, 16)
    if re.match(rb"GIF8[79]a", head) and len(head) >= 10:
        return _pair("<HH", head, 6)
    if head.startswith(b"BM") and len(head) >= 26:
        width, height = _pair("<ii", head, 18)
        return abs(width), abs(height)  # a negative height: from top to bottom
    if re.match(rb"RIFF....WEBP", head, re.DOTALL) and len(head) >= 30:
        return _webp(head)
    return _jpeg(head) if head.startswith(_JPEG) else None


def _pair(form: str, head: bytes, place: int) -> tuple[int, int]:
    first, second = unpack_from(form, head, place)
    return first, second


def _webp(head: bytes) -> tuple[int, int] | None:
    kind = head[12:16]
    if kind == b"VP8X":
        return tuple(int.from_bytes(head[at : at + 3], "little") + 1 for at in (24, 27))  # type: ignore[return-value]
    if kind == b"VP8L":
        bits = int.from_bytes(head[21:25], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    width, height = _pair("<HH", head, 26)
    return (width & 0x3FFF, height & 0x3FFF) if kind == b"VP8 " else None


def _jpeg(head: bytes) -> tuple[int, int] | None:
    place = 2
    while place + 9 <= len(head) and head[place] == 0xFF:
        marker, length = unpack_from(">xBH", head, place)
        if marker in _FRAMES:
            height, width = _pair(">HH", head, place + 5)
            return width, height
        place += 2 + length
    return None
