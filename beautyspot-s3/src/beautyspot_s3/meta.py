"""The object in which a store says of itself what there is to say; see `table`.

It is changed by compare-and-swap alone. Where it is lost, as by a rule that removes what is old, it
is written anew: from what this process knows, else with the ID that the rows name. An empty one is
lost as well: a `PUT` whose connection broke before its body came leaves that on some servers.
"""

from __future__ import annotations

import os
import secrets
import threading
from contextlib import suppress
from functools import partial
from itertools import chain, islice
from typing import TYPE_CHECKING, Final

from beautyspot_s3 import rows
from beautyspot_s3.objects import ABSENT, UNCHANGED, ConditionError
from beautyspot_s3.table import Table, is_id, read, written
from beautyspot_s3.tries import tries

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from beautyspot.contracts import Invalidation

    from beautyspot_s3.names import Names
    from beautyspot_s3.objects import Objects

OLD: Final = 86_400.0
"""Seconds after which `open` writes the object anew, so that no rule takes it for forgotten."""

_ASKED: Final = 10
"""Rows that are asked for the ID of a store; some may be damaged."""


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
        if not found.body:
            self._state = ABSENT, last
            return found.etag, None
        self._state = state = found.etag, read(found.body, self._names.meta)
        return state

    def now(self) -> Table:
        """What it says now; where it is not there, it is made."""
        return self.look() or self._change(_as_it_is)

    def make(self, *, demands_signing: bool = False) -> Table:
        """Make it where it is not there, and write it anew where it is old."""
        found = self._objects.get(self._names.meta)
        table = read(found.body, self._names.meta) if found is not None and found.body else None
        if found is None or table is None or demands_signing > table.demands_signing:
            return self._change(partial(_demanding, demands_signing=demands_signing))
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

    def remark(self, remarks: Mapping[str, str]) -> None:
        """Keep texts by their names."""
        self._change(lambda table: table._replace(remarks={**table.remarks, **remarks}))

    def _change(self, change: Callable[[Table], Table]) -> Table:
        """Write what `change` makes of it, whoever else changes it at the same time."""
        attempts = tries(self._objects.timeout, repr(self._names.meta))
        while True:
            next(attempts)  # which ends by an error
            etag, before = self._looked()
            table = change(before or self._fresh())
            with suppress(ConditionError):
                self._swap(etag, table)
                if self._objects.honours is not False or self.look() == table:
                    return table

    def _swap(self, etag: str, table: Table) -> None:
        """Put it in the place of what was read.

        Raises:
            ConditionError: there is something else by now.
        """
        body = written(table, secrets.token_hex(8))
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
        prefixes = self._names.rows, self._names.long_rows
        pages = chain.from_iterable(map(self._objects.list, prefixes))
        there = (one for page in pages for one in page if one.size > rows.TOMBSTONE)
        for listed in islice(there, _ASKED):
            found = self._objects.get(listed.name, first=rows.FIRST)
            row = None if found is None else rows.read(found.body, found.size)
            store_id = None if row is None else row.fields.get("store")
            if is_id(store_id):
                return str(store_id)
        return ""


class _Note:
    """An entry that waits to be written."""

    def __init__(self, what: Invalidation) -> None:
        self.what, self.is_done = what, False


def _demanding(table: Table, *, demands_signing: bool) -> Table:
    """With that demand, or the one of another, who may have made it just now."""
    return table._replace(demands_signing=demands_signing or table.demands_signing)


def _as_it_is(table: Table) -> Table:
    return table
