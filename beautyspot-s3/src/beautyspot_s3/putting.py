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
from beautyspot_s3.table import Table, known
from beautyspot_s3.tries import tries

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

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
        return not self.put_many_valid([(record, since)])

    def put_many_valid(self, given: Iterable[tuple[TaskRecord, int]]) -> set[str]:
        """The same for several, side by side; the keys of those that were refused.

        What was invalidated is asked for once before and once after all of them.
        """
        valid = [(record, known(record, since)) for record, since in given]
        placed: dict[str, str] = {}
        table = self._meta.now()

        def place(row: tuple[TaskRecord, int]) -> None:
            etag = self._placed(*row, table)
            if etag is not None:
                placed[row[0].cache_key] = etag

        try:
            side_by_side(place, valid)
        except BaseException:  # what was put by then may have been invalidated, too
            self._remove_late([row for row in valid if row[0].cache_key in placed], placed)
            raise
        late = self._remove_late(valid, placed)
        return {record.cache_key for record, _ in valid} - placed.keys() | late

    def _placed(self, record: TaskRecord, since: int, table: Table) -> str | None:
        """The ETag of a row that was put; None if it was refused."""
        key = record.cache_key
        seen = self._seen.pop(key, None)
        if table.covers(record, since):
            self._withdraw(record)
            return None
        if seen is None or self._objects.honours is False:
            seen = self._look(key)
        nonce = _nonce()
        body = self._row(record, nonce)
        for _ in self._tries(key):
            if table.covers(record, since) or self._has_newer(seen, record):
                return None
            try:
                return self._objects.put(self._names.row(key), body, seen.etag)
            except ConditionError:
                seen = self._look(key)
                if seen.nonce == nonce:  # an attempt has put it whose answer was lost
                    return seen.etag
                table = self._meta.now()
        return None  # pragma: no cover - attempts end with an error

    def _withdraw(self, record: TaskRecord) -> None:
        """Remove the row of a run that was invalidated, where it is there all the same.

        A save before this one may have put it, and failed after that, or without an answer.
        """
        seen = self._look(record.cache_key)
        if record.began_at is None or seen.record is None or _times(seen.record) != _times(record):
            return
        with suppress(ConditionError):
            self._bury(record.cache_key, seen.etag)

    def _has_newer(self, seen: Seen, record: TaskRecord) -> bool:
        found = seen.record
        if found is None or record.began_at is None or record.began_at >= seen.began:
            return False
        return is_newer(found, record, self._latest())

    def _remove_late(
        self, rows: list[tuple[TaskRecord, int]], placed: Mapping[str, str]
    ) -> set[str]:
        """Remove those rows that were invalidated while they were put; their keys.

        Leases end at the same time: who waits for one finds the row.
        """
        ends = [partial(self._end, record.cache_key) for record, _ in rows]
        work: list[Any] = [self._meta.now, *ends] if placed else ends
        answers = side_by_side(lambda part: part(), work)
        late: set[str] = set()
        if not placed:
            return late
        table = answers[0]
        for record, since in rows:
            etag = placed.get(record.cache_key)
            if etag is not None and table.covers(record, since):
                late.add(record.cache_key)
                with suppress(ConditionError):  # another row is there by now, or it was removed
                    self._bury(record.cache_key, etag)
        return late

    def delete(self, key: str, etag: str | None = None) -> bool:
        """Remove a row; whether there was one.

        Args:
            key: its key.
            etag: of the row that was found in its place just now, if one was.
        """
        is_noted = key in self._noted
        seen = Seen(etag, "", TaskRecord(key, "", "")) if etag else self._look(key)
        for _ in self._tries(key):  # pragma: no branch - attempts end with an error
            if seen.record is None and not is_noted:
                return False
            try:
                self._bury(key, seen.etag)
            except ConditionError:
                seen = self._look(key)
            else:
                break
        self._noted.pop(key, None)
        return seen.record is not None

    def _tries(self, key: str) -> Iterator[None]:
        return tries(self._objects.timeout, f"the row of {key:.80}")

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


def _times(record: TaskRecord) -> tuple[float | None, ...]:
    return record.began_at, record.made_at, record.took


def _nonce() -> str:
    return secrets.token_hex(8)


def _remember(table: dict[str, T], key: str, what: T) -> None:
    table[key] = what
    if len(table) > REMEMBERED:
        with suppress(RuntimeError, StopIteration):  # another thread changes it just now
            table.pop(next(iter(table)), None)
