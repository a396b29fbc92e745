"""The tables: their columns, statements and migrations, and a row's way to a record and back.

Two numbers stand in a database. ``PRAGMA user_version`` is the newest schema that a release has
brought it up to; releases before 3 left it 0. ``readable_from`` in `beautyspot_meta` is the oldest
whose releases can use it: where that is not above ours, what a later release made is used as it is.
A migration adds columns and tables, and nothing stored is lost.

The number under the empty cover in `beautyspot_covers` is the store's counter.
"""

from __future__ import annotations

import os
import re
import sqlite3
import time
from functools import cache
from itertools import chain
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Final

from beautyspot.contracts import (
    DIRECT_BLOB,
    FIELD_TYPES,
    FILE,
    Entry,
    TaskRecord,
)
from beautyspot.errors import MetadataError, SchemaError

from beautyspot_local.sqlite.connections import transaction

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from beautyspot.contracts import FunctionTotals, Plain, Put

    from beautyspot_local.sqlite.connections import Handle

VERSION: Final = 8
"""What we write into ``PRAGMA user_version``, where no later release has written more."""

READABLE_FROM: Final = 8
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
"""Those of the table of results."""

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
    "grants": "INTEGER",
    "waits": "INTEGER",
    "refusals": "INTEGER",
    "seconds_waited": "REAL",
}
"""Those of the table of counts."""

_TABLES: Final = {
    "tasks": COLUMNS,
    "beautyspot_meta": {"name": "TEXT PRIMARY KEY", "value": "TEXT"},
    "beautyspot_covers": {"cover": "TEXT PRIMARY KEY", "number": "INTEGER"},
    "beautyspot_counts": COUNTED,
}
_MORE: Final = {  # their rows are their own index: to add to one costs a single walk down a tree
    "beautyspot_covers": ") WITHOUT ROWID",
    "beautyspot_counts": ", PRIMARY KEY (func_identifier, hour)) WITHOUT ROWID",
}
_CREATE: Final = {
    table: f"CREATE TABLE {table} ({', '.join(map(' '.join, columns.items()))}"
    + _MORE.get(table, ")")
    for table, columns in _TABLES.items()
}

# The texts below are put together from the constants above, never from what a caller gives.
# ruff: noqa: S608
_KEPT: Final = TaskRecord._fields[: len(COLUMNS)]
FIELDS: Final = ", ".join(_KEPT)
WITHOUT_DATA: Final = FIELDS.replace("result_data", "NULL AS result_data")
_TAGS, _BEGAN_AT = map(_KEPT.index, ("tags", "began_at"))
# The fields of `Plain`, the expiry, and where a blob is.
_FOUND: Final = "result_data, digest, took, made_at, serializer, price, expires_at, result_value"
_COUNTER: Final = "coalesce((SELECT number FROM beautyspot_covers WHERE cover = ''), 0)"

FIND: Final = f"SELECT {_FOUND} FROM tasks WHERE cache_key = ?"
GET: Final = f"SELECT {FIELDS} FROM tasks WHERE cache_key = ?"
NOTE: Final = (
    f"INSERT INTO beautyspot_covers SELECT column1, max({_COUNTER} + 1, ?) "
    "FROM (VALUES (''), (?)) WHERE TRUE ON CONFLICT (cover) DO UPDATE SET number = excluded.number"
)
OLD_COVERS: Final = "FROM beautyspot_covers WHERE cover <> '' AND number < ?"
# What is no text, another program wrote, and no call asks for it.
WITH_KEYS: Final = "(SELECT * FROM tasks WHERE cache_key < x'') AS tasks"
# Of numbers only, whatever other programs wrote: an infinity would not even be a number of bytes.
_CLEAN: Final = (
    "SELECT CAST(coalesce(nullif(func_identifier, ''), func_name, '') AS TEXT) AS name, "
    "CAST(coalesce(code, '') AS TEXT) AS code, CASE WHEN made_at < 9e999 THEN made_at END AS made, "
    "CASE typeof(size) WHEN 'integer' THEN max(size, 0) END AS size FROM tasks"
)
BY_FUNCTION: Final = (
    "SELECT name, count(*), total(size), min(made), max(made), "
    "substr(max(printf('%020.6f', coalesce(made, 0)) || code), 21), "
    "count(DISTINCT nullif(substr(code, 1, instr(code || ':', ':') - 1), '')) "
    f"FROM ({_CLEAN}) GROUP BY name ORDER BY name"
)
"""What is stored of each function; of what was made last, the code."""

