"""Generators of both kinds: the items are passed on as they come, and stored at the end.

    key ──▶ look up ──hit──▶ the stored items, one by one
              │ miss
              ▼
            the items of the user's generator ──ends by itself──▶ store the list of them

`_flow` tells it for both kinds: it yields the steps of `steps`, the `Stream`, which has the user's
generator go on, and an `Outcome` with each item, for which one comes back with what the consumer
did.

Each caller runs a generator of its own, in its own thread or task, as without a mark: also where an
equal stream is under way. A run stores nothing if it is broken off, if it raises, if its consumer
sends or throws something into it, if an item can't be stored, and if it is over `STREAM_BYTES`.

What is sent or thrown into stored items is for the user's own generator, which is run up to there.

Observers enter and leave their contexts in a copy of the context of the call that began it,
whatever thread or task asks for the last item. What they put into context variables there is seen
by neither the generator nor its consumer.
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

    from beautyspot.calls.engine import Engine
    from beautyspot.calls.steps import Step
    from beautyspot.contracts import Data
    from beautyspot.tasks.task import Call

STREAM_BYTES: Final = 256 * 2**20
"""A longer stream is passed on and not stored: what is recorded waits in memory for its end."""


class Stream(Run):
    """The run of one call of a marked generator, and what is recorded of it.

    As a step of the flow, it has the user's generator go on, and performs to an `Outcome`. It is a
    context manager around that, which measures and counts.

    Attributes:
        heard: what the consumer sent, or threw, after the last item.
        end_by: what the user's generator raises where it ends by itself.
        data: what is recorded of the items; None where they are not to be stored.
    """

    def __init__(self, engine: Engine, call: Call) -> None:
        super().__init__(engine, call, None)
        self.heard = Outcome()
        self.end_by = StopIteration if call.task.kind == "generator" else StopAsyncIteration
        self._source: Any = None  # the user's generator, from when it runs
        self.data: list[Data] | None = None
        self._bytes = 0
        self.work = Work(call.task.counted if call.key else None, is_limited=call.task.is_limited)
        self._context = copy_context()
        self._observed: Observed | None = None

    def ask_since(self) -> None:
        """Ask the store for its number, for what is invalidated from here on; it leases nothing."""
        try:
            self.take(self.engine.cache.leases.begin([], {}))
        except Exception as error:
            report_no_lease(self.engine, self.call, error)
        self.begin()

    # ------------------------------------------------------------------------------------- run

    def perform(self) -> Outcome:
        """Go on here."""
        try:
            with self:
                return Outcome(self._asked("send", "throw"))
        except Exception as error:
            return Outcome(error=error)

    async def perform_async(self, executor: Callable[[], Executor]) -> Outcome:
        """Go on here, in the consumer's own task.

        It is hidden from the event loop's hooks (PEP 525). A loop that ends closes all generators
        that it knows at once: it would close this one while the marked one, which it knows too, is
        closing it.
        """
        del executor
        hooks, step = sys.get_asyncgen_hooks(), None
        try:
            with self:
                sys.set_asyncgen_hooks(None, None)
                try:
                    step = self._asked("asend", "athrow")
                finally:
                    sys.set_asyncgen_hooks(*hooks)
                return Outcome(await step)
        except Exception as error:
            return Outcome(error=error)
        finally:
            del step  # it holds what was thrown, whose traceback holds this frame

    def _asked(self, send: str, throw: str) -> Any:
        """What the user's generator gives to what was heard."""
        call = self.call
        if self._source is None:
            self._source = call.task.function(*call.args, **call.kwargs)
        if self.heard.error is not None:  # in no variable: its traceback holds this frame
            return getattr(self._source, throw)(self.heard.error)
        return getattr(self._source, send)(self.heard.value)

    def __enter__(self) -> None:
        observers = self.engine.observers
        if self._source is None and (observers.told or observers.wraps):
            self._observed = self._context.run(Observed, observers, self.call, self.work)
        self.work.begin()

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        """Where the generator has ended, raised, or was closed, count that, and tell observers."""
        self.work.rest()
        if error is None:
            return
        raised = None if isinstance(error, self.end_by) else error
        observed, self._observed = self._observed, None
        if self.call.key:
            self.call.task.counted.failures += isinstance(raised, Exception) and self.work.has_begun
            self.engine.counting.look()
        if observed is not None:
            self._context.run(observed.end, raised)

    # ---------------------------------------------------------------------------------- record

    def recorded(self, item: Any) -> Any:
        """Record an item, and return it."""
        if self.data is None:
            return item
        try:
            data = self.call.task.form.serializer.dumps(item)
            self._bytes += len(data)
            if self._bytes > STREAM_BYTES:
                raise SerializationError(f"the stream is over {STREAM_BYTES >> 20} MiB")
            self.data.append(data)
        except Exception as error:
            self.data = None
            self.engine.refuse(self.call, "serializer")
            advice = "The stream is passed on, and not cached"
            name = self.call.task.func_identifier
            self.engine.reporter.report("store the stream", name, error, advice)
        return item

    def encode(self, data: list[Data]) -> bool:
        """Turn what was recorded into a result to be stored; False where it is not to be."""
        engine, call, form = self.engine, self.call, self.call.task.form

        def copies() -> list[Any]:
            """The items, for `price` and `cache_if`: the real ones are gone."""
            return [form.serializer.loads(item) for item in data[:-1]]

        engine.price(call, copies)
        return self.prepare(Outcome(data), copies)


