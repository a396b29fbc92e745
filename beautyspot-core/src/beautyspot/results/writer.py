"""`Writer`: writes the results of one Spot, and holds those that are yet to be written.

A result is written by its caller, alone, or by a thread behind it, up to `BATCH` in a transaction.
The thread also tries again what a failing store did not take, after one second first, and a minute
in the end. Until a result is written, look-ups of this process find it here, and its key stays
leased. Order needs no care: the store refuses what is older than what it has, or was invalidated.

The thread is a daemon, so the interpreter can end while it sleeps. All that is here is written when
the Spot ends, and at each end of a process that Python is told of.
"""

from __future__ import annotations

import sys
import threading
from contextlib import suppress
from itertools import islice
from math import inf
from time import monotonic, perf_counter
from typing import TYPE_CHECKING, Any, Final, Protocol

from beautyspot.concurrency.deferred import NeededThread
from beautyspot.concurrency.forks import at_end_of_child
from beautyspot.concurrency.waiting import Bell, waitable
from beautyspot.contracts.covers import covers_of
from beautyspot.contracts.records import in_full, is_newer
from beautyspot.contracts.store import Put
from beautyspot.errors import MetadataError, SchemaError, SerializationError
from beautyspot.logs import logger
from beautyspot.resilience.circuit_breaker import Resting
from beautyspot.resilience.reporting import STORING
from beautyspot.serialization.file_data import FileData
from beautyspot.serialization.payload import TooLarge

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from beautyspot.contracts import Invalidation, TaskRecord
    from beautyspot.observing import Refusal
    from beautyspot.resilience.guarded_backends import GuardedStore
    from beautyspot.resilience.reporting import Reporter
    from beautyspot.results.leases import Leases
    from beautyspot.results.placement import Placement
    from beautyspot.tasks.task import Task

LIMIT: Final = 10_000
"""Results that may wait; the caller of one more writes it itself."""

BYTES: Final = 256 * 2**20
"""Bytes of results that may wait."""

BATCH: Final = 256
"""Results in one transaction."""

LINGER: Final = 0.005
"""Seconds for which a result waits for others to share its transaction, unless a flush waits."""

IDLE: Final = 1.0
"""Seconds for which the thread waits for another result before it ends."""

PATIENCE: Final = 5.0
"""Seconds, at most, that the end waits for the thread."""

FIRST_PAUSE: Final = 1.0
LONGEST_PAUSE: Final = 60.0
"""Seconds until a batch that failed is tried again."""


class NoRoomError(MetadataError):
    """A result can't be stored, and too many wait: a cause of its own, for it is lost."""


class Pending:
    """A result that is to be written.

    Attributes:
        task: of its function.
        key: of its call.
        record: its row, with its data until these are placed.
        since: the store's number when its run began.
        leased: whether this Spot holds the lease of its key.
        replaces: the location of a blob that it replaces; "" before that is looked for.
        earlier: keys under which earlier results of the call may stand.
        stored: whether it was stored; None before that is known.
        refused: whether the store refused it: it was invalidated, or there is a newer one.
        has_failed: whether the store has failed to take it.
        refusals: how often the store did not take it while it took others.
    """

    __slots__ = (
        *("_wakers", "earlier", "has_failed", "key", "leased", "record", "refusals", "refused"),
        *("replaces", "since", "stored", "task"),
    )

    def __init__(
        self,
        task: Task,
        record: TaskRecord,
        since: int,
        *,
        leased: bool = False,
        replaces: str | None = None,
        earlier: Sequence[str] = (),
    ) -> None:
        self.task, self.record, self.since = task, record, since
        self.key = record.cache_key
        self.leased, self.replaces, self.earlier = leased, replaces, earlier
        self.stored: bool | None = None
        self.has_failed, self.refusals = False, 0
        self.refused = False
        self._wakers: list[Callable[[], object]] = []

    @property
    def size(self) -> int:
        """Bytes that it takes in memory."""
        return len(self.record.result_data or b"")

    def settle(self, stored: bool) -> None:
        """Say what became of it, and wake who waits for that."""
        self.stored = stored
        for wake in self._wakers.copy():
            wake()

    def fail(self) -> None:
        """Say that it is tried again later: its caller does not wait for that."""
        self.has_failed = True
        for wake in self._wakers.copy():
            wake()

    def add_waker(self, wake: Callable[[], object]) -> None:
        """Have `wake` called when it is stored, or could not be; at once where it is so."""
        self._wakers.append(wake)
        if self.stored is not None or self.has_failed:
            wake()

    def remove_waker(self, wake: Callable[[], object]) -> None:
        """Forget a waker."""
        with suppress(ValueError):
            self._wakers.remove(wake)


