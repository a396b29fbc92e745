"""How much is stored of each function, by one statement."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from beautyspot.contracts import FunctionTotals

from beautyspot_postgres import texts
from beautyspot_postgres.conditions import NAME

if TYPE_CHECKING:
    from collections.abc import Iterable

_SOURCE: Final = "split_part(coalesce(code, ''), ':', 1)"
_MADE: Final = "nullif(made_at, 'NaN')"

QUERY: Final = f"""
SELECT sums.*, newest.code FROM (
  SELECT {NAME} AS name, count(*), sum(greatest(size, 0))::text, min({_MADE}), max({_MADE}),
    min({_SOURCE}) FILTER (WHERE {_SOURCE} <> '') IS DISTINCT FROM
    max({_SOURCE}) FILTER (WHERE {_SOURCE} <> '')
  FROM {{schema}}.results WHERE namespace = $1 GROUP BY 1
) AS sums JOIN (
  SELECT DISTINCT ON ({NAME}) {NAME} AS name, code FROM {{schema}}.results WHERE namespace = $1
  ORDER BY {NAME}, {_MADE} DESC NULLS LAST, cache_key DESC
) AS newest USING (name)
"""  # noqa: S608 - of constants


def of_rows(rows: Iterable[tuple[Any, ...]]) -> list[FunctionTotals]:
    """What the rows of `QUERY` say."""
    found = [_totals(*row) for row in rows]
    return sorted(found, key=lambda totals: totals.func_identifier)


def _totals(
    name: str | None,
    entries: int,
    size: str | None,
    oldest: float | None,
    newest: float | None,
    has_several: bool,
    code: str | None,
) -> FunctionTotals:
    changed = has_several if (code or "").partition(":")[0] else None
    shown = None if code is None else texts.restored(code)
    named = texts.restored(name or "")
    return FunctionTotals(named, entries, int(size or 0), oldest, newest, shown, changed)