def _flow(  # noqa: C901 - one call in its order
    engine: Engine, call: Call, stored: Any
) -> Generator[Step | Outcome, Any, Outcome]:
    """One call of a marked generator, for which this is stored: the items, and what it returned."""
    stream, skipped, watch = Stream(engine, call), 0, None
    heard: Outcome = stream.heard
    outcome: Outcome
    engine.last_calls.note(call)
    try:
        if stored is not MISSING:
            for item in stored[:-1]:
                heard = yield Outcome(item)
                skipped += 1
                if heard.value is not None or heard.error is not None:
                    break
            else:
                return Outcome(stored[-1])
            if not isinstance(heard.error, Exception | None):
                return heard  # a cancellation, say, of which no function runs to be told
        if call.mode == "replay":
            return Outcome(error=not_stored(engine, call))
        if call.key:
            if call.may_store:
                yield Block(stream.ask_since)
                watch, stream.data = call.task.addressing.begin(call), []
            engine.running[stream] = perf_counter()
            engine.miss(call)  # which sees whether its lines are wanted in the log
        while True:
            if heard.value is not None or heard.error is not None:
                stream.data = None
            stream.heard = Outcome() if skipped else heard
            outcome = yield stream
            if outcome.error is not None:
                break
            if skipped:  # the consumer has got this one
                skipped -= 1
            else:
                heard = yield Outcome(stream.recorded(outcome.value))
        if not isinstance(outcome.error, stream.end_by):
            return outcome
        if stream.data is not None and has_changed(engine, watch, call):
            stream.data = None
        stream.work.start()
        returned = stream.recorded(getattr(outcome.error, "value", None))
        stream.took = stream.work.seconds
        if stream.data is not None and (yield Block(partial(stream.encode, stream.data))):
            yield from save(engine, stream)
        return Outcome(returned)
    finally:
        stream.heard = Outcome()  # the traceback of what was thrown refers to the stream: a cycle
        if call.key:
            call.task.counted.seconds_spent += stream.work.seconds
        engine.has_run(stream)  # the store may be closed, once nobody goes on with this
        engine.last_calls.note(call)


# ------------------------------------------------------------------------------- both kinds


def generate(engine: Engine, call: Call) -> Generator[Any, Any, Any]:
    """What a call of a marked generator gives."""
    flow, heard = _flow(engine, call, answer(engine, call, in_place=False)), None
    try:
        while True:
            step: Any = flow.send(heard)
            if type(step) is not Outcome:
                heard = step.perform()
                continue
            try:
                heard = Outcome((yield step.value))
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
                if type(step) is not Outcome:
                    heard = await step.perform_async(engine.executor)
                    continue
                try:
                    heard = Outcome((yield step.value))
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
