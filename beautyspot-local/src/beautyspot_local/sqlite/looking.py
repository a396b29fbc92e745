"""The store that looks at a database as it is: nothing is made, migrated, moved or locked.

Each statement has a connection of its own, so nothing is held between two of them, and each finds
out anew what the file is by now. Columns and tables that the file lacks, since an earlier release
wrote it, are read as NULL and as empty.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from beautyspot.contracts import OnlyLooking
from beautyspot.errors import MetadataBusyError, MetadataError
from beautyspot.files import remedy

from beautyspot_local.sqlite import connections, failures, fork_guard, older, schema
from beautyspot_local.sqlite.connections import patiently
from beautyspot_local.sqlite.reading import SqliteReader, tolerant
from beautyspot_local.sqlite.snapshots import Snapshots

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from beautyspot import Finding

    from beautyspot_local.sqlite.connections import Handle

fork_guard.INSIDE.add(__name__)

T = TypeVar("T")

_MOST_NAMED = 5


class LookingStore(OnlyLooking, SqliteReader):
    """Reads a SQLite file of any release, or what is left of a damaged one; see the module."""

    name = "sqlite"
    blocking = False
    counters: ClassVar[bool] = True

    def __init__(self, path: Path, timeout: float, *, private: bool) -> None:
        self.private = private
        self._path, self._timeout = path, timeout
        self._snapshots = Snapshots(path)
        self._closed = False

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {str(self._path)!r}>"

    def open(self) -> None:
        """See whether the file can be read."""
        self._with(lambda handle: older.adapted(handle.connection, self._path))

    def close(self) -> None:
        """Nothing can be read after that."""
        self._closed = True
        self._snapshots.forget()

    @property
    def store_id(self) -> str:
        """The ID in the file; databases of releases before 3 have none."""
        found = self._with(lambda handle: schema.find_store_id(handle.connection))
        if found is None:
            raise MetadataError(
                f"{self._path} has no ID yet, since an earlier release wrote it: a Spot that uses "
                "it gives it one"
            )
        return found

    # ---------------------------------------------------------------------------------- reading

    def examine(self) -> Iterator[Finding]:
        """Its file, its schema, its content; see the base class."""
        from beautyspot_local.sqlite.examination import of_database  # rarely asked for

        def ask(query: str) -> list[tuple[Any, ...]]:
            return self._with(lambda handle: handle.execute(query).fetchall())

        return of_database(self._path, ask, f"metadata {self.name}", lambda: self.damaged)

    def _rows(self, query: str, values: tuple[Any, ...]) -> list[tuple[Any, ...]]:
        def read(handle: Handle) -> list[tuple[Any, ...]]:
            return tolerant(handle, older.adapted(handle.connection, self._path) + query, values)

        return self._with(read)

    def _with(self, work: Callable[[Handle], T]) -> T:
        """What `work` returns for a connection of its own.

        Raises:
            MetadataError: whatever failed, and what to do.
        """
        if self._closed:
            raise MetadataError(f"the store {self._path} is closed: make a new one")
        try:
            return patiently(self._timeout, self._once, work)
        except MetadataError:
            raise
        except failures.KNOWN as error:
            raise self._explained(error) from error

    def _once(self, work: Callable[[Handle], T]) -> T:
        try:
            done = self._on(self._snapshots.connect(), work)
        except sqlite3.DatabaseError as error:
            if not connections.is_damage(error):
                raise
        else:
            # What needs no damaged page shows nothing, but another file in its place does.
            self.damaged = self.damaged and self._snapshots.is_salvaged
            return done
        handle = self._snapshots.salvaged()
        self.damaged = True
        return self._on(handle, work)

    def _on(self, handle: Handle, work: Callable[[Handle], T]) -> T:
        with closing(handle):
            schema.refuse_programs(handle.connection, self._path)
            return work(handle)

    def _explained(self, error: Exception) -> MetadataError:
        path = self._path
        if isinstance(error, FileNotFoundError | IsADirectoryError | NotADirectoryError):
            what = "is a folder" if isinstance(error, IsADirectoryError) else "is not there"
            return MetadataError(f"{path} {what}: {_databases_near(path)}")
        if connections.is_busy(error):
            return MetadataBusyError(
                f"{path} is written to all the time (timeout: {self._timeout} s): try again"
            )
        if connections.is_damage(error):
            return MetadataError(
                f"{path} is no SQLite database, or the beginning of the file is damaged ({error}): "
                "check that it is the file you mean; what is left of it may be recovered "
                "(sqlite3 FILE .recover)"
            )
        return MetadataError(
            f"{path}: {error}: {remedy(error, 'check that the file and its folder may be read')}"
        )


def _databases_near(path: Path) -> str:
    """What to give in the place of a path that is no file."""
    folder = path if path.is_dir() else path.parent
    names = sorted(file.name for file in folder.glob("*.db") if file.is_file())
    if not names:
        return f"no database (*.db) is in {folder}, give the path of one"
    more = f" and {len(names) - _MOST_NAMED} others" if len(names) > _MOST_NAMED else ""
    return f"give a file that is there; in {folder} are {', '.join(names[:_MOST_NAMED])}{more}"
