"""Results that could not be stored wait in memory until they can be.

Their number and their bytes are bounded, and look-ups of this process find them. They are tried
again when anything is looked up or stored while the store is not left alone (see
`circuit_breaker`), by `Spot.flush`, and a last time when the Spot ends, which says what is lost.
For a store on a network, which comes back by itself, a thread tries again where no call comes.
"""

from __future__ import annotations

from itertools import islice
from time import monotonic
from typing import TYPE_CHECKING, Final

from beautyspot.concurrency import deferred, locks
from beautyspot.concurrency.deferred import NeededThread
from beautyspot.concurrency.forks import at_end_of_child
from beautyspot.concurrency.waiting import Bell
from beautyspot.contracts import is_newer
from beautyspot.logs import logger
from beautyspot.resilience.circuit_breaker import FIRST_PAUSE, Resting

if TYPE_CHECKING:
    from collections.abc import Callable

    from beautyspot.contracts import TaskRecord
    from beautyspot.results.invalidations import Moment
    from beautyspot.results.placement import Placement
    from beautyspot.tasks.task import Task

LIMIT: Final = 1_000
"""Results that may wait."""

BYTES: Final = 64 * 2**20
"""Bytes of results that may wait."""

BATCH: Final = 64
"""Results tried in one commit."""

SEARCH: Final = 1.0
"""Seconds after which a batch that the store refuses one by one is put off."""


class Kept:
    """A result that waits, the task that says where it belongs, and when its call began."""

    __slots__ = ("key", "record", "since", "task")

    def __init__(self, task: Task, record: TaskRecord, since: Moment | None) -> None:
        self.key = record.cache_key
        self.task = task
        self.record = record
        self.since = since


