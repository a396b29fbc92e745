"""`AsyncMap`: `spot.map` of a coroutine function.

Its iterator reads the inputs, looks them up, and hands out, in the task that asks for the results.
Each call is a task of its own; where one ends, the next one begins, whoever is asked meanwhile.
"""

from __future__ import annotations

import asyncio
from asyncio import CancelledError
from collections.abc import AsyncGenerator, AsyncIterable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any, Final, NoReturn

from beautyspot.batch.inputs import CONCURRENCY, Inputs
from beautyspot.batch.targets import make_async
from beautyspot.batch.window import Map, ends_in_order, over
from beautyspot.concurrency.waiting import Job, check_asyncio

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterable
    from contextvars import Context

    from beautyspot.batch.inputs import MapOptions
    from beautyspot.batch.lookups import Item
    from beautyspot.batch.meter import Meter
    from beautyspot.batch.targets import Made, Target

    Task = asyncio.Task[Any]

AHEAD: Final = 64
"""Inputs of an asynchronous iterable that are read before there is room for them."""


CANCELLED: Final = (
    ', and was cancelled. Give more time, or mark it on_cancel="finish": then it goes on, and its '
    "result is stored if it comes"
)


class Results(AsyncGenerator[Any, None]):
    """What `spot.map` of a coroutine function gives: says what to write for `list` and `await`."""

    def __init__(self, given: AsyncGenerator[Any, None]) -> None:
        self._given = given

    def __anext__(self) -> Coroutine[Any, Any, Any]:
        return self._given.__anext__()

    def asend(self, value: None) -> Coroutine[Any, Any, Any]:
        """As of an asynchronous generator."""
        return self._given.asend(value)

    def athrow(self, *error: Any) -> Coroutine[Any, Any, Any]:
        """As of an asynchronous generator."""
        return self._given.athrow(*error)

    def aclose(self) -> Coroutine[Any, Any, None]:
        """As of an asynchronous generator."""
        return self._given.aclose()

    def __iter__(self) -> NoReturn:
        raise TypeError(
            "spot.map of a coroutine function gives its results in an event loop: write "
            "`async for result in spot.map(…)`, or `[result async for result in spot.map(…)]`, in "
            "an `async def` that asyncio.run runs"
        )

    __await__ = __iter__


