"""Connections to one SQLite file: how they are made, waited for, given back and abandoned.

Four rules of SQLite (https://www.sqlite.org/howtocorrupt.html) shape this module:

- Closing *any* descriptor of a database file drops all POSIX locks that the process holds on it, so
  nobody but SQLite ever opens one (sections 2.2 and 2.2.1).
- A connection must not cross a `fork`, not even to be closed there (section 2.6): that may roll
  back its parent's transaction in memory that both share. The child keeps it, unused, for good.
- The last connection to be closed removes ``<path>-wal`` by its *name*. Once the file was moved
  away, that name belongs to its successor: such a connection is abandoned as well (section 2.4).
- A rollback journal may name a *super-journal*, that of a commit to several files, and SQLite
  deletes the file of that name once it has rolled back: whatever file that is, where somebody else
  wrote the journal (https://www.sqlite.org/fileformat2.html#the_rollback_journal). We commit to one
  file only, so a journal of ours never names one.
"""

from __future__ import annotations

import atexit
import errno
import os
import sqlite3
import stat
import threading
import time
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, ParamSpec, TypeVar

from beautyspot.errors import MetadataError
from beautyspot.files import create, lack

from beautyspot_local.sqlite import fork_guard
from beautyspot_local.sqlite.directories import prepare
from beautyspot_local.sqlite.immutable_reads import Standing, is_still, look, read

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

fork_guard.INSIDE.add(__name__)

P = ParamSpec("P")
T = TypeVar("T")

Identity = tuple[int, int]
"""Device and inode: which file stands at a path."""

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
_READ_INSTEAD: Final = (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY)
_FOR_WANT_OF_ROOM: Final = (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR)
"""What SQLite may say where it can't make a file, or make one longer."""

_AS_IT_IS: Final = "mode=ro&immutable=1"
_NAMES_A_SUPER_JOURNAL: Final = bytes.fromhex("d9d505f920a163d7")
"""The last 8 bytes of a rollback journal that does."""

_creating = threading.RLock()

_abandoned: list[Connection] = []
"""Connections that are kept, unused, for as long as the process lasts."""


class Connection(sqlite3.Connection):
    """A connection that ends by the rules above, also where a collector of cycles comes first.

    It is a cycle by itself (its cache of statements calls it), so that it outlives its last user:
    that is what `Handle` is for.

    Attributes:
        path: the file it was opened at.
        read_only: whether it can't write.
        identity: which file that was; None until the connection is ready for use.
        stood: how it stood, before it was opened.
    """

    path: Path
    read_only = False
    identity: Identity | None = None
    stood: Standing | None = None
    _pid = 0  # of its process; 0 once it has ended, and before it is ready

    def ready(self, identity: Identity | None) -> None:
        """From here on the connection needs an end."""
        self.identity, self._pid = identity, os.getpid()

    @fork_guard.waits
    def end(self) -> None:
        """Close it, or abandon it where closing would do harm."""
        with fork_guard.locks.ending:
            self._end()

    def _end(self) -> None:
        pid, self._pid = self._pid, 0
        if not pid:
            return
        if pid != os.getpid() or identify(self.path) not in (None, self.identity):
            _abandoned.append(self)
        else:
            self.close()

    def __del__(self) -> None:
        self.end()


class StillConnection(Connection):
    """Reads without locks: what it reads counts if the file stands still."""

    def execute(self, statement: str, values: Any = (), /) -> Any:
        """As in the base class."""
        plain = super().execute
        return read(self.path, self.stood, lambda: plain(statement, values))


