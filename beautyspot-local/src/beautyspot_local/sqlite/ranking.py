"""Pages in an order by a value, such as the largest first: SQL sorts, and holds one page of rows.

What has no such value comes last, and by its key what has the same one. A cursor names both.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from beautyspot.contracts import Page
from beautyspot.errors import ConfigError

from beautyspot_local.sqlite import conditions, fork_guard, listing, schema

if TYPE_CHECKING:
    from collections.abc import Callable

    from beautyspot.contracts import Selection, TaskRecord

fork_guard.INSIDE.add(__name__)

_MOST: Final = 20_000
"""Rows that are read at once. Each time SQL sorts all, so they grow where few are covered."""


def _number(column: str) -> str:
    """What a column holds, if that is a number; a text, another program wrote, or 2.x."""
    is_number = f"typeof({column}) IN ('integer', 'real') AND {schema.is_finite(column)}"
    return f"CASE WHEN {is_number} THEN {column} END"


# Of other texts SQLite may make the present time.
_WRITTEN: Final = (
    "CASE WHEN updated_at GLOB '[0-9][0-9][0-9][0-9]-*' "
    "THEN (julianday(updated_at) - 2440587.5) * 86400.0 END"
)
_MADE: Final = f"COALESCE({_number('made_at')}, {_WRITTEN})"
_LAST_USE: Final = _number("used_at")
_USED: Final = f"max(COALESCE({_MADE}, {_LAST_USE}), COALESCE({_LAST_USE}, {_MADE}))"
_SIZE: Final = "CASE WHEN typeof(size) = 'integer' THEN size END"

_RANKS: Final = {
    "oldest": (_MADE, ""),
    "largest": (_SIZE, " DESC"),
    "smallest": (_SIZE, ""),
    "slowest": (_number("took"), " DESC"),
    "dearest": (_number("price"), " DESC"),
    "unused": (_USED, ""),
}
ORDERS: Final = tuple(_RANKS)


class _Place(NamedTuple):
    """Where a row stands: whether it has no value, its value, its key."""

    is_none: bool
    value: Any
    key: bytes


def page(
    ask: Callable[[str, tuple[Any, ...]], list[tuple[Any, ...]]],
    wanted: Selection,
    order: str,
    following: str | None,
    limit: int,
) -> Page:
    """At most so many rows that a selection covers; `following` as of the page before.

    Raises:
        ConfigError: it is none of this order.
    """
    given = conditions.conditions_of(wanted, order)
    values = tuple(value for condition in given for value in condition.values)
    texts = [condition.text for condition in given]
    last, size = None if following is None else _place_in(following), limit
    found: list[TaskRecord] = []
    while True:
        behind = () if last is None else (last[0], last[0], last[1], last[1], last[0], last[2])
        query = _query(order, texts, behind=last is not None)
        rows = ask(query, (*values, *behind, size))
        for value, key, *fields in rows:
            last = _Place(value is None, value, key)
            record = schema.to_record(tuple(fields))
            if wanted.covers(record):
                found.append(record)
            if len(found) == limit:
                return Page(found, _cursor(last))
        if len(rows) < size:
            return Page(found, None)
        size = max(limit, min(8 * size, _MOST))


def _query(order: str, texts: list[str], *, behind: bool) -> str:
    """Its parameters: those of the texts, the place six times, how many rows.

    The rows are found by their numbers first: what is sorted is narrow then.
    """
    value, direction = _RANKS[order]
    if behind:
        further = "<" if direction else ">"
        none, same = f"(({value}) IS NULL)", f"(({value}) = ? OR ?)"
        later = f"(({value}) {further} ? OR ({same} AND cache_key > CAST(? AS TEXT)))"
        texts = [*texts, f"({none} > ? OR ({none} = ? AND {later}))"]
    where = " AND ".join([listing.IS_KEY, *texts])
    ordered = f"ORDER BY ({value}) IS NULL, ({value}){direction}, cache_key"
    numbers = f"SELECT rowid FROM tasks WHERE {where} {ordered} LIMIT ?"  # noqa: S608
    shown = f"{value}, CAST(cache_key AS BLOB), {listing.FIELDS_WITHOUT_DATA}"
    return f"SELECT {shown} FROM tasks WHERE rowid IN ({numbers}) {ordered}"  # noqa: S608


def _cursor(place: _Place) -> str:
    import json  # a Spot needs none

    return json.dumps([place.value, listing.cursor_of(place.key)])


def _place_in(cursor: str) -> _Place:
    import json

    wrong = ConfigError(
        f"following={cursor!r:.80} is nothing that a page of this order gave: begin without it"
    )
    try:
        found: Any = json.loads(cursor)
        value, key = found
    except (TypeError, ValueError, RecursionError):
        raise wrong from None
    is_number = isinstance(value, float) or (isinstance(value, int) and -(2**63) <= value < 2**63)
    if not isinstance(key, str) or not (value is None or is_number):
        raise wrong
    return _Place(value is None, value, listing.key_bytes(key))
