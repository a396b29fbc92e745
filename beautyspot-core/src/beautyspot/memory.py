"""The metadata store and the blob storage `memory`: nothing on disk, gone with the process::

    spot = bs.Spot("test", metadata="memory", storage="memory")

They pass the same suites as the ones on disk, and leave no file.
"""

from __future__ import annotations

import math
import os
import time
from typing import TYPE_CHECKING, Any, ClassVar, Final

from beautyspot.concurrency.forks import reset_in_children
from beautyspot.concurrency.locks import Lock
from beautyspot.contracts import BlobInfo, BlobStorageBase, Data, Readable, checked_key
from beautyspot.contracts.key_value import KeyValueStore
from beautyspot.errors import BlobNotFound, ConfigError, MetadataError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from beautyspot.contracts.store import Put

_PART: Final = 2**20
"""Bytes of a file that are read at a time."""


def _no_options(url: str) -> dict[str, Any]:
    if url.partition("?")[0] not in ("memory:", "memory://"):
        raise ConfigError("memory has no place to name: write memory://")
    return {}


class MemoryMetadataStore(KeyValueStore):
    """A metadata store in a dict; another instance is another store."""

    name = "memory"
    schemes = ("memory",)
    blocking: ClassVar[bool] = False
    lease_time = math.inf
    private = True

    def __init__(self) -> None:
        self._bytes: dict[str, bytes] | None = {"id": os.urandom(16).hex().encode()}
        self.reset_after_fork()
        reset_in_children(self)

    def reset_after_fork(self) -> None:
        """Another thread of the parent may have held the lock."""
        self._lock = Lock()

    @classmethod
    def options_from_url(cls, url: str) -> dict[str, Any]:
        """``memory://``."""
        return _no_options(url)

    def read(self, name: str) -> tuple[bytes, bytes] | None:
        """See the base class; the bytes are their own tag."""
        data = self._open_bytes().get(name)
        return None if data is None else (data, data)

    def write(self, name: str, data: bytes, expected: bytes | None) -> bytes | None:
        """See the base class."""
        with self._lock:
            if self._open_bytes().get(name) != expected:
                return None
            self._open_bytes()[name] = data
            return data

    def remove(self, name: str, expected: bytes | None) -> bool:
        """See the base class."""
        with self._lock:
            if expected is None or self._open_bytes().get(name) != expected:
                return False
            del self._open_bytes()[name]
            return True

    def names(self, prefix: str, after: str, limit: int) -> list[str]:
        """See the base class."""
        with self._lock:
            all_names = sorted(self._open_bytes())
        return [name for name in all_names if name.startswith(prefix) and name > after][:limit]

    def put_at_once(self, rows: Sequence[Put]) -> set[str] | None:
        """Never waits."""
        return self.put(rows)

    def clear(self) -> None:
        """Forget all records and counts, for the next test."""
        with self._lock:
            kept = self._open_bytes()
            self._bytes = {name: kept[name] for name in kept if name in ("id", "covers")}

    def close(self) -> None:
        """Forget everything."""
        self._bytes = None

    def _open_bytes(self) -> dict[str, bytes]:
        if self._bytes is None:
            raise MetadataError("the store is closed: make a new one")
        return self._bytes


class MemoryStorage(BlobStorageBase):
    """A blob storage in a dict; another instance is another storage. A location is its key."""

    name = "memory"  # answers to memory:// by its name: a plug-in may claim that scheme
    blocking = False
    private = True

    def __init__(self) -> None:
        self._blobs: dict[str, tuple[bytes, float]] = {}

    @classmethod
    def options_from_url(cls, url: str) -> dict[str, Any]:
        """``memory://``."""
        return _no_options(url)

    def save(self, key: str, data: Data, *, content_type: str | None = None) -> str:
        """See the base class."""
        del content_type
        self._blobs[checked_key(key, "memory")] = (bytes(data), time.time())
        return key

    def save_file(self, key: str, file: Readable, *, content_type: str | None = None) -> str:
        """See the base class."""
        data = b"".join(iter(lambda: file.read(_PART), b""))
        return self.save(key, data, content_type=content_type)

    def load(self, location: str) -> bytes:
        """See the base class."""
        try:
            return self._blobs[checked_key(location, "memory")][0]
        except KeyError:
            raise BlobNotFound(f"nothing is stored at {location!r}") from None

    def delete(self, location: str) -> None:
        """See the base class."""
        self._blobs.pop(checked_key(location, "memory"), None)

    def list(self, prefix: str = "") -> Iterator[BlobInfo]:
        """See the base class."""
        if prefix:
            checked_key(prefix.removesuffix("/"), "memory")
        for key, (data, modified_at) in sorted(self._blobs.items()):
            if key.startswith(prefix):
                yield BlobInfo(key, len(data), modified_at)

    def clear(self) -> None:
        """Forget all blobs, for the next test."""
        self._blobs.clear()
