"""What was counted, in a table of its own: a row for each function and hour."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

from beautyspot.contracts import Counts

from beautyspot_postgres import arrays, texts
from beautyspot_postgres.conditions import Condition, Query
from beautyspot_postgres.store_tables import COUNTED

if TYPE_CHECKING:
    from collections.abc import Iterator

    from beautyspot_postgres.server import Server
    from beautyspot_postgres.values import Binary

_KEPT: Final = tuple(name for name in Counts._fields if name in COUNTED)
"""The fields that have a column: later releases of core may add some."""

_FIELDS: Final = ", ".join(_KEPT)
_PART: Final = 5_000

_SUMS: Final = ", ".join(
    f"sum({name})::{COUNTED[name]}" for name in _KEPT if name not in ("func_identifier", "hour")
)


def written(counts: list[Counts]) -> list[Binary]:
    """The arrays that the function `count` is given."""
    found = []
    for name, kind in COUNTED.items():
        values: list[Any] = [getattr(count, name, 0) for count in counts]
        if name == "func_identifier":
            values = [texts.stored(value) for value in values]
        elif kind == "double precision":  # an infinity would stay for good
            values = [value if math.isfinite(value) else 0.0 for value in values]
        found.append(arrays.OF[kind](values))
    return found


def read(
    server: Server, namespace: str, func_identifier: str | None, since: int | None
) -> Iterator[Counts]:
    """What was counted, in the order of functions and hours."""
    place: Condition | None = None
    while True:
        query, conditions = Query(), _conditions(namespace, func_identifier, since)
        if place is not None:
            conditions.append(place)
        text = (
            f"SELECT {_FIELDS} FROM {{schema}}.counts WHERE {query.where(conditions)} "  # noqa: S608
            f"ORDER BY func_identifier, hour LIMIT {_PART}"
        )
        rows = server.run(server.sql(text), query.values, is_long=True)
        yield from map(_read, rows)
        if len(rows) < _PART:
            return
        place = Condition("(func_identifier, hour) > (%s, %s::bigint)", rows[-1][:2])


def by_function(server: Server, namespace: str, since: int | None) -> list[Counts]:
    """The sums of each function, with the hour 0."""
    query = Query()
    where = query.where(_conditions(namespace, None, since))
    text = (
        f"SELECT func_identifier, 0::bigint, {_SUMS} FROM {{schema}}.counts "  # noqa: S608
        f"WHERE {where} GROUP BY func_identifier ORDER BY func_identifier"
    )
    return [*map(_read, server.run(server.sql(text), query.values, is_long=True))]


def _conditions(namespace: str, func_identifier: str | None, since: int | None) -> list[Condition]:
    found = [Condition("namespace = %s", (namespace,))]
    if func_identifier is not None:
        found.append(Condition("func_identifier = %s", (texts.stored(func_identifier),)))
    if since is not None:
        found.append(Condition("hour >= %s::bigint", (since,)))
    return found


def _read(row: tuple[Any, ...]) -> Counts:
    fields = dict(zip(_KEPT, row, strict=True))
    fields["func_identifier"] = texts.restored(fields["func_identifier"])
    return Counts(**fields)
