"""One SQLite file as its threads see it: opened once, a connection each, aside when damaged."""

from __future__ import annotations

import errno
import sqlite3
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, TypeVar

from beautyspot import files
from beautyspot.contracts import Lock
from beautyspot.contracts.failures import Failures
from beautyspot.errors import MetadataError, NotSupportedError
from beautyspot.logs import logger

from beautyspot_local.sqlite import connections, schema
from beautyspot_local.sqlite.connections import identify, journal_mode
from beautyspot_local.sqlite.leases import leases_beside
from beautyspot_local.sqlite.row_memory import FINDS, RowMemory
from beautyspot_local.sqlite.waiting import (
    LONGEST,
    acquire,
    guard,
    is_busy,
    patiently,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from beautyspot_local.sqlite.connections import Handle, Identity

T = TypeVar("T")

SET_ASIDE: Final = b"set aside".hex().rjust(32, "f")
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
_PLACE: Final = "check that the file and its directory may be read and written"
_ADVICE: Final = {
    "SQLITE_BUSY": "another connection has locked it: try again, or give a longer `timeout`",
    "SQLITE_CORRUPT": "it is damaged; the log tells where it was moved, or that you have to move "
    "it, and then the next call starts a fresh one",
    "SQLITE_NOTADB": "it is no SQLite database, or its beginning is damaged: check that it is the "
    "file you mean; move it away to begin anew, or name another one",
    "SQLITE_FULL": f"{files.ROOM} first, some megabytes: to remove results takes room as well. "
    "Blobs may be deleted by hand, and are misses then",
    "SQLITE_READONLY": "make the file and its directory writable, or "
    "choose another file (db_path= or metadata=)",
    "SQLITE_IOERR": "check the disk",
    "SQLITE_CANTOPEN": f"{_PLACE}, or choose another file (db_path= or metadata=); it may "
    f"also be that {files.FILES}",
    "ENOENT": "nothing is there: give the path of a database, or "
    "choose another file (db_path= or metadata=) if its directory can't be made; "
    "what was removed just now the next call makes anew",
    "EMFILE": files.FILES,
    "ENOSPC": files.ROOM,
    "EDQUOT": files.ROOM,
    "E": f"{_PLACE}, and that its file system has locks; or "
    "choose another file (db_path= or metadata=)",
}
_OTHERWISE: Final = "check what was asked for, and that no other program changes the file"
_FOR_WANT_OF_ROOM: Final = (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR)
"""What SQLite may say where it can't make a file, or make one longer."""


REMAINING: Final = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_IOERR)
"""What SQLite says where a part of a database can't be read."""


def code_of(error: BaseException | None) -> int:
    """SQLite's primary result code (https://www.sqlite.org/rescode.html); 0 where it gave none."""
    return int(getattr(error, "sqlite_errorcode", 0)) & 0xFF


def is_damage(error: BaseException | None) -> bool:
    """Whether the file is no database, or not a whole one."""
    return code_of(error) in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


