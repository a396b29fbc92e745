"""Results that could not be stored wait in memory until the place they go to works again.

Bounded, by number and by bytes. Look-ups of this process find them. They are tried again when
anything is looked up or stored while the store is asked at all (see `breaker`), by `Spot.flush`,
and a last time when the Spot ends; what is unsaved even then is said.
"""

from __future__ import annotations

import threading
from time import monotonic
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from beautyspot.concurrency import locks
from beautyspot.concurrency.forks import at_end_of_child
from beautyspot.logs import logger
from beautyspot.resilience.circuit_breaker import Resting

if TYPE_CHECKING:
    from collections.abc import Callable

    from beautyspot.contracts import TaskRecord
    from beautyspot.results.cache import Cache
    from beautyspot.tasks.task import Task

LIMIT: Final = 1_000
"""Results that may wait."""

BYTES: Final = 64 * 2**20
"""Bytes of results that may wait."""

BATCH: Final = 64
"""Results tried in one commit."""

SEARCH: Final = 1.0
"""Seconds for which one after the other is tried where none is taken; a store that hangs, twice."""


class Kept(NamedTuple):
    """A result that waits, and the task that says where it belongs."""

    task: Task
    record: TaskRecord

    @property
    def key(self) -> str:
        """The result's key."""
        return self.record.cache_key


