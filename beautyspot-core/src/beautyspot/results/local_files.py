"""The files that hits have given: which were checked, and those that were fetched.

What a storage of another machine holds is fetched once into the folder `fetched` of the Spot's
directory. The folder may be deleted at any time. A file in it that no hit has used for `UNUSED`
seconds is removed when another one is fetched; nothing else bounds it.
"""

from __future__ import annotations

import errno
import os
import stat
import sys
import time
from contextlib import suppress
from io import FileIO
from mmap import ACCESS_COPY, mmap
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeVar

from beautyspot.errors import RestoreError
from beautyspot.files import create, make_folder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from beautyspot.contracts import Data
    from beautyspot.results.validity import Digest

D = TypeVar("D", bound="Data")

UNUSED: Final = 30 * 86400.0
"""Seconds after which a fetched file that no hit has used may be removed."""

KNOWN: Final = 1000
"""Files that are remembered as checked."""

_WITHOUT_FILE: Final[dict[str, Any]] = {"trackfd": False} if sys.version_info >= (3, 13) else {}

_DAY: Final = 86400.0
_PART: Final = 2**20
_TO_READ: Final = 0o400 if os.name == "posix" else 0o600  # Windows replaces none that is read-only
_TEMPORARY: Final = ".tmp-"
_READ: Final = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
_WRITE: Final = os.O_WRONLY | getattr(os, "O_BINARY", 0)


class Status(NamedTuple):
    """What is another when a file was changed."""

    device: int
    inode: int
    size: int
    modified: int
    changed: int


class Seal(NamedTuple):
    """What tells that a file is the one that was stored.

    Attributes:
        begin: begins the digests of which one has to come out.
        digest: the one that the row names.
    """

    begin: Callable[[], list[Digest]]
    digest: bytes | None

    def passing(self, parts: Iterable[D]) -> Iterator[D]:
        """The parts, unless they are not what was stored: then an error at their end.

        Raises:
            RestoreError: they are not.
        """
        from hmac import compare_digest

        digests = self.begin()
        for part in parts:
            for each in digests:
                each.update(part)
            yield part
        named = self.digest if type(self.digest) is bytes else b""
        if not any(compare_digest(each.digest(), named) for each in digests):
            raise RestoreError(
                "a stored file is damaged, or bears no signature by a signing_key of this Spot; it "
                "is made again"
            )


class LocalFiles:
    """What one Spot knows of the files that its hits have given.

    Args:
        directory: of the Spot.
    """

    def __init__(self, directory: Path) -> None:
        self._folder = directory / "fetched"
        self._checked: dict[tuple[str, bytes | None], Status] = {}

    def check(self, path: Path, seal: Seal) -> None:
        """Read a file to its end, unless this was done since its last change.

        Raises:
            RestoreError: it is not what was stored.
            OSError: it can't be read.
        """
        with FileIO(path, opener=open_plain) as file:
            self._check(file, seal, iter(lambda: file.read(_PART), b""))

    def mapped(self, path: Path, seal: Seal) -> memoryview:
        """A file mapped into memory, checked as by `check`. What is written to it stays there.

        The map outlives the file's name, and before Python 3.13 keeps the file open: but no more
        of them than leave half of its files to the process.

        Raises:
            RestoreError: it is not what was stored.
            OSError, ValueError: it can't be mapped.
        """
        with FileIO(path, opener=open_plain) as file:
            if not (_WITHOUT_FILE or _may_keep_open(file)):
                raise OSError(errno.EMFILE, "maps keep half of the files open", str(path))
            view = memoryview(mmap(file.fileno(), 0, access=ACCESS_COPY, **_WITHOUT_FILE))
            self._check(file, seal, [view])
        return view

    def _check(self, file: FileIO, seal: Seal, parts: Iterable[Data]) -> None:
        known, status = (str(file.name), seal.digest), status_of(file)
        if self._checked.get(known) == status:
            return
        for _ in seal.passing(parts):
            pass
        if len(self._checked) >= KNOWN:
            self._checked.clear()
        self._checked[known] = status

    def fetched(
        self, location: str, suffix: str, seal: Seal, load: Callable[[], Iterable[bytes]]
    ) -> Path:
        """The path of a blob's copy, which is fetched where there is no sound one.

        Raises:
            RestoreError: what `load` gives is not what was stored.
            OSError: the copy can't be written.
        """
        from hashlib import sha256

        name = sha256(location.encode(errors="surrogatepass") + b"\n" + (seal.digest or b""))
        path = self._folder / f"{name.hexdigest()[:32]}.{suffix}"
        try:
            _touch(path)
            self.check(path, seal)
        except (OSError, RestoreError):  # not there, or damaged
            self._fetch(path, seal.passing(load()))
            self._remove_unused()
        return path

    def _fetch(self, path: Path, parts: Iterable[bytes]) -> None:
        temporary = self._folder / f"{_TEMPORARY}{os.urandom(8).hex()}"
        _make_private(self._folder)
        try:
            with FileIO(create(temporary, _WRITE), "w") as file:
                for part in parts:
                    _write(file, part)
            temporary.chmod(_TO_READ)
            temporary.replace(path)
        except BaseException:
            with suppress(OSError):
                temporary.unlink()
            raise

    def _remove_unused(self) -> None:
        now = time.time()
        with suppress(OSError):
            for path in self._folder.iterdir():
                age = _DAY if path.name.startswith(_TEMPORARY) else UNUSED
                if path.stat().st_mtime < now - age:
                    path.unlink()


def open_plain(path: str, flags: int) -> int:
    """An opener for plain files alone, which never waits for a FIFO."""
    descriptor = os.open(path, flags | _READ)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "not a plain file", path)
    return descriptor


def _may_keep_open(file: FileIO) -> bool:
    """Whether a map, which duplicates the descriptor, leaves half of what may be open to others.

    A duplicate has the lowest number that is free.
    """
    try:
        from resource import RLIM_INFINITY, RLIMIT_NOFILE, getrlimit
    except ImportError:  # Windows, whose limit is far away
        return True
    limit, duplicate = getrlimit(RLIMIT_NOFILE)[0], os.dup(file.fileno())
    os.close(duplicate)
    return limit == RLIM_INFINITY or 2 * duplicate < limit


def status_of(file: FileIO) -> Status:
    """Its status now."""
    found = os.fstat(file.fileno())
    return Status(found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)


def _touch(path: Path) -> None:
    """Note the use of a file, at most once a day: its status is another then."""
    now = time.time()
    if path.stat().st_mtime < now - _DAY:
        os.utime(path, (now, now))


def _make_private(folder: Path) -> None:
    for each in (folder.parent, folder):
        if not each.is_dir():
            each.parent.mkdir(parents=True, exist_ok=True)
            with suppress(FileExistsError):
                make_folder(each)


def _write(file: FileIO, part: bytes) -> None:
    view = memoryview(part)
    while view:
        view = view[file.write(view) :]
