"""Leases: who may compute a key, between processes and between instances, by locks of the kernel.

A kernel lock falls when its process dies, however it dies. Two kinds, by what the system has:

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
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeAlias

from beautyspot.contracts import Lease
from beautyspot.files import create

from beautyspot_local.sqlite.directories import make_directory

if TYPE_CHECKING:
    from pathlib import Path

fcntl: Any = importlib.import_module("fcntl") if os.name == "posix" else None

_HELD_BY_ANOTHER: Final = frozenset({errno.EAGAIN, errno.EACCES, errno.EDEADLK})
# struct flock of fcntl(2) with 64-bit offsets, as Python is built everywhere; "0q" pads its end.
_FLOCK: Final = struct.Struct("@hhqqi0q")
_OFFSETS: Final = 2**62 - 57  # the largest prime below 2**62: every digit of a key counts
_TRIES: Final = 100


class Leases(Protocol):
    """What the two kinds have in common."""

    def try_lease(self, key: str) -> Lease | None:
        """The lease of `key`, or None where another holds it; `OSError` where locks don't work."""
        ...

    def forget(self) -> None:
        """Let go of what is open and not leased; the next lease opens it again."""
        ...

    def after_fork_in_child(self) -> None:
        """Close what the child inherited; its copies of the parent's leases become empty."""
        ...


def leases_beside(database: Path) -> Leases:
    """The best kind of leases that the system has, on files beside the database."""
    if have_ranges():
        return RangeLeases(lock_file(database))
    return FileLeases(database.with_name(f"{database.name}.locks"))


def have_ranges() -> bool:
    """Whether byte ranges can be locked, for one descriptor each."""
    return sys.platform == "linux" and hasattr(fcntl, "F_OFD_SETLK")


def lock_file(database: Path) -> Path:
    """Where byte ranges are locked."""
    return database.with_name(f"{database.name}.lock")


def offset_of(key: str) -> int:
    """Where the key's byte is, below 2**62. Two keys that share one only wait for each other."""
    if len(key) == 32:
        try:
            return int(key, 16) % _OFFSETS
        except ValueError:
            pass
    import hashlib

    digest = hashlib.sha256(key.encode("utf-8", "surrogatepass")).digest()
    return int.from_bytes(digest, "big") % _OFFSETS


def open_lock_file(path: Path) -> int:
    """A descriptor of the file, which is made where it is missing."""
    flags = os.O_RDWR | getattr(os, "O_NOFOLLOW", 0)  # or it locks a file elsewhere
    for _ in range(_TRIES):  # another process may make it, and remove it
        try:
            return os.open(path, flags)  # not inherited by programs: PEP 446
        except FileNotFoundError:
            make_directory(path.parent)
        with contextlib.suppress(FileExistsError):
            return create(path, flags)
    return os.open(path, flags)


# --------------------------------------------------------------------- one file, a byte a key


class _Descriptor:
    """The open lock file; it stays open for as long as the table or a lease holds this."""

    __slots__ = ("number",)

    def __init__(self, path: Path) -> None:
        self.number = -1
        self.number = open_lock_file(path)

    def close(self) -> None:
        number, self.number = self.number, -1
        if number >= 0:
            os.close(number)

    def __del__(self) -> None:
        self.close()


Table: TypeAlias = dict[int, "weakref.ref[Any]"]
"""The leases that are held, weakly: what is dropped without a release is released by its entry.

So ends a lease that never reached who asked for it, since he was interrupted (Ctrl-C) on the way.
"""


class _RangeLease(Lease):
    __slots__ = ("_descriptor", "_offset", "_once", "_table")

    def __init__(self, table: Table, offset: int, descriptor: _Descriptor) -> None:
        self._table = table
        self._offset = offset
        self._descriptor = descriptor
        self._once = [True]

    def release(self) -> None:
        """Unlock the byte, then let this instance's other threads in."""
        if _take(self._once):
            _unlock(self._table, self._offset, self._descriptor)

    def void(self) -> None:
        """Become empty, in a forked child."""
        self._once.clear()
        self._descriptor.close()


def _unlock(table: Table, offset: int, descriptor: _Descriptor) -> None:
    try:
        _set_lock(descriptor.number, offset, fcntl.F_UNLCK)
    except BaseException:  # an interrupt, maybe, which has come before the lock was gone
        _set_lock(descriptor.number, offset, fcntl.F_UNLCK)
        raise
    finally:
        table.pop(offset, None)


def _drop(
    table: Table, offset: int, descriptor: _Descriptor, entry: weakref.ref[_RangeLease]
) -> None:
    """Release what nobody holds any more."""
    if table.get(offset) is entry:
        with contextlib.suppress(OSError):
            _unlock(table, offset, descriptor)


