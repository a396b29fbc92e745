"""When results were last used: an object for each time that a process writes it.

They are not in the rows: that would be a change of each row an hour, and of its ETag. Who reads
records reads these objects as well. What is older than the row is of one that was there before.
"""

from __future__ import annotations

import json
import math
import secrets
from typing import TYPE_CHECKING, Final, NamedTuple

from beautyspot_s3.several import side_by_side

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from beautyspot_s3.names import Names
    from beautyspot_s3.objects import Listed, Objects

KEPT: Final = 200_000
"""Uses that are kept in memory, so that the next look reads what is new alone."""


_DAMAGE: Final = (
    *(ValueError, TypeError, AttributeError, IndexError, OverflowError, RecursionError),
)


class Use(NamedTuple):
    """A last use.

    Attributes:
        when: as `TaskRecord.used_at`.
        noted: when it was written, by the server's clock, as Unix time in whole seconds.
    """

    when: float
    noted: float


Batch = dict[str, Use]
"""By key."""


class Uses:
    """The last uses of one store."""

    def __init__(self, objects: Objects, names: Names) -> None:
        self._objects, self._names = objects, names
        self._kept: dict[str, Batch] = {}

    def add(self, used: Mapping[str, float]) -> None:
        """Write some."""
        if used:
            self._put({key: [when] for key, when in used.items()})

    def look(self) -> Batch:
        """The last one of each key."""
        found = merged(self.batches(self.listed()).values())
        if sum(map(len, self._kept.values())) > KEPT:
            self._kept = {}
        return found

    def listed(self) -> list[Listed]:
        """The objects that are there."""
        return [one for page in self._objects.list(self._names.used) for one in page]

    def batches(self, listed: Iterable[Listed]) -> dict[str, Batch]:
        """What these objects hold, by name; they never change. Those of strangers are left out."""
        before, listed = self._kept, list(listed)
        new = [one for one in listed if one.name not in before]
        read = dict(zip([one.name for one in new], side_by_side(self._read, new), strict=True))
        both = {**before, **{name: batch for name, batch in read.items() if batch is not None}}
        self._kept = {one.name: both[one.name] for one in listed if one.name in both}
        return dict(self._kept)

    def write(self, batch: Batch) -> None:
        """Write some that were read before, as they are."""
        self._put({key: [use.when, use.noted] for key, use in batch.items()})

    def _put(self, table: dict[str, list[float]]) -> None:
        name = f"{self._names.used}{secrets.token_hex(8)}"
        self._objects.put(name, json.dumps(table, separators=(",", ":")).encode("ascii"))

    def _read(self, listed: Listed) -> Batch | None:
        found = self._objects.get(listed.name)
        return None if found is None else _batch(found.body, found.modified)


def merged(batches: Iterable[Batch]) -> Batch:
    """The last written use of each key."""
    found: Batch = {}
    for batch in batches:
        for key, use in batch.items():
            before = found.get(key)
            if before is None or (use.noted, use.when) >= (before.noted, before.when):
                found[key] = use
    return found


def _batch(body: bytes, modified: float) -> Batch | None:
    """What an object says; None where a stranger wrote it."""
    try:
        table = json.loads(body)
        uses = {
            key: Use(float(given[0]), float(given[1]) if len(given) > 1 else modified)
            for key, given in table.items()
        }
        return {key: use for key, use in uses.items() if all(map(math.isfinite, use))}
    except _DAMAGE:
        return None
