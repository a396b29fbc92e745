"""`Recording`: one run of a generator, shared by all who ask for it at once, and stored at its end.

Each consumer goes at its own pace. One that is behind gets copies of the items recorded so far; one
that is ahead has the generator run to its next item, and those that come to that item meanwhile
wait for it. A consumer that breaks off leaves the generator to the others; the last one closes it.

A run stores nothing if it is broken off, if it raises, if its consumer sends something into it, if
an item can't be stored, and if it is over `STREAM_BYTES`. From then on nobody joins it, and only
the items that one of its consumers has still to read are kept.
"""

from __future__ import annotations

from functools import partial
from math import inf
from time import perf_counter
from typing import TYPE_CHECKING, Any, Final

from beautyspot.calls import waits
from beautyspot.calls.executions import observed
from beautyspot.calls.reports import has_changed
from beautyspot.calls.steps import Block, Outcome
from beautyspot.calls.turn import Turn
from beautyspot.concurrency import locks, single_flight
from beautyspot.concurrency.queueing import Work
from beautyspot.concurrency.single_flight import Flight
from beautyspot.errors import SerializationError, StreamError
from beautyspot.limits import concurrency_cap

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from beautyspot.calls.engine import Engine
    from beautyspot.calls.steps import Step
    from beautyspot.contracts import Data
    from beautyspot.tasks.task import Call, Task
    from beautyspot.tasks.watching import Watch

    Flow = Generator[Step, Any, Outcome]
    Resume = Callable[[Any], Any]
    Pull = Callable[["Recording", Flight, Resume], Step]

STREAM_BYTES: Final = 256 * 2**20
"""A longer stream is passed on and not stored: what is recorded waits in memory for its end."""


class EndOfStream(Exception):  # noqa: N818 - no error, as `StopIteration` is none
    """The generator ended by itself, and returned `value`."""

    def __init__(self, value: Any) -> None:
        super().__init__()
        self.value = value


class StartOver(Exception):  # noqa: N818 - as above
    """The run can't go on with this consumer, which has read nothing of it yet.

    Attributes:
        alone: whether the consumer must not join another run.
    """

    def __init__(self, *, alone: bool) -> None:
        super().__init__()
        self.alone = alone


class PullStep:
    """The step that runs a generator to its next item, in the way of its kind."""

    __slots__ = ("_flight", "_recording", "_resume")

    def __init__(self, recording: Recording, flight: Flight, resume: Resume) -> None:
        self._recording = recording
        self._flight = flight
        self._resume = resume


