"""One SQLite file as its threads see it: opened once, a connection each, aside when damaged."""

from __future__ import annotations

import sqlite3
import threading
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING, Final, TypeVar

from beautyspot.errors import MetadataBusyError, MetadataError
from beautyspot.files import lack, network_file_system
from beautyspot.logs import logger

from beautyspot_local.sqlite import (
    connections,
    fork_guard,
    immutable_reads,
    row_cache,
    schema,
    wal_watch,
)
from beautyspot_local.sqlite.connections import Handle, patiently
from beautyspot_local.sqlite.database_file import (
    Identity,
    identify,
    make_file,
    rescue,
    set_aside,
)
from beautyspot_local.sqlite.lease_waits import LeaseWaits
from beautyspot_local.sqlite.leases import leases_beside
from beautyspot_local.sqlite.row_cache import RowCache

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from beautyspot.contracts import Entry, Lease, Plain

    from beautyspot_local.sqlite.row_cache import Snapshot

T = TypeVar("T")

SET_ASIDE: Final = "\0set aside"
"""The lease that keeps two processes from moving one damaged file, and the second its successor."""

_SMB: Final = frozenset({"cifs", "smb3", "smbfs"})

_LOST: Final = frozenset(
    {
        sqlite3.SQLITE_ERROR,  # also: another program dropped the table
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_PROTOCOL,
        sqlite3.SQLITE_READONLY,  # also: the file was moved (SQLITE_READONLY_DBMOVED)
    }
)
"""After these a connection is not used again; the next call makes a new one."""

ELSEWHERE: Final = (
    "choose a db_path on a local disk, or a metadata store that is made for several machines"
)
MAKE_WRITABLE: Final = "make the file and its directory writable, or choose another db_path"

fork_guard.INSIDE.update({__name__, wal_watch.__name__})


