"""The bytes of stored results, in parts, each checked against its digest while it is read.

The last part is given only when the digest is known to be right: who stops at an error has not all.
A digest of 16 bytes finds accidents, one of 32 is a signature, which only its key can check.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

from beautyspot.contracts import DIRECT_BLOB, in_full
from beautyspot.contracts.selection import size_of
from beautyspot.errors import (
    BeautyspotError,
    BlobNotFound,
    MetadataError,
    RestoreError,
    StorageError,
)
from beautyspot.inspecting.filters import name_of
from beautyspot.resilience.guarded_backends import GuardedStorage
from beautyspot.results.validity import UNSIGNED, check_digests

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from beautyspot.config.signing import SigningKeys
    from beautyspot.contracts import (
        BlobStorageBase,
        Entry,
        MetadataStoreBase,
        TaskRecord,
    )
    from beautyspot.inspecting.filters import Listing
    from beautyspot.results.validity import Digest

_BATCH: Final = 200
"""Rows whose data are read at once."""

_BATCH_BYTES: Final = 2**24
"""Bytes of these data: no further row is added to so many."""


class SizeError(RestoreError):
    """There are more or fewer bytes than the row says."""


class NotSignedError(RestoreError):
    """A result can't be signed for the store that it is copied into."""


class Parts:
    """Reads the results of one store.

    Args:
        metadata: the store.
        find_storage: gives the storage, or None.
        keys: the keys by which its results are signed, if they are known; an attribute, too.
    """

    def __init__(
        self,
        metadata: MetadataStoreBase,
        find_storage: Callable[[], BlobStorageBase | None],
        keys: SigningKeys | None,
    ) -> None:
        self._metadata = metadata
        self._find_storage = find_storage
        self.keys = keys

    def checked(self, record: TaskRecord) -> Iterator[bytes]:
        """The bytes of a result; an error at their end, or before, if they are damaged.

        Raises:
            RestoreError: they are damaged, or bear no signature by a key; a `SizeError` for their
                number.
            BlobNotFound: the blob is missing.
            StorageError, MetadataError: they can't be read.
        """
        digests = digests_of(record, self.keys)
        return checked(record, self.raw(record), digests, partial(check, record, digests))

    def raw(self, record: TaskRecord) -> Iterator[bytes]:
        """The bytes of a result, unchecked; raises as `checked`."""
        if record.result_type == DIRECT_BLOB:
            yield self._data(record)
            return
        location = record.result_value
        if not isinstance(location, str) or not location:
            raise RestoreError(f"the row {record.cache_key} names no blob")
        storage = self._find_storage()
        if storage is None:
            raise StorageError(
                "the result is a blob, and there is no storage to read it from: name it by storage="
            )
        yield from GuardedStorage(storage, None).parts(location)

    def _data(self, record: TaskRecord) -> bytes:
        """What the row holds; where it came without its data, as it is by now."""
        data = record.result_data
        if data is None and (found := self._metadata.get(record.cache_key)) is not None:
            data = found.result_data
        if isinstance(data, bytes | bytearray | memoryview):
            return bytes(data)
        raise RestoreError(f"the row {record.cache_key} holds no data")


def batches(rows: Iterable[TaskRecord], faults: list[Fault]) -> Iterator[list[TaskRecord]]:
    """The rows, which are listed meanwhile, as many at a time as one may read the data of.

    Where the store can't be listed any further, that is added to the faults.
    """
    batch: list[TaskRecord] = []
    held = 0
    try:
        for record in rows:
            batch.append(record)
            held += (record.size or 0) if record.result_type == DIRECT_BLOB else 0
            if len(batch) == _BATCH or held >= _BATCH_BYTES:
                yield batch
                batch, held = [], 0
    except MetadataError as error:
        problem = f"the store can't be read any further: {error}"
        faults.append(Fault("", "", problem, "database"))
    yield batch


def with_data(metadata: MetadataStoreBase, batch: list[TaskRecord]) -> list[TaskRecord]:
    """These rows with their data; those left out that are gone by now, or others.

    To ask for them one by one takes a store that opens its file each time a millisecond a row.
    """
    try:
        found = metadata.find_many([record.cache_key for record in batch]) if batch else {}
    except MetadataError:  # one of them is damaged: each is tried by itself when it is read
        return batch
    entries = {key: in_full(each) for key, each in found.items()}
    pairs = ((record, entries.get(record.cache_key)) for record in batch)
    return [
        record._replace(result_data=entry.result_data)
        for record, entry in pairs
        if entry is not None and _is_same(record, entry)
    ]


