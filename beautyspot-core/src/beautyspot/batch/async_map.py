"""`AsyncMap`: `spot.map` of a coroutine function.

Its iterator reads the inputs, looks them up, and hands out, in the task that asks for the results.
Each call is a task of its own; where one ends, the next one begins, whoever is asked meanwhile.
"""

from __future__ import annotations

import asyncio
from asyncio import CancelledError
from collections.abc import AsyncGenerator, AsyncIterable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from beautyspot.batch.inputs import Inputs
from beautyspot.batch.options import CONCURRENCY
from beautyspot.batch.targets import make_async
from beautyspot.batch.window import Map, ends_in_order
from beautyspot.concurrency.waiting import Job, check_asyncio

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterable
    from contextvars import Context
    from typing import NoReturn

    from beautyspot.batch.lookups import Item
    from beautyspot.batch.meter import Meter
    from beautyspot.batch.options import MapOptions
    from beautyspot.batch.targets import Target
    from beautyspot.tasks.task import Task as MarkedTask

    Task = asyncio.Task[Any]

AHEAD: Final = 64
"""Inputs of an asynchronous iterable that are read before there is room for them."""

_END: Final = object()


class Results(AsyncGenerator[Any, None]):
    """What `spot.map` of a coroutine function gives: says what to write in place of `list`."""

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
        self.inputs = Inputs(inputs)
        if any(isinstance(each, AsyncIterable) for each in inputs):
            self.inputs = AsyncInputs(inputs, self._news.set, self.context)
        self._timers: dict[Task, asyncio.TimerHandle] = {}
        self._left: set[Task] = set()  # calls whose time was over

    async def give(self) -> AsyncGenerator[Any, None]:
        """The results."""
        check_asyncio("spot.map of a coroutine function")
        self._loop, behind = asyncio.get_running_loop(), self.target.engine.behind
        before = behind.tasks_here()
        self.meter.start(self.running, self.target.waiting)
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
        if asyncio.get_running_loop() is not self._loop:
            raise RuntimeError(
                "this iterator of spot.map was begun in another event loop, where its calls run: "
                "read it to its end there, or call spot.map anew in this one"
            )
        self._news.clear()
        room = self.room
        page = self.inputs.page(room) if room else []
        if page:
            self.take(await self._found(page))
        self.meter.tick()
        if page or self.is_ready:
            return True
        reads = isinstance(self.inputs, AsyncInputs) and not self.inputs.has_ended
        if self.calls or (reads and not self.has_ended):
            looks = self._loop.call_later(self.meter.every, self._news.set)
            try:
                await self._news.wait()
            finally:
                looks.cancel()
            return True
        return not self.is_over

    async def _found(self, page: list[Any]) -> list[Any]:
        """Look inputs up: in the executor what may block."""
        run, engine = self.context.copy().run, self.target.engine
        if engine.blocking:
            found: list[Any] = await self._job(self.lookups.page, page)
        else:
            found = run(self.lookups.page, page)
            await asyncio.sleep(0)  # the loop runs others between two pages
        unread = self.unread(found)
        if unread:
            await self._job(self.lookups.read, unread)
        return found

    def _job(self, work: Callable[[Any], Any], what: list[Any]) -> Coroutine[Any, Any, Any]:
        run: Any = self.context.copy().run
        return Job(partial(run, work, what)).run_in(self.target.engine.executor)

    # ------------------------------------------------------------------------------- the tasks

    def submit(self, item: Item) -> Task:
        """Make a call in a task, and have its time be watched from when it has its permit."""
        function, args = self.prepared(item)
        work = make_async(self.target.engine.last_calls, function, *args)
        task = self._loop.create_task(work, context=self.started(item))
        item.began, timeout = self._loop.time(), self.options.timeout
        if timeout is not None:
            watch = partial(self._watch_time, item, task, timeout)
            if item.start is None:
                watch()
            else:
                item.start.tell = watch
        return task

    def _watch_time(self, item: Item, task: Task, timeout: float) -> None:
        self._timers[task] = self._loop.call_later(timeout, self._time_out, item, task, timeout)

    def note(self, item: Item, future: Task) -> None:
        """Settle it."""
        timer = self._timers.pop(future, None)
        if timer is not None:
            timer.cancel()
        self._left.discard(future)
        self._news.set()
        self.settle(item, future)

    def _time_out(self, item: Item, task: Task, timeout: float) -> None:
        """Have a call fail, and wait no longer for it."""
        if task.done():  # `note` comes next
            return
        del self.calls[item]
        self._left.add(task)
        self.fail(item, _over(self.target.task, timeout))
        task.cancel()
        self._news.set()
        self.go_on()

    # -------------------------------------------------------------------------------- end

    def _cancel(self) -> None:
        self.has_ended = True
        for task in (*self.calls.values(), *self._left):
            task.cancel()

    async def _end(self) -> None:
        """Have nothing new begin, and wait for what runs; where cancelled, cancel that too."""
        self.stop()
        try:
            await self._all_have_ended()
        except CancelledError:
            self._cancel()
            await self._all_have_ended()
            raise
        finally:
            self.meter.close()

    async def _all_have_ended(self) -> None:
        if asyncio.get_running_loop() is not self._loop:  # whose calls nobody can wait for here
            return
        if isinstance(self.inputs, AsyncInputs):
            await self.inputs.close()
        while tasks := [*self.calls.values(), *self._left]:
            await asyncio.wait(tasks)


def _over(task: MarkedTask, timeout: float) -> TimeoutError:
    """What a call has failed with whose time is over."""
    then, more = (
        "was cancelled",
        ', or mark it on_cancel="finish", so that it is stored all the same',
    )
    if task.options.on_cancel == "finish":
        then, more = "is no longer waited for: it goes on, and its result is stored if it comes", ""
    return TimeoutError(
        f"the call of {task.func_identifier} took longer than the timeout={timeout:g} s of "
        f"spot.map, and {then}. Give more time{more}"
    )


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
        self._given, self._came, self._context = iterables, came, context
        self._read: asyncio.Queue[tuple[Any, ...]] = asyncio.Queue(AHEAD)
        self._task: asyncio.Task[None] | None = None

    def page(self, size: int) -> list[tuple[Any, ...]]:
        """The arguments of the next calls: at most so many, of those that have come by now."""
        if self._task is None:
            loop = asyncio.get_running_loop()
            self._task = loop.create_task(self._read_on(), context=self._context.copy())
        page = [self._read.get_nowait() for _ in range(min(size, self._read.qsize()))]
        self.has_ended = self._given == () and self._read.empty()
        return page

    async def _read_on(self) -> None:
        try:
            iterators = [
                aiter(each) if isinstance(each, AsyncIterable) else iter(each)
                for each in self._given
            ]
            while (args := await _next_of(iterators)) is not None:
                await self._read.put(args)
                self._came()
        except BaseException as error:
            self.error = error
            if not isinstance(error, Exception):
                raise
        finally:
            self._given, self.has_ended = (), self._read.empty()
            self._came()

    async def close(self) -> None:
        """Read no more."""
        if self._task is not None and not self._task.done():
            self._task.cancel()
            await asyncio.wait([self._task])


async def _next_of(iterators: list[Any]) -> tuple[Any, ...] | None:
    """The next item of each; None where one has ended."""
    items: list[Any] = []
    for iterator in iterators:
        is_plain = isinstance(iterator, Iterator)
        item = next(iterator, _END) if is_plain else await anext(iterator, _END)
        if item is _END:
            return None
        items.append(item)
    return tuple(items)