class Recording:
    """One run of a generator. The lock of all runs guards what several threads change.

    Attributes:
        call: the one that began it.
        began: when that was, by `perf_counter`.
        whole: whether every item is kept, so that others may join and the end can be stored.
        runner: of an async generator, what runs it.
        source: the user's generator, once it was asked for its first item.
        last: the number of what the generator returned, once it has ended.
        work: how long it worked: not its consumers, nor where it queued for limits.
    """

    def __init__(self, engine: Engine, call: Call, key: object) -> None:
        self.engine = engine
        self.call = call
        self.began = perf_counter()
        self._key = key
        self._runs = engine.streams
        self.whole = call.may_store
        self.runner: Any = None
        self.last: int | None = None
        self.source: Any = None
        self._consumers: list[Consumer] = []
        self._under_way: Flight | None = None
        self._leader: Consumer | None = None  # the consumer that began that way
        self._items: list[Data | None] = []  # None: has no copy
        self._dropped = 0  # items before the first in the list
        self._bytes = 0
        self._work = Work(call.task.counted, is_limited=call.task.is_limited)
        self._told = 0.0  # seconds of it that are counted
        self._error: Exception | None = None
        self._broken = ""  # why it can't go on
        self._watch: Watch | None = None
        if self.whole:
            self._watch = call.task.addressing.watch(call)
            call.task.addressing.tell_arguments(call, self._watch)
        engine.miss(call)  # which sees whether its lines are wanted in the log
        observers = engine.observers
        self._observers = observers if observers.watching else None

    # ------------------------------------------------------------------- what runs the generator

    def open(self) -> Any:
        """The user's generator, made at the first call."""
        if self.source is None:
            call, observers = self.call, self._observers
            if observers is None:
                self.source = call.task.function(*call.args, **call.kwargs)
            else:
                self.source = observed(observers, call, self._work)
        return self.source

    def run(self) -> None:
        """Note that the generator begins to run to its next item."""
        if self._observers is None:  # else what tells them measures it, without what they do
            self._work.begin()

    def rest(self) -> None:
        """Note that it has come there, or was interrupted, in the same context."""
        if self._observers is None:
            self._work.rest()
        took, told = self.took, self._told
        self._told = took
        self.call.task.counted.seconds_spent += took - told

    @property
    def took(self) -> float:
        """Seconds that the generator worked: not its consumers, nor where it queued for limits."""
        return self._work.seconds

    def add(self, item: Any) -> Outcome:
        """Record an item, and return it."""
        data = self._copied(item)
        with self._runs.lock:
            self._items.append(data)
        return Outcome(item)

    def end(self, returned: Any) -> Block:
        """The step that stores the stream, which ended by itself and returned a value."""
        if self.whole and has_changed(self.engine, self._watch, self.call):
            self.stop()
        self._work.start()
        return Block(partial(self._end, self._copied(returned)))

    def fail(self, error: Exception) -> Outcome:
        """Note that the generator raised: each consumer gets the error when it comes there."""
        self._error = error
        self.call.task.counted.failures += self._work.has_failed()
        self.engine.counting.look()
        self.stop()
        return Outcome(error=error)

    def break_off(self) -> None:
        """Note that the generator was interrupted, and can't go on."""
        self._broken = "the caller that ran the generator was interrupted"
        self.stop()

    def arrive(self, flight: Flight, result: Outcome | None) -> None:
        """End the way to an item, and give the result to the consumer that began the way."""
        with self._runs.lock:
            if self._under_way is flight:
                self._under_way = None
        flight.finish(result)

    def stop(self) -> None:
        """Store nothing, and let nobody join."""
        self.whole = False
        self._runs.withdraw(self._key, self)

    def _copied(self, item: Any) -> Data | None:
        if not self.whole and self._consumers == [self._leader]:
            return None  # nobody reads it
        try:
            data = self.call.task.form.serializer.dumps(item)
            self._bytes += len(data)
        except Exception as error:
            self._give_up(error)
            return None
        if self._bytes > STREAM_BYTES:
            self._give_up(SerializationError(f"the stream is over {STREAM_BYTES >> 20} MiB"))
        return data

    def _give_up(self, error: Exception) -> None:
        if self.whole:
            self.stop()
            advice = "The stream is passed on, and not cached"
            name = self.call.task.func_identifier
            self.engine.reporter.report("store the stream", name, error, advice)
            self.engine.refuse(self.call, "serializer")

    def _end(self, returned: Data | None) -> None:
        self.engine.counting.look()
        try:
            if self.whole:
                self._save([item for item in (*self._items, returned) if item is not None])
        finally:
            with self._runs.lock:
                self.last = self._dropped + len(self._items)
                self._items.append(returned)
                self._runs.ended += 1
                self._runs.withdraw(self._key, self)

    def _save(self, items: list[Data]) -> None:
        task = self.call.task
        copies = partial(_copies, task, items)
        self.engine.price(self.call, copies)
        asks = task.options.cache_if is not None or task.asks_terms
        if asks and not self.engine.keeps(self.call, copies()):
            return
        with Turn(self.engine, self.call) as turn, turn:
            turn.took = self.took
            if not turn.encode(items):
                return
            if not self.engine.blocking or turn.makes_blob:
                turn.take_lease()  # or `collect` might remove the blob before a row names it
            if not turn.queue():
                turn.save()

    # ----------------------------------------------------------------------------- for consumers

    def look(self, consumer: Consumer) -> Flight | Outcome | Data | None:
        """What is known of a consumer's next item, or else the way to it.

        Returns:
            Its bytes, None where it has no copy; the error that comes in its place; or the way to
            it, which the consumer has to begin where it is its `flight`.
        """
        with self._runs.lock:
            number = consumer.position - self._dropped
            if number < len(self._items):
                return self._items[number]
            if self._error is not None:
                return Outcome(error=self._error)
            if self._broken:
                return consumer.lost(self._broken)
            if self._under_way is None:
                self._leader = consumer
                self._under_way = consumer.flight = Flight(None, self.call.key)
            return self._under_way

    def is_only_for(self, consumer: Consumer) -> bool:
        """Whether no other consumer notices what this one does; then nobody joins any more."""
        with self._runs.lock:
            ahead = consumer.position == self._dropped + len(self._items)
            if self._consumers != [consumer] or not ahead or self._under_way is not None:
                return False
            self.stop()
            return True

    def enter(self, consumer: Consumer) -> None:
        """Go on for a consumer, too."""
        with self._runs.lock:
            self._consumers.append(consumer)

    def leave(self, consumer: Consumer) -> bool:
        """Go on without a consumer; whether it was the last, which has to close the generator."""
        with self._runs.lock:
            if consumer not in self._consumers:
                return False
            self._consumers.remove(consumer)
            if self._consumers:
                self._trim()
                return False
            self._leader = self._error = None  # both refer to this: cycles for the collector
            self._runs.withdraw(self._key, self)
            return True

    def advance(self, consumer: Consumer) -> None:
        """Note that a consumer has got its next item."""
        with self._runs.lock:
            consumer.position += 1
            self._trim()

    def _trim(self) -> None:
        """Drop what all consumers have read, unless it is to be stored."""
        if self.whole:
            return
        read = min(consumer.position for consumer in self._consumers) - self._dropped
        if read * 2 > len(self._items):  # not at each item: it moves the others
            del self._items[:read]
            self._dropped += read


