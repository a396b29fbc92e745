"""Generators of both kinds: the items are passed on as they come, and stored at the end.

    key ──▶ look up ──hit──▶ the stored items, one by one
              │ miss
              ▼
            the items of the user's generator ──ends by itself──▶ store the list of them

Each caller runs a generator of its own, in its own thread or task, as without a mark: also where an
equal stream is under way. A run stores nothing if it is broken off, if it raises, if its consumer
sends or throws something into it, if an item can't be stored, and if it is over `STREAM_BYTES`.

What is sent or thrown into stored items is for the user's own generator, which is run up to there.
"""

from __future__ import annotations

import sys
from contextvars import copy_context
from functools import partial
from operator import methodcaller
from time import perf_counter
from typing import TYPE_CHECKING, Any, Final

from beautyspot.calls.executions import Observed, Within
from beautyspot.calls.flow import answer, not_stored
from beautyspot.calls.looking_up import answer_async
from beautyspot.calls.reports import (
    has_changed,
    report_no_lease,
    warn_outside_asyncio,
)
from beautyspot.calls.runs import Run
from beautyspot.calls.steps import Block, Outcome, drive, drive_async
from beautyspot.concurrency.queueing import Work
from beautyspot.concurrency.waiting import in_asyncio
from beautyspot.errors import SerializationError
from beautyspot.results.validity import ELSEWHERE, MISSING

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
    from contextvars import Context

    from beautyspot.calls.engine import Engine
    from beautyspot.calls.flow import Flow
    from beautyspot.contracts import Data
    from beautyspot.tasks.task import Call
    from beautyspot.tasks.telling import Watch

    Resume = Callable[[Any], Any]

STREAM_BYTES: Final = 256 * 2**20
"""A longer stream is passed on and not stored: what is recorded waits in memory for its end."""

_ENDS: Final = StopIteration, StopAsyncIteration
_NEXT: Final = methodcaller("send", None)
_NEXT_ASYNC: Final = methodcaller("asend", None)


