"""`SqliteMetadataStore`: the metadata store of this machine, one SQLite file.

Any number of threads and processes of one machine read and write it at the same time (WAL mode).
Reading a hit is one SELECT on the thread's own connection, or none where no process commits (see
`row_cache`), and never waits. Writers of one process take turns at a lock, so that only
other processes are ever in the way, and those are waited for with short pauses. A loss of power may
take the last moments before it, never the database (``synchronous = NORMAL``).

On a network file system there is no WAL: a rollback journal serves one machine at a time. On an SMB
share SQLite's locks do not work, and the store refuses to open.

Beside the file stand SQLite's ``-wal`` and ``-shm``, ``.lock`` (or ``.locks/``) for the leases, and
``.waits/`` where calls of several processes have waited for each other.
"""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING, Any, ClassVar, Final, ParamSpec, TypeVar

from beautyspot import files
from beautyspot.contracts import (
    DIRECT_BLOB,
    DURATION,
    SIZE,
    Beginning,
    Entry,
    Invalidation,
    byte_count,
    seconds,
)
from beautyspot.errors import ConfigError, MetadataError
from beautyspot.files import absolute

from beautyspot_local.folders import is_private, mark_when_made
from beautyspot_local.sqlite import connections, failures, fork_guard, invalidation_log, schema
from beautyspot_local.sqlite import counts as counted
from beautyspot_local.sqlite.connections import patiently
from beautyspot_local.sqlite.database import Database
from beautyspot_local.sqlite.reading import SqliteReader, tolerant
from beautyspot_local.sqlite.wal_watch import LONGEST

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping
    from datetime import timedelta
    from pathlib import Path

    from beautyspot import Finding
    from beautyspot.contracts import Context, Counts, Lease, MetadataStoreBase, Plain, TaskRecord

    from beautyspot_local.sqlite.connections import Handle

fork_guard.INSIDE.add(__name__)

P = ParamSpec("P")
T = TypeVar("T")

_FIND: Final = schema.FIND
_GENERATION: Final = invalidation_log.GENERATION


