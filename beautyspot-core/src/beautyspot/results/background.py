"""Save results in the background: the caller goes on, and many results share one commit.

There is no idle thread: the first result that is queued submits a job to the Spot's executor, which
writes one batch, and submits the next while there is more. The standard library waits for such jobs
at interpreter exit, and where no job can be submitted any more the caller writes in place, so that
nothing is lost. Whoever empties the queue stops at what was in it when he began: a thread that goes
on making results, faster than they can be written, keeps nobody from ending. In a process that may
be ended at any moment nothing is queued.
"""

from __future__ import annotations

import sys
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Final, Protocol

from beautyspot.concurrency import locks
from beautyspot.errors import MetadataBusyError

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Executor

    from beautyspot.contracts import TaskRecord
    from beautyspot.results.cache import Cache
    from beautyspot.tasks.task import Call

QUEUE_LIMIT: Final = 10_000
"""Results that may wait; whoever would queue one more writes it in place."""

QUEUE_BYTES: Final = 256 * 2**20
"""Bytes of results that may wait."""

BATCH: Final = 256
"""Results in one commit."""

LINGER: Final = 0.005
"""Seconds for which a result waits for others to share its commit, unless somebody waits for it.

Without it the saver competes with the callers for the interpreter, one commit for each result.
"""


class Pending(Protocol):
    """A call whose result waits to be saved.

    Attributes:
        call: the call itself.
        record: the row of its result.
        saves: set to True where the saver ends it, and no longer its caller.
    """

    call: Call
    record: TaskRecord | None
    saves: bool

    def end(self) -> None:
        """Let the next call of the key begin, here and in other processes; maybe repeatedly."""


def _is_ended_by_others() -> bool:
    """Whether multiprocessing will end this process by SIGTERM, whatever it is just doing.

    So it does with all that are `daemon`, such as the workers of a `Pool` in a `with` block.
    """
    module = sys.modules.get("multiprocessing.process")
    return module is not None and bool(module.current_process().daemon)


