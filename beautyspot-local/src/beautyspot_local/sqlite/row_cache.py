"""Rows kept in memory while no process commits: a hit of a quiet database without a SELECT.

Kept are rows that were read after the database was found at rest, and they are handed out as long
as `wal_watch` tells that no process has committed since. One commit forgets them all.

Where others commit all the time this would only cost. So each look that finds no rest, and each
commit soon after one, doubles the pause to the next look; in between, a row is found as without
this module. Nothing here ever waits, since event loops come here: a lock that is taken means that
another thread does the same.
"""

from __future__ import annotations

import threading
import time
from sys import getsizeof
from typing import TYPE_CHECKING, Final

from beautyspot.contracts import Entry, Plain

from beautyspot_local.sqlite import wal_watch
from beautyspot_local.sqlite.database_file import timed_by_the_kernel

if TYPE_CHECKING:
    from beautyspot_local.sqlite.connections import Handle
    from beautyspot_local.sqlite.wal_watch import WalWatch

FINDS: Final = 64
"""Finds before the clock is looked at: a script of a few calls pays nothing."""

FIRST_PAUSE: Final = 0.08  # enough for what was just written to count as quiet
LONGEST_PAUSE: Final = 4.0
STABLE: Final = 1.0
"""Seconds. After a rest of `STABLE` the next pause is the first again."""

LARGEST: Final = 65_536
"""Bytes of a row that is kept; of larger ones, the SELECT is not what costs."""

OVERHEAD: Final = 250
"""Bytes of an entry beside key and columns: a tuple and its place in the dictionary."""

CHECKED: Final = 16
"""Rows kept between two checks of the watch: each hit checks it, but no key may come twice.

A row that is too large to be kept checks it each time.
"""


class Snapshot(dict[str, Plain | Entry]):
    """Rows by their keys; once one was found, `is_unchanged()` tells whether it may be used.

    Attributes:
        watch: began before any of the rows was read; None: there are no rows.
        room: bytes left.
    """

    __slots__ = ("is_unchanged", "room", "watch")

    def __init__(self, watch: WalWatch | None, room: int) -> None:
        self.watch = watch
        self.room = room
        if watch is not None:
            self.is_unchanged = watch.is_unchanged  # bound once: it is part of every hit


class RowCache:
    """The rows of one database, for all threads of a process.

    A caller of `find` looks into `snapshot` first. Where that has no valid row, the caller reads
    it, and tells `note` what it read and what `snapshot` was before: at each find once there is
    a watch, else at one in `FINDS`.

    Attributes:
        snapshot: the rows there are.
    """

    def __init__(self, room: int, writing: threading.RLock) -> None:
        self.snapshot = self._nothing = Snapshot(None, 0)
        self._room = room
        self._writing = writing
        self._lock = threading.Lock()
        self._works: bool | None = None if room else False  # None: not known yet
        self._due = 0.0
        self._pause = FIRST_PAUSE

    def note(self, snapshot: Snapshot, handle: Handle, key: str, row: Plain | Entry) -> None:
        """Keep a row that was read after `snapshot` was taken, or see whether rows can be kept.

        Raises:
            sqlite3.Error: the connection is of no more use.
        """
        if not self._lock.acquire(blocking=False):
            return
        try:
            if snapshot is not self.snapshot or handle.connection.in_transaction:
                return  # another thread was faster; or the row may never be committed
            watch = snapshot.watch
            if watch is None:
                self._look(handle)
            elif watch.handle.identity == handle.identity:
                self._keep(snapshot, watch, key, row)
        finally:
            self._lock.release()

    def drop(self, snapshot: Snapshot) -> None:
        """Forget rows that are no longer valid."""
        if not self._lock.acquire(blocking=False):
            return
        try:
            if snapshot is self.snapshot and snapshot.watch is not None:
                self._drop(snapshot.watch)
        finally:
            self._lock.release()

    def _keep(self, snapshot: Snapshot, watch: WalWatch, key: str, row: Plain | Entry) -> None:
        size = OVERHEAD + getsizeof(key) + sum(map(getsizeof, row))
        too_large = size > min(LARGEST, self._room)
        if (too_large or len(snapshot) % CHECKED == CHECKED - 1) and not watch.is_unchanged():
            self._drop(watch)
            return
        if too_large:
            return
        snapshot.room -= size
        if snapshot.room < 0:
            snapshot.clear()
            snapshot.room = self._room - size
        snapshot[key] = row

    def _drop(self, watch: WalWatch) -> None:
        self.snapshot = self._nothing
        now = time.monotonic()
        if now - watch.since >= STABLE:
            self._pause = FIRST_PAUSE
        self._put_off(now)

    def _put_off(self, now: float) -> None:
        self._due = now + self._pause
        self._pause = min(2 * self._pause, LONGEST_PAUSE)

    def _look(self, handle: Handle) -> None:
        now = time.monotonic()
        if now < self._due:
            return
        if self._works is None:
            self._works = timed_by_the_kernel(handle.path)
        if not self._works:
            return
        watch = self._watch(handle)
        if watch is None:
            self._put_off(now)
        else:
            self.snapshot = Snapshot(watch, self._room)

    def _watch(self, handle: Handle) -> WalWatch | None:
        try:
            if not self._writing.acquire(blocking=False):
                return None
            return wal_watch.watch(handle)
        finally:
            try:  # noqa: SIM105 - as in `Database.write`
                self._writing.release()
            except RuntimeError:
                pass
