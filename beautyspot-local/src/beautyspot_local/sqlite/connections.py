"""Connections to one SQLite file: how they are made, closed and abandoned; and the file itself.

Three rules of SQLite (https://www.sqlite.org/howtocorrupt.html) shape this module:

- Nothing else of this process opens the database, its ``-wal`` or ``-shm``: closing *any*
  descriptor of such a file drops all locks that the process holds on it (section 2.2).
- A connection must not cross a `fork`, not even to be closed there (section 2.6): that may roll
  back its parent's transaction in memory that both share. The child keeps it, unused, for good.
- The last connection to be closed removes ``<path>-wal`` by its *name*. Once the file was moved
  away, that name belongs to its successor: such a connection is abandoned as well (section 2.4).
"""

from __future__ import annotations

import atexit
import os
import sqlite3
import stat
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from beautyspot.contracts import Lock
from beautyspot.errors import MetadataError
from beautyspot.files import lack

from beautyspot_local.folders import created

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

Identity = tuple[int, int]
"""Device and inode: which file is at a path."""

CHECKPOINT: Final = 1000
"""Pages in the log that have a commit make a checkpoint, as is SQLite's own way."""

IN_A_ROW: Final = 512
"""Rows put without a checkpoint, after which the log may be large enough for one: each adds one or
two pages to it, three where it is put alone."""

_PRAGMAS: Final = (
    "PRAGMA mmap_size = 0",  # a file that is cut short under a map kills the process (SIGBUS)
    "PRAGMA trusted_schema = OFF",  # nothing that a stored view or trigger says is run
    "PRAGMA journal_size_limit = 67108864",  # after a burst the -wal goes back to 64 MB
)
_LOOKING: Final = (
    "PRAGMA temp_store = MEMORY",
    "PRAGMA writable_schema = ON",  # nothing is written: also a file that was cut short is read
)
_READ_INSTEAD: Final = (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY)

_abandoned: Final[list[sqlite3.Connection]] = []
"""Connections that are kept, unused, for as long as the process lasts."""


class _Connection(sqlite3.Connection):
    """A connection that its `Handle` closes, and nobody else.

    It is a cycle by itself (its cache of statements refers to it), and outlives its last user.
    """

    def __del__(self) -> None:
        """Nothing, where Python 3.13 would warn."""


class Handle:
    """A thread's own connection; each user holds the handle itself while it uses it.

    The connection ends when the last reference to the handle goes: at the end of the thread, when
    the store is closed or dropped, and never below a thread that is just using it.
    """

    __slots__ = (
        *("_checkpointed", "_in_a_row", "_pid"),
        *("checkpoints", "connection", "execute", "identity", "keeps", "path", "read_only"),
    )

    def __init__(
        self,
        connection: sqlite3.Connection,
        path: str,
        identity: Identity | None,
        *,
        read_only: bool,
        keeps: bool,
    ) -> None:
        self.connection = connection
        self.execute = connection.execute  # bound once: the look-up is part of every hit
        self.path = path
        self.identity = identity
        self.read_only = read_only
        self.keeps = keeps  # what it sees is the file as it is by then
        self.checkpoints = True
        self._checkpointed = self._in_a_row = 0
        self._pid = os.getpid()

    def moved(self) -> bool:
        """Whether another file, or none, is at the path now."""
        try:
            status = os.stat(self.path)  # noqa: PTH116 - as in `identify`: a call less on every save
        except OSError:
            return True
        return (status.st_dev, status.st_ino) != self.identity

    def roll_back(self) -> None:
        """End a transaction that is open, such as one that Ctrl-C has left so."""
        if self.connection.in_transaction:
            self.execute("ROLLBACK")

    def checkpoint(self, *, itself: bool) -> None:
        """Have a commit make the checkpoint that is due `itself`, as SQLite does, or leave that."""
        if itself is not self.checkpoints:
            self.execute(f"PRAGMA wal_autocheckpoint = {CHECKPOINT if itself else 0}")
            self.checkpoints = itself

    def commits_at_once(self, rows: int) -> bool:
        """Whether to put so many will not wait for the disk, while no other process is in the way.

        In WAL mode a commit does in two cases. It makes the checkpoint that is due: here none does,
        so one in so many is left to others. And the first one after a checkpoint begins the log
        anew: a checkpoint writes to the database itself, where its time tells it.
        """
        try:
            status = os.stat(self.path)  # noqa: PTH116 - as in `identify`
        except OSError:
            return False
        if self.read_only or (status.st_dev, status.st_ino) != self.identity:
            return False
        if status.st_mtime_ns != self._checkpointed or self._in_a_row >= IN_A_ROW:
            self._checkpointed, self._in_a_row = status.st_mtime_ns, 0
            return False
        self._in_a_row += rows
        if self.checkpoints and journal_mode(self.connection) != "wal":
            return False
        self.checkpoint(itself=False)
        return True

    def close(self) -> None:
        """End the connection, by its own user only; or abandon it where that would do harm."""
        pid, self._pid = self._pid, 0
        if pid and (pid != os.getpid() or identify(self.path) not in (None, self.identity)):
            _abandoned.append(self.connection)
        elif pid:
            self.connection.close()

    def __del__(self) -> None:
        self.close()


@atexit.register
def _never_close() -> None:
    """Keep the interpreter's end from closing what was abandoned, by a reference too many."""
    for connection in _abandoned:
        import ctypes  # takes milliseconds, and few processes come here

        ctypes.pythonapi.Py_IncRef(ctypes.py_object(connection))


