"""One SQLite file as its threads see it: opened once, a connection each, aside when damaged."""

from __future__ import annotations

import os
import sqlite3
import threading
import time
import weakref
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING, Final

from beautyspot.concurrency import locks
from beautyspot.concurrency.locks import holds
from beautyspot.concurrency.time_budget import Patience
from beautyspot.errors import MetadataBusyError, MetadataError
from beautyspot.files import lack, network_file_system
from beautyspot.logs import logger

from beautyspot_local.sqlite import connections, immutable_reads, row_cache, schema, wal_watch
from beautyspot_local.sqlite.connections import Connection, Handle, Identity, identify, patiently
from beautyspot_local.sqlite.leases import leases_beside
from beautyspot_local.sqlite.row_cache import RowCache
from beautyspot_local.sqlite.thread_stacks import others_inside

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from beautyspot.contracts import Lease, Plain

    from beautyspot_local.sqlite.row_cache import Snapshot

SET_ASIDE: Final = "\0set aside"
"""The lease that keeps two processes from moving one damaged file, and the second its successor."""

_databases: weakref.WeakSet[Database] = weakref.WeakSet()


class Database:
    """What all threads of one store share.

    Attributes:
        local: `local.handle` is the calling thread's connection, where it has one already, and
            `local.reader` one that can only read: it is looked at again before each use.
        writing: held by the thread that writes, which is not to enter twice. It knows its holder,
            so that who is interrupted (Ctrl-C) just when he has it can give it back.
        rows: those that are kept in memory.
        finds: how many may go by before `stay` is to be called.
        store_id: None until the file has been opened and brought up to date.
    """

    local: threading.local
    writing: threading.RLock
    rows: RowCache
    finds: int
    store_id: str | None

    def __init__(self, path: Path, timeout: float, memory: int) -> None:
        self.path = path
        self.timeout = timeout
        self._memory = memory
        self.leases = leases_beside(path)
        self.closed = False
        self._told = False
        self._start_afresh()
        _databases.add(self)

    def _start_afresh(self) -> None:
        """No connection, and locks that nobody holds."""
        self.local = threading.local()
        self.store_id = None
        self.writing = locks.reentrant()
        self.finds = row_cache.FINDS
        self.rows = RowCache(self._memory, self.writing)
        self._opening = locks.reentrant()

    # ----------------------------------------------------------------------------------- forking

    def hold(self, deadline: float) -> Callable[[], None]:
        """Let no thread write, nor begin to read; how to end that, in the same thread.

        Who comes finds no connection of his own, and waits for the lock to make one.
        """
        held, kept = ExitStack(), self.local
        hold(self.writing, deadline, held)
        if hold(self._opening, deadline, held):  # else it may be changed by its holder
            held.callback(setattr, self, "local", kept)
            self.local = threading.local()
        return held.close

    def after_fork_in_child(self) -> None:
        """Leave everything to the parent."""
        self._start_afresh()
        self.leases.after_fork_in_child()

    def reset(self) -> None:
        """Let go of every connection; one that is just being used closes after that."""
        with self._opening:
            self.store_id = None
            self.local = threading.local()
            self.rows = RowCache(self._memory, self.writing)
            self.leases.forget()

    def doubt(self, snapshot: Snapshot) -> None:
        """Forget rows that do not last, for a commit or for another reason; see `stay`."""
        self.rows.drop(snapshot)
        self.stay()

    def stay(self) -> None:
        """Let go of every connection where its file was moved or removed: no hit comes from it.

        SQLite does not tell: it goes on with the file that it has open. To ask takes a tenth of a
        look-up, so this is for one in so many.
        """
        self.finds = row_cache.FINDS
        handle: Handle | None = getattr(self.local, "handle", None)
        if handle is not None and handle.moved():
            self.reset()

    def close(self) -> None:
        """Let go of every connection, for good."""
        self.closed = True
        self.reset()

    def check_open(self) -> None:
        """Raise `MetadataError` after `close`."""
        if self.closed:
            raise MetadataError(f"the store {self.path} is closed: make a new one")

    def busy_error(self) -> MetadataBusyError:
        """What to raise when others were in the way for too long."""
        return MetadataBusyError(
            f"{self.path} is locked by another connection (timeout: {self.timeout} s): try again"
        )

    def check_turn(self) -> None:
        """Raise `MetadataBusyError` in the thread that writes: for a signal's handler, say."""
        if holds(self.writing):
            raise self.busy_error()

    def take_turn(self) -> None:
        """Become the thread that writes: acquire `writing`.

        Raises:
            MetadataBusyError: the others took too long.
        """
        if not self.writing.acquire(timeout=self.timeout):
            raise self.busy_error()

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

    def _new_handle(self) -> Handle:
        with self._opening:
            self.check_open()
            handle = self._connect()
            setattr(self.local, "reader" if handle.read_only else "handle", handle)
            if not self.rows.is_of(handle.identity):
                self.rows = RowCache(self._memory, self.writing)
        return handle

    def note(self, snapshot: Snapshot, handle: Handle, key: str, row: Plain) -> None:
        """Keep a row that was found, where that pays; see `RowCache`."""
        try:
            self.rows.note(snapshot, handle, key, row)
        except sqlite3.Error:
            self._memory = 0
            self.reset()  # the connection may hold a lock

    def _connect(self) -> Handle:
        connections.make_place(self.path)
        found = identify(self.path)
        try:
            return self._prepared()
        except sqlite3.DatabaseError as error:
            if not connections.is_damage(error):
                raise
        self.set_aside(found)
        connections.make_place(self.path)
        return self._prepared()

    def _prepared(self) -> Handle:
        handle = patiently(self.timeout, connections.connect, self.path, _kind(self.path))
        if self.store_id is None:
            try:
                self.store_id = self._prepare(handle)
            except BaseException:
                handle.close()
                raise
        return handle

    def _prepare(self, handle: Handle) -> str:
        """What the first connection does for all; the store's ID."""
        connection = handle.connection
        if not handle.read_only:
            self._tell(connections.enter_wal(handle, self.timeout))
            patiently(self.timeout, schema.migrate, connection, self.path)
        elif not patiently(self.timeout, schema.is_current, connection, self.path):
            if handle.without_room:
                raise immutable_reads.no_room()
            raise MetadataError(
                f"{self.path} was written by an earlier release and may only be read: "
                "make it writable once, so that its table is brought up to date"
            )
        # Without WAL a reader, too, meets the locks of who writes.
        return patiently(self.timeout, schema.read_store_id, connection)

    def _tell(self, mode: str) -> None:
        """Log, once, that the file is in another journal mode than it should be."""
        if mode == "wal" or self._told or lack(self.path.parent):
            return  # without room, no mode works
        self._told = True
        logger.warning(
            "%s is in SQLite's journal mode %r, since WAL does not work there: readers and writers "
            "wait for each other; choose a db_path on a local disk",
            self.path,
            mode,
        )

    # ---------------------------------------------------------------------------------- damage

    def set_aside(self, damaged: Identity | None) -> None:
        """Move the damaged file away, unless another process has done so already."""
        lease = self._await_lease()
        try:
            if identify(self.path) == damaged:
                aside = connections.set_aside(self.path)
                logger.warning(
                    "%s is damaged and was renamed to %s: a fresh one takes its place; nothing was "
                    "deleted, and what can be read of it may be recovered (sqlite3 FILE .recover)",
                    self.path,
                    aside,
                )
        except OSError as error:
            logger.warning("%s is damaged; renaming it failed (%s): move it away", self.path, error)
        finally:
            if lease is not None:
                lease.release()

    def _await_lease(self) -> Lease | None:
        """The right to move the file; None where the system has no locks there."""
        patience = Patience(self.timeout)
        try:
            while (lease := self.leases.try_lease(SET_ASIDE)) is None:
                if not patience.left():
                    raise self.busy_error()
                time.sleep(patience.spend(connections.SHORTEST_PAUSE))
        except MetadataBusyError:
            raise
        except OSError:
            return None
        return lease


