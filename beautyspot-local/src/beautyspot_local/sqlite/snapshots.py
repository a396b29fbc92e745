"""A connection for looking at a database: nothing beside the file is made, and nothing changes.

SQLite makes a ``-wal`` and a ``-shm`` to read a database in WAL mode, and leaves them. So a file
that nobody has open is read as one that never changes (see `immutable_reads`), and one that is in
use by what is there already. What was left by a process that died, and would have to be brought in
order first, is copied and put in order there.
"""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
import weakref
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Final

from beautyspot_local.sqlite import connections, fork_guard, immutable_reads, salvage, schema
from beautyspot_local.sqlite.connections import IMMUTABLE, connect_as
from beautyspot_local.sqlite.database_file import refuse_traps
from beautyspot_local.sqlite.immutable_reads import state_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from beautyspot_local.sqlite.connections import Handle

fork_guard.INSIDE.add(__name__)

_LEFT_BEHIND: Final = (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY)
"""What SQLite says where it would have to write first."""


_NAME: Final = "copy.db"


class Snapshots:
    """Connections to one file, each for a single use."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._in_order = _Copy()
        self._salvaged = _Copy()

    def connect(self, *, is_damaged: bool = False) -> Handle:
        """A connection that can only read.

        Raises:
            OSError: there is no file.
            sqlite3.Error: it can't be read, or is busy.
            MetadataError: it is not to be opened.
        """
        refuse_traps(self._path)
        log, shared, journal = map(self._beside, ("-wal", "-shm", "-journal"))
        in_use = log.exists() and shared.exists()
        if not in_use and _is_filled(log):
            return self._connect_copy(is_damaged)
        if not in_use and not _is_filled(journal):
            immutable_reads.is_still(self._path)  # busy, if it was changed just now
            return connect_as(self._path, IMMUTABLE, read_only=True, is_damaged=is_damaged)
        try:
            return connect_as(self._path, "mode=ro", read_only=True, is_damaged=is_damaged)
        except sqlite3.OperationalError as error:
            if connections.code_of(error) not in _LEFT_BEHIND:
                raise
        return self._connect_copy(is_damaged)

    def salvaged(self) -> Handle:
        """The same to a copy of what can be read of a damaged file."""
        copy = self._salvaged.made(self._state(), self._salvage)
        return connect_as(copy, IMMUTABLE, read_only=True)

    @property
    def is_salvaged(self) -> bool:
        """Whether the file, as it is now, was found damaged."""
        return self._salvaged.state == self._state()

    def forget(self) -> None:
        """Remove the copies."""
        self._in_order.forget()
        self._salvaged.forget()

    def _beside(self, suffix: str) -> Path:
        return self._path.with_name(self._path.name + suffix)

    def _state(self) -> object:
        return state_of(self._path), _size_and_time(self._beside("-wal"))

    def _connect_copy(self, is_damaged: bool) -> Handle:
        copy = self._in_order.made(self._state(), self._copy_all)
        return connect_as(copy, "mode=rw", read_only=True, is_damaged=is_damaged)

    def _copy_all(self, copy: Path) -> None:
        """Copy the file, and what a process has left beside it.

        SQLite copies the file itself: see `database_file`. No process has locks on the others.
        """
        before = self._state()
        with (
            closing(connect_as(self._path, IMMUTABLE, read_only=True, is_damaged=True)) as source,
            closing(sqlite3.connect(copy)) as target,
        ):
            source.connection.backup(target)
        for suffix in ("-wal", "-journal"):
            if self._beside(suffix).is_file():
                shutil.copyfile(self._beside(suffix), copy.with_name(copy.name + suffix))
        self._check(before)

    def _salvage(self, copy: Path) -> None:
        before = self._state()
        with closing(self.connect(is_damaged=True)) as source:
            schema.refuse_programs(source.connection, self._path)
            salvage.salvage(source.connection, copy, self._path)
        self._check(before)

    def _check(self, before: object) -> None:
        if self._state() != before:
            raise immutable_reads.failure("it was changed while it was copied", sqlite3.SQLITE_BUSY)


class _Copy:
    """A database in a folder of its own, made of another one in some state."""

    def __init__(self) -> None:
        self.state: object = None
        self._folder: Path | None = None
        self.forget: Callable[[], object] = lambda: None

    def made(self, state: object, make: Callable[[Path], None]) -> Path:
        """Where it is; it is made where there is none of that state."""
        if self._folder is None or self.state != state:
            self.forget()
            self._folder = Path(tempfile.mkdtemp(prefix="beautyspot-"))
            self.forget = weakref.finalize(self, shutil.rmtree, self._folder, ignore_errors=True)
            self.state = None  # until it is whole
            make(self._folder / _NAME)
            self.state = state
        return self._folder / _NAME


def _is_filled(path: Path) -> bool:
    found = _size_and_time(path)
    return found is not None and found[0] > 0


def _size_and_time(path: Path) -> tuple[int, int] | None:
    try:
        status = path.lstat()
    except OSError:
        return None
    return status.st_size, status.st_mtime_ns
