"""What a store says of itself, and what was invalidated lately, as JSON.

Each invalidation has a number above those of all before it: microseconds by the server's clock. A
call remembers the last number as it begins; its result is not stored if an entry with a higher one
covers it. So many entries stay; of what was before, all results count as invalidated.
"""

from __future__ import annotations

import json
import re
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from beautyspot.contracts import Invalidation
from beautyspot.errors import MetadataError, SchemaError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from beautyspot.contracts import TaskRecord

WRITTEN_BY: Final = 1
"""The number of this release's form of a store."""

READABLE_FROM: Final = 1
"""The lowest number whose releases can read what this one writes."""

LOGGED: Final = 2000
"""Entries that stay."""


class DamagedError(MetadataError):
    """What the store says of itself is not what any release has written."""


class Table(NamedTuple):
    """What the object says.

    Attributes:
        store_id: random, 16 hex digits.
        generation: the number of the last entry, or one that is above those of all before.
        forgotten: the number of the last entry that is no longer in the log.
        log: the entries, with their numbers.
        demands_signing: whether a Spot without a `signing_key` is refused.
        remarks: texts for people, by name.
    """

    store_id: str
    generation: int
    forgotten: int = 0
    log: tuple[tuple[int, Invalidation], ...] = ()
    demands_signing: bool = False
    remarks: Mapping[str, str] = MappingProxyType({})

    def since(self, generation: int) -> list[Invalidation]:
        """What was noted since a number."""
        if generation >= self.generation:
            return []
        if generation < self.forgotten:
            return [Invalidation()]
        return [what for number, what in self.log if number > generation]

    def covers(self, record: TaskRecord, generation: int) -> bool:
        """Whether a result was invalidated since a number."""
        return any(what.covers(record) for what in self.since(generation))

    def noting(self, entries: Iterable[Invalidation], least: int) -> Table:
        """With some more entries, of numbers of `least` or more."""
        log, number = list(self.log), self.generation
        for what in entries:
            number = max(number + 1, least)
            log.append((number, what))
        return self._replace(generation=number, **_shortened(log, self.forgotten))


def _shortened(log: list[tuple[int, Invalidation]], forgotten: int) -> dict[str, Any]:
    """The last entries; an older one that says the same as a later one is the first to go."""
    if len(log) > LOGGED:
        last = {what: number for number, what in log}
        log = sorted(((number, what) for what, number in last.items()), key=lambda entry: entry[0])
    dropped, kept = log[:-LOGGED], log[-LOGGED:]
    return {"log": tuple(kept), "forgotten": dropped[-1][0] if dropped else forgotten}


def read(body: bytes, name: str) -> Table:
    """What the object of this name says.

    Raises:
        SchemaError: a newer release wrote it.
        DamagedError: it is damaged, or another program's.
    """
    try:
        given = json.loads(body)
        readable, written_by = given["readable_from"], given["written_by"]
        if readable > WRITTEN_BY:
            raise SchemaError(
                f"a newer release wrote the store (form {written_by}), and this one knows up to "
                f"{WRITTEN_BY}: upgrade beautyspot, or set another namespace"
            )
        table = Table(
            given["store_id"],
            int(given["generation"]),
            int(given["forgotten"]),
            tuple((int(number), _entry(what)) for number, *what in given["log"]),
            given["demands_signing"] is True,
            {str(name): str(text) for name, text in given.get("remarks", {}).items()},
        )
        if not is_id(table.store_id):  # it becomes a part of paths
            raise ValueError
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise DamagedError(
            f"what the store says of itself is damaged: remove the object {name!r}, which is "
            "written anew then, or set another namespace"
        ) from None
    return table


def _entry(parts: list[Any]) -> Invalidation:
    """What an entry says; one that we did not write covers all results."""
    if len(parts) != len(Invalidation._fields):
        return Invalidation()
    return Invalidation._make(part if isinstance(part, str) else None for part in parts)


def is_id(text: object) -> bool:
    """Whether it may be the ID of a store."""
    return isinstance(text, str) and re.fullmatch("[0-9a-f]{8,64}", text) is not None


def written(table: Table, nonce: str) -> bytes:
    """The object's bytes; each nonce makes others of them."""
    said = {
        "written_by": WRITTEN_BY,
        "readable_from": READABLE_FROM,
        "nonce": nonce,
        **table._asdict(),
        "log": [[number, *what] for number, what in table.log],
    }
    if not said["remarks"]:
        del said["remarks"]
    return json.dumps(said, separators=(",", ":")).encode("ascii")


def known(record: TaskRecord, since: int) -> int:
    """The number to ask from: of a call that could not ask as it began, when it began."""
    return since or int((record.began_at or 0.0) * 1_000_000)
