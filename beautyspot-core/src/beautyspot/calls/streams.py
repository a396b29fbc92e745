"""Generators of both kinds: the items are passed on as they come, and stored at the end.

    key ──▶ look up ──hit──▶ the stored items, one by one
              │ miss
              ▼
            the items of the user's generator ──ends by itself──▶ store the list of them

`generate` tells it, and `iterating` the same for async generators. What comes before the first item
of a run, and after the last one, is a flow, as that of any other call.

Each caller runs a generator of its own, in its own thread or task, as without a mark: also where an
equal stream is under way. A run stores nothing if it is broken off, if it raises, if an item can't
be stored, and if it is over `STREAM_BYTES`. Nothing can be sent into a stream, whether it is stored
or runs; what its consumer throws is raised there, once the user's generator is closed.

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

from beautyspot.calls.flow import answer, answer_async, not_stored, uncache_outside_asyncio
from beautyspot.calls.reports import refuse_if_changed, report_no_lease
from beautyspot.calls.runs import Run, save
from beautyspot.calls.steps import Block, Observed, Outcome, drive, drive_async
from beautyspot.concurrency.queueing import Work
from beautyspot.errors import ConfigError, SerializationError
from beautyspot.results.validity import MISSING

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Generator

    from beautyspot.calls.engine import Engine
    from beautyspot.calls.flow import Flow
    from beautyspot.contracts import Data
    from beautyspot.tasks.task import Call
    from beautyspot.tasks.telling import Watch

STREAM_BYTES: Final = 256 * 2**20
"""A longer stream is passed on and not stored: what is recorded waits in memory for its end."""


class Stream(Run):
    """The run of one call of a marked generator, and what is recorded of it.

    It is a context manager around each step of the user's generator, which measures and counts.
    """

    def __init__(self, engine: Engine, call: Call) -> None:
        super().__init__(engine, call, None)
        self.source: Any = None  # the user's generator, from when it runs
        is_async = call.task.kind != "generator"
        self._next: Callable[[Any], Any] = anext if is_async else next
        self._end = StopAsyncIteration if is_async else StopIteration
        self._data: list[Data] | None = None  # None where nothing is to be stored
        self._bytes = 0
        self._work = Work(call.task.counted if call.key else None, is_limited=call.task.is_limited)
        self._watch: Watch | None = None
        self._context = copy_context()
        self._observed: Observed | None = None

    def beginning(self) -> Flow:
        """What comes before the function runs; an error where the mode forbids that."""
        engine, call = self.engine, self.call
        if call.mode == "replay":
            return Outcome(error=not_stored(engine, call))
        if call.key:
            if call.may_store:
                yield Block(self._ask)
                self._watch, self._data = call.task.addressing.begin(call), []
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

    # ------------------------------------------------------------------------------- its steps

    def go_on(self) -> Any:
        """What the user's generator gives next; an awaitable, of an async one."""
        if self.source is None:
            self.source = self.call.task.function(*self.call.args, **self.call.kwargs)
        return self._next(self.source)

    def __enter__(self) -> None:
        observers = self.engine.observers
        if self.source is None and (observers.told or observers.wraps):
            self._observed = self._context.run(Observed, observers, self.call, self._work)
        self._work.begin()

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        """Where the generator has ended, raised, or was closed, count that, and tell observers."""
        self._work.rest()
        if error is None:
            return
        raised = None if isinstance(error, self._end) else error
        if self.call.key:
            failed = isinstance(raised, Exception) and self._work.has_begun
            self.call.task.counted.failures += failed
            self.engine.counting.look()
        if self._observed is not None:
            self._context.run(self._observed.end, raised)

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
            self._data = None
            self.engine.refuse(self.call, "serializer")
            advice = "The stream is passed on, and not cached"
            name = self.call.task.func_identifier
            self.engine.reporter.report("store the stream", name, error, advice)
        return item

    # ---------------------------------------------------------------------------------- its end

    def ending(self, returned: Any) -> Flow:
        """Store a run which ended by itself, and returned a value."""
        engine, call = self.engine, self.call
        if self._data is not None and refuse_if_changed(engine, self._watch, call):
            self._data = None
        self._work.start()
        self.recorded(returned)
        self.took = self._work.seconds
        if self._data is not None and (yield Block(partial(self._encode, self._data))):
            yield from save(engine, self)
        return Outcome(returned)

    def _encode(self, data: list[Data]) -> bool:
        """Turn what was recorded into a result to be stored; False where it is not to be."""
        engine, call, form = self.engine, self.call, self.call.task.form

        def copies() -> list[Any]:
            """The items, for `price` and `cache_if`: the real ones are gone."""
            return [form.serializer.loads(item) for item in data[:-1]]

        engine.price(call, copies)
        return self.prepare(Outcome(data), copies)

    def leave(self) -> None:
        """Let the store be closed, once nobody goes on with this."""
        if self.call.key:
            self.call.task.counted.seconds_spent += self._work.seconds
        self.engine.has_run(self)
        self.engine.last_calls.note(self.call)


# ------------------------------------------------------------------------------- both kinds


def generate(engine: Engine, call: Call) -> Generator[Any, Any, Any]:
    """What a call of a marked generator gives."""
    stored = answer(engine, call, in_place=False)
    engine.last_calls.note(call)
    if stored is not MISSING:
        for item in stored[:-1]:
            _refuse(call, (yield item))
        engine.last_calls.note(call)
        return stored[-1]
    stream = Stream(engine, call)
    try:
        drive(stream.beginning())
        while True:
            try:
                with stream:
                    item = stream.go_on()
            except StopIteration as end:
                return drive(stream.ending(end.value))
            try:
                _refuse(call, (yield stream.recorded(item)))
            except BaseException:  # `close`, too
                with stream:
                    stream.source.close()
                    raise
    finally:
        stream.leave()


def iterating(
    engine: Engine, prepare: Callable[..., Call]
) -> Callable[..., AsyncGenerator[Any, Any]]:
    """The same for an async generator: a function of whose arguments `prepare` makes the call.

    The user's generator is hidden from the event loop's hooks (PEP 525). A loop that ends closes
    all generators that it knows at once: it would close the user's while ours is closing it.
    """

    async def wrapper(*args: Any, **kwargs: Any) -> AsyncGenerator[Any, Any]:
        call = prepare(args, kwargs)
        stored = await answer_async(engine, call)
        engine.last_calls.note(call)
        if stored is not MISSING:
            for item in stored[:-1]:
                _refuse(call, (yield item))
            engine.last_calls.note(call)
            return
        uncache_outside_asyncio(engine, call)
        stream = Stream(engine, call)
        try:
            await drive_async(stream.beginning(), engine.executor)
            while True:
                hooks = sys.get_asyncgen_hooks()
                try:
                    with stream:
                        sys.set_asyncgen_hooks(None, None)
                        try:
                            step = stream.go_on()
                        finally:
                            sys.set_asyncgen_hooks(*hooks)
                        item = await step
                except StopAsyncIteration:
                    break
                try:
                    _refuse(call, (yield stream.recorded(item)))
                except BaseException:  # `aclose`, too
                    with stream:
                        await stream.source.aclose()
                        raise
            await drive_async(stream.ending(None), engine.executor)
        finally:
            stream.leave()

    return wrapper


def _refuse(call: Call, sent: object) -> None:
    """Refuse what is sent into a stream.

    Raises:
        ConfigError: says what to do instead.
    """
    if sent is not None:
        raise ConfigError(
            f"nothing can be sent into a stream of {call.task.func_identifier}, which is marked: "
            "pass it as an argument, or call the function without a mark"
        )
