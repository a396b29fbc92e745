"""Copy results from one store into another one: rows, blobs and counts.

A blob is written before its row, as everywhere. So a copy that was interrupted, by whatever means,
leaves rows that are complete, and blobs that no row names, which `collect` removes. A second run
copies what is missing.

Rows go in batches. A program may use the target meanwhile: it is looked at what that has before
anything is read, and the store refuses what has become newer since, or was invalidated.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final, NamedTuple

from beautyspot.contracts import DIRECT_BLOB, FILE, Selection, begun_at, in_full
from beautyspot.contracts.records import as_copied, covers_of
from beautyspot.contracts.selection import size_of
from beautyspot.contracts.store import Put
from beautyspot.errors import (
    BeautyspotError,
    BlobNotFound,
    MetadataError,
    RestoreError,
    StorageError,
)
from beautyspot.inspecting.contents import stored_type
from beautyspot.inspecting.filters import Listing, name_of
from beautyspot.inspecting.parts import Fault, check, checked, digests_of, grouped, with_data
from beautyspot.results.file_results import Source
from beautyspot.results.validity import UNSIGNED, is_named
from beautyspot.serialization.payload import FILE_CODEC
from beautyspot.tasks.form import extension

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from beautyspot.contracts import Entry, MetadataStoreBase, TaskRecord
    from beautyspot.inspecting.filters import Filter
    from beautyspot.inspecting.parts import FaultKind, Parts
    from beautyspot.resilience.guarded_backends import GuardedStorage
    from beautyspot.results.cache import Cache
    from beautyspot.results.validity import Digest

    Progress = Callable[[int, int], object]

_UNSIGNED: Final = (
    "nobody has signed it, and the target signs its results. If you vouch for all that is stored "
    "here, say so (vouch=True, --vouch), and it is signed for the target"
)
_UNKNOWN_KEY: Final = (
    "its signature can't be checked, and the target signs its results by another key: open this "
    "store with the signing_key= by which it was signed"
)


class NotSignedError(RestoreError):
    """A result can't be signed for the target."""


class UnreadableError(RestoreError):
    """The source can't read a result; where the target fails, the copy ends instead."""


def readable(parts: Iterator[bytes]) -> Iterator[bytes]:
    """The parts; where the source can't give them, an `UnreadableError`."""
    try:
        yield from parts
    except (BlobNotFound, RestoreError):
        raise
    except BeautyspotError as error:
        raise UnreadableError(str(error)) from error


class Seal:
    """Checks a result on its way, and makes the digest that the target is to have."""

    def __init__(self, record: TaskRecord, parts: Parts, target: Cache, *, vouch: bool) -> None:
        self._record = record
        self._vouches = vouch and not record.is_signed
        self._ours = digests_of(record, None if self._vouches else parts.keys)
        self._theirs: list[Digest] = []
        self.digest = as_copied(record.digest)
        if target.seals is not UNSIGNED:
            codec = record.serializer or ""
            made, expires = record.made_at, record.expires_at
            self._theirs = [*target.seals.begun(record.cache_key, codec, made, expires)]

    def passing(self, parts: Iterator[bytes]) -> Iterator[bytes]:
        """The parts; an error before the last one, if the result must not be copied."""
        return checked(self._record, parts, [*self._ours, *self._theirs], self._end)

    def _end(self) -> None:
        record = self._record
        if is_named(self._theirs, record.digest):
            return
        check(record, self._ours)
        if not self._theirs:
            return
        if not self._ours or not (record.is_signed or self._vouches):
            raise NotSignedError(_UNSIGNED if not record.is_signed else _UNKNOWN_KEY)
        self.digest = self._theirs[0].digest()


AT_ONCE: Final = 16
"""So many small blobs are copied side by side."""

SMALL: Final = 8 * 2**20
"""Bytes of a blob up to which it is held in memory, and copied while others are."""


_NO_STORAGE: Final = (
    "the target has no storage, and this is a File, or too large for a row: name a storage for the "
    "target, and copy again (--target-storage s3://bucket/prefix; in a program "
    'open_store(..., storage="s3://bucket/prefix"))'
)


class NoStorageError(StorageError):
    """The target has no place for a result; it has one for others."""


class Copied(NamedTuple):
    """What `copy_to` copied."""

    entries: int  # results that were copied
    size: int  # their bytes
    present: int  # results that the target had, as new or newer, or was told to forget meanwhile
    faults: tuple[Fault, ...]  # results that were not copied, and why
    counts: int  # functions and hours whose counts were copied