class Handle:
    """A thread's own connection. Whoever uses one holds the handle itself while at it.

    The connection ends when the last reference to the handle goes: at the end of the thread, when
    the store is closed or dropped, and never below a thread that is just using it.
    """

    __slots__ = (
        *("_found", "_text", "connection", "execute", "identity", "path", "read_only"),
        "without_room",
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
        self._found = self._look(connection.stood) if read_only else None

    def _look(self, stands: Standing | None) -> object:
        """What may be done with the file, and how it stands: what a new connection would go by."""
        path = self.path
        lacks = self.without_room and lack(path.parent)
        return stands and (_may_write(path), _read_only_mode(path), lacks, stands)

    def outdated(self) -> bool:
        """Whether a connection that can only read would be another by now.

        One to a file that nobody on this side may write takes it for one that never changes.
        """
        return self.read_only and self._found != self._look(look(self.path))

    def moved(self) -> bool:
        """Whether another file, or none, stands at the path now."""
        return identify(self._text) != self.identity

    def close(self) -> None:
        """End the connection. By its own user only."""
        self.connection.end()

    def __del__(self) -> None:
        self.close()


def identify(path: Path | str) -> Identity | None:
    """Which file stands at `path`, without opening it; None where there is none."""
    try:
        status = os.stat(path)  # noqa: PTH116 - a third of the time of Path.stat, on every save
    except OSError:
        return None
    return status.st_dev, status.st_ino


@atexit.register
def _never_close() -> None:
    """Keep the interpreter's end from closing what was abandoned, by a reference too many."""
    for connection in _abandoned:
        import ctypes  # takes milliseconds, and few processes come here

        ctypes.pythonapi.Py_IncRef(ctypes.py_object(connection))


def after_fork_in_child() -> None:
    """Make the module usable in a forked child: a lock of another thread stays locked there."""
    global _creating  # noqa: PLW0603 - a lock can't be reset in place
    _creating = threading.RLock()


# ---------------------------------------------------------------------------------- waiting


def code_of(error: BaseException) -> int:
    """SQLite's primary result code (https://www.sqlite.org/rescode.html); 0 where it gave none."""
    return int(getattr(error, "sqlite_errorcode", 0)) & 0xFF


def is_busy(error: BaseException) -> bool:
    """Whether another connection stands in the way, so that the same call may succeed later."""
    return code_of(error) in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


def is_damage(error: BaseException) -> bool:
    """Whether the file is no database, or not a whole one."""
    return code_of(error) in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


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
        nap = min(pause * _jitter(), left)
        time.sleep(nap)
        left -= nap
        pause = min(pause * 1.25, LONGEST_PAUSE)


def _jitter() -> float:
    """A factor between 0.5 and 1.5, so that processes that met once do not meet again."""
    return 0.5 + os.urandom(1)[0] / 255


# --------------------------------------------------------------------------------- connecting


def make_place(path: Path) -> None:
    """Create the directory and the empty file, both private; what is there stays as it is.

    SQLite gives ``-wal`` and ``-shm`` the permissions of the file.

    Raises:
        OSError: the place can't be written.
        MetadataError: what stands there is not to be opened.
    """
    # The lock keeps a second thread from having the new file open when its descriptor is closed.
    with _creating:
        if not os.path.lexists(path):
            prepare(path)
            with suppress(FileExistsError):  # another process was faster
                os.close(create(path, os.O_WRONLY))
    refuse_traps(path)


def refuse_traps(path: Path) -> None:
    """Refuse what SQLite would follow, wait for, or obey to the harm of other files.

    Raises:
        OSError: it can't be looked at, or is a directory.
        MetadataError: it is no plain file, or its journal names another file.
    """
    kind = path.lstat().st_mode
    if stat.S_ISDIR(kind):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    if stat.S_ISLNK(kind):
        raise MetadataError(
            f"{path} is a symbolic link, and whoever put it there chose the file: remove it, and "
            "give that file as db_path if it was you"
        )
    if not stat.S_ISREG(kind):
        raise MetadataError(f"{path} is no plain file: remove it, or choose another db_path")
    if _names_a_super_journal(path.with_name(f"{path.name}-journal")):
        raise MetadataError(
            f"{path}-journal is no journal of ours, and would have SQLite delete another file: "
            "move it away"
        )


def _names_a_super_journal(journal: Path) -> bool:
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    try:  # no lock of SQLite's is on this file
        with open(os.open(journal, flags), "rb") as file:  # noqa: PTH123 - a descriptor
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - len(_NAMES_A_SUPER_JOURNAL)))
            return file.read() == _NAMES_A_SUPER_JOURNAL
    except OSError:  # there is none, as nearly always; SQLite itself opens no link and no FIFO
        return False


