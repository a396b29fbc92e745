"""`Saver`: how results are written: data where they belong, the rows by one put, what they leave.

It is told of results that their caller, or the thread of the `Writer`, has to write; what becomes
of one that can't be written is the `Writer`'s.
"""

from __future__ import annotations

from contextlib import suppress
from math import inf
from typing import TYPE_CHECKING

from beautyspot.concurrency.waiting import Awaited
from beautyspot.contracts.records import FILE, KEY, in_full, is_newer, shared_covers
from beautyspot.contracts.store import Put
from beautyspot.logs import logger

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from beautyspot.concurrency.single_flight import Lease
    from beautyspot.contracts import Entry, TaskRecord
    from beautyspot.observing import Refusal, Where
    from beautyspot.results.leases import Leases
    from beautyspot.results.placement import Placement
    from beautyspot.tasks.task import Task


class Pending(Awaited):
    """A result that is to be written.

    Attributes:
        task: of its function.
        record: its row, with its data until these are placed.
        key, size: of its call, and the bytes that it took in memory at first.
        since: the store's number when its run began.
        lease: of its key; None where it has none.
        replaces: the location of a blob that it replaces; "" before that is looked for.
        earlier: keys under which earlier results of the call may stand.
        behind: whether its caller has gone on: then look-ups of this process may be given it. One
            whose caller waits may be refused by the store yet, and is followed through its flight.
        stored: whether it was stored; None before that is known.
        refused: whether the store refused it: it was invalidated, or there is a newer one.
        has_failed: whether the store has failed to take it.
        refusals: how often the store did not take it while it took others.
        placed: whether its data are where they belong: small ones stay in their row.
        away: whether an executor writes it, and releases its lease.
    """

    # Of the class where a result has them as most do: one is made at each miss.
    done = refused = has_failed = away = False
    stored: bool | None = None
    refusals = 0

    def __init__(
        self,
        task: Task,
        record: TaskRecord,
        since: int,
        *,
        lease: Lease | None = None,
        replaces: str | None = None,
        earlier: Sequence[str] = (),
        most: int = 0,
        behind: bool = False,
    ) -> None:
        self.task, self.record, self.since, self.lease = task, record, since, lease
        self.key, self.size, self.wakers = record.cache_key, record.size or 0, []
        self.replaces, self.earlier, self.behind = replaces, earlier, behind
        self.placed = self.size <= most and type(record.result_data) is bytes and not task.places

    def tell(self, stored: bool | None) -> None:
        """Say what became of it: None where it is tried again later, for which no caller waits."""
        self.stored, self.has_failed, self.done = stored, stored is None, True
        self.behind = self.behind or self.has_failed
        if self.wakers:
            self.end()


