"""Generators of both kinds: the items are passed on as they come, and stored at the end.

    key ──▶ look up ──hit──▶ the stored items, one by one
              │ miss
              ▼
            the items of the user's generator ──ends by itself──▶ store the list of them

`_flow` tells it for both kinds: it yields the steps of `steps`, one more that has the user's
generator go on, and a `Give` for each item, which comes back with what the consumer did.

Each caller runs a generator of its own, in its own thread or task, as without a mark: also where an
equal stream is under way. A run stores nothing if it is broken off, if it raises, if its consumer
sends or throws something into it, if an item can't be stored, and if it is over `STREAM_BYTES`.

What is sent or thrown into stored items is for the user's own generator, which is run up to there.

A generator runs within a copy of the context of the call that began it, if an observer wraps it:
what that puts into context variables is seen by the generator, whatever thread or task runs its
next item, and by no consumer.
"""

from __future__ import annotations

import sys
from contextvars import copy_context
from functools import partial
from time import perf_counter
from typing import TYPE_CHECKING, Any, Final

from beautyspot.calls.flow import answer, answer_async, not_stored, strand
from beautyspot.calls.reports import has_changed, report_no_lease
from beautyspot.calls.runs import Run, save
from beautyspot.calls.steps import Block, Observed, Outcome
from beautyspot.concurrency.queueing import Work
from beautyspot.errors import SerializationError
from beautyspot.results.validity import MISSING

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Generator
    from concurrent.futures import Executor
    from contextvars import Context

    from beautyspot.calls.engine import Engine
    from beautyspot.calls.flow import Flow
    from beautyspot.calls.steps import Step
    from beautyspot.contracts import Data
    from beautyspot.tasks.task import Call
    from beautyspot.tasks.telling import Watch

STREAM_BYTES: Final = 256 * 2**20
"""A longer stream is passed on and not stored: what is recorded waits in memory for its end."""


