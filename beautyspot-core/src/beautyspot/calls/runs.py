"""`Run`: one call that runs its function, from the lease of its key to the saved result."""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from math import inf
from typing import TYPE_CHECKING, Any, Final

from beautyspot.calls.steps import Block, Join, Outcome
from beautyspot.concurrency import deferred, single_flight
from beautyspot.concurrency.waiting import has_loop
from beautyspot.contracts import entry_of
from beautyspot.results.writer import Pending
from beautyspot.serialization.file_data import FileData

if TYPE_CHECKING:
    from collections.abc import Generator

    from beautyspot.calls.engine import Engine
    from beautyspot.calls.steps import Step
    from beautyspot.concurrency.single_flight import Flight
    from beautyspot.contracts.store import Begun
    from beautyspot.serialization.payload import Payload
    from beautyspot.tasks.task import Call

ASYNCHRONOUS: Final = ("coroutine", "async generator")
"""Kinds of functions whose calls run in event loops."""


SMALL: Final = 32_768
"""Bytes of a result that an event loop may write itself."""


class Run:
    """The right to run one call's function and to store its result.

    Attributes:
        flight: what other calls of this process follow until the end; None where none can.
        leased: whether it holds the lease of its key, which keeps other processes out.
        since: the store's number when it began, for what is invalidated from then on.
        took: seconds that the function worked, less what it queued for limits.
        shared: the bytes of its result, for those who follow; the result itself, of a file.
        pending: its result on the way to the store.
        has_begun: whether the function has begun; then the run may cost something.
    """

    __slots__ = (
        *("_began_at", "call", "engine", "flight", "has_begun", "leased", "pending", "shared"),
        *("since", "took"),
    )

    def __init__(self, engine: Engine, call: Call, flight: Flight | None) -> None:
        self.engine, self.call, self.flight = engine, call, flight
        self.leased = self.has_begun = False
        self.since: int | None = None
        self._began_at: float | None = None
        self.took = 0.0
        self.shared: Payload | Outcome | None = None
        self.pending: Pending | None = None

    @property
    def rejected(self) -> dict[str, float]:
        """What the store is told of a stored result that this call does not take."""
        call = self.call
        worst = inf if call.refresh else call.rejected
        return {} if worst == -inf else {call.key: worst}

    def take(self, begun: Begun) -> bool:
        """Take over what the store answered; whether the lease is held now."""
        self.since, self._began_at = begun.since, begun.now
        self.leased = self.call.key in begun.leased
        return self.leased

    def begin(self) -> None:
        """Note that the function begins, by the store's clock."""
        engine = self.engine
        began = engine.cache.clock() if self._began_at is None else self._began_at
        self.call.began_at = began
        if self.since is None:
            self.since = engine.cache.number_now()
        self.has_begun = True

    # ------------------------------------------------------------------------------- sharing

    def share(self, result: object) -> None:
        """Give `result` to the followers; None has each of them run the function itself."""
        if self.flight is not None:
            self.flight.finish(result)

    def tell_spared(self) -> None:
        """Tell the followers what the run took and cost, which they spare."""
        if self.flight is not None:
            self.flight.spared = self.took, self.call.price or 0.0

    def share_unstored(self, value: Any) -> None:
        """Give a copy of `value`, which is not to be stored, to those who follow by now."""
        if self.flight is None or not self.flight.has_followers:
            self.share(None)
            return
        shared: object = None
        with suppress(Exception):  # no copy can be made: each follower runs the function itself
            payload = self.call.task.form.encode(value, as_media=False)
            data: object = payload.data
            shared = Outcome(data.file) if isinstance(data, FileData) else payload
        self.share(shared)

    # -------------------------------------------------------------------------------- saving

    def encode(self, value: Any) -> bool:
        """Turn the value into bytes, which are to be saved; False where it can't be stored."""
        payload = self.engine.cache.encode(self.call.task, value)
        self._prepare(payload)
        if payload is None:
            self.share(None)
        return payload is not None

    def encode_error(self, outcome: Outcome) -> bool:
        """The same of an error that is a result; the followers get the error itself."""
        assert outcome.error is not None  # noqa: S101 - the caller asks
        self._prepare(self.engine.cache.encode_error(self.call, outcome.error))
        self.share(outcome)
        return self.pending is not None

    def _prepare(self, payload: Payload | None) -> None:
        call = self.call
        if payload is None:
            self.engine.refuse(call, "serializer")
            return
        record = self.engine.cache.record(call, payload, self.took)
        addressing = call.task.addressing
        earlier = addressing.earlier_keys(call) if addressing.earlier else ()
        unknown = "" if call.refresh else None  # such a call has not looked
        file = payload.data.file if isinstance(payload.data, FileData) else None
        self.shared = payload if file is None else Outcome(file)
        self.pending = Pending(
            call.task, record, self.since or 0,
            leased=self.leased, replaces=call.replaces or unknown, earlier=earlier,
        )  # fmt: skip
        self.leased = False  # who writes the result releases the lease

    def saving(self) -> Generator[Step, Any, None]:
        """Save the encoded result, and share it.

        A function's is written in its thread. A coroutine function's is written in the event loop
        where that waits for nothing; else by the thread that writes many at once, or one of the
        executor. With ``save="background"`` nobody waits.
        """
        pending, engine = self._encoded(), self.engine
        writer = engine.cache.writer
        if not self.queued():
            if self.call.task.kind not in ASYNCHRONOUS:
                yield Block(partial(writer.write, pending))
            elif engine.blocking and not self.call.invalidated and writer.queue(pending):
                yield Join(pending, inf)
            elif engine.blocking or self._takes_longer or not writer.write_now(pending):
                yield Block(partial(writer.write, pending))
            self.has_saved()

    def queued(self) -> bool:
        """Whether the result is saved behind its callers, and shared by now."""
        behind = self.engine.saves_behind and not self.call.invalidated
        if behind and self.engine.cache.writer.queue(self._encoded()):
            self.call.is_stored = True
            self.share(self.shared)
            return True
        if self.flight is not None:
            self.flight.is_saving = not self.flight.done
        return False

    def has_saved(self) -> None:
        """Share the result, once it is written.

        Where it was refused, those who follow look for what is newer, or run the function; unless
        it was invalidated here, for then all of them came before that. Of a file they look for the
        stored one: the caller may change his own by now.
        """
        pending = self._encoded()
        self.call.is_stored = bool(pending.stored)
        if pending.stored and isinstance(self.shared, Outcome):
            self.share(entry_of(pending.record))  # each gets a file of its own
        elif not pending.refused or self.call.invalidated:
            self.share(self.shared)

    def _encoded(self) -> Pending:
        assert self.pending is not None  # noqa: S101 - the callers have encoded it
        return self.pending

    @property
    def _takes_longer(self) -> bool:
        """Whether the encoded result is compressed, large, or makes a blob: in no event loop."""
        data: object = self._encoded().record.result_data
        if not isinstance(data, bytes | bytearray | memoryview) or len(data) > SMALL:
            return True
        form, threshold = self.call.task.form, self.engine.cache.placement.blob_threshold
        return form.compresses or form.wants_blob(len(data), threshold)

    def end(self) -> None:
        """Let the next call of this key run, in other processes and then in this one."""
        if self.flight is not None:
            single_flight.part(self.flight)
        if self.leased and self.engine.blocking and has_loop():  # nothing may wait here
            self.engine.running[self] = None
            deferred.later(self._end)
        else:
            self._end()

    def _end(self) -> None:
        try:
            _release([self])
        finally:
            if self.flight is not None:
                self.engine.flights.leave(self.flight)
            self.engine.has_run(self)


def release_all(engine: Engine, runs: list[Run]) -> Generator[Step, Any, None]:
    """Release the leases of runs that store nothing, before their caller goes on."""
    held = [run for run in runs if run.leased]
    if held and engine.blocking:
        yield Block(partial(_release, held))


def _release(runs: list[Run]) -> None:
    keys = [run.call.key for run in runs if run.leased]
    for run in runs:
        run.leased = False
    if keys:
        runs[0].engine.cache.release(runs[0].call.task.func_identifier, *keys)


def save_all(engine: Engine, runs: list[Run]) -> Generator[Step, Any, None]:
    """Save the encoded results of several runs, and share them."""
    left = [run for run in runs if not run.queued()]
    pending = [run.pending for run in left if run.pending is not None]
    if pending:
        yield Block(partial(engine.cache.writer.write_all, pending))
    for run in left:
        run.has_saved()