class Database:
    """What all threads of one store share.

    Attributes:
        network: the kind of network file system that the file is on, or None.
        looks: whether nothing of it is to be changed.
        local: `local.handle` is the calling thread's connection, where it has one already.
        rows: those that are kept in memory.
        finds: how many may go by before `check_moved` is to be called.
        store_id: None until the file has been opened and brought up to date, or if it has none.
        failures: what errors mean.
    """

    def __init__(self, path: Path, timeout: float, memory: int) -> None:
        self.path = path
        self.timeout = timeout
        self.network = files.network_file_system(path)
        self.looks = False
        self.leases = leases_beside(path)
        self.failures = Failures(
            str(path), self._word_for, _ADVICE, _OTHERWISE, busy=["SQLITE_BUSY"]
        )
        self._memory = memory
        self._closed = False
        self._told = False
        self._start_afresh()
        guard(self)

    def _start_afresh(self) -> None:
        """No connection, and locks that are free."""
        # Reentrant, since a signal's handler may come to them in the thread that holds them.
        self._writing, self._opening = Lock(), Lock()
        self._forget()

    def _forget(self) -> None:
        self.store_id: str | None = None
        self.local = threading.local()
        self.finds = FINDS
        self.rows = RowMemory(0 if self.looks else self._memory, self._writing)

    def _word_for(self, error: Exception) -> str:
        """The kind of an error in a word."""
        if isinstance(error, OSError):
            return errno.errorcode.get(error.errno or 0, "E")
        if is_busy(error):
            return "SQLITE_BUSY"
        if code_of(error) in _FOR_WANT_OF_ROOM:
            if files.lack(self.path.parent):
                return "SQLITE_FULL"
            if identify(self.path) is None:
                return "ENOENT"
        return str(getattr(error, "sqlite_errorname", type(error).__name__))

    # --------------------------------------------------------------------------- forking

    def hold(self) -> None:
        """Let no thread write, nor begin to read: it finds no connection, and waits to make one."""
        self._held = [lock for lock in (self._writing, self._opening) if acquire(lock, LONGEST)]
        self._kept: Any = (self.local, self.rows)
        self.local, self.rows = threading.local(), RowMemory(0, self._writing)

    def go_on(self) -> None:
        """End that."""
        self.local, self.rows = self._kept
        for lock in self._held:
            lock.release()

    def after_fork_in_child(self) -> None:
        """Leave everything to the parent."""
        self._kept = None
        self._start_afresh()
        self.leases.after_fork_in_child()

    # ------------------------------------------------------------------------ letting go

    def reset(self) -> None:
        """Let go of every connection; one that is just being used closes after that."""
        try:  # as in `write`
            acquire(self._opening)
            self._forget()
            self.leases.forget()
        finally:
            try:  # noqa: SIM105 - the first call of all: no interrupt comes before it
                self._opening.release()
            except RuntimeError:  # it is another thread's
                pass

    def close(self) -> None:
        """Let go of every connection and lease, for good."""
        self._closed = True
        self.reset()
        self.leases.end()

    def check_may_change(self) -> None:
        """Raise `NotSupportedError` where nothing is to be changed."""
        if self.looks:
            raise NotSupportedError(f"{self.path} was opened to look at it, and is not changed")

    def check_moved(self) -> None:
        """Let go of every connection where its file was moved or removed: no hit comes from it.

        SQLite does not tell: it goes on with the file that it has open. To ask takes a tenth of a
        look-up, so this is for one in so many.
        """
        self.finds = FINDS
        handle: Handle | None = getattr(self.local, "handle", None)
        if handle is not None and handle.moved():
            self.reset()

    # ----------------------------------------------------------------------------- using

    def read(self, query: str, values: Sequence[Any] = (), *, waits: bool = True) -> list[Any]:
        """The rows of a query; with `waits`, also where others are in the way for a while."""
        try:
            handle: Handle = self.local.handle
            if handle.connection.in_transaction:
                handle.roll_back()  # what Ctrl-C has left open
            return handle.execute(query, values).fetchall()
        except Exception:  # it is tried again, and what is wrong is found out then
            timeout = self.timeout if waits else 0.0
        with self.failures:
            return patiently(timeout, self._read, query, values)

    def _read(self, query: str, values: Sequence[Any]) -> list[Any]:
        handle = self.handle()
        handle.roll_back()
        handle.connection.text_factory = decoded  # a text that is no UTF-8 must not hide all rows
        try:
            return handle.execute(query, values).fetchall()
        except sqlite3.Error as error:
            self._mend(handle, error)
            raise
        finally:
            handle.connection.text_factory = str

    def _mend(self, handle: Handle, error: sqlite3.Error) -> None:
        damaged = is_damage(error) and not handle.read_only
        if damaged or code_of(error) in _LOST:
            # Closed here, and not when the last reference goes: the error's traceback is one.
            # An open connection would keep what was wrong in memory that all of them share.
            self.reset()
            handle.close()
        if damaged:
            self._move_aside(handle.identity)

    def write(self, work: Callable[..., T], *values: Any, waits: bool = True) -> T:
        """Call `work` until it is not busy, while no other thread of this process writes.

        Args:
            work: gets the connection, and `values`.
            values: the same.
            waits: for others, and for the disk, which is that of a checkpoint.

        Raises:
            MetadataBusyError: the others took too long.
        """
        if self.looks:
            self.check_may_change()
        timeout, writing = self.timeout if waits else 0.0, self._writing
        try:  # an interrupt comes behind a call at the earliest: then it is released
            if not writing.acquire(blocking=False) and not acquire(writing, timeout):
                raise self.failures.of(_locked())
            return self._write(work, values, waits)
        except Exception as error:
            if not is_busy(error):
                self.failures.raise_(error)
            error.__traceback__ = None  # of the next one it is the context, and leads to a handle
            with self.failures:
                return patiently(timeout, self._write, work, values, waits)
        finally:
            try:  # noqa: SIM105 - three calls more for each write
                writing.release()
            except RuntimeError:  # it is another thread's
                pass

    def _write(self, work: Callable[..., T], values: tuple[Any, ...], waits: bool) -> T:
        handle: Handle | None = getattr(self.local, "handle", None)
        if handle is None or handle.read_only or handle.moved():
            if handle is not None:
                self.reset()
                handle.close()
            handle = self.handle()
            if handle.read_only:
                advice = files.lack(self.path.parent) or _ADVICE["SQLITE_READONLY"]
                raise MetadataError(f"{self.path} may only be read: {advice}")
        if handle.connection.in_transaction or handle.checkpoints is not waits:
            handle.roll_back()
            handle.checkpoint(itself=waits)
        try:
            return work(handle, *values)
        except sqlite3.Error as error:
            self._mend(handle, error)
            raise

    # ------------------------------------------------------------------------------ connecting

    def handle(self) -> Handle:
        """The calling thread's connection, made and the file opened where that is to be done."""
        handle: Handle | None = getattr(self.local, "handle", None)
        if handle is not None:
            return handle
        try:  # as in `write`
            acquire(self._opening)
            handle = self._connect()
            if handle.keeps:
                self.local.handle = handle
            return handle
        finally:
            try:  # noqa: SIM105 - the first call of all: no interrupt comes before it
                self._opening.release()
            except RuntimeError:  # it is another thread's
                pass

    def _connect(self) -> Handle:
        if self._closed:
            raise MetadataError(f"the store {self.path} is closed: make a new one")
        if self.network in _SMB:
            raise MetadataError(
                f"{self.path} is on an SMB share ({self.network}), where SQLite's locks do not "
                f"work: {ELSEWHERE}"
            )
        found = connections.ready_file(self.path, make=not self.looks)
        try:
            return self._prepared()
        except sqlite3.DatabaseError as error:
            if self.looks or not is_damage(error) or connections.never_was_one(self.path):
                raise
        self._move_aside(found)
        connections.ready_file(self.path, make=True)
        return self._prepared()

    def _prepared(self) -> Handle:
        handle = patiently(self.timeout, connections.connect, self.path, look=self.looks)
        try:
            patiently(self.timeout, schema.check_ours, handle, self.path)
            if self.looks:
                self.store_id = schema.adapt(handle)
                return handle
            if not handle.read_only:
                # Several processes that do this to one fresh file get "locked", without a wait.
                patiently(self.timeout, self._set_journal_mode, handle)
            # Without WAL a reader, too, meets the locks of a writer.
            store_id = patiently(self.timeout, schema.prepare, handle, self.path)
            if store_id != self.store_id:
                self.store_id = store_id
                self.rows = RowMemory(self._memory, self._writing)
        except BaseException:
            handle.close()
            raise
        return handle

    def _set_journal_mode(self, handle: Handle) -> None:
        """Switch the file to the best journal mode that works there, and say if it is another."""
        mode, wanted = journal_mode(handle.connection), "delete" if self.network else "wal"
        try:
            if mode != wanted:  # to say it again may take a lock
                mode = handle.execute(f"PRAGMA journal_mode = {wanted}").fetchone()[0]
        except sqlite3.OperationalError as error:
            if is_busy(error) or handle.moved():
                raise
        handle.execute(f"PRAGMA synchronous = {'NORMAL' if mode == 'wal' else 'FULL'}")
        if mode == "wal" or self._told or files.lack(self.path.parent):
            return  # without room, no mode works
        self._told = True
        why = f"is on a network file system ({self.network})"
        logger.warning(
            "%s %s, where a SQLite database serves one machine at a time, and readers and writers "
            "wait for each other: %s",
            *(self.path, why if self.network else "is where SQLite's WAL does not work", ELSEWHERE),
        )

    # ---------------------------------------------------------------------------------- damage

    def _move_aside(self, damaged: Identity | None) -> None:
        """Move the damaged file away, unless another process has done so already."""
        token = str(threading.get_ident())
        try:
            patiently(self.timeout, self._await_lease, token)
            if identify(self.path) == damaged:
                aside = connections.set_aside(self.path)
                logger.warning(
                    "%s is damaged and was renamed to %s: a fresh one takes its place, and nothing "
                    "was deleted; copy what can be read of it into the fresh one: %s",
                    *(self.path, aside, connections.rescue(aside, self.path)),
                )
        except OSError as error:
            logger.warning("%s is damaged; renaming it failed (%s): move it away", self.path, error)
        finally:
            self.leases.release([SET_ASIDE], token)

    def _await_lease(self, token: str) -> None:
        """Take the right to move the file, if the system has locks there."""
        with suppress(OSError):
            if not self.leases.take([SET_ASIDE], token):
                raise _locked()


def _locked() -> sqlite3.OperationalError:
    error = sqlite3.OperationalError("database is locked")
    error.sqlite_errorcode = sqlite3.SQLITE_BUSY
    return error


def decoded(text: bytes) -> str:
    """A stored text, also one that is no UTF-8."""
    return text.decode("utf-8", "backslashreplace")
