"""`Run`: one call that runs its function, and what it holds until its result is saved."""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from math import inf
from time import monotonic
from typing import TYPE_CHECKING, Any

from beautyspot.calls.reports import report_no_lease
from beautyspot.calls.steps import Block, Outcome, Wait
from beautyspot.concurrency import deferred, single_flight
from beautyspot.concurrency.single_flight import ABANDONED, Lease
from beautyspot.concurrency.waiting import running_loop
from beautyspot.contracts import entry_of
from beautyspot.errors import MetadataBusyError
from beautyspot.resilience.reporting import STORING
from beautyspot.results.rows import row_of
from beautyspot.results.saving import Pending
from beautyspot.results.validity import ELSEWHERE
from beautyspot.serialization.payload import FileData

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence

    from beautyspot.calls.engine import Engine
    from beautyspot.calls.steps import Step
    from beautyspot.concurrency.single_flight import Flight
    from beautyspot.contracts import Entry
    from beautyspot.contracts.store import Begun
    from beautyspot.serialization.payload import Payload
    from beautyspot.tasks.task import Call


class Run:
    """The right to run one call's function and to store its result.

    Attributes:
        flight: what other calls of this process follow until the end; None where none can.
        has_ended: whether its end has come, after which a lease that comes late is released.
        lease: of its key; while it is held, all others are kept out.
        since: the store's number when it began, for what is invalidated from then on.
        began_at: when that was, in Unix time, by the store's clock.
        took: seconds that the function worked, from when it had its permit.
        asked: when the store was last asked about the key, by `monotonic`.
        encoded: the result in bytes, or where it is a file the outcome.
        shared: what those get who follow: the bytes of the result, or the outcome itself; None has
            each of them run the function itself.
        pending: its result on the way to the store.
    """

    # Of the class: to set them all takes a microsecond of each miss.
    has_ended = False
    since: int | None = None
    began_at: float | None = None
    asked = took = 0.0
    shared: Any = ABANDONED
    encoded: Payload | Outcome | None = None
    pending: Pending | None = None

    def __init__(self, engine: Engine, call: Call, flight: Flight | None) -> None:
        self.engine, self.call, self.flight = engine, call, flight
        self.lease = Lease(call.key) if flight is None else flight.lease

    # ------------------------------------------------------------------------------ beginning

    def ask(self, *, in_place: bool = False) -> Any:
        """Ask the store for the lease, and for what is there; None (reported) where it fails.

        `in_place`, it is `ELSEWHERE` where the store would wait.
        """
        call, self.asked = self.call, monotonic()
        rejected = {} if call.rejected == -inf else {call.key: call.rejected}
        try:
            begun = self.engine.cache.leases.begin([self.lease], rejected, in_place=in_place)
        except Exception as error:
            if in_place and isinstance(error, MetadataBusyError):
                return ELSEWHERE
            report_no_lease(self.engine, call, error)
            return None
        self.since, self.began_at = begun.since, begun.now
        if self.has_ended:  # its caller was cancelled meanwhile
            self.release()
        return begun

    def take(self, begun: Begun) -> bool:
        """Take over what the store answered; whether the lease is held now."""
        self.since, self.began_at = begun.since, begun.now
        if self.has_ended:
            self.release()
        return self.lease.held

    def begin(self) -> None:
        """Note that the function begins, also where the store has said nothing."""
        if self.since is None:
            cache = self.engine.cache
            self.since, self.began_at = cache.number_now(), cache.store.clock()
        self.call.began_at = self.began_at

    # -------------------------------------------------------------------------------- keeping

    def share_found(self, entry: Entry) -> None:
        """Share what is stored with those who came before the store was asked for it."""
        self.shared = entry
        if self.flight is not None:
            self.flight.as_of = self.asked

    def share_unstored(self, value: Any) -> None:
        """Give a copy of `value`, which is not to be stored, to those who follow by now."""
        self.shared = None
        if self.flight is not None and self.flight.wakers:
            with suppress(Exception):  # no copy can be made: each follower runs the function itself
                payload = self.call.task.form.encode(value)
                data: object = payload.data
                self.shared = Outcome(data.file) if isinstance(data, FileData) else payload

    def prepare(self, outcome: Outcome, copy: Callable[[], Any] | None = None) -> bool:
        """Turn the result into bytes and make its row; False where it is not to be stored.

        Args:
            outcome: what the function did. Those who follow get it itself where it is an error.
            copy: gives the value to the functions of the mark, where that of the outcome is another
                form of it.
        """
        engine, call = self.engine, self.call
        task, cache = call.task, engine.cache
        if self.flight is not None:
            self.flight.spared = self.took, call.price or 0.0
        if (
            outcome.error is None
            and task.is_judged
            and not engine.accept(call, outcome.value if copy is None else copy())
        ):
            self.share_unstored(outcome.value)
            return False
        try:
            if outcome.error is None:
                payload = task.form.encode(outcome.value)
            else:
                self.shared = outcome
                payload = task.encode_error(outcome.error)
                call.terms = task.error_terms
        except Exception as error:
            advice = "The value is returned, and not cached"
            if outcome.error is None:
                self.shared = None
            else:
                advice = "Its caller gets it, and it is not cached: raise one of plain values"
            engine.reporter.report(STORING, task.func_identifier, error, advice)
            engine.refuse(call, "serializer")
            return False
        data: object = payload.data
        self.encoded = Outcome(data.file) if isinstance(data, FileData) else payload
        record = row_of(cache.placement, call, payload, self.took)
        self.pending = Pending(
            task, record, self.since or 0, lease=self.lease,
            replaces=call.replaces or ("" if call.refresh else None),  # that has not looked
            earlier=task.addressing.earlier_keys(call) if task.addressing.earlier else (),
            most=cache.placement.blob_threshold, behind=engine.saves_behind,
        )  # fmt: skip
        call.made_at = record.made_at
        return True

    def save_behind(self) -> bool:
        """Leave the result to the thread that writes behind callers; False where it takes none."""
        call, pending = self.call, self.pending
        if pending is None or call.invalidated or not self.engine.cache.writer.queue(pending):
            return False
        call.is_stored = True
        if self.shared is ABANDONED:
            self.shared = self.encoded
        return True

    # ------------------------------------------------------------------------------------ end

    def release(self) -> None:
        """Release the lease, where the run stores nothing."""
        self.engine.cache.saver.release(self.call.task.func_identifier, self.lease)

    def end(self, *, in_thread: bool = False) -> None:  # noqa: C901 - a step a line
        """Let the next call of this key run, in other processes and then in this one.

        Where the event loop may wait for nothing, a thread does so, `in_thread`.
        """
        engine, flight, self.has_ended = self.engine, self.flight, True
        holds = self.lease.held
        if holds and self.pending is not None:  # what is yet to be written has it
            queued = engine.cache.writer.pending.get(self.call.key)
            holds = queued is not self.pending and not self.pending.away
        if holds and engine.blocking and not in_thread and running_loop():
            engine.running[self] = None
            if flight is not None:
                single_flight.part(flight)
            deferred.later(partial(self.end, in_thread=True))
            return
        failure = None
        if holds:
            try:  # what an interrupt leaves here, the thread's next call of the key ends
                self.release()
            except Exception as error:  # of a strict Spot
                failure = error
        if flight is not None:
            engine.flights.leave(flight, self.shared)
        engine.running.pop(self, None)
        if engine.closing:
            engine.has_run(self)
        if failure is not None:
            raise failure


