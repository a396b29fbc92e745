"""Puts rows, and removes them: each in exchange for what was read in its place, by its ETag.

So neither takes the place of what it has not seen. A removed row leaves a tombstone: where there
was none, a call that is under way could not tell it from one that was never there.
"""

from __future__ import annotations

import math
import secrets
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeVar

from beautyspot.contracts import TaskRecord, is_newer

from beautyspot_s3 import rows
from beautyspot_s3.listing import beginning_of
from beautyspot_s3.objects import ABSENT, ConditionError
from beautyspot_s3.several import side_by_side
from beautyspot_s3.table import known

if TYPE_CHECKING:
    from collections.abc import Callable

    from beautyspot_s3.meta import Meta
    from beautyspot_s3.names import Names
    from beautyspot_s3.objects import Found, Objects

REMEMBERED: Final = 10_000
"""Keys of which is kept what was seen as their calls began, or that they were invalidated."""


T = TypeVar("T")


class Seen(NamedTuple):
    """What stood in the place of a row.

    Attributes:
        etag: of the object, or `ABSENT`.
        nonce: of the row or the tombstone; "" where it is neither.
        record: the times of the row; None where there was none.
        began: when the call began that saw it: what it makes is newer, whatever clocks say.
    """

    etag: str
    nonce: str = ""
    record: TaskRecord | None = None
    began: float = math.inf


class Putter:
    """Puts and removes rows.

    Args:
        objects: the objects of the bucket.
        names: their names.
        meta: knows what was invalidated.
        latest: the most that the server's clock may show.
        end: ends the lease of a key, where this process has it.
    """

    def __init__(
        self,
        objects: Objects,
        names: Names,
        meta: Meta,
        latest: Callable[[], float],
        end: Callable[[str], None],
    ) -> None:
        self._objects, self._names, self._meta = objects, names, meta
        self._latest, self._end = latest, end
        self._seen: dict[str, Seen] = {}
        self._noted: dict[str, None] = {}

    def begin(self, key: str, found: Found | None, now: float) -> None:
        """Remember what stood in the place of a row as its call began, at `now`."""
        _remember(self._seen, key, seen_in(key, found)._replace(began=now))

    def note(self, key: str) -> None:
        """Remember that a result was invalidated: its removal leaves a tombstone in any case."""
        _remember(self._noted, key, None)

    def put(self, record: TaskRecord) -> None:
        """Put a row, whatever is there."""
        self._objects.put(self._names.row(record.cache_key), self._row(record, _nonce()))

    def put_valid(self, record: TaskRecord, since: int) -> bool:
        """Put a row, unless it was invalidated, or there is a newer one; whether it was put.

        Its lease ends with it.
        """
        put = self._put_valid(record, since)
        self._end(record.cache_key)
        return put

    def _put_valid(self, record: TaskRecord, since: int) -> bool:
        key, since = record.cache_key, known(record, since)
        seen = self._seen.pop(key, None)
        if self._meta.now().covers(record, since):
            return False
        if seen is None or self._objects.honours is False:
            seen = self._look(key)
        nonce = _nonce()
        body = self._row(record, nonce)
        while not self._has_newer(seen, record):
            try:
                etag = self._objects.put(self._names.row(key), body, seen.etag)
            except ConditionError:
                seen = self._look(key)
                if seen.nonce != nonce:  # else an attempt has put it whose answer was lost
                    if self._meta.now().covers(record, since):
                        return False
                    continue
                etag = seen.etag
            return not self._remove_invalidated(record, since, etag)
        return False

    def _has_newer(self, seen: Seen, record: TaskRecord) -> bool:
        found = seen.record
        if found is None or record.began_at is None or record.began_at >= seen.began:
            return False
        return is_newer(found, record, self._latest())

    def _remove_invalidated(self, record: TaskRecord, since: int, etag: str) -> bool:
        """Remove a row that was invalidated while it was put; whether it was.

        Its lease ends at the same time: who waits for it finds the row.
        """
        work: list[Any] = [self._meta.now, partial(self._end, record.cache_key)]
        table = side_by_side(lambda part: part(), work)[0]
        if not table.covers(record, since):
            return False
        with suppress(ConditionError):  # another row is there by now, or it was removed
            self._bury(record.cache_key, etag)
        return True

    def delete(self, key: str) -> bool:
        """Remove a row; whether there was one."""
        is_noted = key in self._noted
        while True:
            seen = self._look(key)
            if seen.record is None and not is_noted:
                return False
            try:
                self._bury(key, seen.etag)
            except ConditionError:
                continue
            self._noted.pop(key, None)
            return seen.record is not None

    def _bury(self, key: str, etag: str) -> None:
        """Put a tombstone in the place of what has this ETag."""
        nonce = _nonce()
        try:
            self._objects.put(self._names.row(key), rows.tombstone(nonce), etag)
        except ConditionError:
            if self._look(key).nonce != nonce:
                raise

    def _look(self, key: str) -> Seen:
        return seen_in(key, beginning_of(self._objects, self._names.row(key), rows.FIRST))

    def _row(self, record: TaskRecord, nonce: str) -> bytes:
        return rows.written(record, nonce, self._meta.store_id)


def seen_in(key: str, found: Found | None) -> Seen:
    """What an object is, in the place of the row of a key."""
    if found is None:
        return Seen(ABSENT)
    if rows.is_tombstone(found.body):
        return Seen(found.etag, rows.nonce_of(found.body))
    row = rows.read(found.body, found.size)
    if row is None or row.key != key:
        return Seen(found.etag)
    given = row.fields.get
    times = TaskRecord(
        key, "", "", made_at=given("made_at"), took=given("took"), began_at=given("began_at")
    )
    return Seen(found.etag, row.nonce, times)


def _nonce() -> str:
    return secrets.token_hex(8)


def _remember(table: dict[str, T], key: str, what: T) -> None:
    table[key] = what
    if len(table) > REMEMBERED:
        with suppress(RuntimeError, StopIteration):  # another thread changes it just now
            table.pop(next(iter(table)), None)