class Database:
    """What all threads of one store share.

    Attributes:
        network: the kind of network file system that the file is on, or None.
        local: `local.handle` is the calling thread's connection, where it has one already, and
            `local.reader` one that can only read: it is looked at again before each use.
        rows: those that are kept in memory.
        finds: how many may go by before `check_moved` is to be called.
        store_id: None until the file has been opened and brought up to date.
    """

    local: threading.local
    rows: RowCache
    finds: int
    store_id: str | None

    def __init__(self, path: Path, timeout: float, memory: int) -> None:
        self.path = path
        self.timeout = timeout
        self.network = network_file_system(path)
        self.leases = leases_beside(path)
        self.waits = LeaseWaits(path.with_name(f"{path.name}.waits"))
        self._memory = memory
        self._closed = False
        self._told = False
        self._prepared_file: Identity | None = None
        self._start_afresh()
        fork_guard.guard(self)

    def _start_afresh(self) -> None:
        """No connection, and locks that are free."""
        self.local = threading.local()
        self.store_id = None
        # Reentrant, since a signal's handler may come to them in the thread that holds them.
        self._writing = threading.RLock()
        self._opening = threading.RLock()
        self._writer = 0  # the thread whose turn it is
        self.finds = row_cache.FINDS
        self.rows = RowCache(self._memory, self._writing)

    def hold(self, deadline: float) -> Callable[[], None]:
        """Let no thread write, nor begin to read; returns how to end that, in the same thread.

        A thread that comes finds no connection of its own, and waits for the lock to make one.
        """
        held, kept = ExitStack(), self.local
        fork_guard.acquire(self._writing, deadline, held)
        if fork_guard.acquire(self._opening, deadline, held):  # else its holder may change `local`
            held.callback(setattr, self, "local", kept)
            self.local = threading.local()
        return held.close

    def after_fork_in_child(self) -> None:
        """Leave everything to the parent."""
        self._start_afresh()
        self.leases.after_fork_in_child()
        self.waits.after_fork_in_child()

    # ------------------------------------------------------------------------ letting go

    @fork_guard.waits
    def reset(self) -> None:
        """Let go of every connection; one that is just being used closes after that."""
        with self._opening:
            self.store_id = None
            self.local = threading.local()
            self.rows = RowCache(self._memory, self._writing)
            self.leases.forget()

    def close(self) -> None:
        """Let go of every connection, for good."""
        self._closed = True
        self.waits.end()
        self.reset()

    def check_open(self) -> None:
        """Raise `MetadataError` after `close`."""
        if self._closed:
            raise MetadataError(f"the store {self.path} is closed: make a new one")

    def doubt(self, snapshot: Snapshot) -> None:
        """Forget rows that are no longer valid, after a commit or whatever else ended the watch."""
        self.rows.drop(snapshot)
        self.check_moved()

    def check_moved(self) -> None:
        """Let go of every connection where its file was moved or removed: no hit comes from it.

        SQLite does not tell: it goes on with the file that it has open. To ask takes a tenth of a
        look-up, so this is for one in so many.
        """
        self.finds = row_cache.FINDS
        handle: Handle | None = getattr(self.local, "handle", None)
        if handle is not None and handle.moved():
            self.reset()

    def note(self, snapshot: Snapshot, handle: Handle, key: str, row: Plain | Entry) -> None:
        """Keep a row that was found, where that pays; see `RowCache`."""
        try:
            self.rows.note(snapshot, handle, key, row)
        except sqlite3.Error:
            self._memory = 0
            self.reset()  # the connection may hold a lock

    # ----------------------------------------------------------------------------- using

    def use(self, work: Callable[[Handle], T]) -> T:
        """Call `work` with this thread's connection, which ends where it is of no more use."""
        handle = self.handle()
        self.clean(handle)
        return self._use(handle, work)

    def clean(self, handle: Handle) -> None:
        """Roll back what Ctrl-C has left open; but not in a handler that interrupts a write."""
        if self._writer != threading.get_ident():
            handle.roll_back()

    def _use(self, handle: Handle, work: Callable[[Handle], T]) -> T:
        try:
            return work(handle)
        except sqlite3.Error as error:
            damaged = connections.is_damage(error)
            if damaged or connections.code_of(error) in _LOST:
                # Closed here, and not when the last reference goes: the error's traceback is one.
                # An open connection would keep what was wrong in memory that all of them share.
                self.reset()
                handle.close()
            if damaged:
                self.move_aside(handle.identity)
            raise

    @fork_guard.waits
    def write(self, work: Callable[[Handle], T]) -> T:
        """Call `work` until it is not busy, while no other thread of this process writes.

        Raises:
            MetadataBusyError: the others took too long; or this thread is at it already, and was
                interrupted by a signal's handler.
        """
        me = threading.get_ident()
        if self._writer == me:
            raise self.busy_error()
        try:
            if not self._writing.acquire(timeout=self.timeout):
                raise self.busy_error()
            self._writer = me
            return patiently(self.timeout, self._use, self._writable(), work)
        finally:
            if self._writer == me:
                self._writer = 0
            try:  # noqa: SIM105 - an interrupt may come wherever a Python function is entered
                self._writing.release()
            except RuntimeError:  # it did not get it
                pass

    def write_at_once(self, work: Callable[[Handle], T]) -> T | None:
        """The same, but with no wait for a lock or for the disk: None where there might be one.

        It neither opens the file nor makes a new connection.
        """
        me = threading.get_ident()
        handle: Handle | None = getattr(self.local, "handle", None)
        if handle is None or self.network or self._writer == me:
            return None
        try:
            if not self._writing.acquire(blocking=False):
                return None
            self._writer = me
            handle.roll_back()
            return self._use(handle, work) if handle.commits_at_once() else None
        except sqlite3.OperationalError as error:
            if connections.is_busy(error):
                return None
            raise
        finally:
            if self._writer == me:
                self._writer = 0
            try:  # noqa: SIM105 - as in `write`
                self._writing.release()
            except RuntimeError:
                pass

    def _writable(self) -> Handle:
        handle = self.handle()
        if handle.moved() or handle.read_only:  # which it may be no more
            self.reset()
            handle.close()
            handle = self.handle()
        if handle.without_room:
            raise immutable_reads.no_room()
        if handle.read_only:
            raise MetadataError(f"{self.path} may only be read: {MAKE_WRITABLE}")
        handle.roll_back()
        handle.checkpoint(itself=True)
        return handle

    def busy_error(self) -> MetadataBusyError:
        """What to raise when others were in the way for too long."""
        return MetadataBusyError(
            f"{self.path} is locked by another connection (timeout: {self.timeout} s): try again"
        )

    # ------------------------------------------------------------------------------ connecting

    def handle(self) -> Handle:
        """The calling thread's connection, made and the file opened where that is to be done."""
        try:
            handle: Handle = self.local.handle
        except AttributeError:
            handle = self._reader() or self._new_handle()
        return handle

    def _reader(self) -> Handle | None:
        """The calling thread's connection that can only read, while a new one would be the same."""
        reader: Handle | None = getattr(self.local, "reader", None)
        if reader is not None and reader.outdated():
            self.reset()
            return None
        return reader

    @fork_guard.waits
    def _new_handle(self) -> Handle:
        with self._opening:
            self.check_open()
            handle = self._connect()
            setattr(self.local, "reader" if handle.read_only else "handle", handle)
        return handle

    def _connect(self) -> Handle:
        if self.network in _SMB:
            raise MetadataError(
                f"{self.path} is on an SMB share ({self.network}), where SQLite's locks do not "
                f"work: {ELSEWHERE}"
            )
        make_file(self.path)
        found = identify(self.path)
        try:
            return self._prepared()
        except sqlite3.DatabaseError as error:
            if not connections.is_damage(error):
                raise
        self.move_aside(found)
        make_file(self.path)
        return self._prepared()

    def _prepared(self) -> Handle:
        handle = patiently(self.timeout, connections.connect, self.path)
        try:
            if not self._is_prepared(handle):
                self.store_id = self._prepare(handle)
                self._prepared_file = handle.identity
                self.rows = RowCache(self._memory, self._writing)
        except BaseException:
            handle.close()
            raise
        return handle

    def _is_prepared(self, handle: Handle) -> bool:
        """Whether it is the file that was prepared: one in its place may have its inode as well."""
        if self.store_id is None or handle.identity != self._prepared_file:
            return False
        return patiently(self.timeout, schema.find_store_id, handle.connection) == self.store_id

    def _prepare(self, handle: Handle) -> str:
        """What the first connection to a file does for all; the store's ID."""
        connection = handle.connection
        if not handle.read_only:
            wanted = "delete" if self.network else "wal"
            self._tell(connections.set_journal_mode(handle, wanted, self.timeout))
            patiently(self.timeout, schema.migrate, connection, self.path)
        elif not patiently(self.timeout, schema.is_current, connection, self.path):
            if handle.without_room:
                raise immutable_reads.no_room()
            raise MetadataError(
                f"{self.path} was written by an earlier release and may only be read: "
                "make it writable once, so that its table is brought up to date"
            )
        # Without WAL a reader, too, meets the locks of a writer.
        return patiently(self.timeout, schema.read_store_id, connection)

    def _tell(self, mode: str) -> None:
        """Log, once, that the file is in another journal mode than WAL."""
        if mode == "wal" or self._told or lack(self.path.parent):
            return  # without room, no mode works
        self._told = True
        if self.network:
            logger.warning(
                "%s is on a network file system (%s), where a SQLite database serves one machine "
                "at a time, and readers and writers wait for each other: %s",
                *(self.path, self.network, ELSEWHERE),
            )
        else:
            logger.warning(
                "%s is in SQLite's journal mode %r, since WAL does not work there: readers and "
                "writers wait for each other; choose a db_path on a local disk",
                *(self.path, mode),
            )

    # ---------------------------------------------------------------------------------- damage

    def move_aside(self, damaged: Identity | None) -> None:
        """Move the damaged file away, unless another process has done so already."""
        lease = self._await_lease()
        try:
            if identify(self.path) == damaged:
                aside = set_aside(self.path)
                logger.warning(
                    "%s is damaged and was renamed to %s: a fresh one takes its place, and nothing "
                    "was deleted; copy what can be read of it into the fresh one: %s",
                    *(self.path, aside, rescue(aside, self.path)),
                )
        except OSError as error:
            logger.warning("%s is damaged; renaming it failed (%s): move it away", self.path, error)
        finally:
            if lease is not None:
                lease.release()

    def _await_lease(self) -> Lease | None:
        """The right to move the file; None where the system has no locks there."""
        left = self.timeout
        while True:
            try:
                lease = self.leases.try_lease(SET_ASIDE)
            except OSError:
                return None
            if lease is not None:
                return lease
            if left <= 0:
                raise self.busy_error()
            nap = min(connections.SHORTEST_PAUSE, left)
            time.sleep(nap)
            left -= nap
