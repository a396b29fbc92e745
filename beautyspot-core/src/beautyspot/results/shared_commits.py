"""Results of the tasks of event loops: stored at once, or in a commit that they share.

A small result is stored in the event loop, where the store takes it without any wait: a hop to a
thread and back takes longer than that. Else a task hands its result to a table, and waits; a thread
of the executor writes what is in the table, until that is empty. So while one commit is under way,
the results for the next one come together, and a result waits for no other one to come. A task goes
on when its own result is stored.
"""

from __future__ import annotations

from collections import deque
from contextlib import ExitStack, suppress
from time import perf_counter
from typing import TYPE_CHECKING, Any, Final, Protocol

from beautyspot.concurrency import deferred, locks
from beautyspot.results.bulk import save_many

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable
    from concurrent.futures import Executor, Future

    from beautyspot.contracts import TaskRecord
    from beautyspot.results.cache import Cache
    from beautyspot.tasks.task import Call

    Waiting = tuple["Pending", asyncio.Future[None]]

MOST: Final = 256
"""Results in one commit."""

SMALL: Final = 32_768
"""Bytes of a result that may be stored in the event loop."""


class Pending(Protocol):
    """A call whose result is to be saved.

    Attributes:
        call: the call itself.
        record: the row of its result.
    """

    call: Call
    record: TaskRecord | None

    def hand_over(self) -> None:
        """Leave the end to who saves the result."""

    def end(self) -> None:
        """Let the next call of the key run, in this process and in others; maybe repeatedly."""


class SharedCommits:
    """The results of one Spot whose tasks wait until they are stored."""

    def __init__(self, cache: Cache) -> None:
        self._cache = cache
        self._table: deque[Waiting] = deque()
        self._is_written = False  # by a thread that looks into the table once more

    def takes(self, pending: Pending) -> bool:
        """Whether a result may share its commit: one that lies in its row, in a local store.

        Blobs, and rows of a store on a network, are stored side by side. A failure that is to be
        raised belongs to one call.
        """
        record, cache = pending.record, self._cache
        if record is None or type(record.result_data) is not bytes:
            return False
        if cache.metadata.blocking or cache.reporter.strict:
            return False
        limit = cache.placement.blob_threshold
        return not pending.call.task.form.wants_blob(len(record.result_data), limit)

    def save_at_once(self, pending: Pending) -> bool:
        """Store a result that `takes` takes in this event loop, and end its call.

        False where that might have to wait, or did not work: nothing is stored, nor ended.
        """
        call, record, cache = pending.call, pending.record, self._cache
        if record is None or call.since is None or not self._is_simple(call, record):
            return False
        began = perf_counter()
        try:
            if not cache.metadata.put_at_once(record, call.since.store):
                return False
        except Exception:  # it comes up again in the executor, and is said there
            return False
        try:
            cache.let_go(call)
            cache.placement.tell_stored(record, perf_counter() - began, later=False)
        finally:
            pending.end()
        return True

    def _is_simple(self, call: Call, record: TaskRecord) -> bool:
        """Whether all there is to do for a result is to insert a small row."""
        cache, task = self._cache, call.task
        waits = (
            len(cache.unsaved) or cache.health.writes.is_open or not cache.metadata.invalidations
        )
        more = call.replaces is not None or task.addressing.earlier or task.form.compresses
        more = more or bool(record.price)  # which is counted first
        small = (record.size or 0) <= SMALL
        return small and not (waits or more or cache.invalidations.noted_here(record, call.since))

    async def save(self, pending: Pending, executor: Callable[[], Executor]) -> None:
        """Store a result that `takes` takes, and end its call, also where its task is cancelled."""
        import asyncio

        done = asyncio.get_running_loop().create_future()
        pending.hand_over()
        self._table.append((pending, done))
        if not self._is_written:
            self._is_written = True
            self._submit(executor)
        await done

    def _submit(self, executor: Callable[[], Executor]) -> None:
        try:
            with locks.reentrant():  # `submit` holds locks that other threads may wait for
                queued = executor().submit(self._write)
        except RuntimeError:  # it takes no work; a thread of it may have begun it nevertheless
            self._write()
        else:
            queued.add_done_callback(self._write_here)

    def _write_here(self, queued: Future[None]) -> None:
        if queued.cancelled():  # dropped by an executor that takes no more
            self._write()

    def _write(self) -> None:
        """Write until the table is empty. Two threads at a time do no harm."""
        try:
            while True:
                self._is_written = False  # then a look: who came before that may have seen True
                if not self._table:
                    return
                self._is_written = True
                self._write_batch()
        except BaseException:
            deferred.later(self._write)  # for those that wait
            raise

    def _write_batch(self) -> None:
        batch: list[Waiting] = []
        with suppress(IndexError):  # another thread takes some, too
            while len(batch) < MOST:
                batch.append(self._table.popleft())
        rows = [(each.call, each.record) for each, _ in batch if each.record is not None]
        with ExitStack() as ends:
            ends.callback(_wake, batch)
            for each, _ in batch:
                ends.callback(each.end)
            if rows:
                self._save(rows)

    def _save(self, rows: list[tuple[Call, TaskRecord]]) -> None:
        try:
            save_many(self._cache, rows, later=False)
        except Exception as error:
            advice = "The callers have their results, and these are computed again next time"
            self._cache.reporter.report("save the result", "", error, advice)


def _wake(batch: list[Waiting]) -> None:
    """Let the tasks go on, those of one event loop together."""
    loops: dict[Any, list[asyncio.Future[None]]] = {}
    for _, done in batch:
        loops.setdefault(done.get_loop(), []).append(done)
    for loop, all_done in loops.items():
        with suppress(RuntimeError):  # it is closed, and nothing waits in it
            loop.call_soon_threadsafe(_let_go, all_done)


def _let_go(all_done: list[asyncio.Future[None]]) -> None:
    for done in all_done:
        if not done.done():
            done.set_result(None)
