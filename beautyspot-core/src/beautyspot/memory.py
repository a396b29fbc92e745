"""The metadata store and the blob storage `memory`: nothing on disk, gone with the process::

    spot = bs.Spot("test", metadata="memory", storage="memory")

They keep the same contracts as the ones on disk (the same suites test them), and leave no file.
"""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Any, ClassVar

from beautyspot.contracts import (
    BlobInfo,
    BlobStorageBase,
    Data,
    Lease,
    MetadataStoreBase,
    TaskRecord,
)
from beautyspot.errors import BlobLocationError, BlobNotFound, ConfigError, MetadataError

if TYPE_CHECKING:
    from collections.abc import Iterator


class _MemoryLease(Lease):
    __slots__ = ("_held", "_key")

    def __init__(self, held: dict[str, Lease], key: str) -> None:
        self._held = held
        self._key = key

    def release(self) -> None:
        if self._held.get(self._key) is self:
            self._held.pop(self._key, None)


def _no_options(url: str) -> dict[str, Any]:
    if url.partition("?")[0] not in ("memory:", "memory://"):
        raise ConfigError("memory has no place to name: write memory://")
    return {}


class MemoryMetadataStore(MetadataStoreBase):
    """A metadata store in a dict; another instance is another store."""

    name = "memory"
    schemes = ("memory",)
    blocking = False
    leases: ClassVar[bool] = True

    def __init__(self) -> None:
        self._records: dict[str, TaskRecord] | None = {}
        self._held: dict[str, Lease] = {}
        self._store_id = os.urandom(8).hex()

    @classmethod
    def options_from_url(cls, url: str) -> dict[str, Any]:
        """``memory://``."""
        return _no_options(url)

    @property
    def store_id(self) -> str:
        """Random, 16 hex digits."""
        return self._store_id

    def get(self, key: str) -> TaskRecord | None:
        """See the base class."""
        return self._open_records().get(key)

    def put(self, record: TaskRecord) -> None:
        """See the base class."""
        if record.result_data is not None:  # the caller may change a bytearray afterwards
            record = record._replace(result_data=bytes(record.result_data))
        self._open_records()[record.cache_key] = record

    def delete(self, key: str) -> bool:
        """See the base class."""
        return self._open_records().pop(key, None) is not None

    def scan(
        self,
        *,
        func_identifier: str | None = None,
        version: str | None = None,
        tag: str | None = None,
        with_data: bool = False,
    ) -> Iterator[TaskRecord]:
        """See the base class."""
        for key in sorted(self._open_records()):
            record = self._open_records().get(key)
            if record is None:
                continue
            if func_identifier is not None and record.func_identifier != func_identifier:
                continue
            if version is not None and record.version != version:
                continue
            if tag is None or tag in record.tags:
                yield record if with_data else record._replace(result_data=None)

    def try_lease(self, key: str) -> Lease | None:
        """See the base class."""
        self._open_records()
        lease = _MemoryLease(self._held, key)
        return lease if self._held.setdefault(key, lease) is lease else None

    def clear(self) -> None:
        """Forget all records, for the next test; leases stay with their holders."""
        self._open_records().clear()

    def close(self) -> None:
        """Forget everything."""
        self._records = None

    def _open_records(self) -> dict[str, TaskRecord]:
        if self._records is None:
            raise MetadataError("the store is closed: make a new one")
        return self._records


class MemoryStorage(BlobStorageBase):
    """A blob storage in a dict; another instance is another storage. A location is its key."""

    name = "memory"  # answers to memory:// by its name: a plug-in may claim that scheme
    blocking = False

    def __init__(self) -> None:
        self._blobs: dict[str, tuple[bytes, float]] = {}

    @classmethod
    def options_from_url(cls, url: str) -> dict[str, Any]:
        """``memory://``."""
        return _no_options(url)

    def save(self, key: str, data: Data, *, content_type: str | None = None) -> str:
        """See the base class."""
        del content_type
        self._blobs[_checked(key)] = (bytes(data), time.time())
        return key

    def load(self, location: str) -> bytes:
        """See the base class."""
        try:
            return self._blobs[_checked(location)][0]
        except KeyError:
            raise BlobNotFound(f"nothing is stored at {location!r}") from None

    def delete(self, location: str) -> None:
        """See the base class."""
        self._blobs.pop(_checked(location), None)

    def list(self, prefix: str = "") -> Iterator[BlobInfo]:
        """See the base class."""
        if prefix:
            _checked(prefix.removesuffix("/"))
        for key, (data, modified_at) in sorted(self._blobs.items()):
            if key.startswith(prefix):
                yield BlobInfo(key, len(data), modified_at)

    def clear(self) -> None:
        """Forget all blobs, for the next test."""
        self._blobs.clear()


def _checked(key: str) -> str:
    """The key, if it is a relative path as `BlobStorageBase.save` describes it."""
    sound = not {"", ".", ".."}.intersection(key.split("/"))
    if not sound or any(sign in "\0\\" or "\ud800" <= sign <= "\udfff" for sign in key):
        raise BlobLocationError(f"{key!r} is no relative path: give parts joined by /, no . or ..")
    return key
