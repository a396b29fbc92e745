"""Copy results from one store into another one: rows, blobs and counts.

A blob is written before its row, as everywhere. So a copy that was interrupted, by whatever means,
leaves rows that are complete, and blobs that no row names, which `collect` removes. A second run
copies what is missing.

Rows go in batches. A program may use the target meanwhile: it is looked at what that has before
anything is read, and the store refuses what has become newer since, or was invalidated.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from fnmatch import fnmatchcase
from functools import partial
from typing import TYPE_CHECKING, Final, NamedTuple

from beautyspot.contracts import DIRECT_BLOB, FILE, Selection, TaskRecord, begun_at, in_full
from beautyspot.contracts.records import as_copied, covers_of
from beautyspot.contracts.selection import size_of
from beautyspot.contracts.store import Put
from beautyspot.errors import BeautyspotError, MetadataError
from beautyspot.inspecting.contents import stored_type
from beautyspot.inspecting.filters import Listing
from beautyspot.inspecting.parts import (
    Fault,
    NotSignedError,
    batches,
    check,
    checked,
    digests_of,
    fault_of,
    unreadable,
    with_data,
)
from beautyspot.results.file_results import Source
from beautyspot.results.validity import UNSIGNED, is_named
from beautyspot.serialization.payload import FILE_CODEC
from beautyspot.tasks.form import extension

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from beautyspot.contracts import Entry, MetadataStoreBase
    from beautyspot.inspecting.filters import Filter
    from beautyspot.inspecting.parts import Parts
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


_NO_STORAGE: Final = (
    "the target has no storage, and this is a File, or too large for a row: name a storage for the "
    "target, and copy again (--target-storage s3://bucket/prefix; in a program "
    'open_store(..., storage="s3://bucket/prefix"))'
)

AT_ONCE: Final = 16
"""So many small results are copied side by side: each waits for two networks, maybe."""

SMALL: Final = 8 * 2**20
"""Bytes of a result up to which it may be held in memory while others are."""


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

    def __init__(self, parts: Parts, target: Cache, *, with_arguments: bool, vouch: bool) -> None:
        self._parts = parts
        self._target = target
        self._with_arguments = with_arguments
        self._vouch = vouch
        self._faults: list[Fault] = []
        self._entries = self._size = self._present = 0

    def copy(self, source: MetadataStoreBase, wanted: Filter, progress: Progress | None) -> Copied:
        """Copy what is wanted; see `Store.copy_to`."""
        listing = Listing(source, wanted)
        done = total = 0
        if progress is not None:
            with suppress(MetadataError):  # a damaged store gives what it can all the same
                total = listing.totals().entries
        at_end: list[Fault] = []
        for batch in batches(listing.rows(), at_end):
            self._copy(source, [record for record in batch if record.serializer is not None])
            done += len(batch)
            if progress is not None:
                progress(done, max(done, total))
        counts = self._copy_counts(source, wanted)
        faults = (*self._faults, *at_end)
        return Copied(self._entries, self._size, self._present, faults, counts)

    def _copy(self, source: MetadataStoreBase, batch: list[TaskRecord]) -> None:
        """Copy the blobs of some rows, and write those that the target has no newer ones of."""
        target = self._target
        since = target.leases.begin([], {}).since  # what is invalidated from here on is refused
        keys = [record.cache_key for record in batch]
        there = {key: in_full(each) for key, each in target.store.find_many(keys).items()}
        new = [each for each in batch if _is_newer(each, there)]
        records = with_data(source, new)
        large = [record for record in records if size_of(record) > SMALL]
        with ThreadPoolExecutor(AT_ONCE, "beautyspot") as pool:
            taken = [*pool.map(self._taken, (each for each in records if size_of(each) <= SMALL))]
        taken += map(self._taken, large)
        self._faults += [each for each in taken if isinstance(each, Fault)]
        rows = [each for each in taken if isinstance(each, TaskRecord)]
        begun = [row._replace(began_at=begun_at(row)) for row in rows]
        refused = target.store.put([Put(row, covers_of(row), since) for row in begun])
        for row in rows:  # the blobs that are of no use then go
            unused = row if row.cache_key in refused else there.get(row.cache_key)
            if unused is not None and unused.result_type == FILE:
                target.placement.discard(row.cache_key, unused.result_value)
        self._present += len(batch) - len(new) + len(refused)
        self._entries += len(rows) - len(refused)
        self._size += sum(size_of(row) for row in rows if row.cache_key not in refused)

    def _taken(self, record: TaskRecord) -> TaskRecord | Fault:
        """The row for the target, its blob in place; or why it can't be copied."""
        target = self._target
        fits = size_of(record) <= target.placement.largest_data
        storage = None if fits and record.result_type == DIRECT_BLOB else target.storage()
        is_file = (record.serializer or "").startswith(FILE_CODEC)
        if storage is None and (is_file or not fits):
            return fault_of(record, _NO_STORAGE, "storage")
        vouched = self._vouch and not record.is_signed
        ours = digests_of(record, None if vouched else self._parts.keys)
        theirs: list[Digest] = []
        if target.signer is not UNSIGNED:
            codec, made = record.serializer or "", record.made_at
            theirs += target.signer.begun(record.cache_key, codec, made, record.expires_at)
        may_end = partial(_check, record, ours, theirs, vouched=vouched)
        source = Source(checked(record, self._parts.raw(record), [*ours, *theirs], may_end))
        data = location = None
        try:
            if storage is None:
                data = source.read()
            else:
                name = target.placement.new_name(record.cache_key, extension(record))
                location = storage.save_file(name, source, content_type=stored_type(record))
        except Exception:
            if isinstance(source.error, BeautyspotError):  # not the target's
                return unreadable(record, source.error)
            raise
        is_theirs = not theirs or is_named(theirs, record.digest)
        return record._replace(
            arguments=record.arguments if self._with_arguments else None,
            result_type=DIRECT_BLOB if storage is None else FILE,
            result_value=location,
            result_data=data,
            digest=as_copied(record.digest) if is_theirs else theirs[0].digest(),
        )

    def _copy_counts(self, source: MetadataStoreBase, wanted: Filter) -> int:
        """Copy the counts of functions and hours of which the target has none."""
        selection, target = wanted.selection, self._target.store.real
        others = wanted.outdated or selection != Selection(function=selection.function)
        if others or not (source.counters and target.counters):
            return 0
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


def _is_newer(record: TaskRecord, there: dict[str, Entry]) -> bool:
    found = there.get(record.cache_key)
    return found is None or (found.made_at or 0.0) < (record.made_at or 0.0)


def _check(
    record: TaskRecord, ours: Sequence[Digest], theirs: Sequence[Digest], *, vouched: bool
) -> None:
    """Refuse a result, once it is read, that is damaged, or may not be signed for the target."""
    if is_named(theirs, record.digest):
        return
    check(record, ours)
    if theirs and not (ours and (record.is_signed or vouched)):
        raise NotSignedError(_UNKNOWN_KEY if record.is_signed else _UNSIGNED)
