"""`Writer`: the results of one Spot that are yet to be written.

A result is written by its caller, where the store may block with those of other threads that wait;
at the end of a turn of an event loop, with those of all tasks that ended in it; or by a thread
behind its caller: up to `BATCH` in a transaction, and those of one call together. The thread also
writes what an event loop would have to wait for, and tries again what a failing store did not take,
after one second first, and a minute in the end. Until a result is written, look-ups of this process
find it here. Its key stays leased until its first save has failed. Order needs no care: the store
refuses what is older than what it has, or was invalidated.

The thread is a daemon, so the interpreter can end while it sleeps. All that is here is written when
the Spot ends, and at each end of a process that Python is told of.
"""

from __future__ import annotations

import sys
import time
from contextvars import Context
from functools import partial
from itertools import islice
from time import monotonic, perf_counter
from typing import TYPE_CHECKING, Any, Final

from beautyspot.concurrency import deferred
from beautyspot.concurrency.deferred import NeededThread
from beautyspot.concurrency.locks import Lock
from beautyspot.concurrency.waiting import Bell, Together, running_loop
from beautyspot.contracts.records import is_newer
from beautyspot.errors import (
    MetadataBusyError,
    MetadataError,
    SchemaError,
    SerializationError,
)
from beautyspot.logs import logger
from beautyspot.resilience.reporting import STORING
from beautyspot.serialization.payload import FileData, TooLarge

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from beautyspot.contracts import Invalidation, TaskRecord
    from beautyspot.observing import Refusal
    from beautyspot.results.saving import Pending, Saver

LIMIT: Final = 10_000
"""Results that may wait; the caller of one more writes it itself."""

BYTES: Final = 256 * 2**20
"""Bytes of results that may wait."""

BATCH: Final = 256
"""Results of several calls in one transaction."""

SMALL: Final = 65_536
"""Bytes of a result that threads write together."""

IN_LOOP: Final = 32_768
"""Bytes of a result that an event loop may write itself."""

LINGER: Final = 0.005
"""Seconds for which results wait for another one to share their transaction."""

LONGEST_LINGER: Final = 0.05
"""Seconds for which they do at most, where so many go on coming that none of them cost much."""

MANY: Final = 16
"""Results within `LINGER` that are so many."""

IDLE: Final = 1.0
"""Seconds for which the thread waits for another result before it ends."""

PATIENCE: Final = 5.0
"""Seconds, at most, that the end waits for the thread."""

FIRST_PAUSE: Final = 1.0
LONGEST_PAUSE: Final = 60.0
"""Seconds until a batch that failed is tried again."""

SAVING: Final = "save the result"
SAVING_AGAIN: Final = "save the result again"
"""Operations in reports: the last word on a result is said though its first failure was."""


class NoRoomError(MetadataError):
    """A result can't be stored, and too many wait: a cause of its own, for it is lost."""


