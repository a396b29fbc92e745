"""`SqliteMetadataStore`: the metadata store of this machine, one SQLite file.

Any number of threads and processes of one machine read and write it at the same time (WAL mode).
Reading a hit is one SELECT on the thread's own connection, or none where no process commits (see
`row_memory`), and never waits. Writers of one process take turns at a lock, so that only other
processes are ever in the way, and those are waited for with short pauses. A loss of power may
take the last moments before it, never the database (``synchronous = NORMAL``).

On a network file system there is no WAL: a rollback journal serves one machine at a time. On an SMB
share SQLite's locks do not work, and the store refuses to open.

Beside the file stand SQLite's ``-wal`` and ``-shm``, and ``.lock`` (or ``.locks/``) for the leases.
"""

from __future__ import annotations

import os
import threading
import time
from typing import TYPE_CHECKING, Any, ClassVar, Final

from beautyspot.contracts import Begun, MetadataStoreBase, checked, in_full
from beautyspot.contracts.records import is_rejected
from beautyspot.contracts.sql import select_statement
from beautyspot.contracts.store import REMEMBERED
from beautyspot.errors import ConfigError, MetadataError
from beautyspot.files import absolute
from beautyspot.logs import logger

from beautyspot_local.folders import is_private, mark_when_made
from beautyspot_local.sqlite import schema
from beautyspot_local.sqlite.database import REMAINING, Database, code_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence
    from datetime import timedelta
    from pathlib import Path

    from beautyspot import Finding
    from beautyspot.contracts import (
        Context,
        Counts,
        Entry,
        FunctionTotals,
        Order,
        Plain,
        Put,
        Rank,
        Selection,
        TaskRecord,
    )

    from beautyspot_local.sqlite.connections import Handle
    from beautyspot_local.sqlite.examination import Remains

PAGE: Final = 500
"""Keys in one statement: old releases of SQLite bind 999 values at most."""

_FIND: Final = schema.FIND
_FIRST_HOUR: Final = -(2**63)


