"""Async generators: as `streams`, but for the callers of one event loop.

A task of its own runs the user's generator from its start to its end, an item at a time. So a
consumer that is cancelled ends it for no other consumer, and what belongs to a task (a timeout, a
task group) may be open while the generator yields.
"""

from __future__ import annotations

import sys
from contextlib import suppress
from operator import methodcaller
from typing import TYPE_CHECKING, Any, Final, Self

from beautyspot.calls.flow import answer
from beautyspot.calls.joining import joining, opened
from beautyspot.calls.looking_up import look_up
from beautyspot.calls.recording import EndOfStream, PullStep, StartOver
from beautyspot.calls.reports import warn_outside_asyncio
from beautyspot.calls.steps import Join, Outcome, drive_async
from beautyspot.calls.streams import is_recorded, starting_over
from beautyspot.concurrency import single_flight
from beautyspot.concurrency.waiting import in_asyncio
from beautyspot.results.validity import ELSEWHERE, MISSING

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable
    from concurrent.futures import Executor

    from beautyspot.calls.engine import Engine
    from beautyspot.calls.recording import Consumer, Recording, Resume
    from beautyspot.concurrency.single_flight import Flight
    from beautyspot.tasks.task import Call

NEXT: Final[Resume] = methodcaller("asend", None)


class AsyncStream:
    """The stored items of a call, or the user's own async generator.

    A source for `forwarding`.
    """

    def __init__(self, engine: Engine, call: Call) -> None:
        self._engine = engine
        self._call = call
        self._items: list[Any] = []
        self._count = 0
        self._consumer: Consumer | None = None
        self._source: AsyncGenerator[Any, Any] | None = None

    async def __aenter__(self) -> Self:
        await self._begin()
        self._engine.last_calls.note(self._call)
        return self

    async def _begin(self) -> None:
        engine, call = self._engine, self._call
        seen = engine.streams.ended
        items = answer(engine, call, in_place=True)
        here = in_asyncio()
        if (items is MISSING or items is ELSEWHERE) and not here and not self._is_replay:
            warn_outside_asyncio(engine, call)  # in Trio, say, our waits do not work
            self._source = opened(engine, call)
            return
        if items is ELSEWHERE:
            items = await look_up(engine, call) if here else engine.cache.recall(call)
            if items is not MISSING:
                engine.hit(call)
        if items is not MISSING:
            self._items = items
        elif not is_recorded(engine, call):
            self._source = opened(engine, call)
        else:
            flow = joining(engine, call, _loop(), seen)
            self._consumer = await drive_async(flow, engine.executor)
            if self._consumer is None:
                await self._begin()  # another caller has stored it since

    async def __aexit__(self, error: object, *_: object) -> None:
        try:
            await self._leave()
        finally:
            self._engine.last_calls.note(self._call, returned=error is None)

    async def asend(self, value: Any, /) -> Any:
        """The next item; what is sent into stored items is for the user's own generator."""
        if value is not None:
            return await self._advance(methodcaller("asend", value))
        if self._source is not None or self._consumer is not None:
            return await self._advance(NEXT)
        if self._count == len(self._items) - 1:
            raise StopAsyncIteration
        self._count += 1
        return self._items[self._count - 1]

    async def athrow(self, error: BaseException, /) -> Any:
        """The next item of the user's own generator, with `error` raised inside.

        Stored items end there where the error is a cancellation, say: no function runs to be told.
        """
        if not isinstance(error, Exception) and self._source is None and self._consumer is None:
            raise error
        return await self._advance(methodcaller("athrow", error))

    async def aclose(self) -> None:
        """Close the user's own generator, if it was opened and no other caller reads it."""
        await self._leave()
        if self._source is not None:
            await self._source.aclose()

    @property
    def _is_replay(self) -> bool:
        return self._call.mode == "replay"

    async def _advance(self, resume: Resume) -> Any:
        consumer = self._consumer
        if consumer is not None:
            if resume is NEXT or consumer.recording.is_only_for(consumer):
                return await self._shared(consumer, resume)
            self._count = consumer.position
            await self._leave()
        source = self._source
        if source is None:
            source = self._source = opened(self._engine, self._call)
            for _ in range(self._count):
                await _unseen(source, NEXT)
        return await _unseen(source, resume)

    async def _shared(self, consumer: Consumer, resume: Resume) -> Any:
        engine = self._engine
        try:
            return await drive_async(consumer.take(resume, Pull), engine.executor)
        except EndOfStream:
            raise StopAsyncIteration from None
        except StartOver as error:
            await self._leave()
            flow = starting_over(engine, self._call, _loop(), error)
            self._consumer = await drive_async(flow, engine.executor)
        return await self._advance(resume)

    async def _leave(self) -> None:
        consumer, self._consumer = self._consumer, None
        if consumer is not None and consumer.recording.leave(consumer):
            runner, consumer.recording.runner = consumer.recording.runner, None
            if runner is not None:
                await runner.stop()


