"""What a store says of itself, and what was invalidated lately: one object of JSON.

It is changed by compare-and-swap alone. Each invalidation has a number above those of all before
it: microseconds by the server's clock. A call remembers the last number as it begins; its result is
not stored if an entry with a higher one covers it. So many entries stay; of what was before, all
results count as invalidated.

Where the object is lost, as by a rule that removes what is old, it is written anew: from what this
process knows, else with the ID that the rows name.
"""

from __future__ import annotations

import json
import os
import random
import re
import secrets
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from beautyspot.contracts import Invalidation
from beautyspot.errors import MetadataBusyError, MetadataError, SchemaError

from beautyspot_s3 import rows
from beautyspot_s3.objects import ABSENT, UNCHANGED, ConditionError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from beautyspot.contracts import TaskRecord

    from beautyspot_s3.names import Names
    from beautyspot_s3.objects import Found, Objects

WRITTEN_BY: Final = 1
"""The number of this release's form of a store."""

READABLE_FROM: Final = 1
"""The lowest number whose releases can read what this one writes."""

LOGGED: Final = 2000
"""Entries that stay."""

OLD: Final = 86_400.0
"""Seconds after which `open` writes the object anew, so that no rule takes it for forgotten."""

PAUSE: Final = 0.02
"""Seconds, about, after which a change is tried again that others came before; then longer."""

LONGEST_PAUSE: Final = 0.5

_ASKED: Final = 10
"""Rows that are asked for the ID of a store; some may be damaged."""


class Table(NamedTuple):
    """What the object says.

    Attributes:
        store_id: random, 16 hex digits.
        generation: the number of the last entry, or one that is above those of all before.
        forgotten: the number of the last entry that is no longer in the log.
        log: the entries, with their numbers.
        demands_signing: whether a Spot without a `signing_key` is refused.
    """

    store_id: str
    generation: int
    forgotten: int = 0
    log: tuple[tuple[int, Invalidation], ...] = ()
    demands_signing: bool = False

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


