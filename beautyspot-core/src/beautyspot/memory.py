"""The metadata store and the blob storage `memory`: nothing on disk, gone with the process::

    spot = bs.Spot("test", metadata="memory", storage="memory")

They keep the same contracts as the ones on disk (the same suites test them), and leave no file.
"""

from __future__ import annotations

import os
import time
from collections import deque
from typing import TYPE_CHECKING, Any, ClassVar, Final

from beautyspot.concurrency import locks
from beautyspot.concurrency.forks import reset_in_children
from beautyspot.contracts import (
    BlobInfo,
    BlobStorageBase,
    Counts,
    Data,
    Invalidation,
    Lease,
    MetadataStoreBase,
    Readable,
    TaskRecord,
)
from beautyspot.contracts.calling import hints
from beautyspot.errors import BlobLocationError, BlobNotFound, ConfigError, MetadataError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping


_PART: Final = 2**20
"""Bytes of a file that are read at a time."""

LOGGED: Final = 10_000
"""Invalidations that are remembered."""


class InvalidationLog:
    """The last things that were invalidated; their numbers are 1, 2, 3, …."""

    def __init__(self) -> None:
        self._last: deque[Invalidation] = deque(maxlen=LOGGED)
        self._forgotten = 0
        self.reset_after_fork()
        reset_in_children(self)

    def reset_after_fork(self) -> None:
        """Another thread of the parent may have held the lock."""
        self._lock = locks.reentrant()

    def __len__(self) -> int:
        """How many there have ever been, which is the number of the last one."""
        return self._forgotten + len(self._last)

    def append(self, what: Invalidation) -> None:
        """Add one; too old ones are forgotten."""
        with self._lock:
            is_full = len(self._last) == LOGGED
            self._last.append(what)
            self._forgotten += is_full

    def since(self, number: int) -> list[Invalidation]:
        """Those after a number; where some of them are forgotten, one that covers all results."""
        with self._lock:
            if number < self._forgotten:
                return [Invalidation()]
            return list(self._last)[number - self._forgotten :]


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
    invalidations: ClassVar[bool] = True
    counters: ClassVar[bool] = True
    private = True

    def __init__(self) -> None:
        self._records: dict[str, TaskRecord] | None = {}
        self._counts: dict[tuple[str, int], Counts] = {}
        self._remarks: dict[str, str] = {}
        self._log = InvalidationLog()
        self.reset_after_fork()
        reset_in_children(self)
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
        with self._putting:  # not between the look and the insertion of `put_valid`
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

    def note_invalidation(self, what: Invalidation) -> None:
        """See the base class."""
        with self._putting:
            self._log.append(what)

    def generation(self) -> int:
        """See the base class."""
        return len(self._log)

    def invalidated_since(self, generation: int) -> list[Invalidation]:
        """See the base class."""
        return self._log.since(generation)

    def put_valid(self, record: TaskRecord, since: int) -> bool:
        """In one step, unless a class that inherits has a `put` of its own; see the base class."""
        if type(self).put is not MemoryMetadataStore.put:
            return super().put_valid(record, since)
        with self._putting:
            return super().put_valid(record, since)

    def put_at_once(self, record: TaskRecord, since: int) -> bool:
        """Never waits; nothing of a class that inherits and has another way to put."""
        own, mine = type(self), MemoryMetadataStore
        if own.put is not mine.put or own.put_valid is not mine.put_valid:
            return False
        return self.put_valid(record, since)

    def put_many_valid(self, rows: Iterable[tuple[TaskRecord, int]]) -> set[str]:
        """The same for `put_many`."""
        if type(self).put_many is not MemoryMetadataStore.put_many:
            return super().put_many_valid(rows)
        with self._putting:
            return super().put_many_valid(rows)

    def add_counts(self, counts: Iterable[Counts]) -> None:
        """See the base class."""
        self._open_records()
        with self._putting:
            for count in counts:
                key = count.func_identifier, count.hour
                before = self._counts.get(key, Counts(*key))
                sums = [was + more for was, more in zip(before[2:], count[2:], strict=True)]
                self._counts[key] = Counts._make((*key, *sums))

    def counts(
        self, *, func_identifier: str | None = None, since: int | None = None
    ) -> Iterator[Counts]:
        """See the base class."""
        self._open_records()
        for (name, hour), counts in sorted(self._counts.items()):
            if func_identifier in (None, name) and (since is None or hour >= since):
                yield counts

    def remark(self, remarks: Mapping[str, str]) -> None:
        """See the base class."""
        self._open_records()
        self._remarks.update(remarks)

    def remarks(self) -> dict[str, str]:
        """See the base class."""
        self._open_records()
        return self._remarks.copy()

    def reset_after_fork(self) -> None:
        """Another thread of the parent may have held the lock."""
        self._putting = locks.reentrant()

    def clear(self) -> None:
        """Forget all records and counts, for the next test; leases stay with their holders."""
        self._open_records().clear()
        self._counts.clear()
        self._remarks.clear()

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
        self._blobs[_checked(key)] = (bytes(data), time.time())
        return key

    def save_file(self, key: str, file: Readable, *, content_type: str | None = None) -> str:
        """See the base class."""
        data = b"".join(iter(lambda: file.read(_PART), b""))
        return self.save(key, data, **hints(self.save, content_type=content_type))

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
