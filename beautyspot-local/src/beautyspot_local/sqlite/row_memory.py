"""Rows kept in memory while no process commits: a hit of a quiet database without a SELECT.

Kept are rows that were read after the database was found at rest, and they are handed out as long
as its log tells that no process has committed since. One commit forgets them all.

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
- The file is looked at through a descriptor that stays with it whatever happens to its name. It
  names the file without opening it (``O_PATH``), so that to close it drops no locks.

Where others commit all the time this would only cost. So some time goes by from a commit, or from a
look that finds no rest, to the next look; in between, a row is found as without this module.
Nothing here ever waits, since event loops come here.
"""

from __future__ import annotations

import os
import sqlite3
import stat
import time
from sys import getsizeof
from typing import TYPE_CHECKING, Final

from beautyspot.contracts import Entry, Lock, Plain
from beautyspot.files import mount_of

from beautyspot_local.sqlite.connections import journal_mode
from beautyspot_local.sqlite.waiting import is_busy

if TYPE_CHECKING:
    from pathlib import Path

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

TICKS: Final = 50_000_000
"""Nanoseconds: several ticks of the slowest kernel's clock. A later change has another time."""

_REALTIME_COARSE: Final = 5  # <linux/time.h>: the clock that the times of files are taken from
_ROUND: Final = 1_000_000
"""Whole milliseconds are of a file system that keeps no finer times, or one write in a million."""

FINDS: Final = 64
"""Finds before the clock is looked at: a script of a few calls pays nothing."""

PAUSE: Final = 0.08
"""Seconds to the next look, from a commit as from a look that found no rest: enough for what was
just written to count as quiet."""

STABLE: Final = 1.0
"""Seconds: that pause where rows were void before so long: others commit all the time."""

LARGEST: Final = 65_536
"""Bytes of a row that is kept; of larger ones, the SELECT is not what costs."""

OVERHEAD: Final = 250
"""Bytes of an entry beside key and columns: a tuple and its place in the dictionary."""


class Snapshot(dict[str, Plain | Entry]):
    """Rows by their keys, and a watch on the log that began before any of them was read.

    Attributes:
        handle: the connection that found the database at rest, and stays open as long as this; None
            of one without a watch, which has no rows.
        since: when that was, by the monotonic clock.
        room: bytes left.
        status: of the log, at that moment.
    """

    __slots__ = ("_changed", "_descriptor", "_inode", "_until", "handle", "room", "since", "status")

    def __init__(self, handle: Handle | None = None, room: int = 0) -> None:
        self.handle = handle
        self.room = room
        if handle is not None:
            self.since = time.monotonic()
            self._until = self.since + CHECK_PLACE
            flags = os.O_PATH | os.O_CLOEXEC | os.O_NOFOLLOW
            self._descriptor = os.open(f"{handle.path}-wal", flags)
            self.status = os.fstat(self._descriptor)
            self._inode, self._changed = self.status.st_ino, self.status.st_ctime_ns

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
        if now >= self.since + LONGEST or self.handle is None or self.handle.moved():
            return False
        self._until = min(now + CHECK_PLACE, self.since + LONGEST)
        return True

    def __del__(self) -> None:
        try:
            # Unless other code has closed it, and it is another file's by now.
            if os.path.samestat(os.fstat(self._descriptor), self.status):
                os.close(self._descriptor)
        except (AttributeError, OSError):  # it never was, or is no more
            pass


NOTHING: Final = Snapshot()


def settled(changed: int) -> bool:
    """Whether a change of a file at this time is so long ago that the next one has another."""
    return changed % _ROUND != 0 and time.clock_gettime_ns(_REALTIME_COARSE) - changed >= TICKS


