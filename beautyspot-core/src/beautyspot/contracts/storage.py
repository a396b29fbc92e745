"""The contract of a blob storage."""

from __future__ import annotations

import re
from abc import abstractmethod
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

from beautyspot.contracts.backend import Backend, hints
from beautyspot.errors import BlobLocationError, ConfigError, NotSupportedError

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator
    from io import BufferedReader

    from beautyspot.contracts.backend import Data


class Readable(Protocol):
    """What can be read once, from its beginning to its end, such as a file opened for bytes."""

    def read(self, size: int = -1, /) -> bytes:
        """At most `size` bytes, or all that are left; none where there are no more."""
        ...


class BlobInfo(NamedTuple):
    """One blob in a listing.

    Attributes:
        location: what `save` returned.
        size: the length in bytes of the data as it was given to `save`, also where the storage
            compresses it or writes a header of its own.
        modified_at: when it was last saved, as Unix time in seconds.
    """

    location: str
    size: int
    modified_at: float


class BlobStorageBase(Backend):
    """Stores blobs: bytes of any size under a location.

    Errors: `BlobNotFound` if nothing is stored there, `BlobLocationError` for a key or location
    that leads outside the storage's own place, `StorageError` for any other failure.
    """

    private: bool = False
    """True if nobody but this user, on this machine, can read or write what the storage holds."""

    @abstractmethod
    def save(self, key: str, data: Data, *, content_type: str | None = None) -> str:
        """Store `data` and return the location from which `load` reads it.

        A save is atomic: a reader finds the old blob, the new one or `BlobNotFound`, never a part
        of one. When it returns, the blob is as durable as the place allows. The key is a relative
        path with ``/`` between its parts and a file extension that fits `content_type`, for example
        ``"9f2c41d8/3f5a…-x7k2.png"``; saving a key again replaces its blob. Any other key
        (absolute, ``..``, NUL, a backslash) is a `BlobLocationError`.
        """

    @abstractmethod
    def load(self, location: str) -> bytes:
        """The bytes at `location`, which may come from a hostile table: check that it is yours."""

    def save_file(self, key: str, file: Readable, *, content_type: str | None = None) -> str:
        """Store what is left to read in `file`, and return the location.

        `key` and `content_type` are as for `save`.

        Implement it if the storage can send a file in parts, so that it is never in memory whole.
        Nothing but ``file.read(size)`` may be used, and each byte is read once. An error that this
        raises ends the save, and leaves nothing behind.
        """
        return self.save(key, file.read(), **hints(self.save, content_type=content_type))

    def load_part(self, location: str, start: int, size: int) -> bytes:
        """At most `size` bytes of the blob at `location`, from the byte `start` on.

        Fewer where it ends before.

        Implement it if the storage can read a part: by default the whole blob is loaded.
        """
        return self.load(location)[start : start + size]

    def local_path(self, location: str) -> Path | None:
        """The path of the blob at `location`; None if it is no file of this machine.

        The file has exactly the blob's bytes, and gets other ones only together with another time
        of its last change. Its user only reads it. It is refused as by `load`, and need not be
        there.

        Implement it if blobs are files. Of a storage that is `local` core reads them by itself.
        """
        del location
        return None

    def whereabouts(self, location: str) -> str:
        """Where a person finds the blob, such as a path or URL; by default the location."""
        return location

    def delete(self, location: str) -> None:
        """Remove the blob at `location`; a missing blob is not an error."""
        raise NotSupportedError(f"the storage {self.name!r} can't delete ({location})")

    def list(self, prefix: str = "") -> Iterator[BlobInfo]:
        """All blobs whose key starts with `prefix` (``""``, or whole parts: ``"9f2c41d8/"``)."""
        raise NotSupportedError(f"the storage {self.name!r} can't list its blobs ({prefix})")

    def sweep(self, older_than: float, prefix: str = "", *, dry_run: bool = False) -> int:
        """Remove what interrupted saves under `prefix` have left, no blobs; how much that was.

        `older_than` is in seconds, by this machine's clock: no lease tells whether their save is
        still under way. With `dry_run` it is only counted. The base class does nothing.
        """
        del older_than, prefix, dry_run
        return 0


NO_KEY: Final = r"""(?x)
      [\x00-\x1f\x7f\\?#\ud800-\udfff]   # in no sound key, or not in a URI
    | (?:^|/)\.{0,2}(?:/|\Z)             # empty, absolute, or a part that is "", "." or ".."
    """
"""What is in no key of a blob."""


def checked_key(key: object, place: object) -> str:
    """A key, if it is one as `BlobStorageBase.save` describes it; `place` is for the message.

    Raises:
        BlobLocationError: it may lead out of the storage's place.
    """
    if isinstance(key, str) and not re.search(NO_KEY, key):
        return key
    raise BlobLocationError(
        f"{key!r:.300} can't be a blob in {place}: use a relative path like 'ab/cd.bin'"
    )


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
        if content_type is None:
            import mimetypes  # reads the system's tables when first used

            guess, encoding = mimetypes.guess_type(self.name)
            content_type = _UNKNOWN if guess is None or encoding is not None else guess
        self.content_type = content_type
        if not isinstance(content_type, str) or not re.fullmatch(CONTENT_TYPE, content_type):
            raise ConfigError(
                f'File(content_type={content_type!r:.80}): give a MIME type such as "video/mp4"'
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
        try:
            is_one = self.path == other.path
            return is_one or self.__beautyspot_key__() == other.__beautyspot_key__()
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