class Saver:
    """Writes the results of one Spot.

    Args:
        placement: where their bytes go.
        leases: has the leases of their keys.

    Attributes:
        count_first: writes what was counted, before a result with a price is stored.
        on_stored: called with the bytes of a new result; None where nobody wants to know.
    """

    def __init__(self, placement: Placement, leases: Leases) -> None:
        self.placement, self.leases = placement, leases
        self.store, self.reporter = placement.store, placement.reporter
        self.count_first: Callable[[], object] | None = None
        self.on_stored: Callable[[int], object] | None = None

    # ---------------------------------------------------------------------------- the writing

    def put(self, batch: Sequence[Pending], *, at_once: bool = False) -> set[str] | None:
        """Write results in one transaction; the keys of those that the store refused.

        With `at_once` None where it would take long.

        Raises:
            Exception: one could not be placed, or the store failed: none was stored, or not all.
        """
        puts, spent = [], 0.0
        for pending in batch:
            if pending.replaces == "":
                found = self.store.find(pending.key)
                pending.replaces = None if found is None else in_full(found).result_value
            if not pending.placed:
                pending.record = self.placement.place(pending.task, pending.record)
                pending.placed = True  # once, however often its row fails
            lease = pending.lease
            token = self.leases.token if lease is not None and lease.held else ""
            record = pending.record
            name = record.func_identifier or record.func_name
            covers = (KEY + record.cache_key, *shared_covers(name, record.version, record.tags))
            puts.append(Put(record, covers, pending.since, token))
            spent += record.price or 0.0
        if spent and self.count_first is not None:
            self.count_first()  # so that no less was spent than stands in the rows
        if at_once:
            return self.store.real.put_at_once(puts)
        return set(self.store.put(puts))

    def settle(
        self, batch: Sequence[Pending], refused: set[str], seconds: float, *, later: bool
    ) -> None:
        """See to what results leave that the store has taken, in so many seconds, or refused."""
        observers = self.reporter.observing()
        for pending in batch:
            record = pending.record
            if pending.lease is not None and pending.lease.held:  # the put has released it
                self.leases.drop(pending.lease)
            pending.refused = pending.key in refused
            if pending.refused:
                self._say_refused(record)
            else:
                pending.task.counted.has_stored = True
                if pending.replaces is not None or pending.earlier:
                    self._remove_earlier(pending)
                size, name = record.size or 0, pending.task.func_identifier
                if self.on_stored is not None:
                    self.on_stored(size)
                if observers is not None and observers.told:
                    place: Where = "blob" if record.result_type == FILE else "row"
                    key, price = pending.key, record.price
                    behind = later and pending.behind
                    observers.tell("Saved", name, key, size, seconds, place, behind, price)
            pending.stored, pending.has_failed, pending.done = not pending.refused, False, True
            if pending.wakers:
                pending.end()

    def let_go(self, pending: Pending) -> None:
        """Release the lease of a result that is not stored now."""
        if pending.lease is not None and pending.lease.held:
            self.release(pending.task.func_identifier, pending.lease)

    def release(self, name: str, *leases: Lease) -> None:
        """Release leases of a function's keys; a failure is reported."""
        try:
            self.leases.release(*leases)
        except Exception as error:
            advice = "Other processes wait until it falls, or for wait_timeout"
            self.reporter.report("release a lease", name, error, advice)

    # --------------------------------------------------------------------------- what is left

    def _remove_earlier(self, pending: Pending) -> None:
        """Remove a blob that a result replaces, and earlier results of its call by other keys."""
        if pending.replaces is not None and pending.replaces != pending.record.result_value:
            self.placement.discard(pending.key, pending.replaces)
        for key in pending.earlier:
            try:
                found = self.store.find(key)
                if found is not None:
                    self.remove({key: in_full(found)})
            except Exception as error:
                name = pending.task.func_identifier
                advice = "It is found when the new result is gone: remove it by its earlier name"
                self.reporter.report("remove an earlier result", name, error, advice)

    def _say_refused(self, record: TaskRecord) -> None:
        """See to a result that the store has refused: it was invalidated, or is an older one.

        Whoever invalidates it may be yet to remove the row before it: it is no hit from here on.
        """
        self.placement.discard(record.cache_key, record.result_value)
        by: Refusal = "invalidated"
        why = "was invalidated while it was computed"
        with suppress(Exception):  # then it is not known, or left to the other one
            found = self.store.get(record.cache_key)
            if found is not None and is_newer(found, record, inf):
                by, why = "newer", "is older than the stored one, whose call began later"
            elif found is not None:
                self.remove({record.cache_key: found})
        name = record.func_identifier or ""
        self.reporter.observers.tell("Refused", name, record.cache_key, by)
        text = "%s: a result of %s %s, and is not stored: its caller has it"
        logger.info(text, self.reporter.spot, name, why)

    def remove(self, entries: Mapping[str, Entry | TaskRecord]) -> set[str]:
        """Remove these results, rows first, where they are still those; the keys of the removed.

        Raises:
            MetadataError: a row could not be removed.
        """
        gone = self.store.delete({key: entry.made_at for key, entry in entries.items()})
        for key in gone:
            self.placement.discard(key, entries[key].result_value)
        return gone