def connect(path: Path) -> Handle:
    """A new connection: for writing, or for reading where the place allows or holds no more.

    Raises:
        sqlite3.Error: it can't be opened, is busy, or is no database.
    """
    try:
        return _connect(path, "mode=rw", read_only=not _may_write(path))
    except sqlite3.OperationalError as error:
        without_room = bool(lacks_room(error, path))
        if without_room and not is_still(path):
            raise
        if not without_room and code_of(error) not in _READ_INSTEAD:
            raise
    mode = _AS_IT_IS if without_room else _read_only_mode(path)
    return _connect(path, mode, read_only=True, without_room=without_room)


def lacks_room(error: BaseException, path: Path) -> str:
    """What to do about a failure if it is for want of room on the disk; else ""."""
    return lack(path.parent) if code_of(error) in _FOR_WANT_OF_ROOM else ""


def obstacle(path: Path) -> str:
    """What to do about a file that can't be opened."""
    if os.path.isdir(path):  # noqa: PTH112 - Path.is_dir raises in a folder closed to us
        return "a directory stands there: move it away"
    if os.path.lexists(path) and not _may(os.R_OK, path):
        return "the file is there and may not be read: give it to the user who runs this"
    return "check that the directory may be written"


def _may_write(path: Path) -> bool:
    return _may(os.W_OK, path)


def _may(mode: int, path: Path) -> bool:
    return os.access(path, mode, effective_ids=os.access in os.supports_effective_ids)


def _read_only_mode(path: Path) -> str:
    """How to read what can't be written.

    A database in WAL mode needs its ``-shm``. Where that can't be made nobody on this side writes
    either, and the file is read as it is, unless a ``-wal`` says that it is in use.
    """
    in_use = path.with_name(f"{path.name}-wal").exists()
    return "mode=ro" if in_use or _may_write(path.parent) else _AS_IT_IS


def _connect(path: Path, mode: str, *, read_only: bool, without_room: bool = False) -> Handle:
    identity, stood = identify(path), look(path)  # before: if it is exchanged now, it was moved
    connection = sqlite3.connect(
        f"{path.as_uri()}?{mode}",
        factory=StillConnection if mode == _AS_IT_IS else Connection,
        uri=True,
        timeout=0,  # never waits inside of SQLite: a hit is read in place, also on an event loop
        isolation_level=None,
        check_same_thread=False,  # a thread that ends may have its connection closed by another
    )
    connection.path, connection.read_only, connection.stood = path, read_only, stood
    try:
        _make_safe(connection)
        # The first read of the file: what can't be opened, or is no database, says so here.
        if journal_mode(connection) == "wal":
            connection.execute("PRAGMA synchronous = NORMAL")  # whole after any crash, in WAL mode
    except BaseException:
        connection.close()
        raise
    connection.ready(identity)
    return Handle(connection, read_only=read_only, without_room=without_room)


def _make_safe(connection: Any) -> None:
    for pragma in _PRAGMAS:
        sqlite3.Connection.execute(connection, pragma)  # which looks at no file, and needs no lock
    if hasattr(connection, "setconfig"):
        for name, value in _SWITCHES.items():
            connection.setconfig(getattr(sqlite3, name), value)


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


# ------------------------------------------------------------------------------------ damage


def set_aside(path: Path) -> Path:
    """Rename a damaged database and its companions, and tell where it is now. Nothing is deleted.

    The companions go first: a ``-wal`` left behind would be replayed into the successor.
    """
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%fZ")
    aside = path.with_name(f"{path.name}.damaged-{stamp}")
    for suffix in ("-wal", "-shm", ""):
        part = path.with_name(path.name + suffix)
        if part.exists():
            part.rename(aside.with_name(aside.name + suffix))
    return aside