class Stream:
    """What one call of a marked generator gives, and what is recorded of it.

    A context manager around each step of the user's generator, which measures and counts it.

    Attributes:
        stored: the stored items, followed by what the generator returned; or `MISSING`.
        source: the user's generator, from when it runs.
        rests: whether that has yielded an item, and waits; else it has ended, or is interrupted.
        position: how many items the consumer has got.
        context: that of the run, where an observer wraps it; None where it is that of each step.
    """

    def __init__(self, engine: Engine, call: Call) -> None:
        self.engine, self.call = engine, call
        self.stored: Any = MISSING
        self.source: Any = None
        self.rests = False
        self.position = 0
        self._data: list[Data] | None = None  # of the items; None where they are not to be stored
        self._bytes = 0
        self._work = Work()
        self._watch: Watch | None = None
        self._run: Run | None = None
        self._told = 0.0  # seconds of it that are counted
        self._observed: Observed | None = None
        self.context: Context | None = None

    def begin(self) -> Flow:
        """The flow of a call for which nothing was found: counted, and to be recorded, by its mode.

        Raises:
            CacheMissError: the mode forbids running the function.
        """
        engine, call = self.engine, self.call
        if call.mode == "replay":
            return Outcome(error=not_stored(engine, call))
        if call.key:
            if call.may_store:
                yield Block(self._begin_run)
                self._watch = call.task.addressing.watch(call)
                call.task.addressing.tell_arguments(call)
                self._data = []
            self._work = Work(call.task.counted, is_limited=call.task.is_limited)
            engine.streams[call] = perf_counter()
            engine.miss(call)  # which sees whether its lines are wanted in the log
        return Outcome()

    # ----------------------------------------------------------------------------------- items

    @property
    def replays(self) -> bool:
        """Whether the consumer has got nothing but stored items."""
        return self.source is None and self.stored is not MISSING

    def replayed(self) -> Any:
        """The next stored item.

        Raises:
            StopIteration: there is none; with what the generator returned.
        """
        self.position += 1
        if self.position == len(self.stored):
            raise StopIteration(self.stored[-1])
        return self.stored[self.position - 1]

    def hears(self, error: BaseException) -> bool:
        """Whether what a consumer throws is for the user's generator.

        No function runs to be told of a cancellation, say.
        """
        return isinstance(error, Exception) or not (
            self.replays or isinstance(error, GeneratorExit)
        )

    # ------------------------------------------------------------------------------------- run

    def within(self, work: Callable[..., Any], *args: Any) -> Any:
        """Do what belongs to the run in its context."""
        return work(*args) if self.context is None else self.context.run(work, *args)

    def open(self) -> Any:
        """Make the user's own generator."""
        call = self.call
        self.source = self.within(partial(call.task.function, *call.args, **call.kwargs))
        return self.source

    def __enter__(self) -> None:
        observers = self.engine.observers
        if self.source is None and (observers.told or observers.wraps):
            self._observed = Observed(observers, self.call, self._work)
            if observers.wraps:
                self.context = copy_context()
            self.within(self._observed.__enter__)
        self.rests = False
        self.within(self._work.begin)

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        self.rests = error is None
        self.within(self._work.rest)
        if error is not None:
            self.tell_end(error)
        if self.call not in self.engine.streams:
            return
        counted, told = self.call.task.counted, self._told
        self._told = self._work.seconds
        counted.seconds_spent += self._told - told
        if isinstance(error, Exception) and not isinstance(error, _ENDS):
            counted.failures += self._work.has_failed()
            self.engine.counting.look()

    def tell_end(self, error: BaseException) -> None:
        """Tell the observers that the generator has ended, raised, or was closed."""
        observed, self._observed = self._observed, None
        if observed is not None:
            raised = None if isinstance(error, _ENDS) else error
            self.within(observed.__exit__, None, raised, None)

    def stop(self) -> None:
        """Store nothing of this run."""
        self._data = None

    def recorded(self, item: Any) -> Any:
        """Record an item, and return it."""
        self.position += 1
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

    def _begin_run(self) -> None:
        """Ask the store for its number, for what is invalidated from here on; it leases nothing."""
        self._run = Run(self.engine, self.call, None)
        try:
            self._run.take(self.engine.cache.leases.begin([], {}))
        except Exception as error:
            report_no_lease(self.engine, self.call, error)
        self._run.begin()

    def ended(self, returned: Any) -> Flow:
        """Store a run which ended by itself, and returned a value."""
        engine, call = self.engine, self.call
        if call in engine.streams:
            engine.counting.look()
        if self._data is not None and has_changed(engine, self._watch, call):
            self.stop()
        self._work.start()
        self.recorded(returned)
        data, run = self._data, self._run
        if data is not None and run is not None:
            run.took = self._work.seconds
            with engine.staying_open():
                if (yield Block(partial(self._encode, run, data))):
                    yield from run.saving()
        return Outcome()

    def _encode(self, run: Run, data: list[Data]) -> bool:
        """Turn what was recorded into a result to be stored; False where it is not to be."""
        engine, call, form = self.engine, self.call, self.call.task.form

        def copies() -> list[Any]:
            """The items, for `price` and `cache_if`: the real ones are gone."""
            return [form.serializer.loads(item) for item in data[:-1]]

        engine.price(call, copies)
        asks = call.task.options.cache_if or call.task.asks_terms
        if asks and not engine.keeps(call, copies()):
            return False
        return run.keep(engine.cache.encode(call.task, data))


# ------------------------------------------------------------------------------- both kinds


