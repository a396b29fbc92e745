"""The contract of a blob storage."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, NamedTuple

from beautyspot.contracts.backend import Backend
from beautyspot.contracts.calling import hints
from beautyspot.errors import NotSupportedError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from beautyspot.contracts.backend import Data, Readable


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