_SUMS: Final = (f"{name} = coalesce({name}, 0) + excluded.{name}" for name in list(COUNTED)[2:])
ADD_COUNTS: Final = (
    f"INSERT INTO beautyspot_counts ({', '.join(COUNTED)}) VALUES ({', '.join('?' * len(COUNTED))})"
    f" ON CONFLICT (func_identifier, hour) DO UPDATE SET {', '.join(_SUMS)}"
)
_NUMBERS: Final = (f"CAST(coalesce({name}, 0) AS {kind})" for name, kind in COUNTED.items())
COUNTS: Final = (
    f"SELECT func_identifier, {', '.join([*_NUMBERS][1:])} FROM beautyspot_counts "
    "WHERE hour >= ? AND func_identifier = coalesce(?, func_identifier) ORDER BY 1, 2"
)


# ------------------------------------------------------------------------------------ reading


@cache  # a page may have any number of keys up to some hundreds
def begin_query(count: int) -> str:
    """The counter, and whether there is a row of any of so many keys: mostly there is none.

    `sqlite3` describes each column of a query anew each time, so it asks for few.
    """
    return f"SELECT {_COUNTER}, EXISTS (SELECT 1 FROM tasks WHERE {_is_one_of(count)})"


@cache
def find_query(count: int) -> str:
    """Of each row of so many keys what `FIND` gives, and its key."""
    return f"SELECT {_FOUND}, cache_key FROM tasks WHERE {_is_one_of(count)}"


def _is_one_of(count: int) -> str:
    return f"cache_key IN ({', '.join('?' * count)})"


def found_of(row: tuple[Any, ...]) -> Plain | Entry | None:
    """What a row of `FIND` is; None where it can't be read."""
    data, digest, took, made_at, serializer, price, expires_at, location = row
    if made_at.__class__ is not float and made_at is not None:
        return None
    if data is not None and expires_at is None:
        plain: Plain = row[:6]
        return plain
    if data is location is None or not isinstance(expires_at, int | float | None):
        return None
    kind = FILE if data is None else DIRECT_BLOB
    return Entry(kind, location, data, serializer, digest, made_at, expires_at, took, price)


_TYPES: Final = tuple(FIELD_TYPES[field] for field in _KEPT)
_BLANK: Final = TaskRecord("", "", "")[: len(_KEPT)]


def record_of(row: Sequence[Any]) -> TaskRecord:
    """The record of a row, of any release or program.

    SQLite lets any column hold a value of any type: what is of another type than ours is left out.
    """
    values = list(row)
    tags, values[_TAGS] = values[_TAGS], ()
    for at, value in enumerate(values):
        if not isinstance(value, _TYPES[at]):
            values[at] = _BLANK[at]
    record = TaskRecord(*values)
    return record if tags is None else record._replace(tags=_tags_in(tags))


def _tags_in(text: object) -> tuple[str, ...]:
    import json  # rarely needed

    try:
        tags = json.loads(text if isinstance(text, str) else "")
    except (ValueError, RecursionError):
        return ()
    return tuple(tag for tag in tags if isinstance(tag, str)) if isinstance(tags, list) else ()


def totals_of(row: tuple[Any, ...]) -> FunctionTotals:
    """A row of `BY_FUNCTION`."""
    from beautyspot.contracts import FunctionTotals  # for those who look

    name, entries, size, oldest, newest, code, sources = row
    changed = sources > 1 if code.partition(":")[0] else None
    return FunctionTotals(name, entries, int(size), oldest, newest, code or None, changed)


