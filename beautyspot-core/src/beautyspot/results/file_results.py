"""Results that are files: into the storage and back, in parts, checked while they are read.

A file goes to the storage before its caller goes on, with ``save="background"`` too: the caller may
change or remove it. Where the storage keeps plain files of this machine, a hit gives the blob
itself; from other storages it is fetched once, see `local_files`.
"""

from __future__ import annotations

from functools import partial
from io import FileIO
from typing import TYPE_CHECKING, Final

from beautyspot.contracts import FILE
from beautyspot.errors import BlobNotFound, RestoreError, SerializationError, StorageError
from beautyspot.files import open_plain
from beautyspot.results.local_files import SIZE, Status, path_in, status_of
from beautyspot.serialization.file_data import FileData, named_file, suffix_of, unreadable

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from beautyspot.contracts import Entry, TaskRecord
    from beautyspot.contracts.file import File
    from beautyspot.results.placement import Placement
    from beautyspot.results.validity import Digest

    Begin = Callable[[], list[Digest]]


_PART: Final = 2**20


class _Source:
    """A file as a storage reads it: each part counts in the digests on its way."""

    def __init__(self, file: FileIO, digests: Sequence[Digest]) -> None:
        self._file = file
        self._digests = digests
        self.size = 0
        self.error: Exception | None = None

    def read(self, size: int = -1, /) -> bytes:
        try:
            part = self._file.read(size)
        except OSError as error:
            self.error = error
            raise
        for digest in self._digests:
            digest.update(part)
        self.size += len(part)
        return part


def store(placement: Placement, record: TaskRecord, data: FileData, begin: Begin) -> TaskRecord:
    """The record of a file that is in the storage now; `begin` begins its digests.

    Raises:
        SerializationError: the file can't be read, or was changed meanwhile.
        StorageError: the storage failed, or there is none.
    """
    path = data.file.path
    try:
        file = FileIO(path, opener=open_plain)
    except OSError as error:
        raise unreadable(path, error) from error
    digests = begin()
    with file:
        before, source = status_of(file.fileno()), _Source(file, digests)
        try:
            location = placement.save_file(record, source)
        except Exception:
            if source.error is None:
                raise
            raise unreadable(path, source.error) from source.error
        unsound = _unsound(path, before, status_of(file.fileno()), source.size)
        if unsound is not None:
            placement.discard(record.cache_key, location)
            raise unsound
    digest = digests[0].digest()
    placed = record._replace(result_type=FILE, result_value=location, result_data=None)
    return placed._replace(digest=digest, size=source.size)


def _unsound(path: Path, before: Status, after: Status, size: int) -> Exception | None:
    """Why what was saved is not the file."""
    if after != before:
        return SerializationError(
            f"the File can't be stored: it was changed meanwhile: {path}. Return a File to which "
            "nothing writes any more"
        )
    if size != before[SIZE]:
        return StorageError(
            f"the storage's save_file read {size} of {before[SIZE]} bytes: it has to read the file "
            "to its end"
        )
    return None


def restore(placement: Placement, key: str, entry: Entry, codec: str, begin: Begin) -> File:
    """The file of an entry, checked; `begin` begins the digests of which one is right.

    Raises:
        RestoreError: damaged.
        StorageError: it could not be read, or fetched.
    """
    storage, location = placement.storage(), entry.result_value
    if storage is None or location is None:
        raise RestoreError("the result is a file, and the Spot has no storage to read it from")
    files, path = placement.files, path_in(storage.real, location)
    if path is None:
        load = partial(storage.parts, location)
        path = files.fetched(key, entry, suffix_of(codec), begin, load)
    else:
        try:
            files.check(key, entry, path, begin)
        except (FileNotFoundError, NotADirectoryError) as error:
            raise BlobNotFound(f"no blob {location!r:.200}: make it again") from error
    return named_file(path, codec)
