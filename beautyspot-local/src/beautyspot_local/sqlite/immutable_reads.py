"""Reading a database as a file that never changes, for as long as it does not.

SQLite then needs no lock, ``-wal`` or ``-shm`` (``immutable=1``), so this works where nothing can
be written and where the disk is full. In turn SQLite sees no change, and what it reads while
another process writes may be of two states at once. Hence no process may be writing before, and
after each statement the file must be as it was: a writer has a ``-wal`` or a journal that is not
empty, until the file itself has changed.
"""

from __future__ import annotations

import os
import sqlite3
import time
from typing import TYPE_CHECKING, Any, Final

from beautyspot_local.sqlite.database_file import TICKS, timed_by_the_kernel

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

TICKS_ELSEWHERE: Final = 3_000_000_000
"""Nanoseconds, where it is not known who notes the times: some file systems keep two seconds."""


FileState = tuple[tuple[int, int], int, tuple[int, int], bool]
"""What tells that a database has changed: its identity, its size, when its content and when
anything of it was changed (nanoseconds), and whether it is in use."""


def state_of(path: Path) -> FileState | None:
    """The state of the database now; None where there is none."""
    try:
        status = os.stat(path)  # noqa: PTH116 - a third of the time of Path.stat, at every hit
    except OSError:
        return None
    return (
        (status.st_dev, status.st_ino),
        status.st_size,
        (status.st_mtime_ns, status.st_ctime_ns),
        _is_filled(f"{path}-wal") or _is_filled(f"{path}-journal"),
    )


def _is_filled(path: str) -> bool:
    try:
        return os.lstat(path).st_size > 0
    except OSError:
        return False


def is_still(path: Path) -> bool:
    """Whether no process writes the database, and a change from now on would show in its times.

    Raises:
        sqlite3.OperationalError: not yet, but in a moment ("busy").
    """
    state = state_of(path)
    if state is None:
        return False
    _, _, changed, in_use = state
    if in_use:
        return False
    ticks = TICKS if timed_by_the_kernel(path) else TICKS_ELSEWHERE
    age = time.time_ns() - min(changed)
    if 0 <= age <= ticks == TICKS:
        raise failure("the database was changed just now", sqlite3.SQLITE_BUSY)
    return age > ticks


class Rows(list[Any]):
    """The rows of a statement, all read, as its cursor would give them."""

    def fetchone(self) -> Any:
        """The first."""
        return self[0] if self else None

    def fetchall(self) -> list[Any]:
        """All."""
        return self


def read(path: Path, before: FileState | None, execute: Callable[[], sqlite3.Cursor]) -> Rows:
    """All rows of a statement, if the database is still in the state `before`.

    Raises:
        sqlite3.OperationalError: it is not ("busy"): a new connection is needed.
    """
    try:
        rows = Rows(execute().fetchall())
    except sqlite3.Error:
        _check(path, before)  # else what was torn would be taken for damage
        raise
    _check(path, before)
    return rows


def _check(path: Path, before: FileState | None) -> None:
    if state_of(path) != before:
        raise failure("the database was changed while it was read", sqlite3.SQLITE_BUSY)


def no_room() -> sqlite3.OperationalError:
    """What SQLite says where there is no room to write."""
    return failure("database or disk is full", sqlite3.SQLITE_FULL)


def failure(text: str, code: int) -> sqlite3.OperationalError:
    """What SQLite itself would raise.

    A caller that raises it keeps it in no variable: that would make a cycle with its traceback,
    which refers to the connection, so that this stayed open after the end of its store.
    """
    error = sqlite3.OperationalError(text)
    error.sqlite_errorcode = code
    return error
