"""The bytes of stored results, in parts, each checked against its digest while it is read.

The last part is given only when the digest is known to be right: who stops at an error has not all.
A digest of 16 bytes finds accidents, one of 32 is a signature, which only its key can check.
"""

from __future__ import annotations

import math
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
        Plain,
        TaskRecord,
    )
    from beautyspot.inspecting.filters import Listing
    from beautyspot.results.validity import Digest

PART: Final = 2**20
"""The most bytes that are given at once, where a store has them in memory anyway."""

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
        self._storage: GuardedStorage | None = None

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
        if record.result_type != DIRECT_BLOB:
            yield from self._blob(record, 0, math.inf)
            return
        found = record if record.result_data is not None else self._as_it_is(record)
        yield from _sliced(found, 0, math.inf)

    def part(self, record: TaskRecord, start: int, stop: float) -> Iterator[bytes]:
        """The bytes from `start` on to `stop`, unchecked.

        Raises:
            RestoreError: the row was replaced: parts of two results are none of either.
            BlobNotFound: the blob is missing.
            StorageError, MetadataError: they can't be read.
        """
        if record.result_type != DIRECT_BLOB:
            yield from self._blob(record, start, stop)
            return
        found = self._as_it_is(record)
        if (found.digest, found.made_at) != (record.digest, record.made_at):
            raise RestoreError(f"the row {record.cache_key} was replaced: look at it again")
        yield from _sliced(found, start, stop)

    def _as_it_is(self, record: TaskRecord) -> TaskRecord:
        """The row with its data, as it is by now."""
        found = self._metadata.get(record.cache_key)
        return record if found is None else found

    def _blob(self, record: TaskRecord, start: int, stop: float) -> Iterator[bytes]:
        location = record.result_value
        if not isinstance(location, str) or not location:
            raise RestoreError(f"the row {record.cache_key} names no blob")
        if self._storage is None:
            found = self._find_storage()
            if found is None:
                raise StorageError(
                    "the result is a blob, and there is no storage to read it from: name it by "
                    "storage="
                )
            self._storage = GuardedStorage(found, None)
        yield from self._storage.parts(location, start, stop)


def _sliced(record: TaskRecord, start: int, stop: float) -> Iterator[bytes]:
    """The data of a row from `start` on to `stop`; one part where there are none."""
    data = record.result_data
    if not isinstance(data, bytes | bytearray | memoryview):
        raise RestoreError(f"the row {record.cache_key} holds no data")
    view = memoryview(data)
    view = view[start : int(min(stop, len(view)))]
    for begin in range(0, len(view) or 1, PART):
        yield bytes(view[begin : begin + PART])


def batches(listing: Listing, faults: list[Fault]) -> Iterator[list[TaskRecord]]:
    """The rows, as many at a time as one may read the data of.

    Where the store can't be listed any further, that is added to the faults.
    """
    batch: list[TaskRecord] = []
    held = 0
    try:
        for record in listing.rows():
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
    """These rows with their data, as they are by now; those that are gone left out.

    To ask for them one by one takes a store that opens its file each time a millisecond a row.
    """
    if not batch:
        return batch
    try:
        found = metadata.find_many([record.cache_key for record in batch])
        current = [_as_it_is(metadata, each, found.get(each.cache_key)) for each in batch]
    except MetadataError:  # one of them is damaged: each is tried by itself when it is read
        return batch
    return [record for record in current if record is not None]


def _as_it_is(
    metadata: MetadataStoreBase, record: TaskRecord, found: Plain | Entry | None
) -> TaskRecord | None:
    if found is None:
        return None
    entry = in_full(found)
    if (entry.digest, entry.result_value) == (record.digest, record.result_value):
        return record._replace(result_data=entry.result_data)
    return metadata.get(record.cache_key)  # it was replaced since it was listed


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


def unreadable(record: TaskRecord, error: BeautyspotError) -> Fault:
    """What is wrong with a result that could not be read to its end."""
    kinds: dict[type[BeautyspotError], FaultKind] = {
        BlobNotFound: "missing",
        SizeError: "size",
        NotSignedError: "signed",
        RestoreError: "damaged",
        BeautyspotError: "unreadable",
    }
    kind = next(kind for cls, kind in kinds.items() if isinstance(error, cls))
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
    for batch in batches(listing, at_end):
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
        return fault_of(record, "signed, not checked: give signing_key=", "signed")
    return None


def _was_replaced(metadata: MetadataStoreBase, record: TaskRecord) -> bool:
    """Whether the row is another one by now, or gone."""
    try:
        now = metadata.get(record.cache_key)
    except BeautyspotError:
        return False
    return now is None or (now.digest, now.result_value) != (record.digest, record.result_value)
