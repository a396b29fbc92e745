"""`Turn`: one call that runs its function, from the lease of its key to the saved result."""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from math import inf
from typing import TYPE_CHECKING, Any, Final, Self

from beautyspot.calls.steps import Outcome
from beautyspot.concurrency import deferred, holders, single_flight
from beautyspot.concurrency.waiting import Job, has_loop
from beautyspot.results.invalidations import Moment
from beautyspot.results.known import known
from beautyspot.results.shared_commits import SharedCommits
from beautyspot.serialization.file_data import FileData

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Executor

    from beautyspot.calls.engine import Engine
    from beautyspot.concurrency.single_flight import Flight
    from beautyspot.contracts import Beginning, Lease, TaskRecord
    from beautyspot.tasks.task import Call

ASYNCHRONOUS: Final = ("coroutine", "async generator")
"""Kinds of functions whose calls run in event loops."""


class Turn:
    """The right to run one call's function and to store its result.

    A context manager: leaving the block ends the turn, unless `hand_over` was called in it. Then
    the thread that saves the result ends it. The end releases the lease, tells the followers that
    still wait, and frees the key. It may come in any thread, and more than once: a Ctrl-C may
    come as `__exit__` begins, so a turn is entered twice, ``with Turn(…) as turn, turn:``.

    Attributes:
        flight: what other calls of this process follow until the end; None where none can.
        has_left: whether that is over.
        has_ended: whether the turn ends, or is over.
        is_over: whether nothing is left to be ended.
        lease: keeps other processes out until the end; None where nothing does.
        began_at: when the store gave the lease, by the very clock that it compares with; None where
            it did not tell.
        took: seconds that the function worked, less what it queued for limits.
        record: the row of the result, once that is encoded.
        saves: whether the turn was handed over.
    """

    __slots__ = (
        *("began_at", "call", "engine", "flight", "has_ended", "has_left", "is_over", "lease"),
        *("record", "saves", "took"),
    )

    def __init__(self, engine: Engine, call: Call) -> None:
        self.engine = engine
        self.call = call
        self.flight: Flight | None = None
        self.lease: Lease | None = None
        self.began_at: float | None = None
        self.took = 0.0
        self.record: TaskRecord | None = None
        self.saves = False
        self.has_left = False
        self.has_ended = False
        self.is_over = False
        if call.task.kind in ASYNCHRONOUS:
            holders.hold(self, self.end)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        single_flight.part(self.flight)
        if not (self.saves or self.is_over):
            self.end()

    def hand_over(self) -> None:
        """Leave the end to the thread that saves the result."""
        self.saves = True
        holders.let_go(self)

    def take_lease(self) -> bool:
        """Whether the call may go on: other processes are kept out now, or can't be."""
        store = self.engine.cache.metadata
        if not store.leases:
            return True
        try:
            self.lease = store.try_lease(self.call.key)
        except Exception as error:
            self.report_no_lease(error)
            return True
        if self.lease is None:
            return False
        if self.flight is not None:
            self.flight.leased = store
        return True

    def report_no_lease(self, error: Exception) -> None:
        """Say that the call goes on without the lease."""
        advice = "The call goes on, and another process may compute the same result"
        self._report("take a lease", error, advice)

    def hold(self, beginning: Beginning, before: Moment) -> None:
        """Have the lease that the store gave, in whatever thread, with what it told beside it.

        `before` is a moment before that, of this Spot's own log. Where the turn is over by now,
        since its caller was cancelled, the lease is released.
        """
        call, cache = self.call, self.engine.cache
        self.lease = beginning.lease
        if self.flight is not None:
            self.flight.leased = cache.metadata
        call.since = Moment(before.own, beginning.generation)
        self.began_at = beginning.now if cache.metadata.has_own_clock else None
        call.found = known(call.key, beginning.found, cache.waiting)
        if self.has_ended:
            self.release()

    def begin(self) -> None:
        """Say when the function begins: a call that comes after an invalidation does not follow.

        Nor does its result replace one of a run that begins later, nor one that is set by hand.
        """
        began = self.began_at
        self.call.began_at = self.engine.cache.clock() if began is None else began
        if self.flight is not None:
            self.flight.since = self.call.since

    def tell_spared(self) -> None:
        """Say what the followers spare: the seconds of the execution, and its price."""
        if self.flight is not None:
            self.flight.spared = self.took, self.call.price or 0.0

    def share(self, result: object) -> None:
        """Give `result` to the followers; None has each of them run the function itself."""
        if self.flight is not None:
            self.flight.finish(result)

    def share_unstored(self, value: Any) -> None:
        """Give a copy of `value`, which is not to be stored, to those who follow by now."""
        flight = self.flight
        if flight is None or flight.finish_unfollowed():
            return
        shared: object = None
        with suppress(Exception):  # no copy can be made: each follower runs the function itself
            payload = self.call.task.form.encode(value, as_media=False)
            data: object = payload.data
            shared = Outcome(data.file) if isinstance(data, FileData) else payload
        flight.finish(shared)

    def encode(self, value: Any) -> bool:
        """Turn the value into bytes, and share them; False where it can't be stored.

        A file is shared when it is stored: the followers find it, as the next one who leads.
        """
        payload = self.engine.cache.encode(self.call.task, value)
        if payload is None:
            self.engine.refuse(self.call, "serializer")
        else:
            self.record = self.engine.cache.record(self.call, payload, self.took)
        if payload is None or not isinstance(payload.data, FileData):
            self.share(payload)
        return payload is not None

    def encode_error(self, outcome: Outcome) -> bool:
        """Turn an error that is a result into bytes, and share it; False where it can't be stored.

        The followers get the error itself, as those of any other one.
        """
        assert outcome.error is not None  # noqa: S101 - see above
        payload = self.engine.cache.encode_error(self.call, outcome.error)
        if payload is None:
            self.engine.refuse(self.call, "serializer")
        else:
            self.record = self.engine.cache.record(self.call, payload, self.took)
        self.share(outcome)
        return payload is not None

    @property
    def makes_blob(self) -> bool:
        """Whether the encoded result is large enough for a blob of its own."""
        if self.record is None or self.record.result_data is None:
            return True
        size, threshold = len(self.record.result_data), self.engine.cache.placement.blob_threshold
        return self.call.task.form.wants_blob(size, threshold)

    def queue(self) -> bool:
        """Hand the encoded result to the saver; False where there is none, or it has no room."""
        saver = self.engine.saver
        if saver is None or not saver.add(self):
            return False
        self.call.is_stored = True
        self.hand_over()
        return True

    def save(self) -> None:
        """Write the encoded result, and end."""
        try:
            assert self.record is not None  # noqa: S101 - `encode` made it
            stored = self.engine.cache.save(self.call, self.record)
            data: object = self.record.result_data
            if not stored and isinstance(data, FileData):
                self.share(Outcome(data.file))
        finally:
            self.end()

    def end(self) -> None:
        """Let the next call of this key run, in this process and in others."""
        self.has_ended = True  # first: a thread may take the lease at this moment
        holders.let_go(self)
        flight = self.flight
        try:
            if self.lease is not None and self._must_not_wait():
                self._release_later()
            else:
                self.release()
        finally:
            if flight is not None and not self.has_left:
                self.engine.flights.leave(self.call.key, flight)
                self.has_left = True
            self.engine.has_run(self)
        self.is_over = self.lease is None  # one may be taken at this moment

    def _must_not_wait(self) -> bool:
        """Whether to release the lease would have an event loop wait: its task was interrupted."""
        return self.engine.blocking and self.call.task.kind in ASYNCHRONOUS and has_loop()

    def _release_later(self) -> None:
        """Release the lease in another thread; the store stays open until then."""
        lease, self.lease = self.lease, None
        token = object()
        self.engine.running[token] = None
        deferred.later(partial(self._release_for, token, lease))

    def _release_for(self, token: object, lease: Lease | None) -> None:
        try:
            self._release(lease)
        finally:
            self.engine.has_run(token)

    def release(self) -> None:
        """Release the lease, if there is one."""
        if self.lease is not None:
            self._release(self.lease)
            self.lease = None

    def _release(self, lease: Lease | None) -> None:
        if lease is None:
            return
        try:
            lease.release()
        except Exception as error:
            self._report("release a lease", error, self._until_it_falls())

    def _until_it_falls(self) -> str:
        seconds = self.engine.cache.metadata.real.lease_time
        ends = "this process ends" if seconds == inf else f"it falls, within {seconds:g} s"
        return f"Other processes wait until {ends}, or for wait_timeout"

    def _report(self, operation: str, error: Exception, advice: str) -> None:
        name = self.call.task.func_identifier
        self.engine.reporter.report(operation, name, error, advice)


class Save:
    """The step that stores the result of a turn, and ends the turn."""

    __slots__ = ("_turn",)

    def __init__(self, turn: Turn) -> None:
        self._turn = turn

    def perform(self) -> None:
        """Do it in this thread."""
        self._turn.save()

    async def perform_async(self, executor: Callable[[], Executor]) -> None:
        """Do it here where that takes no time, or in the executor.

        The executor goes on where the caller is cancelled.
        """
        turn = self._turn
        commits = turn.engine.commits
        if commits is None:  # two threads may make one each, and both work
            commits = turn.engine.commits = SharedCommits(turn.engine.cache)
        if commits.takes(turn):
            if not commits.save_at_once(turn):
                await commits.save(turn, executor)
            return
        job = Job(turn.save)
        try:
            await job.run_in(executor)
        finally:
            if job.submitted:
                turn.hand_over()