class Stream(Run):
    """The run of one call of a marked generator, and what is recorded of it.

    A context manager around each step of the user's generator, which measures and counts it.

    Attributes:
        source: the user's generator, from when it runs.
        end_by: what that raises where it ends by itself.
        context: that of the run, where an observer wraps it; None where it is that of each step.
    """

    def __init__(self, engine: Engine, call: Call) -> None:
        super().__init__(engine, call, None)
        self.source: Any = None
        is_async = call.task.kind == "async generator"
        self.end_by: type[Exception] = StopAsyncIteration if is_async else StopIteration
        self._data: list[Data] | None = None  # of the items; None where they are not to be stored
        self._bytes = 0
        self._work = Work()
        self._watch: Watch | None = None
        self._told = 0.0  # seconds of it that are counted
        self._observed: Observed | None = None
        self.context: Context | None = None

    def beginning(self) -> Flow:
        """The flow of a call for which nothing was found: counted, and to be recorded, by its mode.

        Its outcome is an error where the mode forbids running the function.
        """
        engine, call = self.engine, self.call
        if call.mode == "replay":
            return Outcome(error=not_stored(engine, call))
        if call.key:
            if call.may_store:
                yield Block(self._ask)
                self._watch = call.task.addressing.begin(call)
                self._data = []
            self._work = Work(call.task.counted, is_limited=call.task.is_limited)
            engine.running[self] = perf_counter()
            engine.miss(call)  # which sees whether its lines are wanted in the log
        return Outcome()

    def _ask(self) -> None:
        """Ask the store for its number, for what is invalidated from here on; it leases nothing."""
        try:
            self.take(self.engine.cache.leases.begin([], {}))
        except Exception as error:
            report_no_lease(self.engine, self.call, error)
        self.begin()

    # ------------------------------------------------------------------------------------- run

    def within(self, work: Callable[..., Any], *args: Any) -> Any:
        """Do what belongs to the run in its context."""
        return work(*args) if self.context is None else self.context.run(work, *args)

    def opened(self) -> Any:
        """The user's own generator."""
        if self.source is None:
            call = self.call
            self.source = self.within(partial(call.task.function, *call.args, **call.kwargs))
        return self.source

    def __enter__(self) -> None:
        observers = self.engine.observers
        if self.source is None and (observers.told or observers.wraps):
            if observers.wraps:
                self.context = copy_context()
            self._observed = self.within(Observed, observers, self.call, self._work)
        self.within(self._work.begin)

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        self.within(self._work.rest)
        if error is not None:
            self.tell_end(error)
        if self not in self.engine.running:
            return
        counted, told = self.call.task.counted, self._told
        self._told = self._work.seconds
        counted.seconds_spent += self._told - told
        if isinstance(error, Exception) and not isinstance(error, self.end_by):
            counted.failures += self._work.has_failed()
            self.engine.counting.look()

    def tell_end(self, error: BaseException) -> None:
        """Tell the observers that the generator has ended, raised, or was closed."""
        observed, self._observed = self._observed, None
        if observed is not None:
            raised = None if isinstance(error, self.end_by) else error
            self.within(observed.end, raised)

    # ---------------------------------------------------------------------------------- record

    def stop(self) -> None:
        """Store nothing of this run."""
        self._data = None

    def recorded(self, item: Any) -> Any:
        """Record an item, and return it."""
        if self._data is None:
            return item
        try:
            data = self.call.task.form.serializer.dumps(item)
            self._bytes += len(data)
            if self._bytes > STREAM_BYTES:
                raise SerializationError(f"the stream is over {STREAM_BYTES >> 20} MiB")
            self._data.append(data)
        except Exception as error:
            self.stop()
            self.engine.refuse(self.call, "serializer")
            advice = "The stream is passed on, and not cached"
            name = self.call.task.func_identifier
            self.engine.reporter.report("store the stream", name, error, advice)
        return item

    def ended(self, returned: Any) -> Flow:
        """Store a run which ended by itself, and returned a value."""
        engine, call = self.engine, self.call
        if self in engine.running:
            engine.counting.look()
        if self._data is not None and has_changed(engine, self._watch, call):
            self.stop()
        self._work.start()
        self.recorded(returned)
        if self._data is not None:
            self.took = self._work.seconds
            if (yield Block(partial(self._encode, self._data))):
                yield from save(self.engine, self)
        return Outcome(returned)

    def _encode(self, data: list[Data]) -> bool:
        """Turn what was recorded into a result to be stored; False where it is not to be."""
        engine, call, form = self.engine, self.call, self.call.task.form

        def copies() -> list[Any]:
            """The items, for `price` and `cache_if`: the real ones are gone."""
            return [form.serializer.loads(item) for item in data[:-1]]

        engine.price(call, copies)
        return self.prepare(Outcome(data), copies)


class Within:
    """An awaitable each of whose steps is run by a function, which has it run in a context."""

    __slots__ = ("_awaited", "_within")

    def __init__(self, within: Callable[..., Any], awaited: Any) -> None:
        self._within = within
        self._awaited = awaited

    def __await__(self) -> Generator[Any, Any, Any]:
        within, steps = self._within, self._awaited.__await__()
        resume, value = steps.send, None
        while True:
            try:
                waits_for = within(resume, value)
            except StopIteration as end:
                return end.value
            finally:
                value = None  # an error in it refers to this frame: a cycle for the collector
            try:
                resume, value = steps.send, (yield waits_for)
            except GeneratorExit:
                within(steps.close)
                raise
            except BaseException as error:
                resume, value = steps.throw, error


class Give:
    """An item for the consumer; what it sends or throws comes back as an `Outcome`."""

    __slots__ = ("item",)

    def __init__(self, item: Any) -> None:
        self.item = item