def release_all(runs: Sequence[Run]) -> None:
    """Release the leases of runs of one function that store nothing."""
    held = [run.lease for run in runs if run.lease.held]
    if held:
        runs[0].engine.cache.saver.release(runs[0].call.task.func_identifier, *held)


def save(  # noqa: C901 - one step, in its order: it is made at each miss
    engine: Engine, *runs: Run
) -> Generator[Step, Any, None]:
    """Save the results of runs of one function, and have them shared.

    A function's are written in its thread. One of a coroutine function is written in the event
    loop where that waits for nothing, with those of other tasks that end in the same turn of it;
    else by the thread that writes many at once, and several by one of the executor. With
    ``save="background"`` nobody waits.

    Where a result was refused, those who follow look for what is newer, or run the function:
    another process may have invalidated it before they called. Of a file they look for the stored
    one: the caller may change his own by now.
    """
    if engine.saves_behind:
        runs = (*[run for run in runs if not run.save_behind()],)
    if not runs:
        return
    writer, call, now = engine.cache.writer, runs[0].call, monotonic()
    results: list[Pending] = []
    for run in runs:
        assert run.pending is not None  # noqa: S101 - see `prepare`
        results.append(run.pending)
        if run.flight is not None and not run.flight.done:
            run.flight.as_of = now
    one = results[0] if len(results) == 1 else None
    if not call.task.is_async:
        if one is not None and engine.blocking:
            writer.write_with_others(one)
        else:
            writer.write(*results)
    elif (
        one is not None
        and not call.invalidated
        and (
            writer.queue(one)
            if engine.blocking
            else writer.write_now(one, alone=len(engine.running) == 1)
        )
    ):
        try:
            if not one.done:
                yield Wait(one, inf)
        finally:
            if not one.done:  # the task was cancelled, or its event loop closed
                writer.hurry()
    else:
        for pending in results:
            pending.away = True
        yield Block(partial(writer.write_away, *results))
    for run, pending in zip(runs, results, strict=True):
        run.call.is_stored = bool(pending.stored)
        if pending.refused:
            run.shared = ABANDONED
        elif run.shared is ABANDONED:  # else it is an error
            run.shared = run.encoded
            if type(run.encoded) is Outcome and run.call.is_stored:
                run.shared = entry_of(pending.record)  # each gets a file of its own
