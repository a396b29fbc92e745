"""A PNG file of pixels, as a URL that holds it."""

from __future__ import annotations

import base64
import struct
import zlib
from typing import Final

_TYPES: Final = {3: 2, 4: 6}
"""Numbers of a pixel, and how PNG calls that: red, green, blue, and opacity."""


def png(pixels: bytes, width: int, height: int, depth: int) -> bytes:
    """The file.

    Args:
        pixels: line by line, a byte for each colour.
        width: pixels of a line.
        height: lines.
        depth: bytes of a pixel, 3 or 4.
    """
    size = width * depth
    lines = b"".join(b"\0" + pixels[at : at + size] for at in range(0, size * height, size))
    head = struct.pack(">IIBBBBB", width, height, 8, _TYPES[depth], 0, 0, 0)
    parts = ((b"IHDR", head), (b"IDAT", zlib.compress(lines, 6)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(name, data) for name, data in parts)


def data_url(file: bytes) -> str:
    """A URL that holds a PNG file."""
    return f"data:image/png;base64,{base64.b64encode(file).decode()}"


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
