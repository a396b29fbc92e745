"""Large results in files of this machine: read, mapped or given as files, and checked.

A file is read to its end for its digest once a process and a state of the file: device, inode, size
and the times of its last change. What changes one behind the cache, and none of these, is found by
`beautyspot verify`. Nothing is remembered of a file that was changed just now: its next change may
bear the same time. The bytes of signed results are checked each time.

What a storage of another machine holds as a `File` is fetched once into the folder `fetched` of the
Spot's directory. The folder may be deleted at any time. A file in it that no hit has used for
`UNUSED` seconds is removed when another one is fetched; nothing else bounds it.
"""

from __future__ import annotations

import errno
import mmap
import os
import sys
import time
from contextlib import suppress
from io import FileIO
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeVar

from beautyspot.contracts.records import less_mark
from beautyspot.errors import RestoreError
from beautyspot.files import READ, create, make_folder, open_plain
from beautyspot.results.validity import UNSIGNED, check_digests

try:
    import resource
except ImportError:  # Windows, whose limit is far away
    resource = None  # type: ignore[assignment]  # there

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from beautyspot.config.signing import SigningKeys
    from beautyspot.contracts import BlobStorageBase, Data, Entry
    from beautyspot.results.validity import Unsigned

    Signer = SigningKeys | Unsigned

D = TypeVar("D", bound="Data")

UNUSED: Final = 30 * 86400.0
"""Seconds after which a fetched file that no hit has used may be removed."""

KNOWN: Final = 4096
"""Files that are remembered as checked."""

SETTLED: Final = 50_000_000
"""Nanoseconds after a change from which on another one bears another time: several ticks of the
slowest kernel's clock."""

_COARSE: Final = 1_000_000
"""Whole milliseconds are of a file system that keeps no finer times, or one change in a million."""

_SETTLED_COARSE: Final = 3_000_000_000
"""Nanoseconds of `SETTLED` there: FAT counts in steps of two seconds."""

FRESH: Final = 2**25
"""Bytes up to which glibc uses memory again that was given back (M_MMAP_THRESHOLD)."""

_WITHOUT_FILE: Final[dict[str, Any]] = {"trackfd": False} if sys.version_info >= (3, 13) else {}

_AT_ONCE: Final = 2**30
"""Bytes that every system reads in one call; Linux ends at 2 GiB."""

_DAY: Final = 86400.0
_PART: Final = 2**20
_TO_READ: Final = 0o400 if os.name == "posix" else 0o600  # Windows replaces none that is read-only
_TEMPORARY: Final = ".tmp-"
_WRITE: Final = os.O_WRONLY | getattr(os, "O_BINARY", 0)


Status = tuple[int, int, int, int, int]
"""What is another when a file was changed: device, inode, size, the times of its last change."""

SIZE: Final = 2
"""Where the size is in it."""


class Checked(NamedTuple):
    """A file that was found to be what a row says, in this state."""

    entry: Entry
    path: str
    status: Status


