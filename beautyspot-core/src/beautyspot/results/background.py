"""Save results in the background: the caller goes on, and many results share one commit.

A caller puts its result into a table, where look-ups find it. A thread, the saver, writes what is
in the table, and sleeps while that is empty; who flushes writes it as well. The first result starts
the saver, and the end of the Spot ends it. It is a daemon thread, so the interpreter can end while
it sleeps: the Spot's own end has written the table by then, and where that was interrupted, the end
of the interpreter's threads has. Where no thread can be started any more, the caller saves in
place.
"""

from __future__ import annotations

import atexit
import sys
import threading
from contextlib import suppress
from itertools import islice
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Final

from beautyspot.concurrency import deferred, locks
from beautyspot.concurrency.waiting import waitable
from beautyspot.errors import MetadataBusyError
from beautyspot.results.bulk import save_many
from beautyspot.serialization.file_data import FileData

if TYPE_CHECKING:
    from collections.abc import Iterable

    from beautyspot.contracts import TaskRecord
    from beautyspot.results.cache import Cache
    from beautyspot.results.shared_commits import Pending

    Flush = SimpleQueue[bool]
    """Where `Saver.flush` waits to be told whether all was written."""

QUEUE_LIMIT: Final = 10_000
"""Results in the table; the caller of one more saves it in place."""

QUEUE_BYTES: Final = 256 * 2**20
"""Bytes of results in the table."""

BATCH: Final = 256
"""Results in one commit."""

LINGER: Final = 0.005
"""Seconds for which a result waits for others to share its commit, unless a flush waits for it.

Without it the saver competes with the callers for the interpreter, one commit for each result.
"""


_at_work: dict[Saver, None] = {}
"""The savers that have a thread."""

_over: list[bool] = []
"""Not empty once the interpreter ends: a Spot that is made then may have no end."""


def _is_killed_by_its_parent() -> bool:
    """Whether multiprocessing will end this process by SIGTERM, at any moment.

    It does so with all processes that are `daemon`, such as the workers of a `Pool`.
    """
    module = sys.modules.get("multiprocessing.process")
    return module is not None and bool(module.current_process().daemon)


