"""Compressed results: Zstandard (RFC 8878) around the bytes that the serializer made.

The column `serializer` says so, with the number of bytes before: ``zstd.5242880:msgpack``. A
release or a machine that can't read it sees that, and computes the result again; the digest and the
signature of a result cover that column. Errors that are results are stored as they are.

Python has the library from 3.14 on, earlier ones have it by the extra ``zstd``
(the package backports.zstd, the same code and the same interface).
"""

from __future__ import annotations

import re
import sys
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Final

from beautyspot.errors import ConfigError, RestoreError
from beautyspot.serialization.payload import COMPRESSED, ERROR, Payload

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from beautyspot.contracts import Data

SMALLEST: Final = 256
"""Bytes of a result; a shorter one is not compressed."""

STEEPEST: Final = 1000
"""How many times its stored size a result may be long, over `SAFE`.

Bytes that nobody signed may be anybody's, and a frame of a megabyte can make 30 GB.
"""

SAFE: Final = 64 * 2**20
"""Bytes that are made of a frame whatever its size."""

_PART: Final = 2**20
"""Bytes that are decompressed at a time."""

_HEAD: Final = r"zstd\.(\d{1,15}):(.*)"
_IN_PYTHON: Final = sys.version_info >= (3, 14)
_MODULE: Final = "compression.zstd" if _IN_PYTHON else "backports.zstd"
_NEEDS: Final = "_zstd" if _IN_PYTHON else _MODULE  # what a Python built without it lacks
ADVICE: Final = (
    "use a Python that was built with it (import _zstd)"
    if _IN_PYTHON
    else "python -m pip install 'backports.zstd>=1.0'"
)
"""What to do where the library is missing."""


def check_installed(where: str) -> None:
    """Refuse to compress where the library is missing, which is not imported for that.

    Raises:
        ConfigError: it is; says what to install.
    """
    if not is_installed():
        raise ConfigError(f'{where} compress="zstd" needs Zstandard: {ADVICE}')


def is_installed() -> bool:
    """Whether the library is there, which is not imported for that."""
    try:
        return find_spec(_NEEDS) is not None
    except ImportError:  # a package above it
        return False


def is_compressed(codec: str | None) -> bool:
    """Whether a column `serializer` is that of a compressed result."""
    return codec is not None and codec.startswith(COMPRESSED)


def plain_of(codec: str) -> tuple[str, int | None]:
    """What the column would be without compression; the bytes before it, or None without one."""
    match = re.fullmatch(_HEAD, codec, re.DOTALL)
    return (codec, None) if match is None else (match[2], int(match[1]))


def compressed(codec: str, data: Data) -> tuple[str, bytes] | None:
    """The column and the bytes of a compressed result; None where that gains nothing."""
    if len(data) < SMALLEST or codec.startswith((COMPRESSED, ERROR)):
        return None
    packed: bytes = _zstd().compress(data)
    head = f"{COMPRESSED}{len(data)}:"
    gains = len(packed) + len(head) < len(data) and not _is_too_steep(len(packed), len(data))
    return (head + codec, packed) if gains else None


def decompressed(payload: Payload) -> Payload:
    """A payload without its compression; the same one where it has none.

    Raises:
        RestoreError: damaged, longer than it says, or the library is missing.
    """
    codec, size = plain_of(payload.codec)
    if size is None:
        return payload
    return Payload(b"".join(decompressing([payload.data], size, len(payload.data))), codec)


def decompressing(parts: Iterable[Data], size: int, stored: int) -> Iterator[bytes]:
    """The parts of a compressed result, decompressed.

    Args:
        parts: of the stored bytes.
        size: how many bytes come out.
        stored: how many bytes are stored.

    Raises:
        RestoreError: as `decompressed`; at the end at the latest.
    """
    if _is_too_steep(stored, size):
        raise RestoreError(
            f"{stored} stored bytes claim to be {size} bytes, which no result of ours does"
        )
    zstd, left = _zstd(), size
    decompressor = zstd.ZstdDecompressor()
    try:
        for part in parts:
            fed, goes_on = part, True
            while goes_on:
                out = decompressor.decompress(fed, max_length=_PART)
                left -= len(out)
                if left < 0:
                    raise RestoreError("a compressed result is longer than its row says")
                yield out
                fed, goes_on = b"", not (decompressor.eof or decompressor.needs_input)
    except (zstd.ZstdError, EOFError) as error:
        raise RestoreError(f"a compressed result is damaged ({error})") from error
    if left or not decompressor.eof or decompressor.unused_data:
        raise RestoreError("a compressed result is not as long as its row says")


def _is_too_steep(stored: int, size: int) -> bool:
    return size > max(SAFE, STEEPEST * stored)


def _zstd() -> Any:
    """The library.

    Raises:
        RestoreError: it is missing.
    """
    try:
        return import_module(_MODULE)
    except ImportError as error:
        raise RestoreError(f"the result is compressed, and Zstandard is missing: {ADVICE}") from (
            error
        )