class SqliteMetadataStore(MetadataStoreBase):
    """A metadata store in a SQLite file.

    A file that is damaged is renamed to ``<name>.damaged-<UTC time>``, with a warning, and a fresh
    one takes its place. A file that may only be read is read.

    Args:
        path: the file; made when first needed, with its directory, both private to the user.
        timeout: how long a call waits while other processes write: seconds, or a text. `find` never
            waits.
        memory: that may be used to keep rows of a database to which no process commits, in bytes
            or as "64MB"; 0 keeps none.

    Attributes:
        lost: how many rows of a damaged database the listings of one that only looks left out, at
            least.

    Raises:
        ConfigError: `path`, `timeout` or `memory` is not what it has to be.
    """

    name = "sqlite"
    schemes = ("sqlite",)
    blocking = False
    counters: ClassVar[bool] = True
    largest_data = 999_000_000  # SQLite takes rows of a billion bytes
    lost = 0
    _remains: Remains | None = None

    def __init__(
        self,
        path: str | Path,
        *,
        timeout: float | str | timedelta = 5.0,
        memory: int | str = 16_777_216,
    ) -> None:
        file = _checked_path(path)
        longest = checked.duration("timeout", timeout, most=threading.TIMEOUT_MAX)
        self._database = Database(file, longest, checked.size("memory", memory))
        self._leases = self._database.leases
        self.most_leases = self._leases.most
        if self._database.network:  # whose server may not answer
            vars(self).update(blocking=True)
        else:
            self.private = is_private(file)

    @classmethod
    def defaults(cls, context: Context) -> dict[str, Any]:
        """The Spot's own `db_path`."""
        mark_when_made(context.directory)
        return {"path": context.db_path}

    @classmethod
    def options_from_url(cls, url: str) -> dict[str, Any]:
        """``sqlite:///relative/path.db`` or ``sqlite:////absolute/path.db``, as SQLAlchemy has it.

        Percent escapes are resolved: ``%3F`` is a question mark in a name.
        """
        from urllib.parse import unquote, urlsplit

        parts = urlsplit(url)
        path = unquote(parts.path[1:])
        if parts.netloc or not path:
            raise ConfigError(
                "a SQLite URL names a file: write sqlite:///relative/path.db (three slashes) or "
                "sqlite:////absolute/path.db (four)"
            )
        return {"path": path}

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {str(self._database.path)!r}>"

    # ------------------------------------------------------------------------------- the store

    def open(self, *, look: bool = False) -> None:
        """Reach the file and bring its schema up to date; see the base class."""
        if look:
            self._database.looks = True
            self._database.reset()
        with self._database.failures:
            self._database.handle()

    @property
    def store_id(self) -> str:
        """16 hex digits; they change when a damaged file gives way to a fresh one."""
        if self._database.store_id is None:
            self.open()
        store_id = self._database.store_id
        if store_id is None:
            raise MetadataError(
                f"{self._database.path} has no ID yet, since an earlier release wrote it: a Spot "
                "that uses it gives it one"
            )
        return store_id

    def close(self) -> None:
        """Close every thread's connection, and end the leases."""
        self._database.close()

    def examine(self) -> Iterable[Finding]:
        """Its file, its schema, its content; see the base class."""
        from beautyspot_local.sqlite.examination import of_database  # rarely asked for

        return of_database(self, self._database)

    # ----------------------------------------------------------------------------- the results

    def find(self, key: str) -> Plain | Entry | None:  # noqa: C901 - a hit pays for each call
        """What a hit needs; see the base class."""
        database = self._database
        snapshot = database.rows.snapshot  # before the row is read: it must be older
        kept, noting = snapshot.get(key), snapshot.handle is not None
        if kept is not None:
            if snapshot.is_unchanged():
                return kept
            database.rows.drop(snapshot)
            database.check_moved()
        elif database.finds > 0:
            database.finds -= 1
        else:
            database.check_moved()
            noting = True
        try:
            handle: Handle = database.local.handle  # held while at it: see `Handle`
            if handle.connection.in_transaction:
                handle.roll_back()  # what Ctrl-C has left open
            row = handle.execute(_FIND, (key,)).fetchone()
            if row is None:
                return None
            found: Plain | Entry | None = row[:6]
            if row[6] is not None or row[0] is None or row[3].__class__ is not float:
                found = schema.found_of(row)
            # Else it is of another file, or a fork, which hides the connection, is under way.
            if noting and found is not None and getattr(database.local, "handle", None) is handle:
                database.rows.note(snapshot, handle, key, found)
            return found
        except Exception:  # of many kinds; the first is that this thread has no connection yet
            noting = False
        rows = database.read(_FIND, (key,), waits=noting)
        return schema.found_of(rows[0]) if rows else None

    def find_many(self, keys: Collection[str]) -> dict[str, Plain | Entry]:
        """One statement for some hundred keys; see the base class."""
        found: dict[str, Plain | Entry] = {}
        for page in _pages([*keys]):
            self._look_up(page, found)
        return found

    def get(self, key: str) -> TaskRecord | None:
        """The whole record; see the base class."""
        rows = self._database.read(schema.GET, (key,))
        return schema.record_of(rows[0]) if rows else None

    def begin(  # noqa: C901 - one step, in its order: it is made at each miss
        self, keys: Collection[str], token: str, *, rejected: Mapping[str, float] | None = None
    ) -> Begun:
        """Take the locks of the kernel, and look by one statement; see the base class."""
        database = self._database
        if database.looks:
            database.check_may_change()
        if database.store_id is None:
            self.open()  # nothing is put beside a file that is not ours
        try:
            taken = self._leases.take(keys, token)
        except OSError as error:
            database.failures.raise_(error)
        since, asked = -1, [*keys]
        found: dict[str, Plain | Entry] = {}
        try:
            for page in [asked] if len(asked) <= PAGE else _pages(asked):
                ((number, are_there),) = database.read(schema.begin_query(len(page)), page)
                since = number if since < 0 else since
                if are_there:  # by now: the counter was read before
                    self._look_up(page, found)
        except BaseException:
            self._leases.release([key for key, is_new in taken.items() if is_new], token)
            raise
        if found and rejected:
            found = {
                key: row
                for key, row in found.items()
                if not is_rejected(in_full(row), key, rejected)
            }
        if found:
            self._leases.release([key for key in found if taken.pop(key, None)], token)
        return Begun(found, list(taken), since, time.time())

    def _look_up(self, page: list[str], found: dict[str, Plain | Entry]) -> None:
        """Add what is found of some hundred keys."""
        for row in self._database.read(schema.find_query(len(page)), page):
            answer: Plain | Entry | None = row[:6]  # as in `find`
            if row[6] is not None or row[0] is None or row[3].__class__ is not float:
                answer = schema.found_of(row[:8])
            if answer is not None:
                found[row[8]] = answer

    def put(self, rows: Sequence[Put], *, waits: bool = True) -> set[str]:
        """One statement for one, one transaction for many; see the base class."""
        if len(rows) == 1:
            was_put = self._database.write(schema.put_one, rows[0], waits=waits)
            refused = set() if was_put else {rows[0].record.cache_key}
        else:
            refused = self._database.write(schema.put_many, rows, waits=waits)
        for row in rows:
            if row.token:
                self._leases.release([row.record.cache_key], row.token)
        return refused

    def put_at_once(self, rows: Sequence[Put]) -> set[str] | None:
        """See the base class. It neither opens the file nor makes a new connection."""
        database = self._database
        handle = getattr(database.local, "handle", None)
        if handle is None or database.network:
            return None
        handle.roll_back()
        if not handle.commits_at_once(len(rows)):
            return None
        try:
            return self.put(rows, waits=False)
        except MetadataError:
            return None

    def delete(self, rows: Mapping[str, float | None]) -> set[str]:
        """In one transaction; see the base class."""
        return self._database.write(schema.delete, rows)

    # ------------------------------------------------------------------- leases and invalidations

    def renew(self, keys: Collection[str], token: str) -> set[str]:
        """None is lost while this process lives."""
        del keys, token
        return set()

    def release(self, keys: Collection[str], token: str) -> None:
        """See the base class."""
        self._leases.release(keys, token)

    def note(self, cover: str) -> None:
        """One statement; see the base class."""
        now = time.time_ns() // 1000
        self._database.write(lambda handle: handle.execute(schema.NOTE, (now, cover)))

    # ------------------------------------------------------------------------------- listing

    def rows(self, after: str = "", limit: int = 500, *, data: bool = False) -> list[TaskRecord]:
        """See the base class.

        Of a damaged database that is only looked at: the rows that can be read; `lost` says how
        many could not be, as does a warning at the end.
        """
        fields = schema.FIELDS if data else schema.WITHOUT_DATA
        if not after:
            self._remains = None
        found = None
        if self._remains is None:
            place = False, 0.0, after
            from beautyspot.contracts import Selection  # for those who look

            query = select_statement(fields, schema.WITH_KEYS, Selection(), "key", place, limit)
            found = self._read(*query)
        if found is not None:
            return [schema.record_of(row) for row in found]
        from beautyspot_local.sqlite.examination import Remains  # rarely needed

        database = self._database
        with database.failures:
            handle = database.handle()
            remains = self._remains = self._remains or Remains(handle)
            records = remains.rows(handle, fields, after, limit)
        lost = len(remains.lost) + remains.hides
        if len(records) < limit and lost > self.lost:
            self.lost = lost
            logger.warning(
                "%s is damaged: %d of its rows can't be read, or more, and are left out; nothing "
                "was changed, and the others may be copied into another store (beautyspot copy)",
                *(database.path, self.lost),
            )
        return records

    def _read(self, query: str, values: Sequence[Any]) -> list[Any] | None:
        """The rows of a query; None where the database is damaged, and only looked at."""
        database = self._database
        database.check_moved()
        try:
            return database.read(query, values)
        except MetadataError as error:
            if database.looks and code_of(error.__cause__) in REMAINING:
                return None
            raise

    def select(
        self, where: Selection, order: Order, after: Rank | None, limit: int
    ) -> list[TaskRecord] | None:
        """By SQL; see the base class."""
        fields, table = schema.WITHOUT_DATA, schema.WITH_KEYS
        found = self._read(*select_statement(fields, table, where, order, after, limit))
        return None if found is None else [schema.record_of(row) for row in found]

    def function_totals(self) -> list[FunctionTotals]:
        """In one statement, which reads every row, but none's data."""
        rows = self._read(schema.BY_FUNCTION, ())
        if rows is None:
            return super().function_totals()
        self.lost = 0  # a sound file may have taken its place
        return [*map(schema.totals_of, rows)]

    def sweep(self, older_than: float, *, dry_run: bool = False) -> int:
        """Forget what was invalidated long ago; see the base class."""
        forgotten = int((self.now() - max(older_than, REMEMBERED)) * 1e6)
        if dry_run:
            query = f"SELECT count(*) {schema.OLD_COVERS}"
            return int(self._database.read(query, (forgotten,))[0][0])
        query = f"DELETE {schema.OLD_COVERS}"
        return self._database.write(
            lambda handle: int(handle.execute(query, (forgotten,)).rowcount)
        )

    # ------------------------------------------------------------------------- uses and counts

    def touch(self, used: Mapping[str, float]) -> None:
        """Set `used_at`, in one transaction; what was set within the hour stays."""
        query = (  # many processes that find one result write its last use once an hour, not each
            "UPDATE tasks SET used_at = ? WHERE cache_key = ? "
            "AND (used_at IS NULL OR abs(used_at - ?) >= 3600)"
        )
        rows = [(when, key, when) for key, when in used.items()]
        self._database.write(schema.execute_all, query, rows)

    def add_counts(self, counts: Iterable[Counts]) -> None:
        """In one transaction; see the base class."""
        rows = [each[: len(schema.COUNTED)] for each in counts]
        self._database.write(schema.execute_all, schema.ADD_COUNTS, rows)

    def counts(
        self, *, func_identifier: str | None = None, since: int | None = None
    ) -> Iterable[Counts]:
        """By function and hour; none of a damaged database where they can't be read."""
        least = _FIRST_HOUR if since is None else since
        rows = self._read(schema.COUNTS, (least, func_identifier))
        from beautyspot.contracts import Counts  # for those who look

        return [Counts(*row) for row in rows or ()]

    def remark(self, remarks: Mapping[str, str]) -> None:
        """In one transaction; see the base class."""
        query = "INSERT OR REPLACE INTO beautyspot_meta (name, value) VALUES ('remark ' || ?, ?)"
        self._database.write(schema.execute_all, query, list(remarks.items()))

    def remarks(self) -> dict[str, str]:
        """See the base class."""
        query = "SELECT substr(name, 8), value FROM beautyspot_meta WHERE name LIKE 'remark %'"
        return dict(self._read(query, ()) or ())


def _pages(keys: list[str]) -> list[list[str]]:
    return [keys[start : start + PAGE] for start in range(0, len(keys), PAGE)]


def _checked_path(path: str | Path) -> Path:
    text = os.fspath(path) if isinstance(path, str | os.PathLike) else ""
    if not isinstance(text, str) or text in ("", ":memory:") or "\0" in text:
        raise ConfigError(
            f"path={path!r} names no file: give the path of a database file, or use "
            "metadata='memory' for what nobody else is to have"
        )
    return absolute(text, "path")  # a later chdir must not change which database it is
