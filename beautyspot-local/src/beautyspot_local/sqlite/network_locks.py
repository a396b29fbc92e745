"""Connections to a database on a network file system, where SQLite's own locks do not suffice.

There is no WAL there, and with a rollback journal two things go wrong, both seen on real mounts:

- A writer begins beside readers, and is refused at its *commit* while one of them reads. What it
  did, a dozen trips to the server, is done again, so that four processes that store came to a tenth
  of what one does, and waited for longer than their time-out. Here writers take turns, also those
  of other processes, and a commit stays where it is until the readers have left: SQLite keeps new
  ones away from the first try on. A reader who meets that takes a turn among the writers.
- On an SMB share the kernel asks the server for the locks, and in SMB no shared lock becomes an
  exclusive one. That is what SQLite asks for at each commit, so each is "locked", by its own
  connection, for ever. There SQLite takes no locks, and each statement is run under one of ours.
"""

from __future__ import annotations

import os
import sqlite3
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any, ClassVar, Final

from beautyspot.concurrency.time_budget import Patience

from beautyspot_local.sqlite.connections import Connection, code_of, is_busy, jitter
from beautyspot_local.sqlite.immutable_reads import Rows, failure
from beautyspot_local.sqlite.leases import have_ranges, lock_byte, lock_file, open_lock_file

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

PATIENCE: Final = 1.0
"""Seconds for which one waits for a turn. `patiently` asks again."""

COMMIT: Final = 5.0
"""Seconds for which a commit waits for those who read: each reads one page of a listing at most."""

PAUSE: Final = 0.005

# Bytes of the lock file, above those of the leases.
_TURN: Final = 2**62
_NEXT: Final = _TURN + 1

_SMB: Final = frozenset({"cifs", "smb3", "smbfs"})
_CHANGES: Final = ("INSERT", "DELETE")
_EXCLUDE: Final = ("BEGIN", "PRAGMA journal_mode =")


def kind_of_connection(file_system: str) -> type[Connection]:
    """How to connect to a database on a network file system of this kind."""
    if not have_ranges():
        return Connection
    return SmbConnection if file_system in _SMB else NetworkConnection


class Turn:
    """A connection's lock on its database, shared or exclusive; who dies gives it up.

    Who waits holds a second lock meanwhile, and so comes next: without it a writer that goes on and
    on takes the first one back before anybody who sleeps between two tries has seen it free.
    """

    __slots__ = ("_number", "_path", "held")

    def __init__(self, database: Path) -> None:
        self._path = lock_file(database)
        self._number = -1
        self.held = False

    def take(self, *, exclusive: bool) -> bool:
        """Whether it was had.

        Raises:
            OSError: the file system has no locks, or has lost them.
        """
        if self._number < 0:
            self._number = open_lock_file(self._path)
        try:
            self.held = self._wait(exclusive)
        except OSError:
            self.close()
            raise
        return self.held

    def _wait(self, exclusive: bool) -> bool:
        patience = Patience(PATIENCE)
        if not self._lock(_NEXT, exclusive, patience):
            return False
        try:
            return self._lock(_TURN, exclusive, patience)
        finally:
            lock_byte(self._number, _NEXT, None)

    def _lock(self, byte: int, exclusive: bool, patience: Patience) -> bool:
        """All who wait try equally often, who has just had a turn too: so it goes round."""
        while not lock_byte(self._number, byte, exclusive):
            if not patience.left():
                return False
            time.sleep(patience.spend(PAUSE * jitter()))
        return True

    def give_back(self) -> None:
        """End it, if it was had."""
        if self.held:
            self.held = False
            try:
                lock_byte(self._number, _TURN, None)
            except OSError:
                self.close()

    def close(self) -> None:
        """Give it back, in any way; a forked child ends nothing of its parent's thereby."""
        number, self._number, self.held = self._number, -1, False
        if number >= 0:
            with suppress(OSError):
                os.close(number)

    def __del__(self) -> None:
        self.close()