def _copies(task: Task, items: list[Data]) -> list[Any]:
    """The list of items, for `price` and `cache_if`: copies, since the real ones are gone."""
    return [task.form.serializer.loads(item) for item in items[:-1]]


class Consumer:
    """One caller of a generator, and how far it has come.

    Attributes:
        recording: the run that it reads.
        position: how many items it has read.
        flight: the way to an item that it began last.
    """

    def __init__(self, recording: Recording) -> None:
        self.recording = recording
        self.position = 0
        self.flight: Flight | None = None
        recording.enter(self)

    def take(self, resume: Resume, pull: Pull) -> Flow:
        """The flow to the next item.

        Args:
            resume: how the generator goes on, if it has to.
            pull: makes the step that runs the generator to its next item.

        Returns:
            The item; or as an error what the generator raised, `EndOfStream`, or `StartOver`.
        """
        while True:
            found = self.recording.look(self)
            if isinstance(found, Outcome):
                return found
            if not isinstance(found, Flight):
                return self._copy(found)
            leads = found is self.flight
            if (locks.inside() and not leads) or not single_flight.follow(found):
                return self.lost("it would wait for itself", alone=True)
            try:
                done = yield from self._wait(found, pull, resume if leads else None)
            finally:
                single_flight.forsake(found)
            if leads and isinstance(found.result, Outcome):
                self.flight = None  # an error in it refers to this: a cycle for the collector
                self.recording.advance(self)
                return found.result
            if not done:
                return self.lost("the first item did not come in wait_timeout", alone=True)

    def _wait(
        self, flight: Flight, pull: Pull, resume: Resume | None
    ) -> Generator[Step, Any, bool]:
        """Go to the item, or wait for the consumer that does; False once the time is over."""
        recording = self.recording
        if resume is not None:
            yield pull(recording, flight, resume)
            return True
        engine, call = recording.engine, recording.call
        with concurrency_cap.waiting_for(flight), engine.noting_wait(call, "run"):
            seconds = engine.wait_timeout if self.position == 0 else inf
            return (yield from waits.join(engine, call, flight, seconds))

    def lost(self, why: str, *, alone: bool = False) -> Outcome:
        """The run can't go on with this consumer: two runs never make one stream."""
        if self.position == 0:
            return Outcome(error=StartOver(alone=alone))
        name = self.recording.call.task.func_identifier
        return Outcome(
            error=StreamError(
                f"several callers read one run of {name}, and this one can't go on after "
                f"{self.position} items: {why}. Call it again"
            )
        )

    def _copy(self, data: Data | None) -> Outcome:
        if data is None:
            return self.lost("an item has no copy, since it can't be stored", alone=True)
        recording = self.recording
        try:
            value = recording.call.task.form.serializer.loads(data)
        except Exception as error:
            return self.lost(f"an item can't be copied: {error}", alone=True)
        is_last = self.position == recording.last
        recording.advance(self)
        return Outcome(error=EndOfStream(value)) if is_last else Outcome(value)
