"""The table `tasks`: its columns, its migrations, and a row's way to a `TaskRecord` and back.

Two numbers stand in a database. ``PRAGMA user_version`` is the newest schema that a release has
brought it up to; releases before 3 left it 0. ``readable_from`` in `beautyspot_meta` is the oldest
whose releases can use it: where that is not above ours, what a later release made is used as it is.
A migration only ever adds columns and tables (`ALTER TABLE … ADD COLUMN` rewrites nothing, so a
million rows take as long as ten), hence nothing stored is lost.
"""

from __future__ import annotations

import functools
import math
import os
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from beautyspot.contracts import Entry, TaskRecord
from beautyspot.errors import MetadataError, SchemaError

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterable
    from pathlib import Path

VERSION: Final = 7
"""What we write into ``PRAGMA user_version``, where no later release has written more."""

READABLE_FROM: Final = 5
"""What we write into ``readable_from``.

A release that raises it also renames the table, so that processes which have it open fail.
"""

# The data is the last column: SQLite reads a row from its front, and all that lies behind a large
# value costs a walk along that value's overflow pages. Listings leave the data out.
COLUMNS: Final = {
    "cache_key": "TEXT PRIMARY KEY",
    "func_name": "TEXT",
    "input_id": "TEXT",
    "version": "TEXT",
    "result_type": "TEXT",
    "content_type": "TEXT",
    "result_value": "TEXT",
    "updated_at": "TIMESTAMP",
    "func_identifier": "TEXT",
    "key_scheme": "INTEGER",
    "serializer": "TEXT",
    "digest": "BLOB",
    "size": "INTEGER",
    "arg_digests": "TEXT",
    "tags": "TEXT",
    "made_at": "REAL",
    "took": "REAL",
    "expires_at": "REAL",
    "used_at": "REAL",
    "code": "TEXT",
    "arguments": "TEXT",
    "price": "REAL",
    "began_at": "REAL",
    "result_data": "BLOB",
}

COUNTED: Final = {
    "func_identifier": "TEXT",
    "hour": "INTEGER",
    "hits": "INTEGER",
    "runs": "INTEGER",
    "failures": "INTEGER",
    "seconds_saved": "REAL",
    "seconds_spent": "REAL",
    "money_saved": "REAL",
    "money_spent": "REAL",
    # Earlier releases go on writing rows without these.
    "grants": "INTEGER DEFAULT 0",
    "waits": "INTEGER DEFAULT 0",
    "refusals": "INTEGER DEFAULT 0",
    "seconds_waited": "REAL DEFAULT 0",
}
"""The columns of the table of counts."""

_KEPT: Final = TaskRecord._fields[: len(COLUMNS)]
"""The fields of a record that have a column: later releases of core may add some."""

FIELDS: Final = ", ".join(_KEPT)
_MARKS: Final = ", ".join("?" * len(_KEPT))
_TAGS: Final = TaskRecord._fields.index("tags")

# The texts below are put together from the constants above, never from what a caller gives.
_ENTRY: Final = ", ".join(Entry._fields)
FIND_ENTRY: Final = f"SELECT {_ENTRY} FROM tasks WHERE cache_key = ?"  # noqa: S608
# The fields of `Plain`, and the expiry. A row without data names a blob. Conditions in SQL would
# cost more than two columns.
_FOUND: Final = "result_data, digest, took, made_at, serializer, price, expires_at"
FIND: Final = f"SELECT {_FOUND} FROM tasks WHERE cache_key = ?"  # noqa: S608
# The generation, the key (None where there is no such row), and the columns of `FIND`.
BEGIN: Final = (
    f"SELECT (SELECT COALESCE(MAX(number), 0) FROM beautyspot_invalidated), cache_key, {_FOUND} "  # noqa: S608
    "FROM (SELECT 1) LEFT JOIN tasks ON cache_key = ?"
)
FIND_CODE: Final = "SELECT code FROM tasks WHERE cache_key = ?"
GET: Final = f"SELECT {FIELDS} FROM tasks WHERE cache_key = ?"  # noqa: S608
_PUT: Final = f"INSERT OR REPLACE INTO tasks ({FIELDS}) VALUES "  # noqa: S608
PUT: Final = f"{_PUT}({_MARKS})"
# One statement, so that nothing comes between the look and the insertion. Of a row that other
# programs wrote, a text is above all numbers, and nothing less a text is nothing less 0.
_PUT_IF: Final = f"INSERT OR REPLACE INTO tasks ({FIELDS}) SELECT {_MARKS} WHERE "
_BEGAN: Final = "COALESCE(began_at, made_at - COALESCE(took, 0))"
_IS_NEWEST: Final = (
    f"NOT EXISTS (SELECT 1 FROM tasks WHERE cache_key = ? AND {_BEGAN} > ? AND made_at <= ?)"  # noqa: S608
)
_IS_VALID: Final = "(SELECT COALESCE(MAX(number), 0) FROM beautyspot_invalidated) <= ?"
PUT_VALID: Final = f"{_PUT_IF}{_IS_VALID} AND {_IS_NEWEST}"
DELETE: Final = "DELETE FROM tasks WHERE cache_key = ?"
# Of sizes only, whatever other programs wrote: an infinity would not even be a number of bytes.
TOTALS: Final = (
    "SELECT COUNT(*), TOTAL(size) FILTER (WHERE typeof(size) = 'integer' AND size > 0) FROM tasks"
)
# Many processes that find one result write its last use once an hour, not each of them.
TOUCH: Final = (
    "UPDATE tasks SET used_at = ? WHERE cache_key = ? "
    "AND (used_at IS NULL OR ABS(used_at - ?) >= 3600)"
)