def generate(engine: Engine, call: Call) -> Generator[Any, Any, Any]:
    """What a call of a marked generator gives."""
    stream, returned = Stream(engine, call), False
    resume: Resume | None = None  # how the consumer goes on, where it does not ask for an item
    try:
        stream.stored = answer(engine, call, in_place=False)
        if stream.stored is MISSING:
            drive(stream.begin())
        engine.last_calls.note(call)
        while True:
            try:
                item = _next(stream, resume)
            except StopIteration as end:
                returned = True
                return end.value
            finally:
                resume = None  # an error in it refers to this frame: a cycle for the collector
            try:
                sent = yield item
            except BaseException as error:
                if not stream.hears(error):
                    raise
                resume = methodcaller("throw", error)
            else:
                resume = None if sent is None else methodcaller("send", sent)
            del item
    finally:
        engine.streams.pop(call, None)
        try:
            if stream.rests:
                with stream:
                    stream.within(stream.source.close)
                stream.tell_end(GeneratorExit())
        finally:
            engine.last_calls.note(call, returned=returned)


def _next(stream: Stream, resume: Resume | None) -> Any:
    if stream.replays and resume is None:
        return stream.replayed()
    if resume is not None:
        stream.stop()
    try:
        with stream:
            if stream.source is None:
                source = stream.open()
                for _ in range(stream.position):
                    stream.within(next, source)
            item = stream.within(resume or _NEXT, stream.source)
    except StopIteration as end:
        drive(stream.ended(end.value))
        raise
    return stream.recorded(item)


def iterating(
    engine: Engine, prepare: Callable[..., Call]
) -> Callable[..., AsyncGenerator[Any, Any]]:
    """The same for an async generator: a function of whose arguments `prepare` makes the call."""

    async def wrapper(*args: Any, **kwargs: Any) -> AsyncGenerator[Any, Any]:
        call = prepare(args, kwargs)
        stream, returned = Stream(engine, call), False
        resume: Resume | None = None
        try:
            await _begin(stream)
            engine.last_calls.note(call)
            while True:
                try:
                    item = await _next_async(stream, resume)
                except StopAsyncIteration:
                    returned = True
                    return
                finally:
                    resume = None  # as above
                try:
                    sent = yield item
                except BaseException as error:
                    if not stream.hears(error):
                        raise
                    resume = methodcaller("athrow", error)
                else:
                    resume = None if sent is None else methodcaller("asend", sent)
                del item
        finally:
            engine.streams.pop(call, None)
            try:
                if stream.rests:
                    with stream:
                        await Within(stream.within, stream.source.aclose())
                    stream.tell_end(GeneratorExit())
            finally:
                engine.last_calls.note(call, returned=returned)

    return wrapper


async def _begin(stream: Stream) -> None:
    engine, call = stream.engine, stream.call
    stored, here = await answer_async(engine, call), in_asyncio()
    if stored is ELSEWHERE and call.mode == "replay":
        stored = answer(engine, call, in_place=False)
    if stored is not MISSING and stored is not ELSEWHERE:
        stream.stored = stored
    elif here or call.mode == "replay":
        await drive_async(stream.begin(), engine.executor)
    else:
        warn_outside_asyncio(engine, call)  # in Trio, say, our waits do not work


async def _next_async(stream: Stream, resume: Resume | None) -> Any:
    if stream.replays and resume is None:
        try:
            return stream.replayed()
        except StopIteration:
            raise StopAsyncIteration from None
    if resume is not None:
        stream.stop()
    try:
        with stream:
            if stream.source is None:
                stream.open()
                for _ in range(stream.position):
                    await _unseen(stream, _NEXT_ASYNC)
            item = await _unseen(stream, resume or _NEXT_ASYNC)
    except StopAsyncIteration:
        await drive_async(stream.ended(None), stream.engine.executor)
        raise
    return stream.recorded(item)


def _unseen(stream: Stream, resume: Resume) -> Awaitable[Any]:
    """A step of a generator, hidden from the event loop's hooks (PEP 525).

    A loop that ends closes all generators that it knows at once. It would close this one while the
    marked one, which it knows too, is closing it.
    """
    hooks = sys.get_asyncgen_hooks()
    sys.set_asyncgen_hooks(None, None)
    try:
        step: Awaitable[Any] = stream.within(resume, stream.source)
        return step if stream.context is None else Within(stream.within, step)
    finally:
        sys.set_asyncgen_hooks(*hooks)