class Unsaved:
    """The results of one Spot that wait for their store.

    Attributes:
        waiting: the rows that are yet to be written, by key: these, and those of the saver.
        at_process_end: called when a child of `multiprocessing` ends.
        has_ended: whether nothing is kept any more.
    """

    def __init__(self, placement: Placement) -> None:
        self._placement = placement
        self.waiting: dict[str, TaskRecord] = {}
        self.at_process_end: Callable[[], object] = lambda: None
        self.has_ended = False
        self.reset_after_fork()

    def reset_after_fork(self) -> None:
        """Keep nothing: what waits in a forked child's copy is its parent's to store."""
        self.waiting.clear()
        self._kept: dict[str, Kept] = {}
        self._bytes = 0
        self._lock = locks.reentrant()
        self._round = locks.reentrant()  # held while a batch is written
        self._writing: set[str] = set()
        self._is_trying = self._is_watched = False
        self._thread = NeededThread("retry", self._retry, self._wants_retries)
        self._bell = Bell()

    def __len__(self) -> int:
        return len(self._kept)

    @property
    def size(self) -> int:
        """Their bytes."""
        return self._bytes

    def add(self, task: Task, record: TaskRecord, since: Moment | None = None) -> bool:
        """Keep a result; False where there is no room, or the Spot has ended.

        One that was invalidated since its call began is not wanted any more: nothing is lost.
        """
        data = record.result_data
        record = record._replace(result_data=None if data is None else bytes(data))
        size = len(data or b"")
        with self._lock:
            if self.has_ended or len(self._kept) >= LIMIT or self._bytes + size > BYTES:
                return False
            if self.has_newer(record):
                return True  # which waits already
            if self._placement.invalidations.noted_here(record, since):
                return True
            self._forget(record.cache_key)
            self._keep(Kept(task, record, since))
        self.watch_process_end()
        if self._wants_retries():
            self._thread.begin()
        return True

    def has_newer(self, record: TaskRecord) -> bool:
        """Whether a result of the key waits, here or with the saver, whose call began later."""
        queued = self.waiting.get(record.cache_key)
        return queued is not None and self._is_newer(queued, record)

    def _is_newer(self, waiting: TaskRecord, record: TaskRecord) -> bool:
        return is_newer(waiting, record, self._placement.metadata.clock())

    def _keep(self, kept: Kept) -> None:
        self._kept[kept.key] = kept
        self.waiting[kept.key] = kept.record
        self._bytes += len(kept.record.result_data or b"")

    def give_way(self, record: TaskRecord, *, wait: bool) -> None:
        """Forget a result in whose place this one is to be stored, unless it is newer."""
        kept = self._kept.get(record.cache_key)
        if kept is not None and not self._is_newer(kept.record, record):
            self.drop(kept.key, wait=wait)

    def drop(self, key: str, *, wait: bool = True) -> bool:
        """Forget a result, since another takes its place; whether there was one.

        One that is being written is waited for, or it would be written over the other.

        Args:
            wait: False where the caller interrupts code of ours, which the writer may wait for.
        """
        while key in self._kept:
            with self._lock:
                if not wait or key not in self._writing:
                    return self._forget(key)
            with self._round:
                self._writing = set()
        return False

    def _forget(self, key: str) -> bool:
        kept = self._kept.pop(key, None)
        if kept is None:
            return False
        self._bytes -= len(kept.record.result_data or b"")
        if self.waiting.get(key) is kept.record:
            del self.waiting[key]
        return True

    # --------------------------------------------------------------------------- trying again

    def try_later(self) -> None:
        """Have a thread store what waits, unless one does so or the store is left alone."""
        if not self._kept or self._is_trying or self._placement.health.writes.is_resting():
            return
        try:
            self._is_trying = True
            deferred.later(self._try_in_background)
        except BaseException:  # interrupted (Ctrl-C)
            self._is_trying = False
            raise

    def _wants_retries(self) -> bool:
        """Whether a thread tries again and again, until nothing waits."""
        is_far = self._placement.metadata.is_far
        return is_far and bool(self._kept) and not self.has_ended

    def _retry(self) -> None:
        while self._wants_retries():
            self._bell.wait(FIRST_PAUSE)  # a longer pause may end before its time
            if not self.has_ended:
                self.try_later()

    def _try_in_background(self) -> None:
        try:
            self._try()
        finally:
            self._is_trying = False

    def try_now(self) -> bool:
        """Store what waits, even if the store is left alone; whether nothing waits then."""
        if self._kept:
            self._placement.health.insist()
            self._try()
        return not self._kept

    def _try(self) -> None:
        """Store what waits, a batch at a time, until one fails.

        Nothing is done where the caller interrupts code of ours: that may be this very code.
        """
        if locks.inside():
            return
        while self._try_batch():
            pass

    def _try_batch(self) -> bool:
        """Store one batch; whether to go on with the next."""
        with self._round:
            try:
                with self._lock:
                    batch = list(islice(self._kept.values(), BATCH))
                    self._writing = {kept.key for kept in batch}
                return bool(batch) and self._write(batch)
            finally:
                self._writing = set()

    def _write(self, batch: list[Kept]) -> bool:
        """Store a batch, one by one where a commit fails; whether any was stored."""
        began = monotonic()
        try:
            for kept in batch:
                self._place(kept)
            refused = self._placement.put_many([(kept.record, kept.since) for kept in batch])
        except Exception:
            return self._write_singly(batch)
        took = (monotonic() - began) / len(batch)
        for kept in batch:
            self._settle(kept)
            if kept.key not in refused:
                self._placement.tell_stored(kept.record, took, later=True)
        return True

    def _place(self, kept: Kept) -> None:
        """Store its blob, where it has one: once, however often its row fails."""
        placed = self._placement.place(kept.task, kept.record)
        if placed is kept.record:
            return
        with self._lock:
            if self._kept.get(kept.key) is not kept:  # a newer one has taken its place
                kept.record = placed
                return
            self._forget(kept.key)
            kept.record = placed
            self._keep(kept)

    def _write_singly(self, batch: list[Kept]) -> bool:
        """Store each result that the store takes; whether it took any.

        Where it took some, those that it refuses twice are given up, if it works still. Where it
        took none, the store may be at fault, and next time other results are tried first. One that
        it does not take in time is the last: the next one would wait for its time-out as well.
        """
        refused: list[Kept] = []
        stored: Kept | None = None
        ends, slow = monotonic() + SEARCH, self._placement.health.writes.slow
        for kept in batch:
            began = monotonic()
            if self._refusal(kept) is None:
                stored = kept
            else:
                refused.append(kept)
            if stored is None and (
                monotonic() - began > slow or (len(refused) > 1 and monotonic() > ends)
            ):
                break
        works = stored
        for kept in refused:
            if works is None or not self._give_up(kept, works):
                works = None
                self._put_last(kept)
        return stored is not None

    def _refusal(self, kept: Kept) -> Exception | None:
        """Why the store does not take a result; None once it has."""
        self._placement.health.writes.insist()  # the batch has just failed, and began a pause
        began = monotonic()
        try:
            self._place(kept)
            is_stored = self._placement.put(kept.record, kept.since)
        except Exception as error:
            return error
        self._settle(kept)
        if is_stored:
            self._placement.tell_stored(kept.record, monotonic() - began, later=True)
        return None

    def _give_up(self, kept: Kept, stored: Kept) -> bool:
        """Try once more, and forget the result if the store takes again what it has taken.

        False where it does not: it has gone away in the midst of the batch, and no result is to
        blame for that.
        """
        error = self._refusal(kept)
        if error is None:
            return True
        if isinstance(error, Resting) or not self._is_taken(stored):
            return False
        self._settle(kept)
        self._placement.report_unsaved(kept.task, error, kept=False)
        return True

    def _is_taken(self, kept: Kept) -> bool:
        self._placement.health.writes.insist()
        try:
            self._placement.put(kept.record, kept.since)
        except Exception:
            return False
        return True

    def _put_last(self, kept: Kept) -> None:
        with self._lock:
            if self._kept.get(kept.key) is kept:
                self._kept[kept.key] = self._kept.pop(kept.key)

    def _settle(self, kept: Kept) -> None:
        """Forget a result that is stored or given up, unless a newer one has taken its place."""
        with self._lock:
            if self._kept.get(kept.key) is kept:
                self._forget(kept.key)

    # --------------------------------------------------------------------------------- the end

    def finish(self) -> None:
        """Try a last time, and say what is lost."""
        self.has_ended = True
        self._bell()
        if self.try_now():
            return
        names = sorted({kept.task.func_identifier for kept in self._kept.values()})
        logger.warning(
            "%s: %s of %s could not be stored before the end, and will be computed again: mend "
            "the place that the warnings before this one name",
            self._placement.reporter.spot,
            "1 result" if len(self._kept) == 1 else f"{len(self._kept)} results",
            ", ".join(names[:5]) + ("" if len(names) <= 5 else ", …"),
        )

    def watch_process_end(self) -> None:
        """Have `at_process_end` called by a child of `multiprocessing`, which runs no `atexit`."""
        if not self._is_watched:
            self._is_watched = at_end_of_child(self.at_process_end)