# ------------------------------------------------------------------------------------ writing

LONGEST_WAIT: Final = 10.0
"""Seconds for which a statement may wait for the lock after it was given the time: what others have
made meanwhile is not the work of a clock that goes ahead."""

AT_ONCE: Final = 32
"""Rows that one statement puts.

SQLite is called without the interpreter's lock, and a call for each row would give that up, and
wait for it, as often. Old releases of SQLite bind 999 values at most.
"""

_OPTIONAL: Final = (
    *("version", "content_type", "result_value"),
    *("tags", "expires_at", "used_at", "price"),
)
_PLAIN: Final = tuple([name for name in _KEPT if name not in _OPTIONAL])
"""The columns of most rows: `sqlite3` takes a fifth of a microsecond to bind each None."""

_ANY: Final = 2**63 - 1
"""A number that no cover has."""

_optional: Final = itemgetter(*map(_KEPT.index, _OPTIONAL))
_plain: Final = itemgetter(*map(_KEPT.index, _PLAIN))
_NONE: Final = _optional(_BLANK)
_NEWER: Final = (
    "coalesce(tasks.began_at, tasks.made_at - coalesce(tasks.took, 0)) > excluded.began_at "
    "AND tasks.made_at <= ?"
)
_SET: Final = ", ".join(f"{name} = excluded.{name}" for name in _KEPT[1:])


@cache
def put_query(columns: tuple[str, ...], count: int, covers: int) -> str:
    """Insert so many rows, or none where the counter has gone on, but those that are not newest.

    It takes these columns of the rows, the others are null; the number that the counter may have;
    where there are `covers` (then of one row), so many of them and the number again, so that it is
    inserted if none of them was noted since; and the time. What has a newer row in its place does
    not count as changed.
    """
    valid = f"{_COUNTER} <= ?"
    if covers:
        marks = ", ".join("?" * covers)
        noted = f"SELECT 1 FROM beautyspot_covers WHERE cover IN ({marks}) AND number > ?"
        valid = f"({valid} OR NOT EXISTS ({noted}))"
    rows = ", ".join([f"({', '.join('?' * len(columns))})"] * count)
    return (
        f"INSERT INTO tasks ({', '.join(columns)}) SELECT * FROM (VALUES {rows}) "
        f"WHERE {valid} ON CONFLICT (cache_key) DO UPDATE SET {_SET} WHERE ({_NEWER}) IS NOT TRUE"
    )


def put_one(handle: Handle, row: Put) -> bool:
    """Put a row if none of its covers was noted since and no newer row is there; whether it was."""
    record, covers, since, _ = row
    now = time.time()
    ends, columns = now + LONGEST_WAIT, _PLAIN
    if record.began_at is None:  # nothing was noted, or made, after that
        since, ends = _ANY, 0.0
    if record.began_at is not None and _optional(record) == _NONE:
        values = _plain(record)
    else:
        columns, values = _KEPT, _row_of(record, now)
    query = put_query(columns, 1, 0)
    if handle.execute(query, (*values, since, ends)).rowcount > 0:  # as nearly always
        return True
    query = put_query(columns, 1, len(covers))
    return handle.execute(query, (*values, since, *covers, since, ends)).rowcount > 0


def put_many(handle: Handle, rows: Sequence[Put]) -> set[str]:
    """The same of many, in one transaction; the keys of those that were refused."""
    refused: set[str] = set()
    with transaction(handle):
        for start in range(0, len(rows), AT_ONCE):
            part = rows[start : start + AT_ONCE]
            now = time.time()
            since = min([_ANY, *[row.since for row in part if row.record.began_at is not None]])
            values = chain.from_iterable([_row_of(row.record, now) for row in part])
            done = handle.execute(put_query(_KEPT, len(part), 0), (*values, since, now))
            if done.rowcount < len(part):
                late = [row for row in part if not put_one(handle, row)]
                refused.update(row.record.cache_key for row in late)
    return refused