class Saver:
    """The results of one Spot that are yet to be saved, and the thread that saves them.

    Attributes:
        callers_save: whether callers save their results themselves, since the Spot has ended.
    """

    def __init__(self, cache: Cache) -> None:
        self._cache = cache
        self.callers_save = False
        self.reset_after_fork()

    def reset_after_fork(self) -> None:
        """Empty the table: what is in a forked child's copy is its parent's to save."""
        self._table: dict[str, Pending] = {}
        self._writing: dict[str, Pending] = {}  # of these, the batch that is being written
        self._bytes = 0
        self._lock = locks.reentrant()  # guards the table
        self._saving = locks.reentrant()  # held by the saver as long as it lives
        self._turns = locks.reentrant()  # held while a batch is written, by whomever
        self._signals: SimpleQueue[Flush | None] = SimpleQueue()  # wake the saver
        self._thread: threading.Thread | None = None  # the last saver
        self._is_alive = False  # whether a saver was started, and has not left
        self._is_awake = False  # whether it looks into the table without another signal
        self._cache.waiting.clear()
        _at_work.pop(self, None)

    def __len__(self) -> int:
        return len(self._table)

    @property
    def size(self) -> int:
        """The bytes of what is in the table."""
        return self._bytes

    @property
    def has_begun(self) -> bool:
        """Whether there has been a thread, which the end waits for."""
        return self._thread is not None

    # ------------------------------------------------------------------------------ the table

    def add(self, pending: Pending) -> bool:
        """Take over a result; False where its caller has to save it."""
        record = pending.record
        assert record is not None  # noqa: S101 - only what was encoded is saved
        size = record.size or 0
        in_place = isinstance(record.result_data, FileData)  # its caller may change it
        in_place = in_place or locks.holds(self._lock) or not self._has_room(size)
        if not in_place and self._put(pending, record):
            return True
        if self._cache.unsaved.has_newer(record):
            return False  # that is written over this one
        with suppress(MetadataBusyError):
            older = self.withdraw(record.cache_key)  # or it would be written over this one
            if older is not None:
                older.end()
        return False

    def _put(self, pending: Pending, record: TaskRecord) -> bool:
        """Put a result into the table; False where no saver can be started, or the Spot ends."""
        key = record.cache_key
        with self._lock:
            if self._cache.invalidations.noted_here(record, pending.call.since):
                return False  # look-ups must not find it
            if self._cache.unsaved.has_newer(record):
                return False
            if self.callers_save or not (self._is_awake or self._wake()):
                return False
            older = self._table.get(key)
            if older is not None:
                self._bytes -= _size(older)
                if self._writing.get(key) is older:
                    del self._table[key]  # it is written, and then this one
                else:
                    older.end()
            self._table[key] = pending
            self._cache.waiting[key] = record
            self._bytes += _size(pending)
            if len(self._table) == BATCH:
                self._signals.put(None)
        return True

    def _has_room(self, size: int) -> bool:
        full = len(self._table) >= QUEUE_LIMIT or self._bytes + size > QUEUE_BYTES
        return not (full or self.callers_save or _over or _is_killed_by_its_parent())

    def check_free(self, key: str) -> None:
        """Refuse to withdraw a result where that might wait for the code that was interrupted.

        Raises:
            MetadataBusyError: the caller interrupts code that the saver may wait for.
        """
        if key in self._table and locks.inside():
            raise MetadataBusyError("a result is just being saved: try again")

    def withdraw(self, key: str) -> Pending | None:
        """Take a result out of the table unsaved, once none of its key is being written.

        It is for the caller to end: until then no other thread or process runs the call.

        Raises:
            MetadataBusyError: the caller interrupts code that the saver may wait for.
        """
        while True:
            self.check_free(key)
            with self._lock:
                if key not in self._writing:
                    pending = self._table.get(key)
                    if pending is not None:
                        self._remove(key, pending)
                    return pending
            self._await_saver()

    def _remove(self, key: str, pending: Pending) -> None:
        """Take a result out of the table, where it is still that one."""
        if self._table.get(key) is pending:
            del self._table[key]
            self._bytes = self._bytes - _size(pending) if self._table else 0
        waiting = self._cache.waiting
        if waiting.get(key) is pending.record:  # not one that is kept for a later try
            del waiting[key]

    def flush(self, timeout: float | None = None) -> bool:
        """Wait until all is written that is in the table now.

        Where there is no time-out to keep, and the store is a local one, the caller writes it
        itself: to have the saver do so takes longer than to write a few rows.

        Returns:
            False where `timeout` seconds did not do, the saver failed, or the caller interrupts
            code that the saver may wait for.
        """
        at_once = timeout is None and not self._cache.metadata.blocking
        return (at_once and self._has_written_all()) or self._await_saver(timeout)

    def _has_written_all(self) -> bool:
        """Write what is in the table now; whether that worked."""
        if locks.inside():
            return False
        try:
            self._write_all()
        except Exception:  # the saver meets it as well, and says it
            return False
        return True

    def _await_saver(self, timeout: float | None = None) -> bool:
        """Have the saver write all that is in the table now; see `flush`."""
        if not self._table:
            return True
        if locks.inside():
            return False
        flush: Flush = SimpleQueue()
        self._signals.put(flush)
        if not self._start():
            return False
        try:
            return flush.get(timeout=waitable(timeout))
        except Empty:
            return False

    def finish(self) -> None:
        """Save what is left, and end the saver."""
        with self._lock:  # nothing comes into the table after this
            self.callers_save = True
        written = self._await_saver()
        self._signals.put(None)  # it may sleep
        if locks.inside():
            return
        if self._thread is not None:
            with suppress(RuntimeError):  # it could not be started
                self._thread.join()  # its connection is given back then
        for key in [] if written else list(self._table):
            self._save_here(key)

    def _save_here(self, key: str) -> None:
        """Save a result in this thread, where the saver failed or can't be started."""
        pending = self.withdraw(key)
        if pending is None or pending.record is None:
            return
        try:
            self._cache.save(pending.call, pending.record, later=True)
        finally:
            pending.end()

    # ------------------------------------------------------------------------------ the saver

    def _wake(self) -> bool:
        """Have the saver look into the table; False where none can be started."""
        if self._is_alive:
            self._signals.put(None)
        self._is_awake = self._start()
        return self._is_awake

    def _start(self) -> bool:
        """Start a saver, unless there is one; False where no thread can be started."""
        with self._lock:
            if not self._is_alive:
                self._cache.unsaved.watch_process_end()
                try:
                    self._thread = deferred.begin(self._save, "saver")
                except RuntimeError:
                    return False
                self._is_alive = True
                _at_work[self] = None
            return True

    def _save(self) -> None:
        """Write whatever comes into the table until the Spot ends; the saver runs this."""
        with self._lock:
            if not self._saving.acquire(blocking=False):
                return  # an interrupt (Ctrl-C) in `_start` may leave two savers
        try:
            while self._goes_on():
                self._save_next()
        except BaseException:  # the next result, flush or end starts another saver
            self._leave()
            raise
        finally:
            self._answer()

    def _goes_on(self) -> bool:
        """Whether to wait for more; else another saver may start, and no result is left behind."""
        with self._lock:
            self._is_awake = bool(self._table)
            if self.callers_save and not self._is_awake:
                self._leave()
                return False
            return True

    def _leave(self) -> None:
        with self._lock:
            self._is_alive = self._is_awake = False
            _at_work.pop(self, None)
            self._saving.release()

    def _save_next(self) -> None:
        """Write one batch; for a flush, all of the table."""
        flush = self._next_flush()
        if flush is None:
            self._write_batch()
            return
        written = False
        try:
            self._write_all()
            written = True
        finally:
            flush.put(written)

    def _next_flush(self) -> Flush | None:
        """Sleep until there is a result, and let it linger; the flush that ended this, if any."""
        if not self._is_awake and (flush := self._signals.get()) is not None:
            return flush
        try:
            full = len(self._table) >= BATCH or self.callers_save
            return self._signals.get(timeout=0 if full else LINGER)
        except Empty:
            return None

    def _answer(self) -> None:
        """Let those flushes go on that no saver has seen."""
        with suppress(Empty):
            while True:
                flush = self._signals.get_nowait()
                if flush is not None:
                    flush.put(not self._table)

    # ---------------------------------------------------------------------------- the writing

    def _write_all(self) -> None:
        """Write what is in the table now, and not what comes meanwhile."""
        left = len(self._table)
        while left > 0 and self._table:
            left -= self._write_batch()

    def _write_batch(self) -> int:
        """Write what has waited longest, and end its calls; how many these were.

        A call is ended before its result leaves the table: so none is forgotten where a Ctrl-C
        comes in between.
        """
        batch: dict[str, Pending] = {}
        with self._turns:
            try:
                with self._lock:
                    batch = self._writing = dict(islice(self._table.items(), BATCH))
                if batch:
                    self._commit(list(batch.values()))
                    _end(batch.values())
                    with self._lock:
                        for key, pending in batch.items():
                            self._remove(key, pending)
            except BaseException:
                _end(each for key, each in batch.items() if self._table.get(key) is not each)
                raise
            finally:
                self._writing = {}
        return len(batch)

    def _commit(self, batch: list[Pending]) -> None:
        """Write results in one commit."""
        rows = [(pending.call, pending.record) for pending in batch if pending.record is not None]
        save_many(self._cache, rows, later=True)


def _end(over: Iterable[Pending]) -> None:
    failed: BaseException | None = None
    for pending in over:
        try:
            pending.end()
        except BaseException as error:  # the others end all the same
            failed = failed or error
    if failed is not None:
        raise failed


def _size(pending: Pending) -> int:
    return (pending.record and pending.record.size) or 0


def _flush_all() -> None:
    """Have all savers write, as the interpreter ends.

    The end of each Spot does that as well, but an interrupt (Ctrl-C, or a SIGTERM handler that
    exits) may come in the midst of it, and then no other Spot is ended either.
    """
    for saver in list(_at_work):
        saver._await_saver()


with suppress(RuntimeError):  # the interpreter ends: callers save in place
    threading._register_atexit(_flush_all)  # type: ignore[attr-defined] # also called in children


@atexit.register
def _end_all() -> None:
    """Have callers save in place from now on."""
    _over.append(True)
    _flush_all()