class LocalFiles:
    """What one Spot knows of the files that its hits have given.

    Args:
        directory: of the Spot.
        signer: make the digests of what the files hold.
    """

    def __init__(self, directory: Path, signer: Signer) -> None:
        self._folder = directory / "fetched"
        self._signer = signer
        self._checked: dict[str, Checked] = {}

    def read(
        self,
        key: str,
        entry: Entry,
        storage: BlobStorageBase | None = None,
        *,
        owned: bool,
        maps: bool,
    ) -> Data | None:
        """The bytes of an entry's file, checked; None where none can be read.

        Args:
            key: of the entry.
            entry: the row that names the file.
            storage: in which it is; None: only what was checked before, and is as it was, counts.
            owned, maps: whether the bytes are their value's own, and then a map.

        Raises:
            RestoreError: they are not what was stored.
            StorageError: the location leads out of the storage.
        """
        known = self._checked.get(key) if self._signer is UNSIGNED else None
        if known is not None and known.entry == entry:
            path: str | Path | None = known.path
        elif storage is None or entry.result_value is None:
            return None
        else:
            known, path = None, storage.local_path(entry.result_value)
        if path is None:
            return None
        try:
            descriptor = open_plain(str(path)) if known is None else os.open(path, READ)
            try:
                status = status_of(descriptor) if known is None else known.status
                data = _WAYS[owned, maps](descriptor, status[SIZE])
                if known is not None and status_of(descriptor) == status:
                    return data
            finally:
                os.close(descriptor)
        except (OSError, ValueError):
            return None
        if known is not None:  # it was changed since
            self._checked.pop(key, None)
            return self.read(key, entry, storage, owned=owned, maps=maps)
        for _ in self._passing([data], key, entry):
            pass
        self._remember(key, Checked(entry, str(path), status))
        return data

    def check(self, key: str, entry: Entry, path: Path) -> None:
        """Read a file to its end, unless this was done since its last change.

        Raises:
            RestoreError: it is not what was stored.
            OSError: it can't be read.
        """
        with FileIO(path, opener=open_plain) as file:
            found = Checked(entry, str(path), status_of(file.fileno()))
            if self._checked.get(key) == found:
                return
            for _ in self._passing(iter(lambda: file.read(_PART), b""), key, entry):
                pass
        self._remember(key, found)

    def _remember(self, key: str, found: Checked) -> None:
        changed = found.status[-1]
        if time.time_ns() - changed < (SETTLED if changed % _COARSE else _SETTLED_COARSE):
            return
        if len(self._checked) >= KNOWN:
            self._checked.clear()
        self._checked[key] = found

    def _passing(self, parts: Iterable[D], key: str, entry: Entry) -> Iterator[D]:
        """The parts of an entry's data; at their end an error, if they are not what was stored."""
        codec, made_at = entry.serializer or "", entry.made_at
        digests = self._signer.begun(key, codec, made_at, entry.expires_at)
        for part in parts:
            for each in digests:
                each.update(part)
            yield part
        check_digests(digests, entry.digest)

    def fetched(
        self, key: str, entry: Entry, suffix: str, load: Callable[[], Iterable[bytes]]
    ) -> Path:
        """The path of a blob's copy, which is fetched where there is no sound one.

        Raises:
            RestoreError: what `load` gives is not what was stored.
            OSError: the copy can't be written.
        """
        from hashlib import sha256

        location = (entry.result_value or "").encode(errors="surrogatepass")
        name = sha256(location + b"\n" + (less_mark(entry.digest) or b""))
        path = self._folder / f"{name.hexdigest()[:32]}.{suffix}"
        try:
            now = time.time()
            if path.stat().st_mtime < now - _DAY:  # its use is noted once a day
                os.utime(path, (now, now))
            self.check(key, entry, path)
        except (OSError, RestoreError):  # not there, or damaged
            self._fetch(path, self._passing(load(), key, entry))
            self._remove_unused()
        return path

    def _fetch(self, path: Path, parts: Iterable[bytes]) -> None:
        temporary = self._folder / f"{_TEMPORARY}{os.urandom(8).hex()}"
        self._folder.parent.parent.mkdir(parents=True, exist_ok=True)
        for folder in (self._folder.parent, self._folder):
            with suppress(FileExistsError):
                make_folder(folder)
        try:
            with os.fdopen(create(temporary, _WRITE), "wb") as file:
                file.writelines(parts)
            temporary.chmod(_TO_READ)
            temporary.replace(path)
        except BaseException:
            with suppress(OSError):
                temporary.unlink()
            raise

    def _remove_unused(self) -> None:
        oldest = time.time() - UNUSED
        with suppress(OSError):
            for path in self._folder.iterdir():
                if path.stat().st_mtime < oldest:
                    path.unlink()


def status_of(descriptor: int) -> Status:
    """The status of a file now."""
    found = os.fstat(descriptor)
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns


# --------------------------------------------------------------------- ways to take the bytes


def whole(descriptor: int, size: int) -> Data:
    """All bytes of a file of this size."""
    return os.read(descriptor, size) if size <= _AT_ONCE else to_write(descriptor, size)


def to_write(descriptor: int, size: int) -> bytearray | memoryview:
    """The same in memory to which nothing else refers, and which can be written to."""
    memory, end = _memory(size), 0
    with FileIO(descriptor, closefd=False) as file, memoryview(memory) as view:
        while end < size and (count := file.readinto(view[end:])):
            end += count
    return memory


def _memory(size: int) -> bytearray | memoryview:
    """NumPy's, where the program has loaded it: a `bytearray` is filled with zeros first.

    The C library takes fresh pages for all that is over 32 MiB, of 4 kB each, of which one costs as
    much as reading 20 kB: that much comes in huge pages from the system, where it has such.
    """
    if size > FRESH and hasattr(mmap, "MADV_HUGEPAGE"):
        pages = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        with suppress(OSError):  # a kernel without
            pages.madvise(mmap.MADV_HUGEPAGE)
        return memoryview(pages)
    empty: Any = getattr(sys.modules.get("numpy"), "empty", None)
    return bytearray(size) if empty is None else memoryview(empty(size, "u1"))


def mapped(descriptor: int, size: int) -> memoryview:
    """The file as memory, read as far as it is looked at (`mark(mmap=True)`).

    It is copy-on-write, so that no change reaches the file, which the system never writes to while
    it has its name, and which stays as long as a map of it. But whoever cuts one short in its place
    kills the process that reads on (SIGBUS), and whoever changes one in its place may change the
    array: so this is the function's own choice, and none where results are signed.

    Before Python 3.13 a map keeps the file open: but no more of them than leave half of its files
    to the process. A new descriptor has the lowest number that is free.

    Raises:
        OSError, ValueError: it can't be mapped.
    """
    del size
    if not _WITHOUT_FILE and resource is not None:
        limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
        if limit != resource.RLIM_INFINITY and 2 * descriptor >= limit:
            raise OSError(errno.EMFILE, "maps keep half of the files open")
    return memoryview(mmap.mmap(descriptor, 0, access=mmap.ACCESS_COPY, **_WITHOUT_FILE))


_WAYS: Final[dict[tuple[bool, bool], Callable[[int, int], Data]]] = {
    (False, False): whole,
    (False, True): whole,
    (True, False): to_write,
    (True, True): mapped,
}
"""By whether the value owns the bytes, and maps what it owns."""