class Meta:
    """The object of one store, as it was read last.

    Args:
        objects: the objects of the bucket.
        names: their names.
        now: the server's clock.
    """

    def __init__(self, objects: Objects, names: Names, now: Callable[[], float]) -> None:
        self._objects, self._names, self._now = objects, names, now
        self._state: tuple[str, Table | None] = ABSENT, None  # one pair, for threads to share
        self._pid = os.getpid()
        self._lock = threading.Lock()
        self._waiting: list[_Note] = []

    @property
    def store_id(self) -> str:
        """The ID of the store, as far as it is known."""
        table = self._state[1] or self.now()
        return table.store_id

    def look(self) -> Table | None:
        """What it says now; None where it is not there."""
        return self._looked()[1]

    def _looked(self) -> tuple[str, Table | None]:
        """The same with its ETag."""
        etag, last = state = self._state
        found = self._objects.get(self._names.meta, unless=etag or None)
        if found is UNCHANGED:
            return state
        if found is None:
            self._state = ABSENT, last
            return ABSENT, None
        self._state = state = found.etag, self._read(found)
        return state

    def now(self) -> Table:
        """What it says now; where it is not there, it is made."""
        return self.look() or self._change(_as_it_is)

    def make(self, *, demands_signing: bool = False) -> Table:
        """Make it where it is not there, and write it anew where it is old."""
        found = self._objects.get(self._names.meta)
        table = None if found is None else self._read(found)
        if found is None or table is None or demands_signing > table.demands_signing:
            return self._change(lambda table: table._replace(demands_signing=demands_signing))
        self._state = found.etag, table
        if found.modified < self._now() - OLD:
            with suppress(Exception):  # another has just written it; or this user may only read
                self._swap(found.etag, table)
        return table

    def note(self, what: Invalidation) -> None:
        """Add an entry; those that several threads add at once are written together."""
        if self._pid != os.getpid():
            # The parent's lock may have been held at the fork, and would be for ever.
            self._lock, self._pid, self._waiting = threading.Lock(), os.getpid(), []
        mine = _Note(what)
        self._waiting.append(mine)
        with self._lock:
            if mine.is_done:
                return
            notes = list(self._waiting)
            try:
                entries = [note.what for note in notes]
                least = int(self._now() * 1_000_000)
                self._change(lambda table: table.noting(entries, least))
            except BaseException:
                self._waiting.remove(mine)  # the others try it themselves
                raise
            for note in notes:
                note.is_done = True
                self._waiting.remove(note)

    def _change(self, change: Callable[[Table], Table]) -> Table:
        """Write what `change` makes of it, whoever else changes it at the same time."""
        ends, pause = time.monotonic() + self._objects.timeout, PAUSE
        while True:
            etag, table = self._looked()
            table = change(table or self._fresh())
            with suppress(ConditionError):
                self._swap(etag, table)
                if self._objects.honours is not False or self.look() == table:
                    return table
            if time.monotonic() >= ends:
                raise MetadataBusyError(f"too many change {self._names.meta!r} at once: try again")
            time.sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311 - no secret
            pause = min(2 * pause, LONGEST_PAUSE)

    def _swap(self, etag: str, table: Table) -> None:
        """Put it in the place of what was read.

        Raises:
            ConditionError: there is something else by now.
        """
        body = _written(table, secrets.token_hex(8))
        try:
            put = self._objects.put(self._names.meta, body, etag)
        except ConditionError:
            found = self._objects.get(self._names.meta)
            if found is None or found.body != body:  # else an attempt before has put it
                raise
            put = found.etag
        self._state = put, table

    def _fresh(self) -> Table:
        """What it is to say where it is not there."""
        last, generation = self._state[1], int(self._now() * 1_000_000)
        if last is not None:
            return last._replace(generation=max(generation, last.generation))
        return Table(self._named_by_rows() or secrets.token_hex(8), generation)

    def _named_by_rows(self) -> str:
        """The ID of the store that some row names; "" where there is no row."""
        page = next(self._objects.list(self._names.rows))
        for listed in [one for one in page if one.size > rows.TOMBSTONE][:_ASKED]:
            found = self._objects.get(listed.name, first=rows.FIRST)
            row = None if found is None else rows.read(found.body, found.size)
            store_id = None if row is None else row.fields.get("store")
            if _is_id(store_id):
                return str(store_id)
        return ""

    def _read(self, found: Found) -> Table:
        try:
            given = json.loads(found.body)
            readable, written = given["readable_from"], given["written_by"]
            if readable > WRITTEN_BY:
                raise SchemaError(
                    f"a newer release wrote the store (form {written}), and this one knows up to "
                    f"{WRITTEN_BY}: upgrade beautyspot, or set another namespace"
                )
            table = Table(
                given["store_id"],
                int(given["generation"]),
                int(given["forgotten"]),
                tuple((int(number), Invalidation(*what)) for number, *what in given["log"]),
                given["demands_signing"] is True,
            )
            if not _is_id(table.store_id):  # it becomes a part of paths
                raise ValueError
        except (ValueError, TypeError, KeyError, RecursionError):
            raise MetadataError(
                "what the store says of itself is damaged: remove the object "
                f"{self._names.meta!r}, which is written anew then, or set another namespace"
            ) from None
        return table


def _as_it_is(table: Table) -> Table:
    return table


class _Note:
    """An entry that waits to be written."""

    def __init__(self, what: Invalidation) -> None:
        self.what, self.is_done = what, False


def known(record: TaskRecord, since: int) -> int:
    """The number to ask from: of a call that could not ask as it began, when it began."""
    return since or int((record.began_at or 0.0) * 1_000_000)


def _is_id(text: object) -> bool:
    return isinstance(text, str) and re.fullmatch("[0-9a-f]{8,64}", text) is not None


def _written(table: Table, nonce: str) -> bytes:
    said = {
        "written_by": WRITTEN_BY,
        "readable_from": READABLE_FROM,
        "nonce": nonce,
        **table._asdict(),
        "log": [[number, *what] for number, what in table.log],
    }
    return json.dumps(said, separators=(",", ":")).encode("ascii")
