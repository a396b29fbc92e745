"""`Turn`: one call that runs its function, from the lease of its key to the saved result."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from beautyspot.calls.engine import Engine
    from beautyspot.concurrency.single_flight import Flight
    from beautyspot.contracts import Lease, TaskRecord
    from beautyspot.tasks.task import Call


class Unstorable:
    """The result of a flight whose value no follower can get a copy of."""


UNSTORABLE: Final = Unstorable()


class Turn:
    """A call that runs its function, on the way of its result into the store.

    It ends in whichever thread and way that is: by then its followers have been told, and its key
    is free. Who is interrupted (Ctrl-C) as he ends it can end it again.

    Attributes:
        flight: what others of this process follow, until it has ended; None where none can.
        lease: keeps other processes out, until it has ended; None where nothing does.
        took: seconds that the function took.
        record: the row of the result, once that is encoded.
        saves: whether the end comes with the saving, elsewhere: the call may be cancelled then.
    """

    __slots__ = ("call", "engine", "flight", "lease", "record", "saves", "took")

    def __init__(self, engine: Engine, call: Call) -> None:
        self.engine = engine
        self.call = call
        self.flight: Flight | None = None
        self.lease: Lease | None = None
        self.took = 0.0
        self.record: TaskRecord | None = None
        self.saves = False

    def take_lease(self) -> bool:
        """Whether other processes are kept out now, or can't be."""
        won, self.lease = self.engine.try_lease(self.call)
        return won

    def share(self, result: object) -> None:
        """Give the followers who wait what they came for."""
        if self.flight is not None:
            self.flight.finish(result)

    def encode(self, value: Any) -> bool:
        """Turn the value into bytes, and share them; False where it can't be stored."""
        try:
            payload = self.engine.cache.encode(self.call.task, value)
            if payload is not None:
                self.record = self.engine.cache.record(self.call, payload, self.took)
            self.share(payload or UNSTORABLE)
            return payload is not None
        finally:
            if self.record is None:
                self.end()

    def save(self) -> None:
        """Write what `encode` made."""
        try:
            assert self.record is not None  # noqa: S101 - `encode` said so
            self.engine.cache.save(self.call, self.record)
        finally:
            self.end()

    def end(self) -> None:
        """Let the next one in, here and in other processes."""
        lease, flight = self.lease, self.flight
        try:
            if lease is not None:
                self.engine.release(self.call, lease)
                self.lease = None
        finally:
            if flight is not None:
                self.engine.flights.leave(self.call.key, flight)
                self.flight = None
            if self in self.engine.running:
                self.engine.has_run(self)