class Copier:
    """Copies the results of one store into another one.

    Args:
        parts: reads the results.
        target: writes them.
        with_arguments: whether rows keep the texts of arguments.
        vouch: whether results that nobody has signed are signed for the target.
    """

    def __init__(
        self, parts: Parts, target: Cache, *, with_arguments: bool, vouch: bool = False
    ) -> None:
        self._parts = parts
        self._target = target
        self._with_arguments = with_arguments
        self._vouch = vouch
        self._faults: list[Fault] = []
        self._entries = self._size = self._present = self._done = 0

    def copy(self, source: MetadataStoreBase, wanted: Filter, progress: Progress | None) -> Copied:
        """Copy what is wanted; see `Store.copy_to`."""
        listing = Listing(source, wanted)
        total = 0 if progress is None else self._total(listing)
        for batch in self._readable(grouped(listing.rows())):
            self._copy(source, [record for record in batch if record.serializer is not None])
            self._done += len(batch)
            if progress is not None:
                progress(self._done, max(self._done, total))
        counts = self._copy_counts(source, wanted)
        return Copied(self._entries, self._size, self._present, tuple(self._faults), counts)

    def _total(self, listing: Listing) -> int:
        try:
            return listing.totals().entries
        except MetadataError:  # of a damaged store, say, which gives what it can all the same
            return 0

    def _readable(self, batches: Iterator[list[TaskRecord]]) -> Iterator[list[TaskRecord]]:
        """The batches, up to where the source can't be listed any further."""
        try:
            yield from batches
        except MetadataError as error:
            problem = f"the store can't be read any further: {error}"
            self._faults.append(Fault("", "", problem, "database"))

    def _copy(self, source: MetadataStoreBase, batch: list[TaskRecord]) -> None:
        """Copy the blobs of some rows, and write those that the target has no newer ones of."""
        target = self._target
        since = target.leases.begin([], {}).since  # what is invalidated from here on is refused
        keys = [record.cache_key for record in batch]
        there = {key: in_full(each) for key, each in target.store.find_many(keys).items()}
        new = [each for each in batch if _is_newer(each, there.get(each.cache_key))]
        self._present += len(batch) - len(new)
        first = len(self._faults)
        rows = self._all_taken(with_data(source, new))
        places = {key: number for number, key in enumerate(keys)}
        self._faults[first:] = sorted(self._faults[first:], key=lambda fault: places[fault.key])
        begun = [row._replace(began_at=begun_at(row)) for row in rows]
        refused = target.store.put([Put(row, covers_of(row), since) for row in begun])
        for row in rows:  # the blobs that are of no use then go
            unused = row if row.cache_key in refused else there.get(row.cache_key)
            if unused is not None and unused.result_type == FILE:
                target.placement.discard(row.cache_key, unused.result_value)
        put = [row for row in rows if row.cache_key not in refused]
        self._present += len(refused)
        self._entries += len(put)
        self._size += sum(map(size_of, put))

    def _all_taken(self, records: list[TaskRecord]) -> list[TaskRecord]:
        """The rows for the target, small blobs side by side: each waits for two networks, maybe."""
        apart = [each for each in records if each.result_type == FILE and size_of(each) <= SMALL]
        with ThreadPoolExecutor(AT_ONCE, "beautyspot") as pool:
            rows = list(pool.map(self._taken, apart))
        taken = {row.cache_key: row for row in rows if row is not None}
        done = {each.cache_key for each in apart}
        for record in records:
            if record.cache_key not in done and (row := self._taken(record)) is not None:
                taken[record.cache_key] = row
        return [taken[each.cache_key] for each in records if each.cache_key in taken]

    def _taken(self, record: TaskRecord) -> TaskRecord | None:
        """The row for the target, its blob in place; None if it must not be copied."""
        if not self._with_arguments:
            record = record._replace(arguments=None)
        try:
            return self._copied(record)
        except NotSignedError as error:
            self._leave_out(record, str(error), "signed")
        except BlobNotFound as error:
            self._leave_out(record, f"the blob is missing: {error}", "missing")
        except UnreadableError as error:
            self._leave_out(record, f"it can't be read: {error}", "unreadable")
        except NoStorageError as error:
            self._leave_out(record, str(error), "storage")
        except RestoreError as error:
            self._leave_out(record, str(error), "damaged")
        return None

    def _leave_out(self, record: TaskRecord, problem: str, kind: FaultKind) -> None:
        self._faults.append(Fault(record.cache_key, name_of(record), problem, kind))

    def _copied(self, record: TaskRecord) -> TaskRecord:
        """The row as the target is to have it, its blob in place, which is read in parts."""
        seal = Seal(record, self._parts, self._target, vouch=self._vouch)
        parts = seal.passing(readable(self._parts.raw(record)))
        stays = record.result_type == DIRECT_BLOB or self._becomes_a_row(record)
        if stays and size_of(record) <= self._target.placement.largest_data:
            data = b"".join(parts)
            row = record._replace(result_type=DIRECT_BLOB, result_value=None, result_data=data)
            return row._replace(digest=seal.digest)
        storage, kind, source = self._storage(), stored_type(record), Source(parts)
        name = self._target.placement.new_name(record.cache_key, extension(record))
        try:
            location = storage.save_file(name, source, content_type=kind)
        except Exception:
            if source.error is not None:  # not the target's
                raise source.error from None
            raise
        row = record._replace(result_type=FILE, result_value=location, result_data=None)
        return row._replace(digest=seal.digest)

    def _becomes_a_row(self, record: TaskRecord) -> bool:
        """Whether a blob is kept as a Spot of the target would: it has no storage, but large rows.

        A `File` is none without a storage.
        """
        target = self._target
        return (
            target.store.real.remote
            and not (record.serializer or "").startswith(FILE_CODEC)
            and size_of(record) <= target.placement.largest_data
            and target.storage() is None
        )

    def _storage(self) -> GuardedStorage:
        storage = self._target.storage()
        if storage is None:
            raise NoStorageError(_NO_STORAGE)
        return storage

    def _copy_counts(self, source: MetadataStoreBase, wanted: Filter) -> int:
        """Copy the counts of functions and hours of which the target has none."""
        selection, target = wanted.selection, self._target.store.real
        others = wanted.outdated or selection != Selection(function=selection.function)
        if others or not (source.counters and target.counters):
            return 0
        from fnmatch import fnmatchcase

        pattern = "*" if selection.function is None else selection.function
        there = {(each.func_identifier, each.hour) for each in target.counts()}
        new = [
            each
            for each in source.counts()
            if fnmatchcase(each.func_identifier, pattern)
            and (each.func_identifier, each.hour) not in there
        ]
        if new:
            target.add_counts(new)
        if remarks := {**source.remarks(), **target.remarks()}:
            target.remark(remarks)
        return len(new)


def _is_newer(record: TaskRecord, there: Entry | None) -> bool:
    return there is None or (there.made_at or 0.0) < (record.made_at or 0.0)