def _row_of(record: TaskRecord, now: float) -> tuple[Any, ...]:
    """What is put of a record, in all columns."""
    tags = None
    if record.tags:
        import json  # as above

        tags = json.dumps(record.tags)
    began_at = now if record.began_at is None else record.began_at
    return (*record[:_TAGS], tags, *record[_TAGS + 1 : _BEGAN_AT], began_at)


def delete(handle: Handle, rows: Mapping[str, float | None]) -> set[str]:
    """Remove rows that are as they were seen, in one transaction; the keys of those removed."""
    query = "DELETE FROM tasks WHERE cache_key = ? AND made_at IS ?"
    with transaction(handle):
        return {key for key, made in rows.items() if handle.execute(query, (key, made)).rowcount}


def execute_all(handle: Handle, statement: str, rows: Iterable[Sequence[Any]]) -> None:
    """Execute a statement for all of `rows`, or for none."""
    with transaction(handle):
        handle.connection.executemany(statement, rows)


# ---------------------------------------------------------------------------------- migration


def prepare(handle: Handle, path: Path) -> str:
    """Bring the database up to date, in one transaction, also while others do so; the store's ID.

    Raises:
        SchemaError: the database was written by a newer release, and is not readable by this one.
        MetadataError: it can't be brought up to date.
    """
    connection = handle.connection
    version, readable_from, store_id = numbers(connection)
    needed = readable_from or version
    if needed > VERSION:
        raise SchemaError(
            f"{path} has schema {version}, which takes a release that knows schema {needed}, and "
            f"this release of beautyspot knows up to {VERSION}: upgrade beautyspot, or "
            "choose another file (db_path= or metadata=)"
        )
    is_complete = not any(_missing(connection, table) for table in _TABLES)
    if version >= VERSION and readable_from and store_id and is_complete:
        return store_id
    if handle.read_only:
        raise MetadataError(
            f"{path} was written by an earlier release and may only be read: "
            "make it writable once, so that its table is brought up to date"
        )
    with transaction(handle):
        return _bring_up_to_date(connection)


def numbers(connection: sqlite3.Connection) -> tuple[int, int, str | None]:
    """The newest schema that the database was brought up to, the oldest that will do, and its ID.

    0 and None where none stands there, or nothing that is a number or an ID: it is part of paths.
    """
    version: int = connection.execute("PRAGMA user_version").fetchone()[0]
    if not _columns(connection, "beautyspot_meta"):
        return version, 0, None
    query = "SELECT name, value FROM beautyspot_meta WHERE name IN ('readable_from', 'store_id')"
    found: dict[Any, Any] = dict(connection.execute(query))
    # Without patterns, each of which takes a fifth of a millisecond of the first Spot.
    number, store_id = str(found.get("readable_from")), str(found.get("store_id"))
    is_number = number.isascii() and number.isdecimal() and len(number) < 10
    is_id = 8 <= len(store_id) <= 64 and set(store_id) <= set("0123456789abcdef")
    return version, int(number) if is_number else 0, store_id if is_id else None


def _bring_up_to_date(connection: sqlite3.Connection) -> str:
    """Add what is missing; what another process has added meanwhile is not."""
    version, readable_from, store_id = numbers(connection)
    before = _columns(connection, "tasks")
    for table, columns in _TABLES.items():
        connection.execute(_CREATE[table].replace("TABLE", "TABLE IF NOT EXISTS", 1))
        for name in _missing(connection, table):
            connection.execute(f"ALTER TABLE {table} ADD COLUMN {name} {columns[name]}")
    if before and "made_at" not in before:
        values = ", ".join(f"{name} = {value}" for name, value in _OF_RELEASE_2.items())
        connection.execute(f"UPDATE tasks SET {values}")
    store_id = store_id or os.urandom(8).hex()
    news = [("store_id", store_id)]
    if version < VERSION or not readable_from:  # else it is a later release's number
        news.append(("readable_from", str(READABLE_FROM)))
        connection.execute(f"PRAGMA user_version = {VERSION}")
    connection.executemany(
        "INSERT OR REPLACE INTO beautyspot_meta (name, value) VALUES (?, ?)", news
    )
    return store_id