def _is_same(record: TaskRecord, now: TaskRecord | Entry) -> bool:
    """Whether what is stored by now is what a row tells of."""
    return (record.digest, record.result_value) == (now.digest, now.result_value)


def checked(
    record: TaskRecord,
    parts: Iterable[bytes],
    digests: Sequence[Digest],
    may_end: Callable[[], object],
) -> Iterator[bytes]:
    """The parts, if their size is as the row says; before the last one `may_end` may refuse."""
    size, last = 0, b""
    for part in filter(None, parts):
        size += len(part)
        for digest in digests:
            digest.update(part)
        if last:
            yield last
        last = part
    if record.size is not None and record.size != size:
        raise SizeError(f"the result has {size} bytes, and its row says {record.size}")
    may_end()
    yield last


def digests_of(record: TaskRecord, keys: SigningKeys | None) -> Sequence[Digest]:
    """The digests of which one has to come out; none where nothing can be checked."""
    key, codec = record.cache_key, record.serializer
    if codec is None or record.digest is None or (keys is None and record.is_signed):
        return []  # of 2.x, or signed by a key that is not known
    return (keys or UNSIGNED).begun(key, codec, record.made_at, record.expires_at)


def check(record: TaskRecord, digests: Sequence[Digest]) -> None:
    """Compare what came out with what the row says, where there are digests.

    Raises:
        RestoreError: it is something else.
    """
    if digests:
        check_digests(digests, record.digest)


FaultKind = Literal["damaged", "size", "missing", "unreadable", "database", "signed", "storage"]


class Fault(NamedTuple):
    """What is wrong with one result.

    Attributes:
        key: of the result; "" where it is the database that can't be read, or not all of it.
        function: its identifier.
        problem: what is wrong, for people.
        kind: "damaged" (its digest is another), "size", "missing" (its blob), "unreadable" (the row
            or the blob, for now), "database" (what follows, or some rows, could not be read). No
            fault of the data: "signed" (not checked, since no signing key was given), "storage"
            (not copied, since the target has none).
    """

    key: str
    function: str
    problem: str
    kind: FaultKind

    @property
    def is_damage(self) -> bool:
        """Whether something is wrong, and not just unknown here."""
        return self.kind not in ("signed", "storage")


def fault_of(record: TaskRecord, problem: str, kind: FaultKind) -> Fault:
    """What is wrong with the result of a row."""
    return Fault(record.cache_key, name_of(record), problem, kind)


_KINDS: Final[tuple[tuple[type[BeautyspotError], FaultKind], ...]] = (
    (BlobNotFound, "missing"),
    (SizeError, "size"),
    (NotSignedError, "signed"),
    (RestoreError, "damaged"),
    (BeautyspotError, "unreadable"),
)


def unreadable(record: TaskRecord, error: BeautyspotError) -> Fault:
    """What is wrong with a result that could not be read to its end."""
    kind: FaultKind = next(kind for cls, kind in _KINDS if isinstance(error, cls))
    return fault_of(record, str(error), kind)


_LOST: Final = (
    "the database is damaged, and not all of its rows can be read: copy what can be read into a "
    "fresh one (beautyspot copy), and move this one away"
)


def verify(
    metadata: MetadataStoreBase,
    parts: Parts,
    listing: Listing,
    progress: Callable[[int, int], object] | None,
) -> Iterator[Fault]:
    """All faults of the listed results; `progress` is told the results and bytes that are done."""
    entries = size = 0
    at_end: list[Fault] = []
    for batch in batches(listing.rows(), at_end):
        for record in with_data(metadata, batch):
            fault = _fault_in(parts, record)
            if fault is not None and not _was_replaced(metadata, record):
                yield fault
            entries, size = entries + 1, size + size_of(record)
            if progress is not None:
                progress(entries, size)
    yield from at_end
    if metadata.lost and not at_end:
        yield Fault("", "", _LOST, "database")


def _fault_in(parts: Parts, record: TaskRecord) -> Fault | None:
    if record.digest is None:
        is_old = record.serializer is None  # of 2.x: nothing tells what it was
        return None if is_old else fault_of(record, "the row has no digest", "damaged")
    try:
        for _ in parts.checked(record):
            pass
    except BeautyspotError as error:
        return unreadable(record, error)
    if record.is_signed and parts.keys is None:
        return fault_of(
            record, "signed, not checked: give signing_key= or BEAUTYSPOT_SIGNING_KEY", "signed"
        )
    return None


def _was_replaced(metadata: MetadataStoreBase, record: TaskRecord) -> bool:
    """Whether the row is another one by now, or gone."""
    try:
        now = metadata.get(record.cache_key)
    except BeautyspotError:
        return False
    return now is None or not _is_same(record, now)
