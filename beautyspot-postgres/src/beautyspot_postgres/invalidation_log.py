"""What was invalidated, in a table: calls that are under way then do not store their results.

Each entry has a number, above those of all before it: microseconds by the server's clock, or one
more than the last. A call remembers the last number as it begins; its result is not stored if an
entry with a higher one covers it. Puts and notes lock each other out for a moment, so that no put
that looked before a note is committed after what the note announces.
"""

from __future__ import annotations

from typing import Any, Final

from beautyspot.contracts import Invalidation

from beautyspot_postgres import texts

LOGGED: Final = 10_000
"""Entries that stay; of what was before, all results count as invalidated."""

EVERY: Final = 100
"""After so many notes, older entries are removed."""

SINCE: Final = """
SELECT one.forgotten > $2::bigint, what.cache_key, what.func_identifier, what.version, what.tag,
  what.generation IS NOT NULL
FROM {schema}.stores AS one LEFT JOIN {schema}.invalidated AS what
ON what.namespace = one.namespace AND what.generation > $2::bigint
WHERE one.namespace = $1 ORDER BY what.generation
"""


def noted(what: Invalidation) -> list[str | None]:
    """What the function `note` is given."""
    return [None if each is None else texts.stored(each) for each in what]


def read(rows: list[tuple[Any, ...]]) -> list[Invalidation]:
    """What rows of `SINCE` say. Of what was forgotten, all results count as invalidated."""
    if not rows or rows[0][0]:
        return [Invalidation()] if rows else []
    return [
        Invalidation(*(None if each is None else texts.restored(each) for each in row[1:5]))
        for row in rows
        if row[5]
    ]
