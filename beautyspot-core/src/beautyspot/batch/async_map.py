"""`AsyncMap`: `spot.map` of a coroutine function.

Its iterator reads the inputs, looks them up, and hands out, in the task that asks for the results.
Each call is a task of its own; where one ends, the next one begins, whoever is asked meanwhile.
"""

from __future__ import annotations

import asyncio
from asyncio import CancelledError
from collections import deque
from collections.abc import AsyncGenerator
from contextvars import copy_context
from functools import partial
from typing import TYPE_CHECKING, Any

from beautyspot.batch.async_inputs import AsyncInputs, inputs_of
from beautyspot.batch.lookups import Lookups
from beautyspot.batch.made import make_async
from beautyspot.batch.options import CONCURRENCY
from beautyspot.batch.termination import ends_in_order
from beautyspot.batch.window import Window
from beautyspot.calls.wrappers import perform
from beautyspot.concurrency.waiting import Job, check_asyncio
from beautyspot.results.validity import MISSING

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, Callable, Coroutine, Iterable
    from contextvars import Context
    from typing import NoReturn

    from beautyspot.batch.items import Item
    from beautyspot.batch.made import Made
    from beautyspot.batch.meter import Meter
    from beautyspot.batch.options import MapOptions
    from beautyspot.batch.targets import Target
    from beautyspot.concurrency.queueing import Start
    from beautyspot.tasks.task import Task as MarkedTask

    Task = asyncio.Task[Any]


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


