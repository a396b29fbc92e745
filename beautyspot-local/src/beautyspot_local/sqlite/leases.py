"""Leases: which process or instance may compute a key, by locks of the kernel.

A kernel lock falls when its process dies, however it dies. There are two kinds:

- *Open file description locks* (``F_OFD_SETLK``, fcntl(2), Linux 3.15): one file, one byte a key,
  at an offset made from the key. Unlike the older POSIX locks they exclude within a process too and
  stay when another descriptor of the file is closed. Within one descriptor they do not exclude: a
  table does.
- *Whole lock files*, one a key, elsewhere: flock(2), or `msvcrt.locking` on Windows.

No call waits. A forked child closes what it inherited (which unlocks nothing): its copy would keep
the parent's locks alive after the parent's death.
"""

from __future__ import annotations

import contextlib
import errno
import importlib
import os
import struct
import sys
import weakref
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Final, Protocol, TypeAlias

from beautyspot.contracts import Lease
from beautyspot.files import create

from beautyspot_local.folders import make_private

if TYPE_CHECKING:
    from collections.abc import Callable

fcntl: Any = importlib.import_module("fcntl") if os.name == "posix" else None

_HELD_BY_ANOTHER: Final = frozenset({errno.EAGAIN, errno.EACCES, errno.EDEADLK})
# struct flock of fcntl(2) with 64-bit offsets, as Python is built everywhere; "0q" pads its end.
_FLOCK: Final = struct.Struct("@hhqqi0q")
_OFFSETS: Final = 2**62 - 57  # the largest prime below 2**62: every digit of a key counts
_TRIES: Final = 100


class Leases(Protocol):
    """What the two kinds have in common.

    Attributes:
        most: how many a call may hold at once.
    """

    most: ClassVar[int]

    def try_lease(self, key: str) -> Lease | None:
        """The lease of `key`, or None where another holds it; `OSError` where locks don't work."""
        ...

    def holder(self, key: str) -> str:
        """Who holds the lease of `key`, for people; "" where that can't be told."""
        ...

    def forget(self) -> None:
        """Let go of what is open and not leased; the next lease opens it again."""
        ...

    def after_fork_in_child(self) -> None:
        """Close what the child inherited; its copies of the parent's leases become empty."""
        ...


def leases_beside(database: Path) -> Leases:
    """The best kind of leases that the system has, on files beside the database."""
    if sys.platform == "linux" and hasattr(fcntl, "F_OFD_SETLK"):
        return RangeLeases(database.with_name(f"{database.name}.lock"))
    return FileLeases(database.with_name(f"{database.name}.locks"))


def offset_of(key: str) -> int:
    """Where the key's byte is, below 2**62. Two keys that share one only wait for each other."""
    if len(key) == 32:
        try:
            return int(key, 16) % _OFFSETS
        except ValueError:
            pass
    import hashlib  # takes a millisecond, and keys of ours don't need it

    digest = hashlib.sha256(key.encode("utf-8", "surrogatepass")).digest()
    return int.from_bytes(digest, "big") % _OFFSETS


def open_lock_file(path: Path) -> int:
    """A descriptor of the file, which is made where it is missing."""
    flags = os.O_RDWR | getattr(os, "O_NOFOLLOW", 0)  # or it locks a file elsewhere
    for _ in range(_TRIES):  # another process may make it, and remove it
        try:
            return os.open(path, flags)  # not inherited by programs: PEP 446
        except FileNotFoundError:
            make_private(path.parent)
        with contextlib.suppress(FileExistsError):
            return create(path, flags)
    return os.open(path, flags)


class LockFile:
    """An open lock file; it is closed with the last reference to this."""

    def __init__(self, path: Path) -> None:
        self.number = -1
        self.number = open_lock_file(path)

    def close(self) -> None:
        """Close it; a second call does nothing."""
        number, self.number = self.number, -1
        if number >= 0:
            os.close(number)

    def __del__(self) -> None:
        self.close()


Entry: TypeAlias = "weakref.ref[_KernelLease]"
Table: TypeAlias = dict[int, Entry]
"""The leases that are held, weakly: one that is dropped is released by its entry.

So ends a lease that never reached its caller, who was interrupted (Ctrl-C) on the way. No `__del__`
does it: that would run for each lease, and an interrupt that comes there is lost.
"""


class _KernelLease(Lease):
    """A lease that `end` ends, once: called with `entry`, which is in the table until then."""

    __slots__ = ("_descriptor", "_once", "entry")

    def __init__(self, descriptor: LockFile, end: Callable[[Entry], None]) -> None:
        self._descriptor = descriptor
        self._once = [end]
        self.entry: Entry = weakref.ref(self, end)

    def release(self) -> None:
        try:
            end = self._once.pop()  # atomic: for the first caller only
        except IndexError:
            return
        end(self.entry)
        del self.entry

    def void(self) -> None:
        """Become empty, in a forked child."""
        self._once.clear()
        self._descriptor.close()


def _void_all(table: Table) -> None:
    for entry in list(table.values()):
        lease = entry()
        if lease is not None:
            lease.void()
    table.clear()


