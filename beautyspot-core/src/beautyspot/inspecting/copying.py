"""Copy results from one store into another one: rows, blobs and counts.

A blob is written before its row, as everywhere. So a copy that was interrupted, by whatever means,
leaves rows that are complete, and blobs that no row names, which `collect` removes. A second run
copies what is missing.

"Newest" is the order of writing, and so what was written first is copied first. Rows go in batches.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from beautyspot.contracts import DIRECT_BLOB, FILE, Selection, in_full
from beautyspot.errors import (
    BeautyspotError,
    BlobNotFound,
    MetadataError,
    RestoreError,
    StorageError,
)
from beautyspot.inspecting.contents import extension, stored_type
from beautyspot.inspecting.listing import Listing, name_of
from beautyspot.inspecting.parts import check_digest, checked, in_batches, is_named
from beautyspot.inspecting.verifying import Fault
from beautyspot.messages import LARGE_NEED
from beautyspot.results.pruning import size_of
from beautyspot.serialization.file_data import FILE_CODEC

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from beautyspot.contracts import Entry, MetadataStoreBase, TaskRecord
    from beautyspot.inspecting.filters import Filter
    from beautyspot.inspecting.parts import Parts
    from beautyspot.inspecting.verifying import FaultKind
    from beautyspot.results.cache import Cache
    from beautyspot.results.validity import Digest

    Progress = Callable[[int, int], object]


class Copied(NamedTuple):
    """What `copy_to` copied."""

    entries: int
    size: int  # bytes of the results
    present: int  # results that the target had, as new or newer
    faults: tuple[Fault, ...]  # results that were not copied, and why
    counts: int  # functions and hours whose counts were copied


class Copier:
    """Copies the results of one store into another one.

    Args:
        parts: reads the results.
        target: writes them.
        with_arguments: whether rows keep the texts of arguments.
    """

    def __init__(self, parts: Parts, target: Cache, *, with_arguments: bool) -> None:
        self._parts = parts
        self._target = target
        self._with_arguments = with_arguments
        self._faults: list[Fault] = []
        self._entries = self._size = self._present = self._done = 0

    def copy(self, source: MetadataStoreBase, wanted: Filter, progress: Progress | None) -> Copied:
        """Copy what is wanted; see `Store.copy_to`."""
        total, records = Listing(source, wanted).as_written()
        for batch in self._readable(in_batches(source, records)):
            self._copy([record for record in batch if record.serializer is not None])
            self._done += len(batch)
            if progress is not None:
                progress(min(self._done, total), total)
        counts = self._copy_counts(source, wanted)
        return Copied(self._entries, self._size, self._present, tuple(self._faults), counts)

    def _readable(self, batches: Iterator[list[TaskRecord]]) -> Iterator[list[TaskRecord]]:
        """The batches, up to where the source can't be listed any further."""
        try:
            yield from batches
        except MetadataError as error:
            problem = f"the store can't be read any further: {error}"
            self._faults.append(Fault("", "", problem, "database"))

    def _copy(self, batch: list[TaskRecord]) -> None:
        """Copy the blobs of some rows, and write those that the target has no newer ones of."""
        there = self._there(batch)
        new = [each for each in batch if _is_newer(each, there.get(each.cache_key))]
        rows = [row for row in map(self._taken, new) if row is not None]
        put = self._put(rows)
        self._present += len(batch) - len(new) + len(rows) - len(put)
        self._entries += len(put)
        self._size += sum(map(size_of, put))

    def _put(self, rows: list[TaskRecord]) -> list[TaskRecord]:
        """Write rows whose blobs are in place, and remove the blobs that are of no use then.

        To copy blobs takes long, and a program that uses the target goes on meanwhile: so it is
        looked again at what the target has.
        """
        there = self._there(rows)
        put = [row for row in rows if _is_newer(row, there.get(row.cache_key))]
        if put:
            self._target.metadata.put_many(put)
        written = {row.cache_key for row in put}
        for row in rows:
            unused = there.get(row.cache_key) if row.cache_key in written else row
            if unused is not None and unused.result_type == FILE:
                self._target.placement.discard(row.cache_key, unused.result_value)
        return put

    def _there(self, records: list[TaskRecord]) -> dict[str, Entry]:
        keys = [record.cache_key for record in records]
        found = self._target.metadata.find_many(keys) if keys else {}
        return {key: in_full(answer) for key, answer in found.items()}

    def _taken(self, record: TaskRecord) -> TaskRecord | None:
        """The row for the target, its blob in place; None if it must not be copied."""
        try:
            row = self._copied(record)
        except _NotSignedError as error:
            self._leave_out(record, str(error), "signed")
            return None
        except BlobNotFound as error:
            self._leave_out(record, f"the blob is missing: {error}", "missing")
            return None
        except _UnreadableError as error:
            self._leave_out(record, f"it can't be read: {error}", "unreadable")
            return None
        except RestoreError as error:
            self._leave_out(record, str(error), "damaged")
            return None
        return row if self._with_arguments else row._replace(arguments=None)

    def _leave_out(self, record: TaskRecord, problem: str, kind: FaultKind) -> None:
        self._faults.append(Fault(record.cache_key, name_of(record), problem, kind))

    def _copied(self, record: TaskRecord) -> TaskRecord:
        """The row as the target is to have it, its blob in place."""
        seal = _Seal(record, self._parts, self._target)
        passing = seal.passing(_read(self._parts.raw(record)))
        if record.result_type == DIRECT_BLOB or self._becomes_a_row(record):
            data = b"".join(passing)
            if len(data) <= self._target.placement.largest_data:
                return record._replace(
                    result_type=DIRECT_BLOB,
                    result_value=None,
                    result_data=data,
                    digest=seal.digest,
                )
            passing = iter([data])
        location = self._save(record, passing)
        return record._replace(
            result_type=FILE, result_value=location, result_data=None, digest=seal.digest
        )

    def _becomes_a_row(self, record: TaskRecord) -> bool:
        """Whether a blob is kept as a Spot of the target would: it has no storage, but large rows.

        A `File` is none without a storage.
        """
        target = self._target
        return (
            target.metadata.real.remote
            and not (record.serializer or "").startswith(FILE_CODEC)
            and size_of(record) <= target.placement.largest_data
            and target.storage() is None
        )

    def _save(self, record: TaskRecord, parts: Iterator[bytes]) -> str:
        placement, storage = self._target.placement, self._target.storage()
        if storage is None:
            need = "install beautyspot-local (docs/install.md), or name one by storage="
            need = LARGE_NEED if self._target.metadata.real.remote else need
            raise StorageError(
                f"there are results that need a storage, and the target has no storage: {need}"
            )
        name = placement.new_name(record.cache_key, extension(record))
        source, kind = _Source(parts), stored_type(record)
        try:
            return storage.save_file(name, source, size_of(record), content_type=kind)
        except Exception:
            if source.error is not None:  # not the target's
                raise source.error from None
            raise

    def _copy_counts(self, source: MetadataStoreBase, wanted: Filter) -> int:
        """Copy the counts of functions and hours of which the target has none."""
        selection, target = wanted.selection, self._target.metadata.real
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
        return len(new)


