"""The contract of a blob storage."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, NamedTuple

from beautyspot.contracts.backend import Backend
from beautyspot.errors import NotSupportedError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from beautyspot.contracts.backend import Data


class BlobInfo(NamedTuple):
    """What a listing tells of one blob."""

    location: str
    size: int  # bytes
    modified_at: float  # Unix time, seconds


class BlobStorageBase(Backend):
    """Keeps blobs: bytes of any size under a location.

    Errors: `BlobNotFound` where nothing is stored, `BlobLocationError` for a key or location that
    leads outside the storage's own place, `StorageError` for whatever else goes wrong.
    """

    @abstractmethod
    def save(self, key: str, data: Data, *, content_type: str | None = None) -> str:
        """Store `data` and return the location from which `load` reads it.

        Atomic: a reader finds the old blob, the new one or `BlobNotFound`, never a part of one; and
        durable as far as the place allows when it returns. The key is a relative path with ``/``
        between its parts and a file extension that fits `content_type`, for example
        ``"9f2c41d8/3f/3f5a…-x7k2.png"``; saving a key again replaces its blob. What is no such path
        (absolute, ``..``, NUL, a backslash) is a `BlobLocationError`.
        """

    @abstractmethod
    def load(self, location: str) -> bytes:
        """The bytes at `location`, which may come from a hostile table: check that it is yours.

        It may take another argument, ``writable: bool = False``. By True it is asked for
        a `bytearray` that nobody else has, nor ever will: the value may stay in it, where bytes
        are copied.
        """

    def whereabouts(self, location: str) -> str:
        """Where a person finds the blob, such as a path or URL; by default the location itself."""
        return location

    def delete(self, location: str) -> None:
        """Remove the blob at `location`; one that is not there is no error."""
        raise NotSupportedError(f"the storage {self.name!r} can't delete ({location})")

    def list(self, prefix: str = "") -> Iterator[BlobInfo]:
        """All blobs whose key starts with `prefix` (``""``, or whole parts: ``"9f2c41d8/"``)."""
        raise NotSupportedError(f"the storage {self.name!r} can't list its blobs ({prefix})")
