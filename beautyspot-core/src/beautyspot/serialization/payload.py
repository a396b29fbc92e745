"""A result as bytes: the items of a stream as one piece, compressed by Zstandard (RFC 8878), or a
file in the place of the bytes until it is in the storage.

The column `serializer` says of a compressed one so, with the number of bytes before:
``zstd.5242880:msgpack``. A release or a machine that can't read it sees that, and computes the
result again; the digest and the signature of a result cover that column. Errors that are results
are stored as they are. Python has the library from 3.14 on, earlier ones have it by the extra
``zstd`` (the package backports.zstd, the same code and the same interface).
"""

from __future__ import annotations

import re
import stat
import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from msgpack import Packer, unpackb  # type: ignore[import-untyped] # it ships no types

from beautyspot.contracts.storage import File
from beautyspot.errors import ConfigError, RestoreError, SerializationError

if TYPE_CHECKING:
    from pathlib import Path

    from beautyspot.contracts import Data

RAW_BYTES: Final = "raw:bytes"
RAW_TEXT: Final = "raw:text"
"""The column `serializer` of a result that is stored as it is, for viewers (text: UTF-8)."""


MEDIA: Final = "media:"
"""How the column `serializer` begins where a result is in the format of its content type.

Who has written it follows, that type, and what it does not hold of the value, in base64: as a JSON
array of texts.
"""


ERROR: Final = "error:msgpack"
"""The column `serializer` of an error, whatever serializer the function has."""


COMPRESSED: Final = "zstd."
"""How that of a compressed result begins; see `compressed`."""


class TooLarge(SerializationError):  # noqa: N818 - a kind of the same error
    """A result is larger than a row may be, and there is no storage for it."""


class Payload(NamedTuple):
    """A result as bytes, with what restores it.

    Attributes:
        owned: True if nothing else uses the data, now or later: they can be written to, and the
            value may keep them as its memory.
    """

    data: Data
    codec: str
    owned: bool = False


class OtherFields(RestoreError):  # noqa: N818 - an earlier class's result, and no damage
    """What is stored is of a class that had other fields then."""


class StoredError:
    """What is stored is no value, but an error that the function raised.

    Attributes:
        error: made again; None once it was taken.
    """

    def __init__(self, error: Exception) -> None:
        self.error: Exception | None = error

    def taken(self) -> Exception:
        """The error, once: what raises it must not refer to it, or it would stay in memory."""
        error, self.error = self.error, None
        assert error is not None  # noqa: S101 - who looks it up gives no other one
        return error


def framed(items: list[Data]) -> bytes:
    """The items of a stream as one piece: an msgpack array of their bytes."""
    return bytes(Packer().pack([*map(bytes, items)]))


def unframed(data: Data) -> list[bytes]:
    """The items of what `framed` returned.

    Raises:
        RestoreError: it is damaged.
    """
    try:
        items = unpackb(data)
    except Exception:
        items = ()
    if type(items) is not list or {*map(type, items)} != {bytes}:  # the last one was returned
        raise RestoreError("a stored stream lacks its end: it is damaged")
    return items


SMALLEST: Final = 256
"""Bytes of a result; a shorter one is not compressed."""

STEEPEST: Final = 1000
"""How many times its stored size a result may be long, over `SAFE`.

Bytes that nobody signed may be anybody's, and a frame of a megabyte can make 30 GB.
"""

SAFE: Final = 64 * 2**20
"""Bytes that are made of a frame whatever its size."""

_HEAD: Final = r"zstd\.(\d{1,15}):(.*)"
_IN_PYTHON: Final = sys.version_info >= (3, 14)
_MODULE: Final = "compression.zstd" if _IN_PYTHON else "backports.zstd"
ADVICE: Final = (
    "use a Python that was built with it (import _zstd)"
    if _IN_PYTHON
    else "python -m pip install 'backports.zstd>=1.0'"
)
"""What to do where the library is missing."""


def zstandard() -> Any:
    """The library; None where it is missing."""
    try:
        return import_module(_MODULE)
    except ImportError:
        return None


