"""Whether any process has committed to a database since a moment at which none was about to.

Every commit in WAL mode begins with a ``write`` to the ``-wal``, and a ``write`` moves the time of
change (ctime) that the kernel keeps of a file, and that no program can set. As long as this time
stays the same nothing was committed. Four things make this exact:

- A commit is seen only some time after its ``write``, when the index in the ``-shm`` follows, and
  its writer may be stopped in between for any time. So the time is taken *at rest*: under SQLite's
  write lock, where no commit is half-way. A read that comes after that sees each commit, or the
  commit's ``write`` is still ahead.
- The clock of such times ticks each few milliseconds, and two writes within one tick may leave one
  time. So the last change must be older than that.
- A writer that was killed half-way leaves a commit that no reader sees, and that SQLite's recovery
  brings to light without a ``write``. SQLite recovers when the first connection is opened, so the
  connection that took the lock stays open.
- The file is looked at through a descriptor that stays with it whatever happens to its name.

The descriptor is one that names a file without opening it (``O_PATH``). Closing it drops no locks,
as closing one that opens the file would; see `beautyspot_local.sqlite.connections`.
"""

from __future__ import annotations

import os
import sqlite3
import stat
import time
from typing import TYPE_CHECKING, Final

from beautyspot_local.sqlite.connections import is_busy, journal_mode
from beautyspot_local.sqlite.database_file import TICKS

if TYPE_CHECKING:
    from beautyspot_local.sqlite.connections import Handle

LONGEST: Final = 60.0
"""Seconds after which a watch ends, whatever the file says.

What else could deceive it: a wall clock put back, and then a commit in the very nanosecond of the
one before; a second writer killed within a few instructions of its starting the ``-wal`` anew,
above the commit that a first one left half-way.
"""

CHECK_PLACE: Final = 0.1
"""Seconds after which the database's path is checked again: the log itself does not tell that the
database alone was moved away, or the folder of both.
"""

_REALTIME_COARSE: Final = 5  # <linux/time.h>: the clock that the times of files are taken from
_ROUND: Final = 1_000_000
"""Whole milliseconds are of a file system that keeps no finer times, or one write in a million."""


class WalWatch:
    """Watches the log of a database at rest; `is_unchanged` until something is written to it.

    Attributes:
        handle: the connection that found it at rest, and stays open as long as this.
        since: when, by the monotonic clock.
    """

    __slots__ = ("_changed", "_descriptor", "_inode", "_status", "_until", "handle", "since")

    def __init__(self, handle: Handle, log: str) -> None:
        self.handle = handle
        self.since = time.monotonic()
        self._until = self.since + CHECK_PLACE
        self._descriptor = os.open(log, os.O_PATH | os.O_CLOEXEC | os.O_NOFOLLOW)
        self._status = os.fstat(self._descriptor)
        self._inode, self._changed = self._status.st_ino, self._status.st_ctime_ns

    def is_unchanged(self) -> bool:
        """Whether nothing was committed since: a system call, rarely two, which never wait."""
        try:
            status = os.fstat(self._descriptor)
        except OSError:  # a program that closes all descriptors, as a daemon does, closed this one
            return False
        return (
            status.st_ctime_ns == self._changed
            and status[1] == self._inode  # not another file's descriptor by now
            and (time.monotonic() < self._until or self._goes_on())
        )

    def _goes_on(self) -> bool:
        now = time.monotonic()
        if now >= self.since + LONGEST or self.handle.moved():
            return False
        self._until = min(now + CHECK_PLACE, self.since + LONGEST)
        return True

    def is_settled(self) -> bool:
        """Whether the next write to the log will show as another time."""
        is_file = stat.S_ISREG(self._status.st_mode)  # a link is never written to
        return is_file and settled(self._changed)

    def __del__(self) -> None:
        try:
            # Unless other code has closed it, and it is another file's by now.
            if os.path.samestat(os.fstat(self._descriptor), self._status):
                os.close(self._descriptor)
        except (AttributeError, OSError):  # it never was, or is no more
            pass


def settled(changed: int) -> bool:
    """Whether a change at this time is so long ago that the next one has another."""
    return changed % _ROUND != 0 and coarse_now() - changed >= TICKS


def coarse_now() -> int:
    """Nanoseconds of the clock that the times of files are taken from."""
    return time.clock_gettime_ns(_REALTIME_COARSE)


def watch(handle: Handle) -> WalWatch | None:
    """A watch on the database at rest; None where it is not, or where that can't be told now.

    For a connection that may write and is in no transaction, while the caller holds the lock of
    this process's writers. The file system must be one that `timed_by_the_kernel`.

    Raises:
        sqlite3.Error: the connection is of no more use.
    """
    log = f"{handle.path}-wal"
    try:
        # First without the lock: where others write all the time they shall not meet it.
        return _at_rest(handle, log) if settled(os.stat(log).st_ctime_ns) else None  # noqa: PTH116 - a text
    except OSError:
        return None


def _at_rest(handle: Handle, log: str) -> WalWatch | None:
    try:
        handle.execute("BEGIN IMMEDIATE")
        if journal_mode(handle.connection) != "wal":
            return None
        found = WalWatch(handle, log)
        # Last, whether the file is still ours: a program that replaces it moves the log away first.
        return found if found.is_settled() and not handle.moved() else None
    except sqlite3.OperationalError as error:
        if is_busy(error):
            return None
        raise
    finally:
        if handle.connection.in_transaction:
            handle.execute("ROLLBACK")
