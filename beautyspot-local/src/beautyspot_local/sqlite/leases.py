"""Leases: which token may compute a key, by locks of the kernel.

A kernel lock falls when its process dies, however it dies. There are two kinds:

- *Open file description locks* (``F_OFD_SETLK``, fcntl(2), Linux 3.15): one file, one byte a key,
  at an offset made from the key. Unlike the older POSIX locks they exclude within a process too and
  stay when another descriptor of the file is closed.
- *Whole lock files*, one a key, elsewhere: flock(2), or `msvcrt.locking` on Windows.

Both exclude other processes and other stores of this one; a table tells the tokens of one store
apart. No call waits. A forked child closes what it inherited (which unlocks nothing): its copy
would keep the parent's locks alive after the parent's death.
"""

from __future__ import annotations

import contextlib
import errno
import importlib
import os
import struct
import sys
from typing import TYPE_CHECKING, Any, ClassVar, Final

from beautyspot.contracts import Lock

from beautyspot_local.folders import opened

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

fcntl: Any = importlib.import_module("fcntl") if os.name == "posix" else None

_HELD_BY_ANOTHER: Final = frozenset({errno.EAGAIN, errno.EACCES, errno.EDEADLK})
# struct flock of fcntl(2) with 64-bit offsets, as Python is built everywhere; "0q" pads its end.
_FLOCK: Final = struct.Struct("@hhqqi0q")
_PLACES: Final = 2**62 - 57  # a prime: every digit of a key counts
_FLAGS: Final = os.O_RDWR | getattr(os, "O_NOFOLLOW", 0)  # or it locks a file elsewhere


def leases_beside(database: Path) -> Leases:
    """The best kind of leases that the system has, on files beside the database."""
    if sys.platform == "linux" and hasattr(fcntl, "F_OFD_SETLK"):
        return Leases(database.with_name(f"{database.name}.lock"))
    return FileLeases(database.with_name(f"{database.name}.locks"))


class Leases:
    """The leases that one store has given, as bytes of a file. `OSError` where locks don't work.

    Two keys that share a byte only wait for each other.
    """

    most: ClassVar[int] = 1000
    """How many a call may ask for at once: the kernel looks through all of a file for each."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._tokens: dict[str, str] = {}
        self._mutex = Lock()
        self._file = -1

    def take(self, keys: Iterable[str], token: str) -> dict[str, bool]:
        """The keys of these that `token` has now; and of each, whether it got it by this call."""
        found: dict[str, bool] = {}
        tokens, lock = self._tokens, self._lock
        with self._mutex:
            try:
                for key in keys:
                    holder = tokens.get(key)
                    if holder is None and lock(int(key, 16) % _PLACES):
                        tokens[key] = token
                        found[key] = True
                    elif holder == token:
                        found[key] = False
            except BaseException:
                self.release([key for key, is_new in found.items() if is_new], token)
                raise
        return found

    def release(self, keys: Iterable[str], token: str) -> None:
        """End these leases of `token`; others stay."""
        tokens = self._tokens
        with self._mutex:
            for key in keys:
                if tokens.get(key) == token:
                    del tokens[key]
                    self._unlock(int(key, 16) % _PLACES)

    def _lock(self, number: int) -> bool:
        if self._file < 0:
            self._file = opened(self._path, _FLAGS)
        try:
            fcntl.fcntl(self._file, fcntl.F_OFD_SETLK, _FLOCK.pack(fcntl.F_WRLCK, 0, number, 1, 0))
        except OSError as error:
            if error.errno not in _HELD_BY_ANOTHER:
                raise
            return False
        return True

    def _unlock(self, number: int) -> None:
        lock = _FLOCK.pack(fcntl.F_UNLCK, 0, number, 1, 0)
        try:
            fcntl.fcntl(self._file, fcntl.F_OFD_SETLK, lock)
        except OSError:  # some other code has closed the file: nothing is locked
            return

    def forget(self) -> None:
        """Use another lock file, if one is in the place of the open one by now."""
        if self._file >= 0 and not _is_at(self._path, self._file):
            self.end()

    def end(self) -> None:
        """End all of them, and close what is open."""
        with self._mutex:
            self._tokens.clear()
            self._close()

    def _close(self) -> None:
        file, self._file = self._file, -1
        if file >= 0:
            os.close(file)

    def after_fork_in_child(self) -> None:
        """Close what the child inherited; the locks stay the parent's."""
        self._mutex = Lock()
        self.end()

    def __del__(self) -> None:
        self._close()


class FileLeases(Leases):
    """The same as lock files of a folder, one a key, removed when released."""

    most = 64  # each is an open file, of which a process may have 256 on macOS

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._files: dict[int, int] = {}

    def _lock(self, number: int) -> bool:
        path = self._path / f"{number:016x}"
        file = opened(path, _FLAGS)
        try:
            if _lock_whole(file) and _is_at(path, file):  # else its last holder has just removed it
                self._files[number] = file
        finally:
            if number not in self._files:
                os.close(file)
        return number in self._files

    def _unlock(self, number: int) -> None:
        """It is removed first, so that nobody locks one that is about to go."""
        with contextlib.suppress(OSError):  # Windows removes no open file: there it stays, empty
            (self._path / f"{number:016x}").unlink()
        os.close(self._files.pop(number))

    def _close(self) -> None:
        while self._files:
            os.close(self._files.popitem()[1])


def _is_at(path: Path, file: int) -> bool:
    """Whether the open file is the one at the path."""
    try:
        return os.path.samestat(os.fstat(file), path.stat())
    except OSError:
        return False


def _lock_whole(file: int) -> bool:
    """Lock an open file as long as it is open; whether that was possible."""
    try:
        if fcntl is None:
            msvcrt: Any = importlib.import_module("msvcrt")
            msvcrt.locking(file, msvcrt.LK_NBLCK, 1)
        else:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno not in _HELD_BY_ANOTHER:
            raise
        return False
    return True
