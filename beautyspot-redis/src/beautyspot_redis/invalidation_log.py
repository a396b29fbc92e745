"""What was invalidated, in a sorted set: calls that are under way then do not store their results.

Each entry has a number, above those of all before it: microseconds by the server's clock. A call
remembers the last number as it begins; its result is not stored if an entry with a higher one
covers it. The last number also stands in `meta`: it tells where the server has evicted the log, and
then all counts as invalidated. Where it has dropped both, it has dropped the results as well, and
those of calls that are under way are stored.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from beautyspot.contracts import Invalidation

from beautyspot_redis import store_scripts

if TYPE_CHECKING:
    from beautyspot.contracts import TaskRecord

    from beautyspot_redis.names import Names
    from beautyspot_redis.server import Server

LOGGED: Final = 10_000
"""Entries that stay; of what was before, all results count as invalidated."""


class Noted(NamedTuple):
    """What was noted since a number, as a script tells it.

    Attributes:
        generation: the present number.
        entries: what was noted.
    """

    generation: int
    entries: list[Invalidation]

    def covers(self, record: TaskRecord) -> bool:
        """Whether the result of `record` is among these."""
        return any(what.covers(record) for what in self.entries)


def noted(answer: Any) -> Noted | None:
    """What a script says of the log; None where there is nothing."""
    if not isinstance(answer, list):
        return None
    forgotten, generation, entries = answer
    read = [_read(entry) for entry in entries]
    return Noted(int(generation), [Invalidation()] if forgotten else read)


def since(server: Server, names: Names, generation: int) -> Noted | None:
    """What was noted since a number; None where there is nothing."""
    return noted(store_scripts.SINCE.run(server.client, [names.meta, names.log], generation))


def text(what: Invalidation) -> str:
    """JSON, which has an escape for lone surrogates."""
    return json.dumps(what)


def _read(entry: bytes) -> Invalidation:
    """What an entry says; one that we did not write covers all results."""
    try:
        parts = json.loads(entry.partition(b":")[2])
    except (ValueError, RecursionError):
        parts = None
    if not isinstance(parts, list) or len(parts) != len(Invalidation._fields):
        return Invalidation()
    return Invalidation._make(part if isinstance(part, str) else None for part in parts)