class Writer:
    """The results of one Spot that are yet to be written, and their writing.

    Attributes:
        pending: by key, the newest one of each.
        size: the bytes of all of them.
        closed: whether the Spot has ended: callers write their results themselves.
    """

    def __init__(self, saver: Saver) -> None:
        self._saver, self._reporter = saver, saver.reporter
        self.pending: dict[str, Pending] = {}
        self.closed = False
        self.reset_after_fork()

    def reset_after_fork(self) -> None:
        """Hold nothing: what waits in a forked child's copy is its parent's to write."""
        self.pending.clear()
        self.size = 0
        self._lock = Lock()  # guards the table
        self._turn = Lock()  # held while a batch of it is written
        self._thread = NeededThread("writer", self._work, self._has_work)
        self._bell = Bell()
        self._together = Together(lambda batch: self.write(*batch), BATCH)
        self._ended: tuple[object, list[Pending]] = None, []  # in this turn of an event loop
        self._is_awaited = False  # what waits: then the thread does not linger
        self._pause, self._rests_until = 0.0, 0.0
        self._failure: Exception | None = None  # the last one

    @property
    def unsaved(self) -> list[Pending]:
        """Those that wait since the store has failed to take them."""
        return [each for each in list(self.pending.values()) if each.has_failed]

    def found(self, keys: Collection[str], *, in_place: bool = False) -> dict[str, TaskRecord]:
        """The rows of those of these keys whose results wait here, for look-ups.

        What is on its way behind its caller, or failed to be stored. Of the latter, others may have
        invalidated some: where anything was since their runs began, they are written first, so that
        the store says so. While it can't be asked, they are given all the same.

        Raises:
            MetadataBusyError: `in_place`, where the store would have to be asked.
        """
        waiting = [self.pending.get(key) for key in keys]
        found = {each.key: each for each in waiting if each is not None and each.behind}
        failed = [each for each in found.values() if each.has_failed]
        if failed and in_place:
            raise MetadataBusyError("what waits to be stored is compared with the store first")
        if failed:
            try:
                number = self._saver.leases.begin([], {}).since
            except Exception:  # it is away still
                number = 0
            doubtful = [each for each in failed if each.since < number]
            with self._turn:
                doubtful = [each for each in doubtful if self.pending.get(each.key) is each]
                if doubtful:
                    self.write(*doubtful, later=True, insists=True)
            for each in doubtful:
                del found[each.key]  # it is stored by now, or nobody knows
        return {key: each.record for key, each in found.items()}

    # ------------------------------------------------------------------------------- taking over

    def queue(self, pending: Pending) -> bool:
        """Take over a result, to be written behind its caller; False where the caller has to.

        What look-ups of this process find from here on is its newest one.
        """
        if isinstance(pending.record.result_data, FileData):
            return False  # its caller may change the content
        process: Any = sys.modules.get("multiprocessing.process")
        if process is not None and process.current_process().daemon:
            return False  # as the workers of a `Pool`: SIGTERM will end it, at any moment
        if self.closed or not self._add(pending):
            return False
        if self._rests_until and self.rest_left():
            deferred.later(partial(self._saver.let_go, pending))  # event loops come here
            pending.tell(None)
        if not pending.behind:  # its caller waits
            self.hurry()
        elif not self._thread.running:
            self._thread.begin()
        elif len(self.pending) in (1, BATCH):
            self._bell()
        return True

    def _add(self, pending: Pending) -> bool:
        """Hold a result; False where there is no room."""
        key = pending.key
        with self._lock:
            older = self.pending.get(key)
            if older is not None and is_newer(
                older.record, pending.record, self._saver.store.clock()
            ):
                pending.tell(False)
                return True
            if len(self.pending) >= LIMIT or self.size + pending.size > BYTES:
                return False
            if older is not None:
                self._forget(older)
                if older.lease is not None and older.lease.held:
                    pending.lease = older.lease
                older.tell(False)
            self.pending[key] = pending
            self.size += pending.size
        return True

    def _forget(self, pending: Pending) -> None:
        """Hold a result no more, if it is held."""
        with self._lock:
            if self.pending.get(pending.key) is pending:
                del self.pending[pending.key]
                self.size -= pending.size

    def withdraw(self, what: Invalidation) -> list[TaskRecord]:
        """Drop what waits and matches an invalidation; the rows of these."""
        with self._turn:  # what is being written releases its lease only then
            gone = [each for each in list(self.pending.values()) if what.covers(each.record)]
            for pending in gone:
                self._saver.let_go(pending)
                self._forget(pending)
                pending.tell(False)
        return [pending.record for pending in gone]

    # ------------------------------------------------------------------------------- writing

    def write_with_others(self, pending: Pending) -> None:
        """Write the result of a caller in this thread, or have another one write it with its own.

        For a store that blocks. Alone where a failure is raised, which is none of others', or where
        it takes long.
        """
        if self._reporter.strict or not pending.placed or pending.size > SMALL:
            self.write(pending)
        else:
            self._together(pending)

    def write_away(self, *batch: Pending) -> None:
        """Write the results of a caller in an executor; also where that is cancelled meanwhile."""
        try:
            self.write(*batch)
        finally:
            for pending in batch:
                self._saver.let_go(pending)

    def write(  # noqa: C901 - one step, in its order
        self, *batch: Pending, later: bool = False, insists: bool = False, at_once: bool = False
    ) -> bool:
        """Write results in this thread, in one transaction; whether any was stored.

        Those that the store does not take are held here, and tried again; all of them at once,
        while it is left alone after a failure, unless the caller `insists`. Where a transaction
        fails they are written one by one, so that one bad row blocks nobody.

        Args:
            batch: the results.
            later: whether that is behind their callers.
            insists: whether the store is asked all the same.
            at_once: whether that is left to the caller where it may take long, or fails.
        """
        if not insists and self._failure is not None and self.rest_left():
            for pending in batch:
                self._hold(pending, self._failure)
            return False
        began = perf_counter()
        try:
            refused = self._saver.put(batch, at_once=at_once)
        except Exception as error:
            if at_once:
                return False
            if len(batch) != 1:
                return self._write_singly(batch, error, later=later)
            self._hold(batch[0], error)
            return False
        if refused is None:
            return False
        self._saver.settle(batch, refused, (perf_counter() - began) / len(batch), later=later)
        # Last: where an interrupt comes before, it is written once more, and lets go of its lease.
        for pending in batch if self.pending else ():
            self._forget(pending)
        if self._rests_until:
            self._pause = self._rests_until = 0.0  # the store works again
            self._bell()
        return True

    def _write_singly(self, batch: Sequence[Pending], error: Exception, *, later: bool) -> bool:
        """The same one by one; those that fail twice, while others are taken, are given up."""
        taken = False
        for number, pending in enumerate(batch):
            if number > 1 and not taken:  # the store is at fault, and no result
                self._hold(pending, self._failure or error)
            else:
                taken = self.write(pending, later=later, insists=True) or taken
        for pending in batch if taken else ():
            pending.refusals += pending.has_failed
            if pending.refusals > 1:
                advice = "The store takes others: its caller has it, and it is computed again"
                self._give_up(pending, SAVING_AGAIN, self._failure or error, advice)
        return taken

    def write_now(self, pending: Pending, *, alone: bool) -> bool:
        """Write one in an event loop; False where that might wait, and another way is needed.

        Where it is not `alone`, it is taken over, and written at the end of this turn of the loop,
        with what other tasks have made in it. It is in the table until then.
        """
        saver = self._saver
        if not pending.placed or pending.size > IN_LOOP:
            return False
        if saver.store.detours:  # it is left alone for a while, or a block of `using` is open
            return False
        if pending.record.price or pending.replaces is not None or pending.earlier:
            return False  # more is to be written or removed than a row
        if alone or self._reporter.strict:
            return self.write(pending, at_once=True)
        if self.closed or not self._add(pending):
            return False
        loop: Any = running_loop()
        last, ended = self._ended
        if last is not loop or not ended:
            ended = []
            self._ended = loop, ended
            loop.call_soon(self._end_turn, ended, context=Context())  # of none of these tasks
        ended.append(pending)
        return True

    def _end_turn(self, ended: list[Pending]) -> None:
        """Write what ended in a turn of the running loop, or have the thread do so."""
        batch = [each for each in ended if self.pending.get(each.key) is each]
        ended.clear()
        if not batch:
            return
        if len(batch) <= BATCH and self._turn.acquire(blocking=False):
            try:
                if self.write(*batch, at_once=True):
                    return
            finally:
                self._turn.release()
        self.hurry()

    # ------------------------------------------------------------------------------- failing

    def _hold(self, pending: Pending, error: Exception) -> None:
        """Hold a result that could not be written, and say so; or that it is lost."""
        reporter, name = self._reporter, pending.task.func_identifier
        self._saver.let_go(pending)
        if isinstance(error, SerializationError):
            by: Refusal = "too large" if isinstance(error, TooLarge) else "serializer"
            reporter.observers.tell("Refused", name, pending.key, by)
            self._give_up(pending, STORING, error, "The value is returned, and not cached")
            return
        data = pending.record.result_data
        # Of a file, the caller may change the content.
        is_lost = reporter.strict or isinstance(error, SchemaError) or isinstance(data, FileData)
        if not is_lost and self.pending.get(pending.key) is not pending:
            if data is not None and type(data) is not bytes:  # the caller may change it
                pending.record = pending.record._replace(result_data=bytes(data))
            if self.closed or not self._add(pending):
                is_lost, error = True, NoRoomError(f"{error} It can't wait in memory either")
        if is_lost:
            advice = "it is computed again next time: mend the place it goes to"
            self._give_up(pending, SAVING, error, f"Its caller has it, and {advice}")
            return
        advice = "It waits in memory, and is tried again: mend the place it goes to"
        if not (pending.has_failed and isinstance(error, MetadataBusyError)):  # it is tried again
            reporter.report(SAVING, name, error, advice)  # said first: who waits goes on then
        self._failure = error
        if not self.rest_left():
            self._pause = min(max(FIRST_PAUSE, 2 * self._pause), LONGEST_PAUSE)
            self._rests_until = monotonic() + self._pause
        pending.tell(None)
        self._thread.begin()

    def _give_up(self, pending: Pending, operation: str, error: Exception, advice: str) -> None:
        self._forget(pending)
        pending.tell(False)
        self._reporter.report(operation, pending.task.func_identifier, error, advice)

    def rest_left(self) -> float:
        """Seconds until what failed is tried again."""
        return max(0.0, self._rests_until - monotonic()) if self._rests_until else 0.0

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
            if self._rests_until:
                self._bell.wait(max(LINGER, self.rest_left()))
            else:
                self._linger()
            self._is_awaited = False
            if monotonic() >= self._rests_until:
                self._write_next()

    def _linger(self) -> None:
        """Wait for results that can share a transaction, unless somebody waits for one."""
        ends = monotonic() + LONGEST_LINGER
        while len(self.pending) < BATCH and not self._is_awaited:
            before = len(self.pending)
            self._bell.wait(LINGER)
            if len(self.pending) - before < MANY or monotonic() > ends:
                return

    def hurry(self) -> None:
        """Have the thread write what waits, at once."""
        self._is_awaited = True
        self._thread.begin()
        self._bell()

    def _write_next(self) -> bool:
        """Write the batch that has waited longest; False where the store took none of it."""
        with self._turn:
            with self._lock:
                batch = list(islice(self.pending.values(), BATCH))
            return not batch or self.write(*batch, later=True, insists=True)

    # --------------------------------------------------------------------------------- the end

    def flush(self, timeout: float | None = None) -> bool:
        """Write all that waits now, though the store has just failed; whether that was done.

        Where there is a time-out in seconds to keep, the thread does it.
        """
        waits = list(self.pending.values())
        if not waits:
            return True
        self._saver.store.breaker.insist()
        self._pause = self._rests_until = 0.0
        if timeout is None:
            all(self._write_next() for _ in range(0, len(waits), BATCH))
            return all(each.stored is not None for each in waits)
        ends = monotonic() + timeout
        self.hurry()
        while not all(each.stored is not None for each in waits):
            if self._rests_until or monotonic() >= ends:
                return False
            time.sleep(LINGER)
        return True

    def finish(self) -> None:
        """Write all a last time, and say what is lost."""
        self.closed, waited = True, len(self.pending)
        self._bell()
        try:
            self.flush()
            if len(self.pending) < waited:  # the store takes some: the others are tried once more
                self.flush()
        except BaseException:  # a signal's handler may raise, and what waits was paid for
            self.flush()
            raise
        self._thread.join(PATIENCE)  # it may be using the store, which is closed next
        if not self.pending:
            return
        names = sorted({each.task.func_identifier for each in list(self.pending.values())})
        logger.warning(
            "%s: %s of %s could not be stored before the end, and will be computed again: mend "
            "the place that the warnings before this one name",
            self._reporter.spot,
            "1 result" if len(self.pending) == 1 else f"{len(self.pending)} results",
            ", ".join(names[:5]) + ("" if len(names) <= 5 else ", …"),
        )