class Pull(PullStep):
    """The step that has an async generator run to its next item."""

    __slots__ = ()

    def perform(self) -> None:
        """No thread runs an async generator."""
        raise NotImplementedError

    async def perform_async(self, executor: Callable[[], Executor]) -> None:
        """Ask for the item, and wait for it; it comes for the others if the caller is cancelled."""
        recording, flight = self._recording, self._flight
        del self._flight  # an error in it refers to this: a cycle for the collector
        if recording.runner is None:
            recording.runner = Runner(recording, executor)
        recording.runner.ask(flight, self._resume)
        await Join(flight, None).perform_async(executor)


class Runner:
    """The task that runs an async generator."""

    def __init__(self, recording: Recording, executor: Callable[[], Executor]) -> None:
        import asyncio

        self._recording = recording
        self._executor = executor
        self._wanted = True
        self._asked: asyncio.Queue[tuple[Flight, Resume]] = asyncio.Queue()
        self._task = asyncio.create_task(self._run())
        self._task.add_done_callback(self._is_over)

    @property
    def _is_here(self) -> bool:
        return self._task.get_loop() is sys.modules["asyncio"]._get_running_loop()

    def ask(self, flight: Flight, resume: Resume) -> None:
        """Have the generator run to its next item, and finish the flight then."""
        if self._is_here and not self._task.done():
            self._asked.put_nowait((flight, resume))
        else:  # its event loop has ended, say, and another one asks
            self._recording.break_off()
            self._recording.arrive(flight, None)

    async def stop(self) -> None:
        """Close the generator, which nobody reads any more, and wait until it is closed.

        Where its event loop does not run, it is closed when that runs again.
        """
        import asyncio

        self._wanted = False
        if not self._is_here:
            with suppress(RuntimeError):  # the loop is closed
                self._task.get_loop().call_soon_threadsafe(self._task.cancel)
            return
        self._task.cancel()
        await asyncio.wait([self._task])
        if not self._task.cancelled():
            self._task.result()

    async def _run(self) -> None:
        try:
            # A generator may catch its cancellation, and yield.
            while await self._pull(*await self._asked.get()) and self._wanted:
                pass
        finally:
            source = self._recording.source
            del self  # the task holds this frame by its cancellation: a cycle for the collector
            if source is not None:
                await source.aclose()

    async def _pull(self, flight: Flight, resume: Resume) -> bool:
        """Run the generator to an item; whether it goes on after it."""
        import asyncio

        recording = self._recording
        result: Outcome | None = None
        single_flight.take_part(flight)
        try:
            result = await self._result(resume)
        except asyncio.CancelledError as error:
            if not self._task.cancelling():  # the generator's own, as it might raise any error
                result = Outcome(error=error)  # type: ignore[arg-type]
            raise
        finally:
            single_flight.part(flight)
            if result is None or not isinstance(result.error, Exception | None):
                recording.break_off()
            recording.arrive(flight, result)
            goes_on = result is not None and result.error is None
            del flight, result  # an error in it refers to this frame: a cycle
        return goes_on

    async def _result(self, resume: Resume) -> Outcome:
        recording = self._recording
        recording.run()
        try:
            try:
                item = await _unseen(recording.open(), resume)
            finally:
                recording.rest()
        except StopAsyncIteration:
            await recording.end(None).perform_async(self._executor)
            return Outcome(error=EndOfStream(None))
        except Exception as error:
            return recording.fail(error)
        return recording.add(item)

    def _is_over(self, _: object) -> None:
        """Leave no consumer waiting; a task that is cancelled at once has run nothing."""
        while not self._asked.empty():
            self._recording.break_off()
            self._recording.arrive(self._asked.get_nowait()[0], None)


def _loop() -> object:
    import asyncio

    return asyncio.get_running_loop()


def _unseen(source: AsyncGenerator[Any, Any], resume: Resume) -> Awaitable[Any]:
    """A step of a generator, hidden from the event loop's hooks (PEP 525).

    A loop that ends closes all generators that it knows at once. It would close this one while the
    marked one, which it knows too, is closing it.
    """
    hooks = sys.get_asyncgen_hooks()
    sys.set_asyncgen_hooks(None, None)
    try:
        step: Awaitable[Any] = resume(source)
        return step
    finally:
        sys.set_asyncgen_hooks(*hooks)
