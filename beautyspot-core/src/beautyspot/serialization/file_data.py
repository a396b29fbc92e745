"""`FileData`: a file in the place of the bytes of a result, until it is in the storage."""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING, Final

from beautyspot.contracts.storage import File
from beautyspot.errors import ConfigError, RestoreError, SerializationError

if TYPE_CHECKING:
    from pathlib import Path

FILE_CODEC: Final = "file:"
"""How the column `serializer` of a file begins; name and content type follow as a JSON array.

The digest of a result covers that column, so nobody can exchange these unnoticed.
"""


class FileData:
    """A `File` that is to be stored.

    Attributes:
        file: as the function returned it.
        codec: the column `serializer`.
    """

    __slots__ = ("_size", "codec", "file")

    def __init__(self, file: File) -> None:
        import json  # a start does without it

        self.file = file
        self.codec = FILE_CODEC + json.dumps([file.name, file.content_type])
        self._size = _size_of(file.path)

    def __len__(self) -> int:
        return self._size


def _size_of(path: Path) -> int:
    """The size of a plain file.

    Raises:
        SerializationError: it is none, or can't be read.
    """
    try:
        found = path.stat()
    except (OSError, ValueError) as error:
        raise unreadable(path, error) from error
    if stat.S_ISDIR(found.st_mode):
        raise SerializationError(
            f"the File can't be stored: it is a folder: {path}. Pack it into one file, by "
            "shutil.make_archive say, and return that"
        )
    if not stat.S_ISREG(found.st_mode):
        raise SerializationError(
            f"the File can't be stored: it is no plain file: {path}. Return one"
        )
    return found.st_size


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
        raise _unsound(codec) from error


def suffix_of(codec: str) -> str:
    """The file extension that fits, without its dot; raises as `named_file`."""
    suffix = described(codec)[0].rpartition(".")[2]
    return suffix.lower() if suffix.isascii() and suffix.isalnum() and len(suffix) < 16 else "bin"


def described(codec: str) -> tuple[str, str]:
    """The name and the MIME type of a row's file; raises as `named_file`."""
    import json

    try:
        name, content_type = json.loads(codec.removeprefix(FILE_CODEC))
    except (ValueError, TypeError, RecursionError) as error:
        raise _unsound(codec) from error
    if isinstance(name, str) and isinstance(content_type, str):
        return name, content_type
    raise _unsound(codec)


def _unsound(codec: str) -> RestoreError:
    return RestoreError(f"a stored file of no sound name or type ({codec!r:.80})")
