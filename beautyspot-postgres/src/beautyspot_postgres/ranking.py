"""Pages in an order by a value, such as the largest first: SQL sorts, and gives one page of rows.

What has no such value comes last, and by its key what has the same one. A cursor names both.
"""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from beautyspot.contracts import Page
from beautyspot.errors import ConfigError

from beautyspot_postgres import rows
from beautyspot_postgres.conditions import Condition, Query, conditions_of

if TYPE_CHECKING:
    from beautyspot.contracts import Selection, TaskRecord

    from beautyspot_postgres.server import Server

_MOST: Final = 20_000
"""Rows that are read at once. Each time SQL sorts all, so they grow where few are covered."""


def _number(column: str) -> str:
    return f"nullif({column}, 'NaN')"


_RANKS: Final = {
    "newest": (_number("made_at"), "DESC"),
    "oldest": (_number("made_at"), "ASC"),
    "largest": ("size", "DESC"),
    "smallest": ("size", "ASC"),
    "slowest": (_number("took"), "DESC"),
    "dearest": (_number("price"), "DESC"),
    "unused": (_number("greatest(made_at, used_at)"), "ASC"),
}
ORDERS: Final = ("key", *_RANKS)


class _Place(NamedTuple):
    """Where a row stands: its value, if it has one, and its key as it stands in the index."""

    value: float | None
    key: str


def page(
    server: Server,
    namespace: str,
    wanted: Selection,
    order: str,
    following: str | None,
    limit: int,
) -> Page:
    """At most so many rows that a selection covers; `following` as of the page before.

    Raises:
        ConfigError: it is none of this order.
    """
    conditions = [Condition("namespace = %s", (namespace,)), *conditions_of(wanted)]
    last, size = None if following is None else _place_in(following), limit
    found: list[TaskRecord] = []
    while True:
        behind = [] if last is None else [_behind(order, last)]
        answer = _asked(server, order, [*conditions, *behind], size)
        for value, key, *fields in answer:
            last = _Place(value, key)
            record = rows.record_of(fields)
            if record is not None and wanted.covers(record):
                found.append(record)
            if len(found) == limit:
                return Page(found, json.dumps(last))
        if len(answer) < size:
            return Page(found, None)
        size = max(limit, min(8 * size, _MOST))


def _asked(
    server: Server, order: str, conditions: list[Condition], size: int
) -> list[tuple[Any, ...]]:
    """The rows are found by their keys first: what is sorted is narrow then."""
    value, direction = _RANKS[order]
    query = Query()
    ordered = f"ORDER BY rank {direction} NULLS LAST, cache_key"
    text = (
        f"SELECT rank, cache_key, {rows.WITHOUT_DATA} FROM ("  # noqa: S608 - of constants
        f"SELECT {value} AS rank, namespace, cache_key FROM {{schema}}.results "
        f"WHERE {query.where(conditions)} {ordered} LIMIT {size}"
        f") AS sorted JOIN {{schema}}.results USING (namespace, cache_key) {ordered}"
    )
    return server.run(server.sql(text), query.values, is_long=True)


def _behind(order: str, place: _Place) -> Condition:
    value, direction = _RANKS[order]
    key = (place.key,)
    if place.value is None:
        return Condition(f"{value} IS NULL AND cache_key > %s", key)
    sign = "<" if direction == "DESC" else ">"
    kind = "numeric" if value == "size" else "float8"
    return Condition(
        f"{value} IS NULL OR {value} {sign} %s::{kind} "
        f"OR ({value} = %s::{kind} AND cache_key > %s)",
        (repr(place.value), repr(place.value), place.key),
    )


def _place_in(cursor: str) -> _Place:
    wrong = ConfigError(
        f"following={cursor!r:.80} is nothing that a page of this order gave: begin without it"
    )
    try:
        found: Any = json.loads(cursor)
        value, key = found
        key.encode()
    except (TypeError, ValueError, RecursionError, AttributeError):
        raise wrong from None
    if not isinstance(key, str) or "\0" in key or not (value is None or _is_number(value)):
        raise wrong
    return _Place(value, key)


def _is_number(value: object) -> bool:
    """Whether the server can compare with it."""
    if isinstance(value, float):
        return not math.isnan(value)
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**63
