"""What the suite of storages saves: keys, locations and blobs, and a process that writes them."""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from beautyspot.contracts import Data

KEY: Final = "9f2c41d8/3f/3f5a0c-x7k2.bin"

BLOBS: Final[dict[str, Data]] = {
    "no bytes": b"",
    "nul": b"\0",
    "ends of lines": b"\r\n\x1a",
    "every byte": bytes(range(256)) * 10,
    "bytearray": bytearray(b"bytearray"),
    "memoryview": memoryview(b"memoryview"),
    "empty": memoryview(b"")[:0],
    "strided": memoryview(b"every second byte")[::2],
    "doubles": memoryview(array("d", [1.5, 2.5])),
}
"""Blobs of every kind, by what is special in them."""

HOSTILE_KEYS: Final = (
    *("", "/", ".", "..", "/etc/passwd", "../x", "a/../../x", "a/..", "a/../b", "a/./b", "./a"),
    *("a//b", "a/", "a\\b", "..\\x", "C:\\x", "a\0b", "\0", "\ud800", "a/\udfff.bin"),
)
"""Keys that are not a relative path of valid parts."""

FOREIGN_LOCATIONS: Final = (
    *HOSTILE_KEYS,
    *(
        "file:///etc/passwd",
        "s3://elsewhere/x",
        "http://127.0.0.1:9/x",
        "\\\\host\\share",
    ),
    *("~/.ssh/id_rsa", "CON", "$HOME", "%2e%2e/%2e%2e/etc/passwd", "9f2c41d8"),
    *("x" * 300, "x" * 5000, "a/" * 3000 + "a"),
)
"""Texts that a hostile or damaged table may hold instead of a location."""

LONG_KEYS: Final = ("x" * 600, "é" * 300, "deep/" * 150 + "x", "x" * 2000)
"""Longer than some stores take: LMDB 511 bytes, a file's name 255, S3 1024."""

_SIZE: Final = 200_000

_WRITER = """
{source}
wait()
for number in range({writes}):
    storage.save({key!r}, bytes([number % 251]) * ({size} + number % 251))
"""


def blob(number: int) -> bytes:
    """A blob of equal bytes, whose value gives the blob's length."""
    return bytes([number % 251]) * (_SIZE + number % 251)


def check_whole(data: bytes) -> None:
    """Fail unless the data are a whole `blob`."""
    assert data, "a reader saw an empty blob"
    assert data == blob(data[0]), f"a reader saw {len(data)} bytes, mixed or cut"


def writing(source: str, writes: int) -> str:
    """The code of a `Child` that waits, and then replaces the blob under `KEY` again and again."""
    return _WRITER.format(source=source, writes=writes, key=KEY, size=_SIZE)