def _seconds(column: str) -> str:
    """A time as a number, where it is a text of release 2: UTC, with up to six decimals."""
    number = f"strftime('%s', substr({column}, 1, 19)) + CAST(substr({column}, 20, 7) AS REAL)"
    return f"CASE typeof({column}) WHEN 'text' THEN {number} ELSE {column} END"


_OF_RELEASE_2: Final = {
    "made_at": _seconds("updated_at"),
    "expires_at": _seconds("expires_at"),
    "updated_at": "replace(updated_at, '+00:00', '')",  # which 2.7 wrote, and others not
}


def adapt(handle: Handle) -> str | None:
    """Have a database of any release look as if it had our tables; its ID, if it has one.

    Views of the connection's own hide those tables that lack columns, or are not there. Where a
    page is damaged that has the ID, the results are shown all the same.
    """
    connection = handle.connection
    before = _columns(connection, "tasks")
    older = _OF_RELEASE_2 if before and "made_at" not in before else {}
    for table, columns in _TABLES.items():
        if missing := _missing(connection, table):
            there = f"FROM main.{table}" if len(missing) < len(columns) else "WHERE FALSE"
            each = [f"NULL AS {name}" if name in missing else name for name in columns]
            row, shown = "NULL", list(columns)
            if table == "tasks":
                row = "rowid" if before else "NULL"
                shown = [f"{older.get(name, name)} AS {name}" for name in columns]
            connection.execute(
                f"CREATE TEMP VIEW {table} AS SELECT rowid, {', '.join(shown)} "
                f"FROM (SELECT {row} AS rowid, {', '.join(each)} {there})"
            )
    try:
        return numbers(connection)[2]
    except sqlite3.DatabaseError as error:
        if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_CORRUPT:
            raise
        return os.urandom(8).hex()  # which no other store has


def _missing(connection: sqlite3.Connection, table: str) -> list[str]:
    present = _columns(connection, table)
    return [name for name in _TABLES[table] if name not in present]


def _columns(connection: sqlite3.Connection, table: str) -> dict[str, int]:
    """The columns of a table in lower case, and whether each is its primary key."""
    found = connection.execute(f"PRAGMA main.table_info({table})")
    return {str(row[1]).lower(): row[5] for row in found}


# What is more than plain columns is a program that the database would run in ours: a view that
# never ends, a trigger that fills the disk, an expression that needs a gigabyte.
_PROGRAM: Final = r"(?is)\b(check|generated|as|where|virtual|trigger|view)\b|\bindex\b.*\(.*\("
_OURS: Final = (
    "SELECT type, name, sql FROM sqlite_master WHERE lower(tbl_name) IN "
    f"({', '.join(map(repr, _TABLES))})"
)
_OTHERS: Final = "SELECT name FROM sqlite_master WHERE name NOT LIKE 'sqlite!_%' ESCAPE '!'"


def check_ours(handle: Handle, path: Path) -> None:
    """Look whether the database is ours, or empty, before anything of it is changed.

    Raises:
        MetadataError: it is another program's, or was prepared by one.
    """
    connection = handle.connection
    for kind, name, sql in connection.execute(_OURS):
        is_ours = sql is None or sql in _CREATE.values()  # by far the most are
        if not is_ours and re.search(_PROGRAM, str(sql)):
            raise MetadataError(
                f"{path} was prepared by another program: its {kind} {name!r:.80} is more than "
                "plain columns: move it away to begin anew, or choose another file (db_path= or "
                "metadata=)"
            )
    other = connection.execute(_OTHERS).fetchone()  # first: ours may be made just now, all at once
    results = _columns(connection, "tasks")
    has_ours = results.get("cache_key") or (not results and _columns(connection, "beautyspot_meta"))
    if other and not has_ours:
        raise MetadataError(
            f"{path} holds no results, but tables of another program, such as {other[0]!r:.80}: "
            "move it away to begin anew, or give another file"
        )
