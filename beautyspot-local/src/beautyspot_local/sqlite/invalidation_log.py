"""What was invalidated, in a table: calls that are under way then do not store their results.

Each row has a number, above those of all rows before it. A call remembers the last number as it
begins; its result is not stored if a row with a higher one covers it.
"""

from __future__ import annotations

import time
from itertools import chain
from typing import TYPE_CHECKING, Any, Final, TypeVar

from beautyspot.contracts import Invalidation

from beautyspot_local.sqlite import fork_guard, schema
from beautyspot_local.sqlite.connections import transaction

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from beautyspot.contracts import TaskRecord

    from beautyspot_local.sqlite.connections import Handle

fork_guard.INSIDE.add(__name__)

T = TypeVar("T")

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
    made = {record.cache_key: (schema.to_row(record), record.began_at) for record, _ in rows}
    with transaction(handle):
        refused = _refused(handle, rows) | _outdated(handle, made, now())
        put(handle, [row for key, (row, _) in made.items() if key not in refused])
    return refused


def put(handle: Handle, rows: list[tuple[Any, ...]]) -> None:
    """Insert or replace all of them."""
    for part in _parts(rows):
        handle.execute(schema.put_query(len(part)), tuple(chain.from_iterable(part)))


def _parts(items: list[T]) -> Iterator[list[T]]:
    """All of them, as many at a time as there are statements for."""
    at = 0
    for size in schema.SIZES:
        while len(items) - at >= size:
            yield items[at : at + size]
            at += size


def _outdated(
    handle: Handle, made: dict[str, tuple[tuple[Any, ...], float | None]], time: float
) -> set[str]:
    """The keys of those rows in whose place there is a newer one."""
    began = [(key, began) for key, (_, began) in made.items()]
    return {
        key
        for part in _parts(began)
        for (key,) in handle.execute(
            schema.newer_query(len(part)), (*chain.from_iterable(part), time)
        )
    }


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
