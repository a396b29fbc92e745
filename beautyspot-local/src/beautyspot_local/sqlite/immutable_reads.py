"""Reading a database as a file that never changes, for as long as it does not.

SQLite reads it so without any lock, ``-wal`` or ``-shm`` (``immutable=1``): where nothing can be
written, or there is no room for them. In turn it sees no change, and what it reads while another
one writes may be of two states at once. So nobody may be writing before, and after each statement
the file must be as it was: who writes has a ``-wal`` or a journal that is not empty, until the file
itself has changed.
"""

from __future__ import annotations

import os
import sqlite3
import time
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from beautyspot_local.sqlite.file_systems import timed_by_the_kernel

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

QUIET: Final = 50_000_000
"""Nanoseconds: several ticks of the slowest kernel's clock. A later change has another time."""

QUIET_ELSEWHERE: Final = 3_000_000_000
"""The same where it is not known who notes the times: some file systems keep two seconds."""


class Standing(NamedTuple):
    """How a database stands."""

    identity: tuple[int, int]
    size: int
    changed: tuple[int, int]  # by the file's content, and by anything
    in_use: bool


def look(path: Path) -> Standing | None:
    """How the database stands now; None where there is none."""
    try:
        status = os.stat(path)  # noqa: PTH116 - a third of the time of Path.stat, at every hit
    except OSError:
        return None
    return Standing(
        (status.st_dev, status.st_ino),
        status.st_size,
        (status.st_mtime_ns, status.st_ctime_ns),
        _holds(f"{path}-wal") or _holds(f"{path}-journal"),
    )


def _holds(path: str) -> bool:
    try:
        return os.lstat(path).st_size > 0
    except OSError:
        return False


def is_still(path: Path) -> bool:
    """Whether nobody writes the database, and whoever begins to could be told by its times.

    Raises:
        sqlite3.OperationalError: not yet, but in a moment ("busy").
    """
    stands = look(path)
    if stands is None or stands.in_use:
        return False
    quiet = QUIET if timed_by_the_kernel(path) else QUIET_ELSEWHERE
    age = time.time_ns() - min(stands.changed)
    if 0 <= age <= quiet == QUIET:
        raise failure("the database was changed just now", sqlite3.SQLITE_BUSY)
    return age > quiet


class Rows(list[Any]):
    """The rows of a statement, all read, as its cursor would give them."""

    def fetchone(self) -> Any:
        """The first."""
        return self[0] if self else None

    def fetchall(self) -> list[Any]:
        """All."""
        return self


def read(path: Path, stood: Standing | None, execute: Callable[[], sqlite3.Cursor]) -> Rows:
    """All rows of a statement, if the database still stands as it did.

    Raises:
        sqlite3.OperationalError: it does not ("busy"): a new connection is needed.
    """
    try:
        rows = Rows(execute().fetchall())
    except sqlite3.Error:
        _check(path, stood)  # else what was torn would be taken for damage
        raise
    _check(path, stood)
    return rows


def _check(path: Path, stood: Standing | None) -> None:
    if look(path) != stood:
        raise failure("the database was changed while it was read", sqlite3.SQLITE_BUSY)


def no_room() -> sqlite3.OperationalError:
    """What SQLite says where there is no room to write."""
    return failure("database or disk is full", sqlite3.SQLITE_FULL)


def failure(text: str, code: int) -> sqlite3.OperationalError:
    """What SQLite itself would raise.

    Who raises it keeps it in no variable. That would make a cycle with its traceback, which holds
    those who use the connection, so that it would stay open after the end of its store.
    """
    error = sqlite3.OperationalError(text)
    error.sqlite_errorcode = code
    return error