class Saver:
    """The queue of one Spot, and the job that empties it."""

    def __init__(self, cache: Cache, executor: Callable[[], Executor]) -> None:
        self._cache = cache
        self._executor = executor
        self.in_place = False
        self.reset_after_fork()

    def reset_after_fork(self) -> None:
        """An empty queue: what was in a forked child's copy is its parent's to save."""
        self._queue: dict[str, Pending] = {}
        self._writing: dict[str, Pending] = {}
        self._numbers: dict[str, int] = {}  # of what is queued, in the order of its coming
        self._changes = 0
        self._last = 0
        self._began = 0  # with this number what is being written
        self._bytes = 0
        self._draining = False
        self._starter = 0  # the thread that is about to submit the job for that
        self._round = locks.reentrant()
        self._hurried = 0  # how many wait for the queue to be empty
        self._lock = locks.reentrant()  # by itself: an interrupt finds no way between it and `with`
        self._changed = threading.Condition(self._lock)
        self._cache.waiting.clear()

    def add(self, saving: Pending) -> bool:
        """Queue a result; False where that is full or may be lost, and the caller is to save it."""
        record = saving.record
        assert record is not None  # noqa: S101 - only what was encoded is queued
        if not self._has_room(record.size or 0):
            with suppress(MetadataBusyError):
                self.cancel(record.cache_key)  # or an older one would be written over this
            return False
        start, me = False, threading.get_ident()
        try:
            with self._lock:
                replaced = self._put(saving, record)
                if not self._draining:
                    start = self._draining = True
                    self._starter = me
                if len(self._queue) >= BATCH:
                    self._changed.notify_all()
            if replaced is not None:
                replaced.end()
            if start:
                self._start()
        except BaseException:  # interrupted: the next result starts it, a flush or the end does it
            if start:
                self._draining = False
            raise
        return True

    def _put(self, saving: Pending, record: TaskRecord) -> Pending | None:
        """Queue a result, all of it or nothing; returns the one that it replaces."""
        # No function is called here: an interrupt comes where one is.
        key = record.cache_key
        replaced = self._queue[key] if key in self._queue else None  # noqa: SIM401 - a call
        if replaced is None:
            self._last += 1
            self._numbers[key] = self._last
        elif replaced.record is not None:  # pragma: no branch - as all that are queued
            self._bytes -= replaced.record.size or 0
        self._queue[key] = saving  # in its place: somebody may wait for it
        self._cache.waiting[key] = record
        self._bytes += record.size or 0
        self._changes += 1
        return replaced

    def _has_room(self, size: int) -> bool:
        full = len(self._queue) >= QUEUE_LIMIT or self._bytes + size > QUEUE_BYTES
        return not full and not self.in_place and not _is_ended_by_others()

    def _wake(self) -> None:
        """Have the queue emptied, where who began that was interrupted, by this maybe."""
        start, me = False, threading.get_ident()
        with self._lock:
            if self._queue and (not self._draining or self._starter == me):
                start = self._draining = True
                self._starter = me
        if start:
            self._start()

    def _start(self) -> None:
        try:
            locks.submit(self._executor(), self._work)
        except RuntimeError:  # shut down, or the interpreter is
            self._hurry()
            with self._lock:
                self._draining = False  # who comes from now on is here himself
            self._drain()
        if self._starter == threading.get_ident():
            self._starter = 0

    def _work(self) -> None:
        goes_on = False  # with who is interrupted it is for the next result, a flush or the end
        try:
            self._write_next()
            goes_on = True
        except Exception:  # of a strict reporter
            goes_on = True
            raise
        finally:
            with self._lock:
                again = self._draining = goes_on
                if not self._queue:
                    again = self._draining = False
            if again:  # no loop: an executor that is to end takes no more
                self._start()

    def _write_next(self) -> None:
        with self._round:  # one batch after the other: a key's newer result comes later
            try:
                self._write(self._take())
            finally:
                if self._writing:
                    self._put_back()

    def _put_back(self) -> None:
        """Queue anew what an interrupted thread (Ctrl-C, `sys.exit`) has not written."""
        with self._lock:
            left, self._writing = self._writing, {}
            while True:
                changes = self._changes
                first = {key: turn for key, turn in left.items() if key not in self._queue}
                queue = {**first, **self._queue}
                numbers = {**dict.fromkeys(first, self._began), **self._numbers}
                if changes == self._changes:  # who interrupted this has queued nothing
                    self._queue, self._numbers = queue, numbers
                    break
            newer = [turn for key, turn in left.items() if key not in first]
            self._bytes -= sum(map(_size, newer))
            start, self._draining = not self._draining, True
            self._changed.notify_all()
        for turn in newer:
            turn.end()
        if start:
            with suppress(RuntimeError):  # no work is taken any more: the end writes it
                locks.submit(self._executor(), self._work)

    def _hurry(self) -> None:
        """Let nothing linger any more."""
        with self._lock:
            self._hurried += 1
            self._changed.notify_all()

    def _drain(self) -> None:
        """Write what is in the queue now, and not what comes meanwhile.

        Nothing where this interrupts other code of ours, such as itself: it stays queued.
        """
        if locks.inside():
            return
        last = self._last
        while not self._is_written(last):
            self._write_next()

    def _take(self) -> list[Pending]:
        """The next batch; an empty one where nothing waits."""
        with self._lock:
            self._changed.wait_for(self._is_ripe, LINGER)
            for key in list(self._queue)[:BATCH]:
                if key in self._queue:  # pragma: no branch - unless who interrupts cancels it
                    if not self._writing:
                        self._began = self._numbers[key]
                    self._writing[key] = self._queue[key]  # first: who is interrupted finds it
                    del self._queue[key], self._numbers[key]
                    self._changes += 1
            return list(self._writing.values())

    def _is_written(self, number: int) -> bool:
        """Whether nothing waits that was queued as this number, or before."""
        with self._lock:
            if self._writing:
                return self._began > number
            for first in self._queue:  # no function is called: who interrupts may take it out
                return self._numbers[first] > number
            return True

    def _is_ripe(self) -> bool:
        return self._hurried > 0 or not 0 < len(self._queue) < BATCH

    def _write(self, batch: list[Pending]) -> None:
        """Write a batch, if there is any."""
        try:
            if batch:
                self._commit(batch)
        except Exception:  # of a strict reporter; who is interrupted has it put back
            self._done(batch)
            raise
        self._done(batch)

    def _commit(self, batch: list[Pending]) -> None:
        """In one commit; one by one where that fails, to lose only what must be."""
        placed: list[tuple[Pending, TaskRecord]] = []
        for saving in batch:
            self._cache.unsaved.drop(saving.call.key)
        try:
            placed = [(saving, record) for saving in batch if (record := self._place(saving))]
            self._cache.metadata.put_many([record for _, record in placed])
        except Exception as error:
            self._write_singly(placed, error)
        else:
            self._cache.unsaved.try_later()
            for saving, record in placed:
                self._cache.placement.discard(record.cache_key, saving.call.replaces)

    def _place(self, saving: Pending) -> TaskRecord | None:
        task = saving.call.task
        assert saving.record is not None  # noqa: S101 - see `add`
        try:
            return self._cache.placement.place(task, saving.record)
        except Exception as error:
            self._cache.keep(task, saving.record, error)
            return None

    def _write_singly(self, placed: list[tuple[Pending, TaskRecord]], error: Exception) -> None:
        for saving, record in placed:
            try:
                self._cache.metadata.put(record)
            except Exception as again:
                why = again if len(placed) > 1 else error
                self._cache.keep(saving.call.task, record, why)

    def _done(self, batch: list[Pending]) -> None:
        for saving in batch:
            record = saving.record
            assert record is not None  # noqa: S101 - see `add`
            with self._lock:
                del self._writing[record.cache_key]
                self._bytes -= record.size or 0
                waiting, key = self._cache.waiting, record.cache_key
                if key in waiting and waiting[key] is record:
                    del waiting[key]
                self._changed.notify_all()
            saving.end()

    def cancel(self, key: str) -> bool:
        """Take a result out of the queue unsaved; one that is being written is waited for.

        Raises:
            MetadataBusyError: it is being written by the thread that this interrupts.
        """
        saving = self.withdraw(key)
        if saving is not None:
            saving.end()
        return saving is not None

    def withdraw(self, key: str) -> Pending | None:
        """The same, but the turn is for the caller to end: until then nobody else runs the call."""
        interrupts = locks.inside()
        with self._lock:
            if interrupts and key in self._writing:
                raise MetadataBusyError("a result is just being written: try again")
            self._changed.wait_for(lambda: key not in self._writing)
            saving = self._queue.pop(key, None)
            if saving is not None:
                self._changes += 1
                self._numbers.pop(key, None)
                self._cache.waiting.pop(key, None)
                self._bytes -= _size(saving)
            return saving

    def flush(self, timeout: float | None = None) -> bool:
        """Wait until all that is queued now is written; False where `timeout` was too short.

        Also where this interrupts other code of ours: it waits for nobody then.
        """
        last = self._last
        if locks.inside():
            return self._is_written(last)
        self._hurry()
        try:
            if timeout is None:
                self._drain()  # here: who waits may be the very thread that would write
            else:
                self._wake()
            with self._lock:
                return self._changed.wait_for(lambda: self._is_written(last), timeout)
        finally:
            with self._lock:
                self._hurried -= 1

    def finish(self) -> None:
        """Write what is left in this thread, where no executor will."""
        self._hurry()
        self._drain()
        self.flush()

    def __len__(self) -> int:
        return len(self._queue) + len(self._writing)


def _size(saving: Pending) -> int:
    return (saving.record and saving.record.size) or 0