LARGE: Final = 32_768
"""Bytes of data over which `find_many` leaves them out: it may be asked for a thousand rows."""


def is_finite(column: str) -> str:
    """That a number in a column is no infinity; in words that overflow for no number."""
    return f"({column} > -9e999 AND {column} < 9e999)"


SIZES: Final = (32, 8, 1)
"""Rows that one statement puts: a few sizes, so that each is compiled once.

SQLite is called without the interpreter's lock, and a call for each row would give that up, and
wait for it, as often. Old releases of SQLite bind 999 values at most.
"""


@functools.cache
def put_query(count: int) -> str:
    """`PUT` for so many rows: their values one after the other."""
    return f"{_PUT}{', '.join([f'({_MARKS})'] * count)}"


@functools.cache
def newer_query(count: int) -> str:
    """The keys of those rows that stay, since they are newer than what is to be put.

    It takes the key and the begin of each, and the time.
    """
    return (
        f"WITH put (key, began) AS (VALUES {', '.join(['(?, ?)'] * count)}) "  # noqa: S608
        f"SELECT cache_key FROM put JOIN tasks ON cache_key = key "
        f"WHERE {_BEGAN} > began AND made_at <= ?"
    )


@functools.cache  # a page may have any number of keys up to some hundreds
def find_many_query(count: int, *, in_full: bool) -> str:
    """The query of so many rows without large data: their keys, then what `FIND` gives.

    With `in_full` what `to_entry` takes.
    """
    marks, columns = ", ".join("?" * count), _ENTRY if in_full else _FOUND
    data = f"CASE WHEN length(result_data) <= {LARGE} THEN result_data END"
    columns = columns.replace("result_data", data)
    return f"SELECT cache_key, {columns} FROM tasks WHERE cache_key IN ({marks})"  # noqa: S608


def to_entry(row: Iterable[Any]) -> Entry:
    """The entry of a row that `FIND_ENTRY` gave."""
    entry = Entry._make(row)
    return entry._replace(expires_at=seconds(entry.expires_at))


def to_row(record: TaskRecord) -> tuple[Any, ...]:
    """What `PUT` binds."""
    row: list[Any] = [
        value if type(value) is not str or value.isascii() else storable(value)
        for value in record[: len(_KEPT)]
    ]
    row[0] = record.cache_key  # as it is asked for
    row[_TAGS] = _tags_text(record.tags) if record.tags else None
    return tuple(row)


def storable(text: str) -> str:
    """The text itself, or with escapes for what no UTF-8 has: lone surrogates.

    `os.listdir` gives such for the names of files that are not in UTF-8, and SQLite refuses them.
    """
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode()


def _tags_text(tags: tuple[str, ...]) -> str:
    import json  # 2 ms, and few results have tags

    return json.dumps(tags)


def to_record(row: tuple[Any, ...]) -> TaskRecord:
    """The record of a row that `GET` or a page gave, of any release or program.

    SQLite lets any column hold a value of any type: what is of another type than ours is None.
    """
    record = TaskRecord(*[read(value) for read, value in zip(_READERS, row, strict=True)])
    if record.made_at is None:  # an earlier release's
        record = record._replace(made_at=seconds(record.updated_at))
    return record


def name(value: object) -> str:
    """A value of a column of texts that is never empty."""
    return value if isinstance(value, str) else str(value)