@contextmanager
def transaction(handle: Handle) -> Iterator[None]:
    """Have all that is done in the block be committed together, or nothing of it."""
    try:
        handle.execute("BEGIN IMMEDIATE")
        yield
        handle.execute("COMMIT")
    finally:
        handle.roll_back()


# --------------------------------------------------------------------------------- connecting


def connect(path: Path, *, look: bool) -> Handle:
    """A new connection: for writing, or for reading where that is asked for or all that may be.

    A database in WAL mode needs its ``-shm``. Where that can't be made, or has no room, no process
    of this machine writes either, and the file is read as one that never changes, unless a ``-wal``
    says that it is in use.

    Raises:
        sqlite3.Error: it can't be opened, is busy, or is no database.
    """
    is_full = bool(lack(path.parent))
    if not look and _may_write(path):
        try:
            return _connected(path, "mode=rw")
        except sqlite3.OperationalError as error:
            if not is_full and error.sqlite_errorcode & 0xFF not in _READ_INSTEAD:
                raise
    log = path.with_name(f"{path.name}-wal")
    # One that is empty was left by an attempt to write, where there is no room.
    in_use = log.exists() and not (is_full and log.stat().st_size == 0)
    immutable = not in_use and (is_full or not _may_write(path.parent))
    mode = "mode=ro&immutable=1" if immutable else "mode=ro"
    return _connected(path, mode, pragmas=_LOOKING if look else ())


def _connected(path: Path, mode: str, *, pragmas: tuple[str, ...] = ()) -> Handle:
    identity = identify(path)  # before: if it is exchanged now, it was moved
    connection = sqlite3.connect(
        f"{path.as_uri()}?{mode}",
        factory=_Connection,
        uri=True,
        timeout=0,  # never waits inside of SQLite: a hit is read in place, also on an event loop
        isolation_level=None,
        check_same_thread=False,  # a thread that ends may have its connection closed by another
    )
    try:
        for pragma in (*_PRAGMAS, *pragmas):
            connection.execute(pragma)  # reads no file, and needs no lock
        # The first read of the file: what can't be opened, or is no database, says so here.
        if journal_mode(connection) == "wal":
            connection.execute("PRAGMA synchronous = NORMAL")  # whole after any crash, in WAL mode
    except BaseException:
        connection.close()
        raise
    read_only, keeps = mode != "mode=rw", "immutable" not in mode
    return Handle(connection, str(path), identity, read_only=read_only, keeps=keeps)


def journal_mode(connection: sqlite3.Connection) -> str:
    """The journal mode that the file is in."""
    return str(connection.execute("PRAGMA journal_mode").fetchone()[0])


# ----------------------------------------------------------------------------------- the file


def identify(path: Path | str) -> Identity | None:
    """Which file is at `path`; None where there is none."""
    try:
        status = os.stat(path)  # noqa: PTH116 - a third of the time of Path.stat, on every save
    except OSError:
        return None
    return status.st_dev, status.st_ino


def _may_write(path: Path) -> bool:
    return os.access(path, os.W_OK, effective_ids=os.access in os.supports_effective_ids)


_creating: Final = Lock()
"""No second thread may have a new file open when its descriptor is closed."""


def ready_file(path: Path, *, make: bool) -> Identity | None:
    """Which file is at `path`, where SQLite may open it.

    Args:
        path: of the database. SQLite gives ``-wal`` and ``-shm`` the permissions of the file.
        make: create the directory and an empty file, both private, where there is none.

    Raises:
        OSError: it is not there, or can't be made.
        MetadataError: it is no plain file: SQLite would follow it, or wait for it.
    """
    with _creating:
        if make and not os.path.lexists(path):
            with suppress(FileExistsError):  # another process was faster
                os.close(created(path, os.O_WRONLY))
    kind = path.lstat().st_mode
    if stat.S_ISLNK(kind):
        raise MetadataError(
            f"{path} is a symbolic link, and whoever put it there chose the file: remove it, and "
            "give that file itself if it was you"
        )
    if not stat.S_ISREG(kind):
        what = "directory" if stat.S_ISDIR(kind) else "pipe or device"
        raise MetadataError(
            f"a {what} stands at {path}: move it away, or choose another file (db_path= or "
            "metadata=)"
        )
    return identify(path)


_HEADER: Final = b"SQLite format 3\0"


def never_was_one(path: Path) -> bool:
    """Whether a file that SQLite can't open does not even begin as a database, or as a torn one.

    It is somebody's. The locks that this process has on it, and loses by reading it, are of no use.
    """
    with path.open("rb") as file:
        begins = file.read(len(_HEADER))
    return bool(begins.strip(b"\0")) and not _HEADER.startswith(begins)


_DAMAGED: Final = ".damaged-"


def set_aside(path: Path) -> Path:
    """Rename a damaged database and its companions; where it is now. Nothing is deleted.

    The companions go first: a ``-wal`` left behind would be replayed into the successor.
    """
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%fZ")
    aside = path.with_name(f"{path.name}{_DAMAGED}{stamp}")
    for suffix in ("-wal", "-shm", ""):
        part = path.with_name(path.name + suffix)
        if part.exists():
            part.rename(aside.with_name(aside.name + suffix))
    return aside


def all_set_aside(path: Path) -> list[Path]:
    """The damaged databases that lay at `path`, the oldest first."""
    begins = f"{path.name}{_DAMAGED}"
    found = [each for each in path.parent.iterdir() if each.name.startswith(begins)]
    return sorted(each for each in found if not each.name.endswith(("-wal", "-shm")))


def rescue(aside: Path, path: Path) -> str:
    """The command that copies what can be read of a damaged database into the one at `path`."""
    import shlex  # rarely needed

    return shlex.join(["beautyspot", "copy", str(aside), str(path)])