class SqliteMetadataStore(SqliteReader):
    """A metadata store in a SQLite file.

    A file that is damaged is renamed to ``<name>.damaged-<UTC time>``, with a warning, and a fresh
    one takes its place. A file that may only be read is read.

    Args:
        path: the file; made when first needed, with its directory, both private to the user.
        timeout: how long a call waits while other processes write: seconds, or a text. `find` never
            waits.
        memory: that may be used to keep rows of a database to which no process commits, in bytes
            or as "64MB"; 0 keeps none.

    Raises:
        ConfigError: `path`, `timeout` or `memory` is not what it has to be.
    """

    name = "sqlite"
    schemes = ("sqlite",)
    blocking = False
    leases: ClassVar[bool] = True
    invalidations: ClassVar[bool] = True
    counters: ClassVar[bool] = True
    memory_age = LONGEST

    def __init__(
        self,
        path: str | Path,
        *,
        timeout: float | str | timedelta = 5.0,
        memory: int | str = 16_777_216,
    ) -> None:
        file = _checked_path(path)
        self._noted = 0
        puts = ("put", "put_valid", "put_many", "put_many_valid")
        own = SqliteMetadataStore
        self._puts_as_here = all(getattr(type(self), put) is getattr(own, put) for put in puts)
        size = _checked_memory(memory)
        self._database = Database(file, _checked_timeout(timeout), size)
        if self._database.network:  # whose server may not answer
            vars(self).update(blocking=True)
        else:
            self.private = is_private(file)
        self.most_leases = self._database.leases.most
        if not size:
            self.memory_age = 0.0

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

    def examine(self) -> Iterable[Finding]:
        """Its file, its schema, its content; see the base class."""
        return self.for_looking().examine()

    # ------------------------------------------------------------------------------- the contract

    def open(self) -> None:
        """Reach the file and bring its schema up to date; see the base class."""
        self._translated(self._database.handle)

    @property
    def store_id(self) -> str:
        """16 hex digits; they change when a damaged file gives way to a fresh one."""
        while (store_id := self._database.store_id) is None:
            self.open()
        return store_id

    def find(self, key: str) -> Plain | Entry | None:  # noqa: C901 - a hit pays for each call
        """What a hit needs; see the base class."""
        database = self._database
        snapshot = database.rows.snapshot  # before the row is read: it must be older
        kept, noting = snapshot.get(key), snapshot.watch is not None
        if kept is not None:
            if snapshot.is_unchanged():
                return kept
            database.doubt(snapshot)
        elif database.finds > 0:
            database.finds -= 1
        else:
            database.check_moved()
            noting = True
        try:
            handle = database.local.handle  # held while at it: see `Handle`
            if handle.connection.in_transaction:
                database.clean(handle)
            row = handle.execute(_FIND, (key,)).fetchone()
        except failures.KNOWN_OR_NEW:
            return self._translated(self._find_entry, key)
        if row is None:
            return None
        found: Plain | Entry | None = row[:6]
        if row[6] is not None or row[0] is None:
            found = self._entry(key, row)
            # Else it is of another file, or a fork, which hides the connection, is under way.
            noting = noting and getattr(database.local, "handle", None) is handle
        if noting and found is not None:
            database.note(snapshot, handle, key, found)
        return found

    def _found(self, key: str, row: tuple[Any, ...]) -> Plain | Entry | None:
        """What a row of `FIND` is."""
        return self._entry(key, row) if row[6] is not None or row[0] is None else row[:6]

    def _entry(self, key: str, row: tuple[Any, ...]) -> Entry | None:
        """What a row of `FIND` is, where that is not plain."""
        data, digest, took, made_at, serializer, price, ends = row
        if data is not None and type(ends) is float:
            return Entry(DIRECT_BLOB, None, data, serializer, digest, made_at, ends, took, price)
        return self._translated(self._find_entry, key)

    def _find_entry(self, key: str) -> Entry | None:
        rows = self._database.use(lambda handle: tolerant(handle, schema.FIND_ENTRY, (key,)))
        return schema.to_entry(rows[0]) if rows else None

    def find_code(self, key: str) -> str | None:
        """The column `code`; see the base class."""
        rows = self._translated(
            self._database.use, lambda handle: tolerant(handle, schema.FIND_CODE, (key,))
        )
        return schema.text(rows[0][0]) if rows else None

    def put(self, record: TaskRecord) -> None:
        """Insert or replace; committed when it returns."""
        row = schema.to_row(record)
        self._write(lambda handle: handle.execute(schema.PUT, row))

    def put_many(self, records: Iterable[TaskRecord]) -> None:
        """Insert or replace all of them, or none, in one transaction."""
        rows = [schema.to_row(record) for record in records]
        self._write(lambda handle: _put_all(handle, rows))

    def delete(self, key: str) -> bool:
        """Remove; see the base class."""
        try:
            return self._write(lambda handle: handle.execute(schema.DELETE, (key,)).rowcount > 0)
        except MetadataError as error:
            if not str(error).endswith(files.ROOM):
                raise
            raise MetadataError(f"{error}{failures.TO_REMOVE}") from error.__cause__

    def touch(self, used: Mapping[str, float]) -> None:
        """Set `used_at`, in one transaction; what was set within the hour stays."""
        rows = [(when, key, when) for key, when in used.items()]
        self._write(lambda handle: _transact(handle, schema.TOUCH, rows))

    def try_lease(self, key: str) -> Lease | None:
        """A lock of the kernel; see the base class and `beautyspot_local.sqlite.leases`."""
        self._database.check_open()
        try:
            return self._database.leases.try_lease(key)
        except OSError as error:
            what = f"no lock file beside {self._database.path} ({error})"
            raise MetadataError(f"{what}: {files.remedy(error, failures.NO_LOCKS)}") from error

    def begin(self, key: str) -> Beginning | None:
        """Take the lease, and look by one statement; see the base class.

        A class that inherits from this one and has methods of its own for these is asked by them.
        """
        own, mine = type(self), SqliteMetadataStore
        if own.find is not mine.find or own.generation is not mine.generation:
            return super().begin(key)
        lease = self.try_lease(key)
        if lease is None:
            return None
        try:
            try:
                handle = self._database.local.handle  # held while at it: see `Handle`
                if handle.connection.in_transaction:
                    self._database.clean(handle)
                row = handle.execute(schema.BEGIN, (key,)).fetchone()
            except failures.KNOWN_OR_NEW:
                return Beginning(lease, self.find(key), self.generation(), self.now())
            found = None if row[1] is None else self._found(key, row[2:])
            return Beginning(lease, found, int(row[0]), self.now())
        except BaseException:
            lease.release()
            raise

    def share_waits(self, waits: Mapping[str, Collection[str]]) -> Mapping[str, Collection[str]]:
        """By files; see the base class and `beautyspot_local.sqlite.lease_waits`."""
        try:
            return self._database.waits.share(waits)
        except OSError as error:
            what = f"no files beside {self._database.path} ({error})"
            raise MetadataError(f"{what}: {files.remedy(error, failures.NO_LOCKS)}") from error

    def lease_holder(self, key: str) -> str:
        """Linux tells; see the base class."""
        return self._database.leases.holder(key)

    # ------------------------------------------------------------------------ what was invalidated

    def note_invalidation(self, what: Invalidation) -> None:
        """Write it into a table; see the base class."""
        tidy = self._noted % invalidation_log.EVERY == 0
        self._write(lambda handle: invalidation_log.note(handle, what, tidy=tidy))
        self._noted += 1

    def generation(self) -> int:
        """The number of the last one; see the base class."""
        try:
            handle = self._database.local.handle  # held while at it: see `Handle`
            if handle.connection.in_transaction:
                self._database.clean(handle)
            row = handle.execute(_GENERATION).fetchone()
        except failures.KNOWN_OR_NEW:
            row = self._translated(self._database.use, _generation)
        return int(row[0])

    def invalidated_since(self, generation: int) -> list[Invalidation]:
        """Read the table; see the base class."""
        rows = self._rows(invalidation_log.SINCE, (generation,))
        return [invalidation_log.read(what) for _, what in rows]

    def put_valid(self, record: TaskRecord, since: int) -> bool:
        """Look and insert in one statement; see the base class.

        A class that inherits from this one and has a `put` of its own is asked to use that.
        """
        if type(self).put is not SqliteMetadataStore.put:
            return super().put_valid(record, since)
        row = (*schema.to_row(record), since, record.cache_key, record.began_at)
        if self._write(
            lambda handle: handle.execute(schema.PUT_VALID, (*row, self.now())).rowcount > 0
        ):
            return True  # nothing at all was invalidated meanwhile, mostly, and it is the newest
        return not self._put_many_valid([(record, since)])

    def put_at_once(self, record: TaskRecord, since: int) -> bool:
        """See the base class; nothing of a class that has another way to put."""
        if not self._puts_as_here:
            return False
        row = (*schema.to_row(record), since, record.cache_key, record.began_at, self.now())
        put = self._translated(
            self._database.write_at_once,
            lambda handle: handle.execute(schema.PUT_VALID, row).rowcount > 0,
        )
        return put is True

    def put_many_valid(self, rows: Iterable[tuple[TaskRecord, int]]) -> set[str]:
        """Look and insert in one transaction; see `put_valid`."""
        if type(self).put_many is not SqliteMetadataStore.put_many:
            return super().put_many_valid(rows)
        return self._put_many_valid(list(rows))

    def _put_many_valid(self, rows: list[tuple[TaskRecord, int]]) -> set[str]:
        return self._write(lambda handle: invalidation_log.put_valid(handle, rows, self.now))

    def close(self) -> None:
        """Close every thread's connection. Leases that are held stay so until released."""
        self._database.close()

    def add_counts(self, counts: Iterable[Counts]) -> None:
        """In one transaction; see the base class."""
        added = list(counts)
        self._write(lambda handle: counted.add(handle, added))

    def remark(self, remarks: Mapping[str, str]) -> None:
        """In one transaction; see the base class."""
        self._write(lambda handle: counted.remark(handle, remarks))

    def for_looking(self) -> MetadataStoreBase:
        """One that reads the file as it is; see `beautyspot_local.sqlite.looking`."""
        from beautyspot_local.sqlite.looking import LookingStore

        return LookingStore(self._database.path, self._database.timeout, private=self.private)

    # -------------------------------------------------------------------- performing and failing

    def _rows(self, query: str, values: tuple[Any, ...]) -> list[tuple[Any, ...]]:
        return self._patiently(lambda handle: tolerant(handle, query, values))

    def _patiently(self, work: Callable[[Handle], T]) -> T:
        database = self._database
        return self._translated(patiently, database.timeout, database.use, work)

    def _write(self, work: Callable[[Handle], T]) -> T:
        try:
            return self._database.write(work)
        except MetadataError:  # some are OSErrors as well
            raise
        except failures.KNOWN as error:
            raise failures.explained(self._database, error) from error

    def _translated(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Call `work`, its failures as ours."""
        try:
            return work(*args, **kwargs)
        except MetadataError:  # as above
            raise
        except failures.KNOWN as error:
            raise failures.explained(self._database, error) from error


def _generation(handle: Handle) -> tuple[Any, ...]:
    row: tuple[Any, ...] = handle.execute(_GENERATION).fetchone()
    return row


def _put_all(handle: Handle, rows: list[tuple[Any, ...]]) -> None:
    with connections.transaction(handle):
        invalidation_log.put(handle, rows)


def _transact(handle: Handle, statement: str, rows: list[tuple[Any, ...]]) -> None:
    """Execute `statement` for all of `rows`, or for none."""
    with connections.transaction(handle):
        handle.connection.executemany(statement, rows)


def _checked_path(path: str | Path) -> Path:
    text = os.fspath(path) if isinstance(path, str | os.PathLike) else ""
    if not isinstance(text, str) or not text or "\0" in text:
        raise ConfigError(f"path={path!r} names no file: give the path of a database file")
    if text == ":memory:":
        raise ConfigError(
            "path=':memory:' is not supported: each thread would have a database of its own; "
            "use metadata='memory', or MemoryMetadataStore of beautyspot.memory"
        )
    return absolute(text, "path")  # a later chdir must not change which database it is


def _checked_timeout(timeout: object) -> float:
    try:
        found = seconds(timeout)
    except (TypeError, ValueError):
        raise ConfigError(f"timeout={timeout!r:.80}: give {DURATION}") from None
    if found > threading.TIMEOUT_MAX:
        raise ConfigError(f"timeout={timeout!r:.80} is longer than a thread can wait: give less")
    return found


def _checked_memory(memory: object) -> int:
    try:
        return byte_count(memory)
    except (TypeError, ValueError):
        raise ConfigError(f"memory={memory!r:.80}: give {SIZE}") from None