def text(value: object) -> str | None:
    """A value of a column of texts; None where another program wrote something else."""
    return value if isinstance(value, str) else None


def _bytes(value: object) -> bytes | None:
    return value if isinstance(value, bytes) else None


def _count(value: object) -> int | None:
    return value if isinstance(value, int) else None


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and math.isfinite(value) else None


def _tags(text: object) -> tuple[str, ...]:
    """The tags of a row; what is no list of texts was not written by us, and is no tag."""
    if not isinstance(text, str):
        return ()
    import json

    try:
        tags = json.loads(text)
    except (ValueError, RecursionError):
        return ()
    return tuple(tag for tag in tags if isinstance(tag, str)) if isinstance(tags, list) else ()


def _utc_text(text: object) -> str | None:
    """Release 2.7 wrote the offset ``+00:00`` behind the time, the others nothing."""
    return None if text is None else str(text).removesuffix("+00:00")


def seconds(value: object) -> float | None:
    """A stored time as Unix time: release 2.7 wrote ISO 8601 text, we write a number."""
    if isinstance(value, int | float):
        return _number(value)
    try:
        moment = datetime.fromisoformat(value if isinstance(value, str) else "")
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return None


_READERS: Final[tuple[Callable[[Any], Any], ...]] = tuple(
    {
        "cache_key": name, "func_name": name, "input_id": name, "result_type": name,
        "result_data": _bytes, "updated_at": _utc_text, "key_scheme": _count, "digest": _bytes,
        "size": _count, "tags": _tags, "made_at": _number, "took": _number, "expires_at": seconds,
        "used_at": _number, "price": _number, "began_at": _number,
    }.get(field, text)
    for field in _KEPT
)  # fmt: skip


def is_current(connection: sqlite3.Connection, path: Path) -> bool:
    """Whether nothing is to be migrated.

    Raises:
        SchemaError: the database was written by a newer release, and is not readable by this one.
        MetadataError: its table `tasks` is another program's, or has a program of its own.
    """
    refuse_programs(connection, path)
    version, readable_from = numbers(connection)
    needed = version if readable_from is None else readable_from
    if needed > VERSION:
        raise SchemaError(
            f"{path} has schema {version}, which takes a release that knows schema {needed}, and "
            f"this release of beautyspot knows up to {VERSION}: upgrade beautyspot, or choose "
            "another db_path"
        )
    if version < VERSION or readable_from is None or _missing(connection, path):
        return False
    tables: int = connection.execute(_COUNT_TABLES).fetchone()[0]
    return tables == len(_TABLES) and find_store_id(connection) is not None


def numbers(connection: sqlite3.Connection) -> tuple[int, int | None]:
    """The newest schema that a release brought the database up to, and the oldest that will do.

    The second is None where none stands there, as before schema 5.
    """
    version: int = connection.execute("PRAGMA user_version").fetchone()[0]
    value = _meta(connection, "readable_from")
    # Without a pattern: to compile one is a part of each start.
    if not isinstance(value, str) or not (value.isascii() and value.isdigit() and len(value) < 10):
        return version, None
    return version, int(value)


def migrate(connection: sqlite3.Connection, path: Path) -> None:
    """Bring the database up to date, in one transaction, also while other processes do so."""
    if is_current(connection, path):
        return
    connection.execute("BEGIN IMMEDIATE")
    try:
        if not is_current(connection, path):  # another process may have been faster
            _bring_up_to_date(connection, path)
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def read_store_id(connection: sqlite3.Connection) -> str:
    """The ID that was made with the database."""
    store_id = find_store_id(connection)
    if store_id is None:
        raise MetadataError("another program changes the database: choose another db_path")
    return store_id


_TASKS: Final = f"tasks ({', '.join(f'{name} {kind}' for name, kind in COLUMNS.items())})"
_META: Final = "beautyspot_meta (name TEXT PRIMARY KEY, value TEXT)"
_LOG: Final = "beautyspot_invalidated (number INTEGER PRIMARY KEY, what TEXT)"
# Its rows are their own index: to add to one costs a single walk down a tree.
_COUNTS: Final = (
    f"beautyspot_counts ({', '.join(f'{name} {kind}' for name, kind in COUNTED.items())}, "
    "PRIMARY KEY (func_identifier, hour)) WITHOUT ROWID"
)
_TABLES: Final = (_TASKS, _META, _LOG, _COUNTS)
_NAMES: Final = tuple(table.partition(" ")[0] for table in _TABLES)
_IN_NAMES: Final = f"IN ({', '.join(map(repr, _NAMES))})"
_COUNT_TABLES: Final = f"SELECT COUNT(*) FROM sqlite_master WHERE name COLLATE NOCASE {_IN_NAMES}"  # noqa: S608


