"""What was invalidated, in a table: calls that are under way then do not store their results.

Each row has a number, above those of all rows before it. A call remembers the last number as it
begins; its result is not stored if a row with a higher one covers it.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final

from beautyspot.contracts import Invalidation

from beautyspot_local.sqlite import fork_guard, schema
from beautyspot_local.sqlite.connections import transaction

if TYPE_CHECKING:
    from collections.abc import Callable

    from beautyspot.contracts import TaskRecord

    from beautyspot_local.sqlite.connections import Handle

fork_guard.INSIDE.add(__name__)

LOGGED: Final = 10_000
"""Rows that stay; in the place of the older ones is one that covers all results."""

EVERY: Final = 256
"""A process removes old rows as it adds its first row, and then one in so many."""

GENERATION: Final = "SELECT COALESCE(MAX(number), 0) FROM beautyspot_invalidated"
SINCE: Final = "SELECT number, what FROM beautyspot_invalidated WHERE number > ?"
# By the clock, in microseconds: a fresh database must not begin with the numbers of a lost one.
_ADD: Final = (
    "INSERT INTO beautyspot_invalidated (number, what) "
    "SELECT MAX(COALESCE(MAX(number), 0) + 1, ?), ? FROM beautyspot_invalidated"
)
_OLDEST: Final = "SELECT number FROM beautyspot_invalidated ORDER BY number DESC LIMIT 1 OFFSET ?"
_FORGET: Final = "DELETE FROM beautyspot_invalidated WHERE number < ?"
_COVER_ALL: Final = "UPDATE beautyspot_invalidated SET what = ? WHERE number = ?"


def note(handle: Handle, what: Invalidation, *, tidy: bool) -> None:
    """Add a row; with `tidy`, remove those that are too old."""
    with transaction(handle):
        handle.execute(_ADD, (time.time_ns() // 1000, _text(what)))
        oldest = handle.execute(_OLDEST, (LOGGED,)).fetchone() if tidy else None
        if oldest is not None:
            handle.execute(_FORGET, oldest)
            handle.execute(_COVER_ALL, (_text(Invalidation()), *oldest))


def put_valid(
    handle: Handle, rows: list[tuple[TaskRecord, int]], now: Callable[[], float]
) -> set[str]:
    """Insert what was not invalidated since the number beside it, and is not older than its row.

    Returns:
        The keys of the others.
    """
    with transaction(handle):
        refused, time = _refused(handle, rows), now()  # while no other process puts any
        valid = {
            record.cache_key: (*schema.to_row(record), record.cache_key, record.began_at, time)
            for record, _ in rows
            if record.cache_key not in refused
        }
        put = handle.connection.executemany(schema.PUT_NEWEST, valid.values()).rowcount
        if put < len(valid):  # once more, one by one: each that was put is as new as itself
            refused.update(key for key, row in valid.items() if not _put(handle, row))
    return refused


def _put(handle: Handle, row: tuple[Any, ...]) -> bool:
    put: int = handle.execute(schema.PUT_NEWEST, row).rowcount
    return put > 0


def _refused(handle: Handle, rows: list[tuple[TaskRecord, int]]) -> set[str]:
    oldest = min((since for _, since in rows), default=0)
    noted = [(number, read(what)) for number, what in handle.execute(SINCE, (oldest,))]
    return {
        record.cache_key
        for record, since in rows
        if any(number > since and what.covers(record) for number, what in noted)
    }


def _text(what: Invalidation) -> str:
    """JSON has an escape for what SQLite refuses: lone surrogates."""
    import json

    return json.dumps(what)


def read(text: object) -> Invalidation:
    """What a row says; one that we did not write covers all results."""
    import json

    try:
        parts = json.loads(text) if isinstance(text, str) else None
    except (ValueError, RecursionError):
        parts = None
    if not isinstance(parts, list) or len(parts) != len(Invalidation._fields):
        return Invalidation()
    return Invalidation._make(part if isinstance(part, str) else None for part in parts)
