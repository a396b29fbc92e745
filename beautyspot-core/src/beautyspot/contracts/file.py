"""`File`: a file as the result of a marked function."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Final

from beautyspot.errors import ConfigError

if TYPE_CHECKING:
    import os
    from io import BufferedReader

CONTENT_TYPE: Final = r"(?a)[\w.+-]+/[\w.+-]+(\s*;\s*[\w.+-]+=[\w.+\"-]+)*"
"""What a MIME type looks like."""

_UNKNOWN: Final = "application/octet-stream"
_NO_NAME: Final = r"[/\\\x00-\x1f\x7f]|\A\.{0,2}\Z"
_LONGEST: Final = 255


class File:
    """A file that a function wrote, as its result: ``return bs.File("out/film.mp4")``.

    It is stored by its content, with its name and type, and read in parts, so that it is never in
    memory whole. A hit gives a `File` whose path is to be read and not written. Two are equal if
    name, type and content are.

    Args:
        path: of the file; relative to the working directory at this moment.
        content_type: its MIME type; by default what its name's extension says.
        name: its name for people, without a folder; by default that in `path`.

    Attributes:
        path: the absolute path.
        content_type: the MIME type, ``application/octet-stream`` where nothing tells it.
        name: the name.

    Raises:
        ConfigError: an argument can't be what it stands for.
    """

    __slots__ = ("content_type", "name", "path")
    __hash__ = None  # type: ignore[assignment]  # what is equal may differ later

    def __init__(
        self,
        path: str | os.PathLike[str],
        content_type: str | None = None,
        *,
        name: str | None = None,
    ) -> None:
        try:
            self.path = Path(path).absolute()
        except (TypeError, OSError) as error:
            raise ConfigError(f"File({path!r:.80}) names no file: give its path") from error
        self.name = checked_name(self.path.name if name is None else name)
        self.content_type = _guessed(self.name) if content_type is None else content_type
        if not _is_type(self.content_type):
            raise ConfigError(
                f"File(content_type={content_type!r:.80}) does not fit: give a MIME type such as "
                '"video/mp4"'
            )

    @property
    def size(self) -> int:
        """The size in bytes.

        Raises:
            OSError: the file is not there any more.
        """
        return self.path.stat().st_size

    def open(self) -> BufferedReader:
        """Open the file for reading bytes.

        Raises:
            OSError: it can't be read.
        """
        return self.path.open("rb")

    def read_bytes(self) -> bytes:
        """The whole content.

        Raises:
            OSError: it can't be read.
        """
        return self.path.read_bytes()

    def __fspath__(self) -> str:
        return str(self.path)

    def __repr__(self) -> str:
        return f"File({str(self.path)!r}, {self.content_type!r}, name={self.name!r})"

    def __eq__(self, other: object) -> bool:
        if type(other) is not File:
            return NotImplemented
        if (self.name, self.content_type) != (other.name, other.content_type):
            return False
        if self.path == other.path:
            return True
        import filecmp  # two are rarely compared

        try:
            return filecmp.cmp(self.path, other.path, shallow=False)
        except OSError:  # one is gone
            return False

    def __beautyspot_key__(self) -> tuple[str, str, str]:
        """In a key it counts by what makes two equal, and not by its path."""
        from hashlib import file_digest

        with self.open() as file:
            return self.name, self.content_type, file_digest(file, "sha256").hexdigest()


def checked_name(name: object) -> str:
    """The name, if no folder can be meant by it.

    Raises:
        ConfigError: it is no name of a file.
    """
    fits = isinstance(name, str) and len(name) <= _LONGEST and not re.search(_NO_NAME, name)
    if fits:
        return str(name)
    raise ConfigError(f"a File can't have the name {name!r:.80}: give one such as 'film.mp4'")


def _guessed(name: str) -> str:
    import mimetypes  # reads the system's tables when first used

    guess, encoding = mimetypes.guess_type(name)
    return _UNKNOWN if guess is None or encoding is not None else guess


def _is_type(text: object) -> bool:
    return isinstance(text, str) and re.fullmatch(CONTENT_TYPE, text) is not None