class _NotSignedError(RestoreError):
    """A result can't be signed for the target."""


class _UnreadableError(RestoreError):
    """The source can't read a result; where the target fails, the copy ends instead."""


def _read(parts: Iterator[bytes]) -> Iterator[bytes]:
    try:
        yield from parts
    except (BlobNotFound, RestoreError):
        raise
    except BeautyspotError as error:
        raise _UnreadableError(str(error)) from error


class _Seal:
    """Checks a result on its way, and makes the digest that the target is to have."""

    def __init__(self, record: TaskRecord, parts: Parts, target: Cache) -> None:
        self._record = record
        self._ours = parts.digests(record)
        self._theirs: list[Digest] = []
        self.digest = record.digest
        keys = target.signing_keys
        if keys is not None:
            codec = record.serializer or ""
            made, expires = record.made_at, record.expires_at
            self._theirs = [*keys.begun(record.cache_key, codec, made, expires)]

    def passing(self, parts: Iterator[bytes]) -> Iterator[bytes]:
        """The parts; an error before the last one, if the result must not be copied."""
        digests = [*self._ours, *self._theirs]
        unnamed = self._record._replace(digest=None)
        last = b""
        for part in checked(unnamed, parts, []):
            for digest in digests:
                digest.update(part)
            if last:
                yield last
            last = part
        self._end()
        yield last

    def _end(self) -> None:
        record = self._record
        if any(is_named(record, digest) for digest in self._theirs):
            return
        check_digest(record, self._ours)
        if not self._theirs:
            return
        if not record.is_signed or not self._ours:
            raise _NotSignedError(
                "it bears no signature that can be checked, and the target signs its results: open "
                "this store with the signing_key= by which it was signed; what nobody signed is "
                "not signed by being copied"
            )
        self.digest = self._theirs[0].digest()


class _Source:
    """Parts as a storage reads them."""

    def __init__(self, parts: Iterator[bytes]) -> None:
        self._parts = parts
        self._rest = b""
        self.error: Exception | None = None

    def read(self, size: int = -1, /) -> bytes:
        """See `Readable`."""
        pieces = [self._rest]
        length = len(self._rest)
        while size < 0 or length < size:
            part = self._next()
            if part is None:
                break
            pieces.append(part)
            length += len(part)
        data = b"".join(pieces)
        end = len(data) if size < 0 else size
        self._rest = data[end:]
        return data[:end]

    def _next(self) -> bytes | None:
        try:
            return next(self._parts, None)
        except Exception as error:
            self.error = error
            raise


def _is_newer(record: TaskRecord, there: Entry | None) -> bool:
    return there is None or (there.made_at or 0.0) < (record.made_at or 0.0)