class NetworkConnection(Connection):
    """Writes in turn, and commits with patience. SQLite's own locks hold beside that."""

    _turn: Turn | None = None

    def execute(self, statement: str, values: Any = (), /) -> Any:
        """As in the base class."""
        if self.in_transaction:
            return self._inside(statement, values)
        if statement.startswith(_CHANGES):
            return self._in_one(statement, values)
        if statement.startswith(_EXCLUDE):
            return self._alone(statement, values)
        return self._read(statement, values)

    def executemany(self, statement: str, values: Any, /) -> sqlite3.Cursor:
        """As in the base class; only ever in a transaction."""
        try:
            return super().executemany(statement, values)
        finally:
            self._leave()

    def end(self) -> None:
        """As in the base class, but under no lock: where the server is gone it takes for ever."""
        self._end()
        if self._turn is not None:
            self._turn.close()

    def _in_one(self, statement: str, values: Sequence[Any]) -> Any:
        """A transaction of its own: SQLite's would be rolled back where its commit is refused."""
        self._alone("BEGIN IMMEDIATE")
        try:
            cursor = self._inside(statement, values)
            self._inside("COMMIT")
        except BaseException:
            if self.in_transaction:
                self._inside("ROLLBACK")
            raise
        return cursor

    def _alone(self, statement: str, values: Sequence[Any] = ()) -> Any:
        """What only one at a time may do; the turn lasts as long as the transaction."""
        self._take(exclusive=True)
        return self._inside(statement, values)

    def _inside(self, statement: str, values: Sequence[Any] = ()) -> Any:
        try:
            if statement == "COMMIT":
                return self._commit()
            cursor = super().execute(statement, values)
            return Rows(cursor.fetchall()) if statement.startswith("PRAGMA") else cursor
        finally:
            self._leave()

    def _leave(self) -> None:
        """Give the turn back where no transaction is left: some failures end it by themselves."""
        if not self.in_transaction:
            self._give_back()

    def _commit(self) -> Any:
        patience = Patience(COMMIT)
        while True:
            try:
                return super().execute("COMMIT")
            except sqlite3.OperationalError as error:
                if not is_busy(error) or not patience.left():
                    raise
            time.sleep(patience.spend(PAUSE))

    def _read(self, statement: str, values: Sequence[Any]) -> Any:
        try:
            return super().execute(statement, values)
        except sqlite3.OperationalError as error:
            if not is_busy(error):
                raise
        self._take(exclusive=False)  # after who writes now, and before who is to write next
        try:
            return Rows(super().execute(statement, values).fetchall())
        finally:
            self._give_back()

    def _take(self, *, exclusive: bool) -> None:
        with suppress(OSError):  # SQLite's locks decide alone
            self._take_ours(exclusive=exclusive)

    def _take_ours(self, *, exclusive: bool) -> None:
        if self._turn is None:
            self._turn = Turn(self.path)
        if not self._turn.take(exclusive=exclusive):
            raise failure("database is locked", sqlite3.SQLITE_BUSY)

    def _give_back(self) -> None:
        assert self._turn is not None  # noqa: S101 - whoever comes here has asked for it
        self._turn.give_back()


class SmbConnection(NetworkConnection):
    """Each statement under a lock of ours, and none of SQLite's."""

    options: ClassVar[str] = "&vfs=unix-none"

    def mode(self) -> str:
        """The journal mode; WAL, which can't be read here, is left, unless the file is in use."""
        try:
            return super().mode()
        except sqlite3.OperationalError as error:
            in_use = self.path.with_name(f"{self.path.name}-wal").exists()
            if code_of(error) != sqlite3.SQLITE_CANTOPEN or in_use:
                raise
        self._take(exclusive=True)
        try:
            for pragma in ("locking_mode = EXCLUSIVE", "journal_mode = DELETE"):
                Connection.execute(self, f"PRAGMA {pragma}").fetchall()
        finally:
            Connection.execute(self, "PRAGMA locking_mode = NORMAL").fetchall()
            self._give_back()
        return super().mode()

    def _take(self, *, exclusive: bool) -> None:
        try:
            self._take_ours(exclusive=exclusive)
        except OSError:
            if not self.read_only:  # who may not write has to read without
                raise

    def _read(self, statement: str, values: Sequence[Any]) -> Any:
        self._take(exclusive=False)
        try:
            if os.path.lexists(f"{self.path}-journal"):  # of a writer that was killed
                self._give_back()
                self._take(exclusive=True)  # SQLite will roll back
            return Rows(Connection.execute(self, statement, values).fetchall())
        finally:
            self._give_back()