def _bring_up_to_date(connection: sqlite3.Connection, path: Path) -> None:
    connection.execute(f"CREATE TABLE IF NOT EXISTS {_TASKS}")
    for name in _missing(connection, path):
        connection.execute(f"ALTER TABLE tasks ADD COLUMN {name} {COLUMNS[name]}")
    for table in (_META, _LOG, _COUNTS):
        connection.execute(f"CREATE TABLE IF NOT EXISTS {table}")
    counted = _columns(connection, "beautyspot_counts")
    for name in COUNTED:
        if name not in counted:
            connection.execute(f"ALTER TABLE beautyspot_counts ADD COLUMN {name} {COUNTED[name]}")
    if find_store_id(connection) is None:
        _set_meta(connection, "store_id", os.urandom(8).hex())
    version, readable_from = numbers(connection)
    if version < VERSION or readable_from is None:  # else it is a later release's number
        _set_meta(connection, "readable_from", str(READABLE_FROM))
        connection.execute(f"PRAGMA user_version = {VERSION}")


def _set_meta(connection: sqlite3.Connection, name: str, value: str) -> None:
    connection.execute("DELETE FROM beautyspot_meta WHERE name = ?", (name,))
    connection.execute("INSERT INTO beautyspot_meta (name, value) VALUES (?, ?)", (name, value))


def _missing(connection: sqlite3.Connection, path: Path) -> list[str]:
    """The columns that the table lacks; all of them where there is no table."""
    present = _columns(connection, "tasks")
    if present and "cache_key" not in present:
        raise MetadataError(
            f"{path} has a table `tasks` of another program: choose another db_path"
        )
    return [name for name in COLUMNS if name not in present]


def _columns(connection: sqlite3.Connection, table: str) -> set[str]:
    return {str(row[1]).lower() for row in connection.execute(f"PRAGMA table_info({table})")}


def find_store_id(connection: sqlite3.Connection) -> str | None:
    """The ID, or None where there is none, or one that is no ID: it becomes part of paths."""
    found = _meta(connection, "store_id")
    return found if isinstance(found, str) and _is_id(found) else None


def _meta(connection: sqlite3.Connection, name: str) -> object:
    """A value of `beautyspot_meta`; None where there is none."""
    query = "SELECT 1 FROM sqlite_master WHERE name = 'beautyspot_meta'"
    if connection.execute(query).fetchone() is None:
        return None
    query = "SELECT value FROM beautyspot_meta WHERE name = ?"
    row = connection.execute(query, (name,)).fetchone()
    return None if row is None else row[0]


def _is_id(text: str) -> bool:
    return 8 <= len(text) <= 64 and set("0123456789abcdef").issuperset(text)


# What a table or an index may be. The rest is a program that the database would run in ours: a view
# that never ends, a trigger that fills the disk, an expression that needs a gigabyte.
_PLAIN_TABLE: Final = r"(?is)CREATE\s+TABLE\b(?!.*\b(?:CHECK|GENERATED|AS)\b)"
_PLAIN_INDEX: Final = r"(?i)CREATE\s+(?:UNIQUE\s+)?INDEX\s+\S+\s+ON\s+\S+?\s*\([^()]*\)\s*"
_OWN: Final = frozenset(f"CREATE TABLE {table}" for table in _TABLES)
_OURS: Final = (
    f"SELECT type, name, sql FROM sqlite_master WHERE tbl_name COLLATE NOCASE {_IN_NAMES}"  # noqa: S608
)


def refuse_programs(connection: sqlite3.Connection, path: Path) -> None:
    """Raise `MetadataError` where the schema of what is ours holds more than plain columns."""
    for kind, name, sql in connection.execute(_OURS):
        if not _is_plain(kind, sql):
            raise MetadataError(
                f"{path} was prepared by another program: its {kind} {name!r:.80} is more than "
                "plain columns: choose another db_path"
            )


def _is_plain(kind: object, sql: object) -> bool:
    if kind == "index":  # without a text: that of a primary key
        return sql is None or (isinstance(sql, str) and re.fullmatch(_PLAIN_INDEX, sql) is not None)
    if kind != "table" or not isinstance(sql, str):
        return False
    return sql in _OWN or re.match(_PLAIN_TABLE, sql) is not None  # by far the most are our own