def watched(handle: Handle, room: int) -> Snapshot:
    """A snapshot of the database at rest; one of nothing where it is not, or that can't be told.

    For a connection that may write and is in no transaction, while the caller holds the lock of
    this process's writers. The file system must be one that `timed_by_the_kernel`.

    Raises:
        sqlite3.Error: the connection is of no more use.
    """
    try:
        # First without the lock: where others write all the time they shall not meet it.
        if settled(os.stat(f"{handle.path}-wal").st_ctime_ns):  # noqa: PTH116 - a text
            handle.execute("BEGIN IMMEDIATE")
            found = Snapshot(handle, room)
            is_file = stat.S_ISREG(found.status.st_mode)  # a link is never written to
            in_wal_mode = journal_mode(handle.connection) == "wal"
            # The file itself last: a program that replaces it moves the log away first.
            if is_file and in_wal_mode and settled(found.status.st_ctime_ns) and not handle.moved():
                return found
    except sqlite3.OperationalError as error:
        if not is_busy(error):
            raise
    except OSError:  # there is no log, or none that may be opened
        return NOTHING
    finally:
        handle.roll_back()
    return NOTHING


_TIMED_BY_THE_KERNEL: Final = frozenset(
    {"btrfs", "ext2", "ext3", "ext4", "overlay", "tmpfs", "xfs"}
)
"""Each change of a file there is made by this kernel, which notes the time of each ``write``."""


def timed_by_the_kernel(path: Path | str) -> bool:
    """Whether a ``write`` to any file beside `path` surely moves that file's time of change."""
    directory = os.path.realpath(os.path.dirname(path))  # noqa: PTH120 - a text
    mount = mount_of(directory)
    if mount is None:
        return False
    kind, device = mount
    try:
        number = os.stat(directory).st_dev  # noqa: PTH116 - likewise
    except OSError:
        return False
    # Each part of btrfs shows a device of its own, which is not the one in the table of mounts.
    known = kind == "btrfs" or device == f"{os.major(number)}:{os.minor(number)}"
    return known and kind in _TIMED_BY_THE_KERNEL


class RowMemory:
    """The rows of one database, for all threads of a process.

    A caller of `find` looks into `snapshot` first. Where that has no valid row, the caller reads
    it, and tells `note` what it read and what `snapshot` was before: at each find once there is
    a watch, else at one in `FINDS`.

    Attributes:
        snapshot: the rows there are.
    """

    def __init__(self, room: int, writing: Lock) -> None:
        self.snapshot = NOTHING
        self._room = room
        self._writing = writing
        self._works: bool | None = None if room else False  # None: not known yet
        self._due = 0.0

    def note(self, snapshot: Snapshot, handle: Handle, key: str, row: Plain | Entry) -> None:
        """Keep a row that was read after `snapshot` was taken, or see whether rows can be kept.

        Raises:
            sqlite3.Error: the connection is of no more use.
        """
        if snapshot is not self.snapshot or handle.connection.in_transaction:
            return  # another thread was faster; or the row may never be committed
        if snapshot.handle is None:
            self._look(handle)
        elif snapshot.handle.identity == handle.identity:
            self._keep(snapshot, key, row)

    def _keep(self, snapshot: Snapshot, key: str, row: Plain | Entry) -> None:
        """In a snapshot that another thread has dropped, in vain."""
        size = OVERHEAD + getsizeof(key) + sum(map(getsizeof, row))
        if size <= min(LARGEST, self._room):
            snapshot.room -= size
            if snapshot.room < 0:
                snapshot.clear()
                snapshot.room = self._room - size
            snapshot[key] = row

    def drop(self, snapshot: Snapshot) -> None:
        """Forget rows that are no longer valid."""
        if snapshot is self.snapshot:  # else another thread was faster
            self.snapshot = NOTHING
            now = time.monotonic()
            self._due = now + (PAUSE if now - snapshot.since >= STABLE else STABLE)

    def _look(self, handle: Handle) -> None:
        now = time.monotonic()
        if now < self._due:
            return
        if self._works is None:
            self._works = timed_by_the_kernel(handle.path)
        if not self._works:
            return
        try:  # as in `Database.write`
            if self._writing.acquire(blocking=False):
                self._due = now + PAUSE
                self.snapshot = watched(handle, self._room)
        finally:
            try:  # noqa: SIM105 - the first call of all: no interrupt comes before it
                self._writing.release()
            except RuntimeError:  # it is another thread's
                pass
