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
from beautyspot.results.local_files import SIZE, path_in, status_of
from beautyspot.serialization.payload import FileData, named_file, suffix_of, unreadable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from beautyspot.contracts import Entry, Readable, TaskRecord
    from beautyspot.contracts.storage import File
    from beautyspot.resilience.guarded_backends import GuardedStorage
    from beautyspot.results.local_files import LocalFiles, Seals
    from beautyspot.results.validity import Digest

_PART: Final = 2**20


class Source:
    """Parts as a storage reads them.

    Attributes:
        size: bytes that were read.
        error: why the next part could not be given.
    """

    def __init__(self, parts: Iterator[bytes]) -> None:
        self._parts = parts
        self._rest = b""
        self.size = 0
        self.error: Exception | None = None

    def read(self, size: int = -1, /) -> bytes:
        """See `Readable`."""
        pieces, length = [self._rest], len(self._rest)
        try:
            while (size < 0 or length < size) and (part := next(self._parts, None)) is not None:
                pieces.append(part)
                length += len(part)
        except Exception as error:
            self.error = error
            raise
        data = b"".join(pieces)
        found = data if size < 0 else data[:size]
        self._rest = data[len(found) :]
        self.size += len(found)
        return found


def _read(file: FileIO, digests: Sequence[Digest]) -> Iterator[bytes]:
    """The parts of a file, each of which counts in the digests."""
    while part := file.read(_PART):
        for digest in digests:
            digest.update(part)
        yield part


def stored(
    record: TaskRecord,
    data: FileData,
    seals: Seals,
    save: Callable[[Readable], str],
    discard: Callable[[str], object],
) -> TaskRecord:
    """The record of a file that is in the storage now.

    Args:
        record: of the file.
        data: the file.
        seals: make its digest.
        save: puts it into the storage, and gives the location.
        discard: removes what is there.

    Raises:
        SerializationError: the file can't be read, or was changed meanwhile.
        StorageError: the storage failed, or there is none.
    """
    path = data.file.path
    try:
        file = FileIO(path, opener=open_plain)
    except OSError as error:
        raise unreadable(path, error) from error
    made, expires = record.made_at, record.expires_at
    digests = seals.begun(record.cache_key, data.codec, made, expires)
    with file:
        before, source = status_of(file.fileno()), Source(_read(file, digests))
        try:
            location = save(source)
        except Exception:
            if source.error is None:
                raise
            raise unreadable(path, source.error) from source.error
        is_changed, size = status_of(file.fileno()) != before, source.size
    if is_changed or size != before[SIZE]:
        discard(location)
    if is_changed:
        raise SerializationError(
            f"the File can't be stored: it was changed meanwhile: {path}. Return a File to which "
            "nothing writes any more"
        )
    if size != before[SIZE]:
        raise StorageError(
            f"the storage's save_file read {size} of {before[SIZE]} bytes: it has to read the file "
            "to its end"
        )
    digest = digests[0].digest()
    placed = record._replace(result_type=FILE, result_value=location, result_data=None)
    return placed._replace(digest=digest, size=size)


def restore(
    files: LocalFiles, storage: GuardedStorage | None, key: str, entry: Entry, codec: str
) -> File:
    """The file of an entry, checked.

    Raises:
        RestoreError: damaged.
        StorageError: it could not be read, or fetched.
    """
    location = entry.result_value
    if storage is None or location is None:
        raise RestoreError("the result is a file, and the Spot has no storage to read it from")
    path = path_in(storage.real, location)
    if path is None:
        load = partial(storage.parts, location)
        path = files.fetched(key, entry, suffix_of(codec), load)
    else:
        try:
            files.check(key, entry, path)
        except (FileNotFoundError, NotADirectoryError) as error:
            raise BlobNotFound(f"no blob {location!r:.200}: make it again") from error
    return named_file(path, codec)