class AsyncMap:
    """One `spot.map` over a coroutine function.

    Args:
        target: the function.
        inputs: the iterables, of both kinds.
        options: checked.
        meter: counts, or None.
    """

    def __init__(
        self,
        target: Target,
        inputs: tuple[Iterable[Any] | AsyncIterable[Any], ...],
        options: MapOptions,
        meter: Meter | None,
    ) -> None:
        self._target, self._timeout, self._meter = target, options.timeout, meter
        self._concurrency = options.concurrency or CONCURRENCY
        self._context: Context = copy_context()
        self._news = asyncio.Event()
        self._inputs = inputs_of(inputs, self._news.set, self._context)
        self._lookups = Lookups(target)
        self._window = Window(options, self._lookups, self._concurrency, meter)
        self._waiting: deque[Item] = deque()  # calls that are yet to begin
        self._calls: dict[Task, asyncio.TimerHandle | None] = {}  # under way
        self._begun: set[Item] = set()  # those of these, and of calls whose time was over
        self._is_cancelled = False
        self._loop: asyncio.AbstractEventLoop | None = None  # in which it has begun
        self._before: set[Task] = set()  # tasks of the Spot's that others have begun
        self._others: set[Task] = set()  # look-ups, and calls that nobody waits for

    async def give(self) -> AsyncGenerator[Any, None]:
        """The results."""
        check_asyncio("spot.map of a coroutine function")
        window = self._window
        self._begin()
        try:
            with ends_in_order():
                while True:
                    for result in window.ready():
                        yield result
                    if not await self._goes_on():
                        break
                self._window.raise_failure(self._inputs.error)
                await self._renew()
        except CancelledError:
            self._cancel()
            raise
        finally:
            await self._end()

    def _begin(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._before = self._target.engine.behind.tasks_here()
        if self._meter is not None:
            self._context.run(self._meter.watch)
            self._meter.start_in(self._loop)

    def _check_loop(self) -> None:
        if asyncio.get_running_loop() is not self._loop:
            raise RuntimeError(
                "this iterator of spot.map was begun in another event loop, where its calls run: "
                "read it to its end there, or call spot.map anew in this one"
            )

    async def _goes_on(self) -> bool:
        """Read, start and wait until something can be handed out; False where all was."""
        window, inputs = self._window, self._inputs
        self._check_loop()
        self._news.clear()
        reads = not (window.has_ended or inputs.has_ended) and await self._read()
        if reads or window.is_ready:
            return True
        is_reading = isinstance(inputs, AsyncInputs) and not (inputs.has_ended or window.has_ended)
        if self._calls or self._others or is_reading:
            await self._news.wait()
            return True
        return not (window.has_ended or (inputs.has_ended and window.is_empty))

    async def _renew(self) -> None:
        """Wait for the calls behind results that had expired: the event loop may end next."""
        behind = self._target.engine.behind.tasks_here() - self._before
        if behind:
            await asyncio.wait(behind, timeout=self._timeout)

    # ------------------------------------------------------------------------------ begin

    async def _read(self) -> bool:
        """Read a page of inputs, if there is room and there are any; whether there were."""
        room = self._window.room
        page = self._inputs.page(room) if room else []
        if not page:
            return False
        look = partial(self._within, self._lookups.page, page)
        engine = self._target.engine
        if engine.blocking:
            found = await Job(look).run_in(engine.executor)
        else:
            found = look()
            await asyncio.sleep(0)  # the loop runs others between two pages
        for item in self._window.take(found):
            self._begin_with(item)
        return True

    def _within(self, work: Callable[[Any], Any], what: Any) -> Any:
        """Do something in a context like that in which the map was called."""
        return self._context.copy().run(work, what)

    def _begin_with(self, item: Item) -> None:
        """Have an item looked up, or called as soon as that may be."""
        if item.call is not None:
            look = partial(self._within, self._lookups.look, item)
            task = self._spawn(Job(look).run_in(self._target.engine.executor))
            self._others.add(task)
            task.add_done_callback(partial(self._looked, item))
        elif self._window.leads(item):
            self._waiting.append(item)
            self._start()

    def _start(self) -> None:
        """Begin as many calls as may run at once, unless nothing new may begin."""
        if self._window.has_ended:
            self._waiting.clear()
        while self._waiting and len(self._calls) < self._concurrency:
            item = self._waiting.popleft()
            if self._meter is not None:
                self._meter.began()
            item.start = self._target.start()
            self._begun.add(item)
            task = self._spawn(self._call(item), item.start)
            self._calls[task] = None
            if self._timeout is not None:
                self._watch_time(item, task, self._timeout)
            task.add_done_callback(partial(self._called, item))

    def _watch_time(self, item: Item, task: Task, timeout: float) -> None:
        """Have a call fail that takes longer, from when it has its permit."""

        def begin() -> None:
            if task in self._calls:
                over = partial(self._time_out, item, task, timeout)
                self._calls[task] = task.get_loop().call_later(timeout, over)

        if item.start is None:
            begin()
        else:
            item.start.tell = begin

    def _call(self, item: Item) -> Coroutine[Any, Any, Any]:
        """Make a call; one that was not found just now does not look again at once.

        It does look once other processes are kept out. In other modes nothing keeps them out.
        """
        target, engine = self._target, self._target.engine
        if not item.key or engine.detours or target.task.options.mode != "normal":
            return make_async(engine.last_calls, target.function, *item.args)
        call = target.call(item.args)
        call.looked = target.task.stale is None  # else what has expired may be given all the same
        return make_async(engine.last_calls, perform, engine, call)

    def _spawn(self, work: Coroutine[Any, Any, Any], start: Start | None = None) -> Task:
        context = self._context.copy()
        if start is not None:
            context.run(start.watch)
        return asyncio.get_running_loop().create_task(work, context=context)

    # ---------------------------------------------------------------------------- collect

    def _called(self, item: Item, task: Task) -> None:
        """Note the end of a call, and begin the next one."""
        timer = self._calls.pop(task, None)
        if timer is not None:
            timer.cancel()
        self._others.discard(task)
        self._begun.discard(item)
        self._settle(item, task, began=True)

    def _looked(self, item: Item, task: Task) -> None:
        """Note the end of a look-up."""
        self._others.discard(task)
        self._settle(item, task, began=False)

    def _settle(self, item: Item, task: Task, *, began: bool) -> None:
        self._news.set()
        if task.cancelled() and self._is_cancelled:
            if began and self._meter is not None and not item.settled:
                self._meter.gave_up()
            return
        error = CancelledError() if task.cancelled() else task.exception()
        if item.settled:  # its time was over
            return
        if error is not None:
            self._end_badly(item, error, began=began)
        elif began or task.result() is not MISSING:
            self._take(item, task.result(), began=began)
        elif not self._window.has_ended:
            self._begin_with(item)
        self._start()

    def _take(self, item: Item, made: Made, *, began: bool) -> None:
        if self._meter is not None:
            self._meter.made(made) if began else self._meter.hit()
        if made.error is not None:
            self._window.failed(item, made.error, stored=True)
            self._stop_if_over()
            return
        for follower in self._window.returned(item, made):
            self._begin_with(follower)

    def _end_badly(self, item: Item, error: BaseException, *, began: bool) -> None:
        if item.start is None or not item.start.is_stopped:
            self._fail(item, error, began=began)
        elif self._meter is not None:
            self._meter.gave_up()

    def _fail(self, item: Item, error: BaseException, *, began: bool) -> None:
        refused = self._target.has_refused(item, error)
        if self._meter is not None:
            (self._meter.failed if began else self._meter.missed)(refused=refused)
        self._window.failed(item, error, refused=refused)
        self._stop_if_over()

    def _stop_if_over(self) -> None:
        if self._window.has_ended:
            self._stop()

    def _time_out(self, item: Item, task: Task, timeout: float) -> None:
        """Have a call fail, and wait no longer for it."""
        if task.done():  # `_called` comes next
            return
        self._calls.pop(task, None)
        self._others.add(task)
        self._fail(item, _over(self._target.task, timeout), began=True)
        task.cancel()
        self._news.set()
        self._start()

    # -------------------------------------------------------------------------------- end

    def _stop(self) -> None:
        """Have nothing new begin: what waits for its permit ends."""
        self._window.has_ended = True
        for item in self._begun:
            if item.start is not None:
                item.start.stop()

    def _cancel(self) -> None:
        self._is_cancelled = self._window.has_ended = True
        for task in (*self._calls, *self._others):
            task.cancel()

    async def _end(self) -> None:
        """Have nothing new begin, and wait for what runs; where cancelled, cancel that too."""
        self._stop()
        try:
            await self._all_have_ended()
        except CancelledError:
            self._cancel()
            await self._all_have_ended()
            raise
        finally:
            if self._meter is not None:
                self._meter.close()

    async def _all_have_ended(self) -> None:
        if asyncio.get_running_loop() is not self._loop:  # whose calls nobody can wait for here
            return
        if isinstance(self._inputs, AsyncInputs):
            await self._inputs.close()
        while tasks := [*self._calls, *self._others]:
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
