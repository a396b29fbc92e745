"""Connections to one SQLite file: how they are made, waited for, closed and abandoned.

Two rules of SQLite (https://www.sqlite.org/howtocorrupt.html) shape this module:

- A connection must not cross a `fork`, not even to be closed there (section 2.6): that may roll
  back its parent's transaction in memory that both share. The child keeps it, unused, for good.
- The last connection to be closed removes ``<path>-wal`` by its *name*. Once the file was moved
  away, that name belongs to its successor: such a connection is abandoned as well (section 2.4).
"""

from __future__ import annotations

import atexit
import os
import sqlite3
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, ParamSpec, TypeVar

from beautyspot.files import lack

from beautyspot_local.sqlite import fork_guard
from beautyspot_local.sqlite.database_file import Identity, identify, may_write
from beautyspot_local.sqlite.immutable_reads import FileState, is_still, read, state_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

fork_guard.INSIDE.add(__name__)

P = ParamSpec("P")
T = TypeVar("T")

SHORTEST_PAUSE: Final = 0.001
LONGEST_PAUSE: Final = 0.05

_PRAGMAS: Final = (
    "PRAGMA mmap_size = 0",  # a file that is cut short under a map kills the process (SIGBUS)
    "PRAGMA trusted_schema = OFF",  # nothing that a stored view or trigger says is run
    "PRAGMA journal_size_limit = 67108864",  # after a burst the -wal goes back to 64 MB
)
_SWITCHES: Final = {  # the same and more, where Python lets us say it (3.12)
    "SQLITE_DBCONFIG_ENABLE_TRIGGER": False,
    "SQLITE_DBCONFIG_ENABLE_VIEW": False,
    "SQLITE_DBCONFIG_DEFENSIVE": True,
}
_DEFENSIVE: Final = 1010  # SQLITE_DBCONFIG_DEFENSIVE, which Python has from 3.12 on
_READ_INSTEAD: Final = (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY)
_FOR_WANT_OF_ROOM: Final = (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR)
"""What SQLite may say where it can't make a file, or make one longer."""

IN_A_ROW: Final = 256
"""Commits without a checkpoint, after which the log may be large enough for one."""

IMMUTABLE: Final = "mode=ro&immutable=1"

_abandoned: list[Connection] = []
"""Connections that are kept, unused, for as long as the process lasts."""


class Connection(sqlite3.Connection):
    """A connection that ends by the rules above, also where a collector of cycles comes first.

    It is a cycle by itself (its cache of statements refers to it), so that it outlives its last
    user: that is what `Handle` is for.

    Attributes:
        path: the file it was opened at.
        state: that of the file, before it was opened.
        identity: which file that was; None until the connection is ready for use.
        pid: the process that has to end it; 0 once it has ended, and before it is ready.
    """

    path: Path
    state: FileState | None = None
    identity: Identity | None = None
    pid = 0

    @fork_guard.waits
    def end(self) -> None:
        """Close it, or abandon it where closing would do harm."""
        lock = fork_guard.locks.ending
        # As the interpreter ends, a thread that was stopped with the lock never gives it back.
        if not lock.acquire(blocking=not sys.is_finalizing()):
            return
        try:
            self._end()
        finally:
            lock.release()

    def _end(self) -> None:
        pid, self.pid = self.pid, 0
        if not pid:
            return
        if pid != os.getpid() or identify(self.path) not in (None, self.identity):
            _abandoned.append(self)
        else:
            self.close()

    def __del__(self) -> None:
        self.end()


class ImmutableConnection(Connection):
    """Reads without locks; see `immutable_reads`."""

    def execute(self, statement: str, values: Any = (), /) -> Any:
        """As in the base class."""
        plain = super().execute
        return read(self.path, self.state, lambda: plain(statement, values))


@contextmanager
def transaction(handle: Handle) -> Iterator[None]:
    """Have all that is done in the block be committed together, or nothing of it."""
    try:
        handle.execute("BEGIN IMMEDIATE")
        yield
        handle.execute("COMMIT")
    finally:
        handle.roll_back()