class Unsaved:
    """The results of one Spot that wait for their store.

    Attributes:
        start: has a function called in the background.
        at_process_end: called when a child of `multiprocessing` ends with results that wait.
        has_ended: whether nothing is kept any more.
    """

    def __init__(self, cache: Cache) -> None:
        self._cache = cache
        self.start: Callable[[Callable[[], Any]], object] = lambda work: work()
        self.at_process_end: Callable[[], object] = lambda: None
        self.has_ended = False
        self.reset_after_fork()

    def reset_after_fork(self) -> None:
        """What waits in a forked child's copy is its parent's to store."""
        for key in list(getattr(self, "_kept", ())):
            self._cache.waiting.pop(key, None)
        self._kept: dict[str, Kept] = {}
        self._bytes = 0
        self._lock = locks.reentrant()
        self._changed = threading.Condition(self._lock)
        self._round = locks.reentrant()
        self._writing: set[str] = set()
        self._is_trying = self._is_watched = False

    def __len__(self) -> int:
        return len(self._kept)

    def add(self, task: Task, record: TaskRecord) -> bool:
        """Keep a result; False where there is no room, or nobody will try again."""
        data = record.result_data
        record = record._replace(result_data=None if data is None else bytes(data))
        size = len(data or b"")
        with self._lock:
            if self.has_ended or len(self._kept) >= LIMIT or self._bytes + size > BYTES:
                return False
            if not self._is_newest(record):
                return True
            self._forget(record.cache_key)
            self._kept[record.cache_key] = Kept(task, record)
            self._cache.waiting[record.cache_key] = record
            self._bytes += size
        self._watch_process_end()
        return True

    def _is_newest(self, record: TaskRecord) -> bool:
        queued = self._cache.waiting.get(record.cache_key)
        return queued is None or (queued.made_at or 0.0) <= (record.made_at or 0.0)

    def drop(self, key: str, besides: threading.RLock | None = None) -> bool:
        """Forget a result, since another takes its place; waits while it is being written.

        Unless this interrupts other code of ours: then it may be written all the same.
        """
        if not self._kept:
            return False
        interrupts = locks.inside(besides)
        with self._lock:
            if not interrupts:
                self._changed.wait_for(lambda: key not in self._writing)
            return self._forget(key)

    def _forget(self, key: str) -> bool:
        kept = self._kept.pop(key, None)
        if kept is None:
            return False
        self._bytes -= len(kept.record.result_data or b"")
        waiting = self._cache.waiting
        if key in waiting and waiting[key] is kept.record:  # pragma: no branch - or a newer one
            del waiting[key]
        return True

    # --------------------------------------------------------------------------- trying again

    def try_later(self) -> None:
        """Have a round made in the background, if there is something to do and nobody at it."""
        if not self._kept or self._is_trying or self._cache.health.writes.is_resting():
            return
        self._is_trying = True
        try:
            self.start(self._try_in_background)
        except RuntimeError:  # no work is taken any more: the end will try
            self._is_trying = False

    def _try_in_background(self) -> None:
        try:
            self._try()
        finally:
            self._is_trying = False

    def try_now(self) -> bool:
        """Store what waits, however long the pause has yet to last; whether nothing waits then."""
        if self._kept:
            self._cache.health.insist()
            self._try()
        return not self._kept

    def _try(self) -> None:
        """Store what waits, a batch at a time, until one fails.

        Not where this interrupts other code of ours, such as itself: that goes on after it.
        """
        if locks.inside():
            return
        with self._round:
            going = True
            while going and (batch := self._begin()):
                try:
                    going = self._write(batch)
                finally:
                    self._end()

    def _begin(self) -> list[Kept]:
        with self._lock:
            batch = list(self._kept.values())[:BATCH]
            self._writing = {kept.key for kept in batch}
            return batch

    def _end(self) -> None:
        with self._lock:
            self._writing = set()
            self._changed.notify_all()

    def _write(self, batch: list[Kept]) -> bool:
        try:
            batch = [self._placed(kept) for kept in batch]
            self._cache.metadata.put_many([kept.record for kept in batch])
        except Exception:
            return self._write_singly(batch)
        self._settle(batch)
        return True

    def _placed(self, kept: Kept) -> Kept:
        """The same with its blob stored, where it has one: not again at the next round."""
        record = self._cache.place(kept.task, kept.record)
        if record.result_data is not None:
            return kept
        with self._lock:
            self._forget(kept.key)
            placed = self._kept[kept.key] = Kept(kept.task, record)
            self._cache.waiting[kept.key] = record
        return placed

    def _write_singly(self, batch: list[Kept]) -> bool:
        """Find what no store takes; where nothing at all is taken, the store itself is at fault.

        Then others are the first to be tried next time.
        """
        refused: list[Kept] = []
        stored = 0
        ends = monotonic() + SEARCH
        for kept in batch:
            if self._refusal(kept) is None:
                stored += 1
                continue
            refused.append(kept)
            if stored == 0 and len(refused) > 1 and monotonic() > ends:
                break
        if stored:
            self._give_up(refused)
        else:
            self._put_last(refused)
        return stored > 0

    def _put_last(self, refused: list[Kept]) -> None:
        with self._lock:
            for kept in refused:
                if self._kept.get(kept.key) is kept:
                    self._kept[kept.key] = self._kept.pop(kept.key)

    def _refusal(self, kept: Kept) -> Exception | None:
        self._cache.health.writes.insist()  # the batch has just failed, and began a pause
        try:
            self._cache.metadata.put(kept.record)
        except Exception as error:
            return error
        self._settle([kept])
        return None

    def _give_up(self, refused: list[Kept]) -> None:
        """The store works: what it refuses again is not to be stored."""
        for kept in refused:
            error = self._refusal(kept)
            if error is not None and not isinstance(error, Resting):
                self._settle([kept])
                self._cache.report_unsaved(kept.task, error, kept=False)

    def _settle(self, batch: list[Kept]) -> None:
        with self._lock:
            for kept in batch:
                if self._kept.get(kept.key) is kept:
                    self._forget(kept.key)

    # --------------------------------------------------------------------------------- the end

    def finish(self) -> None:
        """Try a last time, and say what is lost."""
        self.has_ended = True
        if self.try_now():
            return
        names = sorted({kept.task.func_identifier for kept in self._kept.values()})
        logger.warning(
            "%s: %d results of %s could not be stored before the end, and are lost: mend the place "
            "that the warnings before this one name; they are computed again next time",
            self._cache.reporter.spot,
            len(self._kept),
            ", ".join(names[:5]) + ("" if len(names) <= 5 else ", …"),
        )

    def _watch_process_end(self) -> None:
        if not self._is_watched:
            self._is_watched = at_end_of_child(self.at_process_end)