class Kept(Protocol):
    """What the writer needs of the `Cache` that it writes for."""

    reporter: Reporter
    clock: Callable[[], float]
    store: GuardedStore
    leases: Leases
    placement: Placement

    def placed(self, task: Task, record: TaskRecord) -> TaskRecord:
        """The row of a result, once its data are where they belong."""
        ...

    def count_paid(self, records: Iterable[TaskRecord], *, later: bool) -> None:
        """Have counted what was spent, before it is stored."""
        ...

    def has_stored(self, pending: Pending, seconds: float, *, later: bool) -> None:
        """See to what a result leaves that is stored now, which took so many seconds."""
        ...

    def refuse(self, record: TaskRecord) -> None:
        """See to a result that the store has refused."""
        ...

    def release(self, name: str, *keys: str) -> None:
        """Release leases; a failure is reported."""
        ...


class Writer:
    """The results of one Spot that are yet to be written, and their writing.

    Attributes:
        pending: by key, the newest one of each. Look-ups ask it.
        closed: whether the Spot has ended: callers write their results themselves.
    """

    def __init__(self, cache: Kept) -> None:
        self._cache = cache
        self.pending: dict[str, Pending] = {}
        self.closed = False
        self.reset_after_fork()

    def reset_after_fork(self) -> None:
        """Hold nothing: what waits in a forked child's copy is its parent's to write."""
        self.pending.clear()
        self._size = 0
        self._lock = threading.RLock()  # guards the table
        self._turn = threading.RLock()  # held while a batch is written
        self._thread = NeededThread("writer", self._work, self._has_work)
        self._bell = Bell()
        self._pause, self._rests_until = 0.0, 0.0
        self._failure: Exception | None = None  # the last one
        self._is_watched = False

    def __len__(self) -> int:
        return len(self.pending)

    @property
    def size(self) -> int:
        """The bytes of all that waits."""
        return self._size

    @property
    def unsaved(self) -> list[Pending]:
        """Those that wait since the store has failed to take them."""
        return [each for each in list(self.pending.values()) if each.has_failed]

    @property
    def is_at_work(self) -> bool:
        """Whether its thread runs."""
        return self._thread.runs

    # ------------------------------------------------------------------------------- taking over

    def queue(self, pending: Pending) -> bool:
        """Take over a result, to be written behind its caller; False where the caller has to.

        What look-ups of this process find from here on is its newest one.
        """
        if isinstance(pending.record.result_data, FileData) or _is_killed_by_its_parent():
            return False  # of a file, its caller may change the content
        if self.closed or not self._add(pending, BYTES):
            return False
        if self.rest_left():
            pending.fail()
        if self.is_at_work and len(self.pending) in (1, BATCH):
            self._bell()
        self._thread.begin()
        return True

    def _add(self, pending: Pending, most: int) -> bool:
        key = pending.key
        with self._lock:
            older = self.pending.get(key)
            if older is not None and is_newer(older.record, pending.record, self._cache.clock()):
                pending.settle(False)
                return True
            if len(self.pending) >= LIMIT or self._size + pending.size > most:
                return False
            if older is not None:
                self._forget(older)
                pending.leased = pending.leased or older.leased
                older.leased = False
                older.settle(False)
            self.pending[key] = pending
            self._size += pending.size
        if not self._is_watched:
            self._is_watched = at_end_of_child(self.finish)
        return True

    def _forget(self, pending: Pending) -> bool:
        """Hold a result no more; whether it was held."""
        with self._lock:
            if self.pending.get(pending.key) is not pending:
                return False
            del self.pending[pending.key]
            self._size = self._size - pending.size if self.pending else 0
            return True

    def withdraw(self, what: Invalidation) -> list[TaskRecord]:
        """Drop what waits and matches an invalidation; the rows of these."""
        gone = [each for each in list(self.pending.values()) if what.covers(each.record)]
        for pending in gone:
            self._forget(pending)
            self._let_go(pending)
            pending.settle(False)
        return [pending.record for pending in gone]

    # ------------------------------------------------------------------------------- writing

    def write(self, pending: Pending) -> bool:
        """Write one result in this thread; whether it is stored now.

        Where the store fails, the result is held here, and tried again.
        """
        began = perf_counter()
        if self._rests_until and self._holds_all([pending]):
            return False
        if pending.record.price:  # else a call each time, for nothing
            self._cache.count_paid([pending.record], later=False)
        try:
            self._place(pending)
            refused = self._cache.store.put([self._row(pending)])
        except Exception as error:
            self._hold(pending, error)
            return False
        self._settle(pending, pending.key not in refused, perf_counter() - began, later=False)
        if self.pending:
            self.try_later()  # the store works again
        return bool(pending.stored)

    def write_now(self, pending: Pending) -> bool:
        """Write one in an event loop; False where that might wait, and another way is to be taken.

        It is for results that make no blob.
        """
        if self._cache.store.detours:  # it is left alone for a while
            return False
        if pending.record.price or pending.replaces is not None or pending.earlier:
            return False  # more is to be written or removed than a row
        began = perf_counter()
        try:
            stored = self._cache.store.real.put_at_once(self._row(pending))
        except Exception:
            return False
        if stored is None:
            return False
        self._settle(pending, stored, perf_counter() - began, later=False)
        return True

    def write_all(self, rows: list[Pending]) -> None:
        """Write several results in this thread, of one call; those that fail are held here."""
        for start in range(0, len(rows), BATCH):
            batch = rows[start : start + BATCH]
            if not self._holds_all(batch):
                self._write_batch(batch, later=False)

    def _row(self, pending: Pending) -> Put:
        token = self._cache.leases.token if pending.leased else ""
        return Put(pending.record, covers_of(pending.record), pending.since, token)

    def _place(self, pending: Pending) -> None:
        """Put its data where they belong: once, however often its row fails."""
        cache = self._cache
        if pending.replaces == "":
            found = cache.store.find(pending.key)
            pending.replaces = None if found is None else in_full(found).result_value
        if cache.placement.is_in_place(pending.task, pending.record):
            return
        if not pending.leased and cache.placement.wants_blob(pending.task, pending.record):
            with suppress(Exception):  # `collect` leaves the blobs of a leased key alone
                begun = cache.leases.begin([pending.key], {pending.key: inf})
                pending.leased = pending.key in begun.leased
        placed = cache.placed(pending.task, pending.record)
        with self._lock:
            if self.pending.get(pending.key) is pending:
                self._size -= pending.size
                pending.record = placed
                self._size += pending.size
            pending.record = placed

    def _settle(self, pending: Pending, stored: bool, seconds: float, *, later: bool) -> None:
        """See to what a result leaves that the store has taken, or refused."""
        if self.pending:
            self._forget(pending)
        if pending.leased:  # the put has released it
            pending.leased = False
            self._cache.leases.held.pop(pending.key, None)
        if stored:
            self._cache.has_stored(pending, seconds, later=later)
        else:
            pending.refused = True
            self._cache.refuse(pending.record)
        pending.settle(stored)

    def _let_go(self, pending: Pending) -> None:
        if pending.leased:
            pending.leased = False
            self._cache.release(pending.task.func_identifier, pending.key)

    # ------------------------------------------------------------------------------- failing

    def _hold(self, pending: Pending, error: Exception) -> None:
        """Hold a result that could not be written, and say so; or that there is no room for it."""
        cache, name = self._cache, pending.task.func_identifier
        self._let_go(pending)
        if isinstance(error, SerializationError):
            self._forget(pending)
            pending.settle(False)
            advice = "The value is returned, and not cached"
            cache.reporter.report(STORING, name, error, advice)
            by: Refusal = "too large" if isinstance(error, TooLarge) else "serializer"
            cache.reporter.observers.refused(name, pending.key, by)
            return
        data = pending.record.result_data
        # Of a file, the caller may change the content.
        never = (
            cache.reporter.strict or isinstance(error, SchemaError) or isinstance(data, FileData)
        )
        if not never and self.pending.get(pending.key) is not pending:
            if data is not None and type(data) is not bytes:  # the caller may change it
                pending.record = pending.record._replace(result_data=bytes(data))
            if self.closed or not self._add(pending, BYTES):
                never, error = True, NoRoomError(f"{error} It can't wait in memory either")
        if never:
            self._forget(pending)
            pending.settle(False)
            advice = (
                "Its caller has it, and it is computed again next time: mend the place it goes to"
            )
            cache.reporter.report("save the result", name, error, advice)
        else:  # said first: who waits goes on then
            advice = "It waits in memory, and is tried again: mend the place it goes to"
            cache.reporter.report("save the result", name, error, advice)
            self._failure = error
            if not self.rest_left():
                self._pause = min(max(FIRST_PAUSE, 2 * self._pause), LONGEST_PAUSE)
                self._rests_until = monotonic() + self._pause
            pending.fail()
            self._thread.begin()

    def rest_left(self) -> float:
        """Seconds until what failed is tried again."""
        return max(0.0, self._rests_until - monotonic()) if self._rests_until else 0.0

    def _holds_all(self, batch: list[Pending]) -> bool:
        """Hold results of callers at once, where the store is left alone after a failure."""
        if self._failure is None or not self.rest_left():
            return False
        for pending in batch:
            self._hold(pending, self._failure)
        return True

    def try_later(self) -> None:
        """Have the thread try again what failed, before its pause is over."""
        if self.pending and not self._cache.store.breaker.rest_left():
            self._rests_until = 0.0
            self._thread.begin()
            self._bell()

    # ------------------------------------------------------------------------------- the thread

    def _has_work(self) -> bool:
        return bool(self.pending) and not self.closed

    def _work(self) -> None:
        """Write whatever comes, until nothing has come for a while; the thread runs this."""
        while not self.closed:
            if not self.pending:
                if not self._bell.wait(IDLE):
                    return
                continue
            wait = max(LINGER, self._rests_until - monotonic())
            if len(self.pending) < BATCH or wait > LINGER:
                self._bell.wait(wait)
            if monotonic() >= self._rests_until:
                self.write_pending(BATCH)

    def write_pending(self, most: int | None = None) -> bool:
        """Write what waits now, what has waited longest first; whether all of it was written."""
        left = len(self.pending) if most is None else most
        while left > 0 and self.pending:
            with self._turn:
                with self._lock:
                    batch = list(islice(self.pending.values(), min(left, BATCH)))
                if batch and not self._write_batch(batch, later=True):
                    return False
            left -= max(1, len(batch))
        return not self.pending or most is not None

    def _write_batch(self, batch: list[Pending], *, later: bool) -> bool:
        """Write several in one transaction, one by one where that fails; whether any was stored.

        So one bad row blocks nobody: those that fail twice, while others are taken, are given up.
        """
        began = perf_counter()
        self._cache.count_paid([pending.record for pending in batch], later=later)
        try:
            for pending in batch:
                self._place(pending)
            refused = self._cache.store.put([self._row(pending) for pending in batch])
        except Exception as error:
            if len(batch) > 1:
                return self._write_singly(batch, later=later)
            self._hold(batch[0], error)
            return False
        self._pause = self._rests_until = 0.0
        seconds = (perf_counter() - began) / len(batch)
        for pending in batch:
            self._settle(pending, pending.key not in refused, seconds, later=later)
        return True

    def _write_singly(self, batch: list[Pending], *, later: bool) -> bool:
        failed: list[tuple[Pending, Exception]] = []
        taken = False
        for pending in batch:
            began = perf_counter()
            try:
                self._place(pending)
                refused = self._cache.store.put([self._row(pending)])
            except Exception as why:
                failed.append((pending, why))
                if isinstance(why, Resting) or (not taken and len(failed) > 1):
                    break  # the store is at fault, and no result
            else:
                taken = True
                self._settle(pending, not refused, perf_counter() - began, later=later)
        for pending, error in failed:
            pending.refusals += taken
            if pending.refusals > 1:
                self._forget(pending)
                pending.settle(False)
                advice = "The store takes others: its caller has it, and it is computed again"
                name = pending.task.func_identifier
                self._cache.reporter.report("save the result", name, error, advice)
            else:
                self._put_last(pending)
                self._hold(pending, error)
        return taken

    def _put_last(self, pending: Pending) -> None:
        with self._lock:
            if self.pending.get(pending.key) is pending:
                self.pending[pending.key] = self.pending.pop(pending.key)

    # --------------------------------------------------------------------------------- the end

    def flush(self, timeout: float | None = None) -> bool:
        """Write all that waits now, though the store has just failed; whether that was done.

        Where there is a time-out to keep, the thread does it.
        """
        if not self.pending:
            return True
        self._cache.store.breaker.insist()
        self._pause = self._rests_until = 0.0
        if timeout is None:
            return self.write_pending()
        bell, waits = Bell(), list(self.pending.values())
        ends = monotonic() + timeout
        for pending in waits:
            pending.add_waker(bell)
        try:
            self._thread.begin()
            self._bell()
            while any(pending.stored is None for pending in waits):
                if self._rests_until or not bell.wait(waitable(ends - monotonic())):
                    return False
            return True
        finally:
            for pending in waits:
                pending.remove_waker(bell)

    def finish(self) -> None:
        """Write all a last time, and say what is lost."""
        self.closed = True
        self._bell()
        try:
            written = self.flush()
        except BaseException:  # a signal's handler may raise, and what waits was paid for
            self.flush()
            raise
        self._thread.join(PATIENCE)  # it may be using the store, which is closed next
        if written:
            return
        names = sorted({each.task.func_identifier for each in list(self.pending.values())})
        logger.warning(
            "%s: %s of %s could not be stored before the end, and will be computed again: mend "
            "the place that the warnings before this one name",
            self._cache.reporter.spot,
            "1 result" if len(self.pending) == 1 else f"{len(self.pending)} results",
            ", ".join(names[:5]) + ("" if len(names) <= 5 else ", …"),
        )


def _is_killed_by_its_parent() -> bool:
    """Whether multiprocessing will end this process by SIGTERM, at any moment.

    It does so with all processes that are `daemon`, such as the workers of a `Pool`.
    """
    module: Any = sys.modules.get("multiprocessing.process")
    return module is not None and bool(module.current_process().daemon)
