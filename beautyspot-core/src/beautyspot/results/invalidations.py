"""Results that were invalidated while their calls were under way are not stored.

A call remembers the state of two logs as it begins to run its function. The store's log has what
all processes have invalidated: the store looks into it and inserts the row in one step. The log of
this Spot has what was invalidated by it. It is looked at where a result is put in memory, to be
stored later, for look-ups find it there; and it is all that there is for a store without a log.

Nor is a result stored in the place of a newer one: `MetadataStoreBase.put_valid` says what that is.
A result without a moment was set by hand, and is stored whatever there is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from beautyspot.memory import InvalidationLog

if TYPE_CHECKING:
    from beautyspot.contracts import Invalidation, TaskRecord
    from beautyspot.resilience.guarded_backends import GuardedStore


class Moment(NamedTuple):
    """When a call began.

    Attributes:
        own, store: the state of both logs: the numbers of the last entry of this Spot's, and of the
            store's.
    """

    own: int
    store: int


Row = tuple["TaskRecord", Moment | None]
"""A row, and when its call began; None where it is stored whatever was invalidated."""


class Invalidations:
    """What was invalidated, for the calls of one Spot."""

    def __init__(self, store: GuardedStore, log: InvalidationLog | None = None) -> None:
        self._store = store
        self._log = InvalidationLog() if log is None else log

    def behind(self, store: GuardedStore) -> Invalidations:
        """The same, for the same store behind other breakers."""
        return Invalidations(store, self._log)

    def note(self, what: Invalidation) -> None:
        """Have no call that is under way store a result that `what` covers.

        Raises:
            MetadataError: the store failed.
        """
        self._log.append(what)
        if self._store.invalidations:
            self._store.note_invalidation(what)

    def now(self) -> Moment:
        """The present moment.

        Raises:
            MetadataError: the store failed; `MetadataBusyError` where it is locked.
        """
        own = len(self._log)  # first: what comes between the two counts for both
        return Moment(own, self._store.generation() if self._store.invalidations else 0)

    def unknown(self) -> Moment:
        """The present moment where the store fails: before all that the store has been told."""
        return Moment(len(self._log), 0)

    def noted_here(self, record: TaskRecord, since: Moment | None) -> bool:
        """Whether this Spot has invalidated a result since its call began."""
        if since is None or since.own == len(self._log):
            return False
        return any(what.covers(record) for what in self._log.since(since.own))

    def cover(self, record: TaskRecord, since: Moment, now: Moment) -> bool:
        """Whether a result was invalidated between two moments, by any process.

        Raises:
            MetadataError: the store failed.
        """
        if self.noted_here(record, since):
            return True
        if now.store == since.store or not self._store.invalidations:
            return False
        return any(what.covers(record) for what in self._store.invalidated_since(since.store))

    def put(self, record: TaskRecord, since: Moment | None) -> bool:
        """Insert the row of a result, unless that was invalidated, or there is a newer one.

        Returns:
            Whether it was inserted.

        Raises:
            MetadataError: the store failed.
        """
        store = self._store
        if self.noted_here(record, since):
            return False
        if since is None:
            store.put(record)
        elif store.put_valid(record, since.store) is False:
            return False
        return store.invalidations or not self._remove_late(record, since)

    def put_many(self, rows: list[Row]) -> set[str]:
        """Insert the rows of those results of which `put` would; each key comes once.

        Returns:
            The keys of the others.

        Raises:
            MetadataError: the store failed, and nothing was inserted, or not all.
        """
        store = self._store
        valid = [row for row in rows if not self.noted_here(*row)]
        refused = {record.cache_key for record, _ in rows}
        refused.difference_update(record.cache_key for record, _ in valid)
        timed = [(record, since.store) for record, since in valid if since is not None]
        if timed:
            refused |= store.put_many_valid(timed)
        set_by_hand = [record for record, since in valid if since is None]
        if set_by_hand:
            store.put_many(set_by_hand)
        if not store.invalidations:
            refused |= {row[0].cache_key for row in valid if self._remove_late(*row)}
        return refused

    def _remove_late(self, record: TaskRecord, since: Moment | None) -> bool:
        """Remove a row that was invalidated between the look and the insertion; whether it was."""
        if not self.noted_here(record, since):
            return False
        self._store.delete(record.cache_key)
        return True