class Resume:
    """Has the user's generator go on as its consumer asked; performs to an `Outcome`."""

    def __init__(self, stream: Stream, heard: Outcome) -> None:
        self._stream, self._heard = stream, heard

    def perform(self) -> Outcome:
        """Do it here."""
        stream = self._stream
        try:
            with stream:
                source = stream.opened()
                return Outcome(stream.within(*self._asked(source.send, source.throw, source.close)))
        except Exception as error:
            return Outcome(error=error)

    async def perform_async(self, executor: Callable[[], Executor]) -> Outcome:
        """Await it here, in the consumer's own task.

        It is hidden from the event loop's hooks (PEP 525). A loop that ends closes all generators
        that it knows at once: it would close this one while the marked one, which it knows too, is
        closing it.
        """
        del executor
        stream, hooks = self._stream, sys.get_asyncgen_hooks()
        try:
            with stream:
                sys.set_asyncgen_hooks(None, None)
                try:
                    source = stream.opened()
                    step = stream.within(*self._asked(source.asend, source.athrow, source.aclose))
                finally:
                    sys.set_asyncgen_hooks(*hooks)
                return Outcome(
                    await (step if stream.context is None else Within(stream.within, step))
                )
        except Exception as error:
            return Outcome(error=error)

    def _asked(self, send: Any, throw: Any, close: Any) -> tuple[Any, ...]:
        heard = self._heard
        if isinstance(heard.error, GeneratorExit):
            return (close,)
        return (send, heard.value) if heard.error is None else (throw, heard.error)


def _flow(  # noqa: C901 - one call in its order
    engine: Engine, call: Call, stored: Any
) -> Generator[Step | Give, Any, Outcome]:
    """One call of a marked generator, for which this is stored: the items, and what it returned."""
    stream = Stream(engine, call)
    heard, skipped = Outcome(), 0
    try:
        if stored is MISSING:
            begun = yield from stream.beginning()
            if begun.error is not None:
                return begun
        engine.last_calls.note(call)
        for item in () if stored is MISSING else stored[:-1]:
            heard = yield Give(item)
            skipped += 1
            if heard.value is not None or heard.error is not None:
                break
        else:
            if stored is not MISSING:
                return Outcome(stored[-1])
        if skipped and not isinstance(heard.error, Exception | None):
            return heard  # a cancellation, say, of which no function runs to be told
        while True:
            if heard.value is not None or heard.error is not None:
                stream.stop()
            outcome: Outcome = yield Resume(stream, Outcome() if skipped else heard)
            if isinstance(heard.error, GeneratorExit) and outcome.error is None:
                stream.tell_end(heard.error)
                return heard
            if isinstance(outcome.error, stream.end_by):
                return (yield from stream.ended(getattr(outcome.error, "value", None)))
            if outcome.error is not None:
                return outcome
            if skipped:  # the consumer has got this one
                skipped -= 1
            else:
                heard = yield Give(stream.recorded(outcome.value))
    finally:
        engine.has_run(stream)
        engine.last_calls.note(call)


# ------------------------------------------------------------------------------- both kinds


def generate(engine: Engine, call: Call) -> Generator[Any, Any, Any]:
    """What a call of a marked generator gives."""
    flow, heard = _flow(engine, call, answer(engine, call, in_place=False)), None
    try:
        while True:
            step: Any = flow.send(heard)
            if type(step) is not Give:
                heard = step.perform()
                continue
            try:
                heard = Outcome((yield step.item))
            except BaseException as error:
                heard = Outcome(error=error)  # type: ignore[arg-type]  # or an interrupt
    except StopIteration as end:
        outcome: Outcome = end.value
    finally:
        flow.close()
        heard = step = None  # an error in it refers to this frame: a cycle for the collector
    try:
        return outcome.unwrap()
    finally:
        del outcome  # likewise


def iterating(
    engine: Engine, prepare: Callable[..., Call]
) -> Callable[..., AsyncGenerator[Any, Any]]:
    """The same for an async generator: a function of whose arguments `prepare` makes the call."""

    async def wrapper(*args: Any, **kwargs: Any) -> AsyncGenerator[Any, Any]:
        call = prepare(args, kwargs)
        stored = await answer_async(engine, call)
        if stored is MISSING:
            strand(engine, call)
        flow, heard = _flow(engine, call, stored), None
        try:
            while True:
                step: Any = flow.send(heard)
                if type(step) is not Give:
                    heard = await step.perform_async(engine.executor)
                    continue
                try:
                    heard = Outcome((yield step.item))
                except BaseException as error:
                    heard = Outcome(error=error)  # type: ignore[arg-type]  # or an interrupt
        except StopIteration as end:
            outcome: Outcome = end.value
        finally:
            flow.close()
            heard = step = None  # as above
        try:
            outcome.unwrap()
        finally:
            del outcome

    return wrapper