def _kind(path: Path) -> type[Connection]:
    """How to connect to the file."""
    file_system = network_file_system(path)
    if file_system is None:
        return Connection
    from beautyspot_local.sqlite.network_locks import kind_of_connection  # few databases are on one

    return kind_of_connection(file_system)


_PAUSE: Final = 0.0001


class _Held(threading.local):
    """What a thread that forks has to give back."""

    def __init__(self) -> None:
        self.stack = ExitStack()


_held = _Held()


_forking = threading.Lock()


def _all_of_them() -> list[Database]:
    while True:
        with suppress(RuntimeError):  # another thread made one meanwhile
            return list(_databases)


def left(deadline: float) -> float:
    """Seconds until then, as a lock's time-out may be."""
    return min(max(deadline - time.monotonic(), 0.0), threading.TIMEOUT_MAX)


def hold(lock: threading.Lock | threading.RLock, deadline: float, held: ExitStack) -> bool:
    """Acquire a lock that `held` gives back; False where that took too long."""
    acquired = lock.acquire(timeout=left(deadline))
    if acquired:
        held.callback(lock.release)
    return acquired


def _before_fork() -> None:
    """Let no thread be inside of SQLite while the process forks, nor write.

    SQLite has locks in the process's memory, for its allocator as for each file: the child would
    inherit another thread's, which nobody there gives back, and stand still in its first look-up.
    So who comes is held at a lock, and who is inside is waited for.
    """
    held = _held.stack = ExitStack()
    databases = _all_of_them()
    deadline = time.monotonic() + max((each.timeout for each in databases), default=0.0)
    hold(_forking, deadline, held)  # two that fork would wait for each other
    for database in databases:
        held.callback(database.hold(deadline))
    hold(connections.ending, deadline, held)  # last: who holds a database ends connections
    patience = Patience(left(deadline))
    while others_inside(_INSIDE, _AT_A_LOCK) and patience.left():
        time.sleep(patience.spend(_PAUSE))


def _after_fork_in_parent() -> None:
    _held.stack.close()


def _after_fork_in_child() -> None:
    global _forking  # noqa: PLW0603 - a lock can't be reset in place
    _forking = threading.Lock()
    connections.after_fork_in_child()
    _held.stack.pop_all()  # the child's databases get locks of their own
    for database in list(_databases):
        database.after_fork_in_child()


_INSIDE: Final = frozenset(
    {connections.__name__, __name__, wal_watch.__name__, f"{__package__}.store"}
)
"""Whose functions call SQLite. None of them calls the user's code."""

_AT_A_LOCK: Final = frozenset(
    function.__code__
    for function in (
        _before_fork,
        Connection.end,
        Database.take_turn,
        Database.reset,
        Database._new_handle,
        connections.patiently,  # asleep between two tries
    )
)
"""Those that call no SQLite themselves before they have a lock that a fork holds."""

if hasattr(os, "register_at_fork"):  # pragma: no branch - Windows has no fork
    os.register_at_fork(
        before=_before_fork,
        after_in_parent=_after_fork_in_parent,
        after_in_child=_after_fork_in_child,
    )