def _void(table: Table) -> None:
    """Empty the leases of a table, in a forked child, and the table itself."""
    for entry in list(table.values()):
        lease = entry()
        if lease is not None:
            lease.void()
    table.clear()


def _take(once: list[Any]) -> Any:
    """What is in the list, for the first who asks: `pop` is atomic."""
    try:
        return once.pop()
    except IndexError:
        return None


def _set_lock(number: int, offset: int, kind: int) -> None:
    fcntl.fcntl(number, fcntl.F_OFD_SETLK, _FLOCK.pack(kind, os.SEEK_SET, offset, 1, 0))


def lock_byte(number: int, offset: int, exclusive: bool | None) -> bool:
    """Lock a byte, exclusively or not, or unlock it (None); False where it is another's.

    Raises:
        OSError: there are no locks.
    """
    kind = {True: fcntl.F_WRLCK, False: fcntl.F_RDLCK, None: fcntl.F_UNLCK}[exclusive]
    try:
        _set_lock(number, offset, kind)
    except OSError as error:
        if error.errno not in _HELD_BY_ANOTHER:
            raise
        return False
    return True


class RangeLeases:
    """Leases as byte ranges of one lock file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._table: Table = {}
        self._descriptor: _Descriptor | None = None

    def try_lease(self, key: str) -> Lease | None:
        """See `Leases`."""
        descriptor = self._descriptor
        if descriptor is None:  # two threads may both open it: the kernel excludes those as well
            descriptor = self._descriptor = _Descriptor(self._path)
        offset = offset_of(key)
        lease = _RangeLease(self._table, offset, descriptor)
        entry = weakref.ref(lease, partial(_drop, self._table, offset, descriptor))
        if self._table.setdefault(offset, entry) is not entry:
            return None
        try:
            _set_lock(descriptor.number, offset, fcntl.F_WRLCK)
        except OSError as error:
            del self._table[offset]
            if error.errno in _HELD_BY_ANOTHER:
                return None
            raise
        return lease

    def forget(self) -> None:
        """See `Leases`."""
        self._descriptor = None

    def after_fork_in_child(self) -> None:
        """See `Leases`."""
        _void(self._table)
        if self._descriptor is not None:
            self._descriptor.close()
            self._descriptor = None


# ------------------------------------------------------------------------ a whole file a key


class _FileLease(Lease):
    __slots__ = ("_numbers", "_once", "_path")

    def __init__(self, path: Path, number: int, numbers: Table) -> None:
        self._path = path
        self._once = [number]
        self._numbers = numbers

    def release(self) -> None:
        """Remove the file while it is locked, so that nobody locks one that is about to go."""
        number = _take(self._once)
        if number is not None:
            _unlock_whole(self._numbers, number, self._path)

    def void(self) -> None:
        """Become empty, in a forked child."""
        while self._once:  # another thread may just have released it
            os.close(self._once.pop())


def _unlock_whole(numbers: Table, number: int, path: Path) -> None:
    try:
        numbers.pop(number, None)
        _remove(path)
    finally:
        os.close(number)


def _drop_whole(numbers: Table, number: int, path: Path, entry: weakref.ref[_FileLease]) -> None:
    """Release what nobody holds any more."""
    if numbers.get(number) is entry:
        with contextlib.suppress(OSError):
            _unlock_whole(numbers, number, path)


def _remove(path: Path) -> None:
    with contextlib.suppress(OSError):  # Windows removes no open file: there it stays, empty
        path.unlink()


class FileLeases:
    """Leases as lock files of a directory, one a key, removed when released."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._numbers: Table = {}

    def try_lease(self, key: str) -> Lease | None:
        """See `Leases`."""
        path = self._directory / f"{offset_of(key):016x}"
        for _ in range(_TRIES):
            number = open_lock_file(path)
            lease = _FileLease(path, number, self._numbers)
            kept = False
            try:
                if not _lock_whole(number):
                    return None
                kept = _is_at(path, number)  # else its last holder removed it before our lock
                if kept:
                    dropped = partial(_drop_whole, self._numbers, number, path)
                    self._numbers[number] = weakref.ref(lease, dropped)
            finally:
                if number not in self._numbers:
                    os.close(number)
            if kept:
                return lease
        return None

    def forget(self) -> None:
        """Nothing is open that is not leased."""

    def after_fork_in_child(self) -> None:
        """See `Leases`."""
        _void(self._numbers)


def _is_at(path: Path, number: int) -> bool:
    try:
        return os.path.samestat(os.fstat(number), path.stat())
    except OSError:
        return False


def _lock_whole(number: int) -> bool:
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