class Handle:
    """A thread's own connection; each user holds the handle itself while it uses it.

    The connection ends when the last reference to the handle goes: at the end of the thread, when
    the store is closed or dropped, and never below a thread that is just using it.
    """

    __slots__ = (
        *("_checkpointed", "_checkpoints", "_found", "_in_a_row", "_text"),
        *("connection", "execute", "identity", "path", "read_only", "without_room"),
    )

    def __init__(
        self, connection: Connection, *, read_only: bool, without_room: bool = False
    ) -> None:
        self.connection = connection
        self.execute = connection.execute  # bound once: the look-up is part of every hit
        self.path = connection.path
        self._text = str(connection.path)  # made once: it is asked for at every save
        self.identity = connection.identity
        self.read_only = read_only
        self.without_room = without_room
        self._found = self._choice(connection.state) if read_only else None
        self._checkpoints = True
        self._checkpointed = self._in_a_row = 0

    def _choice(self, state: FileState | None) -> object:
        """All that decides which kind of connection a new one would be."""
        path = self.path
        lacks = self.without_room and lack(path.parent)
        return state and (may_write(path), _read_only_mode(path), lacks, state)

    def outdated(self) -> bool:
        """Whether a connection that can only read would be another by now.

        One to a file that no process of this machine may write takes it for immutable.
        """
        return self.read_only and self._found != self._choice(state_of(self.path))

    def moved(self) -> bool:
        """Whether another file, or none, is at the path now."""
        return identify(self._text) != self.identity

    def roll_back(self) -> None:
        """End a transaction that is open, such as one that Ctrl-C has left so."""
        if self.connection.in_transaction:
            self.execute("ROLLBACK")

    def checkpoint(self, *, itself: bool) -> None:
        """Have a commit make the checkpoint that is due `itself`, as SQLite does, or leave that."""
        if itself is not self._checkpoints:
            self.execute(f"PRAGMA wal_autocheckpoint = {1000 if itself else 0}")
            self._checkpoints = itself

    def commits_at_once(self) -> bool:
        """Whether the next commit will not wait for the disk, while no other process is in the way.

        In WAL mode a commit does in two cases. It makes the checkpoint that is due: here none does,
        so one in so many is left to others. And the first one after a checkpoint begins the log
        anew: a checkpoint writes to the database itself, where its time tells it.
        """
        try:
            status = os.stat(self._text)  # noqa: PTH116 - as in `identify`
        except OSError:
            return False
        if self.read_only or (status.st_dev, status.st_ino) != self.identity:
            return False
        if status.st_mtime_ns != self._checkpointed or self._in_a_row == IN_A_ROW:
            self._checkpointed, self._in_a_row = status.st_mtime_ns, 0
            return False
        self._in_a_row += 1
        if self._checkpoints and journal_mode(self.connection) != "wal":
            return False
        self.checkpoint(itself=False)
        return True

    def close(self) -> None:
        """End the connection. By its own user only."""
        self.connection.end()

    def __del__(self) -> None:
        self.close()


@atexit.register
def _never_close() -> None:
    """Keep the interpreter's end from closing what was abandoned, by a reference too many."""
    for connection in _abandoned:
        import ctypes  # takes milliseconds, and few processes come here

        ctypes.pythonapi.Py_IncRef(ctypes.py_object(connection))


# ---------------------------------------------------------------------------------- waiting


def code_of(error: BaseException) -> int:
    """SQLite's primary result code (https://www.sqlite.org/rescode.html); 0 where it gave none."""
    return int(getattr(error, "sqlite_errorcode", 0)) & 0xFF


def is_busy(error: BaseException) -> bool:
    """Whether another connection is in the way, so that the same call may succeed later."""
    return code_of(error) in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


def is_damage(error: BaseException) -> bool:
    """Whether the file is no database, or not a whole one."""
    return code_of(error) in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def lacks_room(error: BaseException, path: Path) -> str:
    """What to do about a failure if it is for want of room on the disk; else ""."""
    return lack(path.parent) if code_of(error) in _FOR_WANT_OF_ROOM else ""