def check_installed(where: str) -> None:
    """Refuse to compress where the library is missing.

    Raises:
        ConfigError: it is; says what to install.
    """
    if zstandard() is None:
        raise ConfigError(f'{where} compress="zstd" needs Zstandard: {ADVICE}')


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
    packed: bytes = zstandard().compress(data)
    head = f"{COMPRESSED}{len(data)}:"
    gains = len(packed) + len(head) < len(data) and not _is_too_steep(len(packed), len(data))
    return (head + codec, packed) if gains else None


def decompressed(payload: Payload) -> Payload:
    """A payload without its compression; the same one where it has none.

    Raises:
        RestoreError: damaged, longer or shorter than it says, or the library is missing.
    """
    codec, size = plain_of(payload.codec)
    if size is None:
        return payload
    stored = len(payload.data)
    if _is_too_steep(stored, size):
        raise RestoreError(
            f"{stored} stored bytes claim to be {size} bytes, which no result of ours does"
        )
    zstd = zstandard()
    if zstd is None:
        raise RestoreError(f"the result is compressed, and Zstandard is missing: {ADVICE}")
    decompressor = zstd.ZstdDecompressor()
    try:
        data = decompressor.decompress(payload.data, max_length=size + 1)
    except (zstd.ZstdError, EOFError) as error:
        raise RestoreError(f"a compressed result is damaged ({error})") from error
    if len(data) != size or not decompressor.eof or decompressor.unused_data:
        raise RestoreError("a compressed result is not as long as its row says")
    return Payload(data, codec)


def _is_too_steep(stored: int, size: int) -> bool:
    return size > max(SAFE, STEEPEST * stored)


FILE_CODEC: Final = "file:"
"""How the column `serializer` of a file begins; name and content type follow as a JSON array.

The digest of a result covers that column, so nobody can exchange these unnoticed.
"""


class FileData:
    """A `File` that is to be stored.

    Attributes:
        file: as the function returned it.
        codec: the column `serializer`.

    Raises:
        SerializationError: it is no plain file, or can't be read.
    """

    __slots__ = ("_size", "codec", "file")

    def __init__(self, file: File) -> None:
        import json  # a start does without it

        self.file = file
        self.codec = FILE_CODEC + json.dumps([file.name, file.content_type])
        try:
            found = file.path.stat()
        except (OSError, ValueError) as error:
            raise unreadable(file.path, error) from error
        if not stat.S_ISREG(found.st_mode):
            raise SerializationError(
                f"the File can't be stored: it is no plain file: {file.path}. Return one; of a "
                "folder an archive, by shutil.make_archive say"
            )
        self._size = found.st_size

    def __len__(self) -> int:
        return self._size


def unreadable(path: Path, error: Exception) -> SerializationError:
    """The error to raise where a file can't be read."""
    why = getattr(error, "strerror", None) or error
    return SerializationError(
        f"the File can't be stored: {why}: {path}. Return a File that is there, and may be read, "
        "when the function returns"
    )


def named_file(path: Path, codec: str) -> File:
    """The `File` at `path`, with the name and the type that a row says.

    Raises:
        RestoreError: the row says something else.
    """
    name, content_type = described(codec)
    try:
        return File(path, content_type, name=name)
    except ConfigError as error:
        raise RestoreError(f"a stored file of no sound name or type ({codec!r:.80})") from error


def suffix_of(codec: str) -> str:
    """The file extension that fits, without its dot; raises as `named_file`."""
    suffix = described(codec)[0].rpartition(".")[2]
    return suffix.lower() if suffix.isascii() and suffix.isalnum() and len(suffix) < 16 else "bin"


def described(codec: str) -> list[str]:
    """What the column says of a file: its name and content type; of `MEDIA` see there.

    Raises:
        RestoreError: it says something else.
    """
    import json

    kind, _, text = codec.partition(":")
    try:
        parts = json.loads(text)
    except (ValueError, RecursionError):
        parts = None
    if type(parts) is not list or [*map(type, parts)] != [str] * (2 if kind == "file" else 3):
        raise RestoreError(f"a stored file of no sound name or type ({codec!r:.80})")
    return parts