# --------------------------------------------------------------------- one file, a byte a key


class RangeLeases:
    """Leases as byte ranges of one lock file."""

    most: ClassVar[int] = 1000  # the kernel looks through all of a file for each

    def __init__(self, path: Path) -> None:
        self._path = path
        self._table: Table = {}
        self._descriptor: LockFile | None = None

    def try_lease(self, key: str) -> Lease | None:
        """See `Leases`."""
        descriptor = self._descriptor
        if descriptor is None:  # two threads may both open it: the kernel excludes those as well
            descriptor = self._descriptor = LockFile(self._path)
        offset = offset_of(key)
        lease = _KernelLease(descriptor, partial(_unlock, self._table, offset, descriptor))
        if self._table.setdefault(offset, lease.entry) is not lease.entry:
            return None
        try:
            _set_lock(descriptor.number, offset, fcntl.F_WRLCK)
        except OSError as error:
            del self._table[offset]
            if error.errno in _HELD_BY_ANOTHER:
                return None
            raise
        return lease

    def holder(self, key: str) -> str:
        """See `Leases`; by ``/proc``, of this user's processes."""
        offset = offset_of(key)
        if offset in self._table:
            return "this process"
        with contextlib.suppress(OSError):
            found = self._path.stat()
            for process in Path("/proc").iterdir():
                if process.name.isdigit() and _holds(process, found, offset):
                    mine = process.name == str(os.getpid())
                    return "this process" if mine else f"process {process.name}"
        return ""

    def forget(self) -> None:
        """See `Leases`."""
        self._descriptor = None

    def after_fork_in_child(self) -> None:
        """See `Leases`."""
        _void_all(self._table)
        if self._descriptor is not None:
            self._descriptor.close()
            self._descriptor = None


def _holds(process: Path, file: os.stat_result, offset: int) -> bool:
    """Whether a process has locked that byte of the file; False where it may not be asked."""
    lock = f" {offset} {offset}\n"
    with contextlib.suppress(OSError):
        for opened in (process / "fd").iterdir():
            with contextlib.suppress(OSError):  # it may be closed meanwhile
                if os.path.samestat(opened.stat(), file):
                    text = (process / "fdinfo" / opened.name).read_text(encoding="ascii")
                    if lock in text:
                        return True
    return False


def _unlock(table: Table, offset: int, descriptor: LockFile, entry: Entry) -> None:
    """Unlock the byte, then let this instance's other threads in."""
    if table.get(offset) is not entry:
        return
    try:
        _set_lock(descriptor.number, offset, fcntl.F_UNLCK)
    except BaseException:  # an interrupt, maybe, which has come before the lock was gone
        with contextlib.suppress(OSError):  # some other code has closed the file: nothing is locked
            _set_lock(descriptor.number, offset, fcntl.F_UNLCK)
        raise
    finally:
        table.pop(offset, None)


def _set_lock(number: int, offset: int, kind: int) -> None:
    fcntl.fcntl(number, fcntl.F_OFD_SETLK, _FLOCK.pack(kind, os.SEEK_SET, offset, 1, 0))


# ------------------------------------------------------------------------ a whole file a key


class FileLeases:
    """Leases as lock files of a directory, one a key, removed when released."""

    most: ClassVar[int] = 64  # each is an open file, of which a process may have 256 on macOS

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._table: Table = {}

    def try_lease(self, key: str) -> Lease | None:
        """See `Leases`."""
        path = self._directory / f"{offset_of(key):016x}"
        for _ in range(_TRIES):
            descriptor = LockFile(path)
            if not lock_whole(descriptor.number):
                return None
            if is_at(path, descriptor.number):  # else its last holder removed it before our lock
                lease = _KernelLease(descriptor, partial(_remove, self._table, path, descriptor))
                self._table[descriptor.number] = lease.entry
                return lease
        return None

    def holder(self, key: str) -> str:
        """The system does not say."""
        del key
        return ""

    def forget(self) -> None:
        """Nothing is open that is not leased."""

    def after_fork_in_child(self) -> None:
        """See `Leases`."""
        _void_all(self._table)


def _remove(table: Table, path: Path, descriptor: LockFile, entry: Entry) -> None:
    """Remove the file while it is locked, so that nobody locks one that is about to go."""
    if table.get(descriptor.number) is not entry:
        return
    try:
        del table[descriptor.number]
        with contextlib.suppress(OSError):  # Windows removes no open file: there it stays, empty
            path.unlink()
    finally:
        descriptor.close()


def is_at(path: Path, number: int) -> bool:
    """Whether the open file is the one at the path."""
    try:
        return os.path.samestat(os.fstat(number), path.stat())
    except OSError:
        return False


def lock_whole(number: int) -> bool:
    """Lock an open file as long as it is open; whether that was possible."""
    try:
        if fcntl is None:
            msvcrt: Any = importlib.import_module("msvcrt")
            msvcrt.locking(number, msvcrt.LK_NBLCK, 1)
        else:
            fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in _HELD_BY_ANOTHER:
            return False
        raise
    return True