@fork_guard.waits
def patiently(timeout: float, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Call `work` until it is not busy; between the calls, sleep for `timeout` seconds in all.

    SQLite's own busy handler is not used: the switch to WAL does not call it, and its pauses of up
    to 100 ms, equal for all, make one of four steady writers wait for seconds.
    """
    left, pause = timeout, SHORTEST_PAUSE
    while True:
        try:
            return work(*args, **kwargs)
        except sqlite3.OperationalError as error:
            if not is_busy(error) or left <= 0:
                raise
        jitter = 0.5 + os.urandom(1)[0] / 255  # so that processes that met once do not meet again
        nap = min(pause * jitter, left)
        time.sleep(nap)
        left -= nap
        pause = min(pause * 1.25, LONGEST_PAUSE)


# --------------------------------------------------------------------------------- connecting


def connect(path: Path) -> Handle:
    """A new connection: for writing, or for reading where the place allows or holds no more.

    Raises:
        sqlite3.Error: it can't be opened, is busy, or is no database.
    """
    try:
        return connect_as(path, "mode=rw", read_only=not may_write(path))
    except sqlite3.OperationalError as error:
        without_room = bool(lacks_room(error, path))
        if without_room and not is_still(path):
            raise
        if not without_room and code_of(error) not in _READ_INSTEAD:
            raise
    mode = IMMUTABLE if without_room else _read_only_mode(path)
    return connect_as(path, mode, read_only=True, without_room=without_room)


def _read_only_mode(path: Path) -> str:
    """How to read what can't be written.

    A database in WAL mode needs its ``-shm``. Where that can't be made, no process of this machine
    writes either, and the file is read as it is, unless a ``-wal`` says that it is in use.
    """
    in_use = path.with_name(f"{path.name}-wal").exists()
    return "mode=ro" if in_use or may_write(path.parent) else IMMUTABLE


def connect_as(
    path: Path,
    mode: str,
    *,
    read_only: bool,
    without_room: bool = False,
    is_damaged: bool = False,
) -> Handle:
    """A new connection in a mode of SQLite's URLs, also to a damaged file; see `connect`."""
    identity, state = identify(path), state_of(path)  # before: if it is exchanged now, it was moved
    connection = sqlite3.connect(
        f"{path.as_uri()}?{mode}",
        factory=ImmutableConnection if mode == IMMUTABLE else Connection,
        uri=True,
        timeout=0,  # never waits inside of SQLite: a hit is read in place, also on an event loop
        isolation_level=None,
        check_same_thread=False,  # a thread that ends may have its connection closed by another
    )
    connection.path, connection.state = path, state
    try:
        _make_safe(connection)
        if is_damaged:
            _make_lenient(connection)
        # The first read of the file: what can't be opened, or is no database, says so here.
        if journal_mode(connection) == "wal":
            connection.execute("PRAGMA synchronous = NORMAL")  # whole after any crash, in WAL mode
    except BaseException:
        connection.close()
        raise
    connection.identity, connection.pid = identity, os.getpid()
    return Handle(connection, read_only=read_only, without_room=without_room)


def _make_safe(connection: Any) -> None:
    for pragma in _PRAGMAS:
        sqlite3.Connection.execute(connection, pragma)  # reads no file, and needs no lock
    if hasattr(connection, "setconfig"):
        for name, value in _SWITCHES.items():
            connection.setconfig(getattr(sqlite3, name), value)


def _make_lenient(connection: Any) -> None:
    """Have SQLite read a file that was cut short, and a schema that is not right throughout."""
    if hasattr(connection, "setconfig"):
        connection.setconfig(_DEFENSIVE, False)
    sqlite3.Connection.execute(connection, "PRAGMA writable_schema = ON")


def journal_mode(connection: sqlite3.Connection) -> str:
    """The journal mode that the file is in."""
    return str(connection.execute("PRAGMA journal_mode").fetchone()[0])


def set_journal_mode(handle: Handle, wanted: str, timeout: float) -> str:
    """Switch the file to a journal mode if that works; the mode it is in now.

    Raises:
        sqlite3.OperationalError: other connections were in the way for `timeout` seconds.
    """

    def switch() -> str:
        mode = journal_mode(handle.connection)
        if mode == wanted:  # to say it again may take a lock
            return mode
        return str(handle.execute(f"PRAGMA journal_mode = {wanted}").fetchone()[0])

    try:
        # Several processes that do this to one fresh file get "locked" at once, without any wait.
        mode = patiently(timeout, switch)
    except sqlite3.OperationalError as error:
        if is_busy(error):
            raise
        mode = journal_mode(handle.connection)
    handle.execute(f"PRAGMA synchronous = {'NORMAL' if mode == 'wal' else 'FULL'}")
    return mode