class AsyncMap(Map):
    """One `spot.map` over a coroutine function.

    Args:
        target: the function.
        inputs: the iterables, of both kinds.
        options: checked.
        meter: counts.
    """

    cancelled = CancelledError

    def __init__(
        self,
        target: Target,
        inputs: tuple[Iterable[Any] | AsyncIterable[Any], ...],
        options: MapOptions,
        meter: Meter,
    ) -> None:
        concurrency = options.concurrency or CONCURRENCY
        super().__init__(target, options, meter, concurrency, concurrency)
        self._news = asyncio.Event()
        if any(isinstance(each, AsyncIterable) for each in inputs):
            self.inputs = AsyncInputs(inputs, self._news.set, self.context)
        else:
            self.inputs = Inputs(inputs)

    async def give(self) -> AsyncGenerator[Any, None]:
        """The results."""
        check_asyncio("spot.map of a coroutine function")
        self._loop, behind = asyncio.get_running_loop(), self.target.engine.behind
        before = behind.tasks_here()
        self._tick()
        try:
            with ends_in_order():
                while True:
                    for result in self.ready():
                        yield result
                    if not await self._goes_on():
                        break
                self.raise_failure()
                renewing = behind.tasks_here() - before
                if renewing:  # of results that had expired: the event loop may end next
                    await asyncio.wait(renewing, timeout=self.options.timeout)
        except CancelledError:
            self._cancel()
            raise
        finally:
            await self._end()

    async def _goes_on(self) -> bool:
        """Read, start and wait until something can be handed out; False where all was."""
        self._news.clear()
        room = self.room
        page = self.inputs.page(room) if room else []
        if page:
            run: Any = self.context.copy().run
            look_up = partial(run, self.lookups.page, page)
            self.take(await Job(look_up).run_in(self.target.engine.executor))
        self.meter.tick()
        if page or self.is_ready:
            return True
        reads = self.inputs.reader is not None and not self.inputs.has_ended
        if self.calls or (reads and not self.has_ended):
            await self._news.wait()
            return True
        return not (self.has_ended or self.inputs.has_ended)

    def _tick(self) -> None:
        """Have the progress looked at, now and then."""
        self._news.set()
        self._ticker = self._loop.call_later(self.meter.every, self._tick)

    # ------------------------------------------------------------------------------- the tasks

    def submit(self, item: Item) -> Task:
        """Make a call in a task."""
        function, args = self.prepared(item)
        if self.options.timeout is None:
            work = make_async(self.target.engine.last_calls, function, *args)
        else:
            work = self._timed(item, self.options.timeout, function, *args)
        item.began = self._loop.time()
        return self._loop.create_task(work, context=self.started(item))

    async def _timed(
        self, item: Item, timeout: float, function: Callable[..., Any], *args: Any
    ) -> Made:
        """Cancel a call that takes too long, from when it has its permit."""
        limit = asyncio.timeout(None)

        def begin() -> None:
            limit.reschedule(self._loop.time() + timeout)

        try:
            async with limit:
                if item.start is None:
                    begin()
                else:
                    item.start.tell = begin
                return await make_async(self.target.engine.last_calls, function, *args)
        except TimeoutError:
            if not limit.expired():
                raise
            raise over(self.target.name, timeout, CANCELLED) from None

    def note(self, item: Item, future: Task) -> None:
        """Settle it."""
        self._news.set()
        self.settle(item, future)

    # -------------------------------------------------------------------------------- end

    def _cancel(self) -> None:
        self.has_ended = True
        for task in list(self.calls.values()):
            task.cancel()

    async def _end(self) -> None:
        """Have nothing new begin, and wait for what runs; where cancelled, cancel that too."""
        self.stop()
        self._ticker.cancel()
        reading = [] if self.inputs.reader is None else [self.inputs.reader]
        for reader in reading:
            reader.cancel()
        cancelled = None
        while tasks := [*self.calls.values(), *reading]:
            try:
                await asyncio.wait(tasks)
                reading = []
            except CancelledError as error:
                cancelled = error
                self._cancel()
        self.meter.close()
        if cancelled is not None:
            raise cancelled


class AsyncInputs(Inputs):
    """The inputs of a map of which at least one iterable is asynchronous.

    A task reads them, since the next one may take long to come. Of what it reads, at most `AHEAD`
    inputs wait until they are asked for.

    Args:
        iterables: of both kinds; the shortest ends it.
        came: called when there is something new: inputs, or the end.
        context: in which they are read.
    """

    def __init__(
        self,
        iterables: tuple[Iterable[Any] | AsyncIterable[Any], ...],
        came: Callable[[], object],
        context: Context,
    ) -> None:
        super().__init__(())
        self._came, self._context = came, context
        self._iterators: list[Any] = [
            aiter(each) if isinstance(each, AsyncIterable) else iter(each) for each in iterables
        ]
        self._read: asyncio.Queue[tuple[Any, ...]] = asyncio.Queue(AHEAD)

    def page(self, size: int) -> list[tuple[Any, ...]]:
        """The arguments of the next calls: at most so many, of those that have come by now."""
        if self.reader is None:
            loop = asyncio.get_running_loop()
            self.reader = loop.create_task(self._read_on(), context=self._context.copy())
            self.reader.add_done_callback(lambda _: self._came())
        page = [self._read.get_nowait() for _ in range(min(size, self._read.qsize()))]
        self.has_ended = self.reader.done() and self._read.empty()
        return page

    async def _read_on(self) -> None:
        try:
            while True:
                args: list[Any] = []
                for each in self._iterators:
                    item = next(each) if isinstance(each, Iterator) else await anext(each)
                    args.append(item)
                await self._read.put(tuple(args))
                self._came()
        except (StopIteration, StopAsyncIteration):
            pass
        except Exception as error:
            self.error = error
