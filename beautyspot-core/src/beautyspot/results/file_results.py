"""Results that are files: in parts into a storage, and back, checked while they are read.

Where the storage keeps plain files of this machine, a hit gives the blob
itself; from other storages it is fetched once, see `local_files`.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from beautyspot.errors import BlobNotFound, RestoreError
from beautyspot.serialization.payload import named_file, suffix_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from io import FileIO

    from beautyspot.contracts import Entry
    from beautyspot.contracts.storage import File
    from beautyspot.resilience.guarded_backends import GuardedStorage
    from beautyspot.results.local_files import LocalFiles
    from beautyspot.results.validity import Digest

_PART: Final = 2**20


class Source:
    """Parts as a storage reads them.

    Attributes:
        size: bytes that were read.
        error: why the next part could not be given.
    """

    def __init__(self, parts: Iterator[bytes]) -> None:
        self._parts, self._rest = parts, bytearray()
        self.size = 0
        self.error: Exception | None = None

    def read(self, size: int = -1, /) -> bytes:
        """See `Readable`."""
        rest = self._rest
        try:
            while (size < 0 or len(rest) < size) and (part := next(self._parts, None)) is not None:
                rest += part
        except Exception as error:
            self.error = error
            raise
        found = bytes(rest if size < 0 else rest[:size])
        del rest[: len(found)]
        self.size += len(found)
        return found


def digested(file: FileIO, digests: Sequence[Digest]) -> Iterator[bytes]:
    """The parts of a file, each of which counts in the digests."""
    while part := file.read(_PART):
        for digest in digests:
            digest.update(part)
        yield part


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
    path = storage.real.local_path(location)
    if path is None:
        load = partial(storage.parts, location)
        path = files.fetched(key, entry, suffix_of(codec), load)
    else:
        try:
            files.check(key, entry, path)
        except (FileNotFoundError, NotADirectoryError) as error:
            raise BlobNotFound(f"no blob {location!r:.200}: make it again") from error
    return named_file(path, codec)
