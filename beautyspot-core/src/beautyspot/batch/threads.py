"""`SyncMap`: `spot.map` of a plain function.

The thread that asks for results reads the inputs, looks them up, and hands out; workers call the
function. So nothing is read, and nothing new begins, that nobody asks for: but for what was read
ahead.
"""

from __future__ import annotations

import atexit
import os
from contextvars import copy_context
from functools import partial
from queue import Empty, SimpleQueue
from time import monotonic
from typing import TYPE_CHECKING, Any, Final

from beautyspot.batch.inputs import Inputs
from beautyspot.batch.lookups import Lookups
from beautyspot.batch.made import make
from beautyspot.batch.options import CONCURRENCY
from beautyspot.batch.submitted import (
    Submitted,
    explain_unsent,
    in_blocks,
    make_there,
    runs_threads,
    sends_code,
    sent,
    warn_of_rate,
    workers_of,
)
from beautyspot.batch.termination import ends_in_order
from beautyspot.batch.window import Window
from beautyspot.batch.workers import NOT_BEGUN, Workers
from beautyspot.concurrency.queueing import NotBegun
from beautyspot.results.validity import MISSING

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable
    from contextvars import Context

    from beautyspot.batch.items import Item
    from beautyspot.batch.made import Made
    from beautyspot.batch.meter import Meter
    from beautyspot.batch.options import MapOptions
    from beautyspot.batch.targets import Target
    from beautyspot.batch.workers import Calling, Done

READERS: Final = 8
"""Threads that look up what takes long, such as blobs."""

POLL: Final = None if os.name == "posix" else 0.5
"""Seconds after which a wait that Ctrl-C can't interrupt gives it a chance; None where it can."""

_under_way: Final[set[SyncMap]] = set()
"""The maps that have begun, and not ended."""


class SyncMap:
    """One `spot.map` over a plain function.

    Args:
        target: the function.
        inputs: the iterables.
        options: checked.
        meter: counts, or None.
    """

    def __init__(
        self,
        target: Target,
        inputs: tuple[Iterable[Any], ...],
        options: MapOptions,
        meter: Meter | None,
    ) -> None:
        self._target, self._timeout, self._meter = target, options.timeout, meter
        self._context = copy_context()
        self._inputs = Inputs(inputs)
        self._lookups = Lookups(target)
        self._done: SimpleQueue[Done] = SimpleQueue()
        workers = workers_of(options.executor)
        concurrency = options.concurrency or workers or CONCURRENCY
        self._window = Window(options, self._lookups, concurrency, meter)
        look = partial(_look, self._context, self._lookups)
        self._readers = Workers("reader", READERS, look, self._done)
        self._workers: Calling
        if options.executor is None:
            call = partial(_call, self._context, target, meter)
            most = options.most_failures
            self._workers = Workers("map", concurrency, call, self._done, failures=most)
        else:
            function = sent(target, options.executor)
            warn_of_rate(target, options.executor)
            submit = partial(_submit, self._context, target, options.executor, function, meter)
            tells = workers is not None
            self._workers = Submitted(concurrency, submit, self._done, cancels=tells)
        self._process = os.getpid()
        self._has_ended = False

    def give(self) -> Generator[Any, None, None]:
        """The results."""
        with ends_in_order():
            try:
                self._begin()
                while True:
                    yield from self._window.ready()
                    if not self._goes_on():
                        break
                self._window.raise_failure(self._inputs.error)
            finally:
                self.end()

    def _begin(self) -> None:
        _under_way.add(self)
        if self._meter is not None:
            self._context.run(self._meter.watch)
            self._meter.start()

    def _goes_on(self) -> bool:
        """Read, begin calls and collect what is done; False where nothing is to come."""
        window = self._window
        reads = False
        if window.has_ended:
            self._workers.withdraw()
        else:
            reads = self._read()
        busy = self._workers.is_busy or self._readers.is_busy
        if busy:
            self._collect(wait=not (reads or window.is_ready))
        if busy or window.is_ready:
            return True
        return not (window.has_ended or (self._inputs.has_ended and window.is_empty))

    def end(self) -> None:
        """Have nothing new begin, and wait for what runs; a second Ctrl-C ends the waiting."""
        if self._has_ended or self._process != os.getpid():
            return  # pragma: no cover - at the process's end, and in children
        self._readers.stop()
        self._workers.stop()
        _under_way.discard(self)
        self._has_ended = True
        try:
            self._readers.join()
            self._workers.join()
        finally:
            while not self._done.empty():  # it leads to the workers, and they to it
                self._count_late(*self._done.get())
            if self._meter is not None:
                self._meter.close()

    # ------------------------------------------------------------------------------ begin

    def _read(self) -> bool:
        """Read a page of inputs, if there is room and there are any; whether there were."""
        room = 0 if self._inputs.has_ended else self._window.room
        page = self._inputs.page(room) if room else ()
        if page:
            found = self._context.run(self._lookups.page, page)
            for item in self._window.take(found):
                self._start(item)
        return bool(page)

    def _start(self, item: Item) -> None:
        if item.call is not None:
            self._readers.submit(item)
        elif self._window.leads(item):
            item.start = self._target.start()
            self._workers.submit(item)

    # ---------------------------------------------------------------------------- collect

    def _collect(self, *, wait: bool) -> None:
        """Take in what is done by now; with `wait`, at least one, unless a time is over."""
        if self._process != os.getpid():  # pragma: no cover - children are not measured
            raise RuntimeError(
                "this iterator of spot.map was begun in another process, where its calls run: "
                "call spot.map anew in this one"
            )
        try:
            self._settle(*self._done.get(wait, self._patience() if wait else None))
            while True:
                self._settle(*self._done.get_nowait())
        except Empty:
            pass
        if self._timeout is not None:
            self._time_out(self._timeout)

    def _settle(
        self, workers: Calling, item: Item, value: Any, error: BaseException | None
    ) -> None:
        workers.forget(item)
        if item.settled:  # its time was over
            return
        if value is NOT_BEGUN or isinstance(error, NotBegun):
            self._count_late(workers, item, value, error)
            return
        began = workers is not self._readers
        if error is not None:
            self._fail(item, error, began=began)
        elif value is not MISSING:
            self._take(item, value, began=began)
        elif not self._window.has_ended:
            self._start(item)

    def _count_late(
        self, workers: Calling, item: Item, value: Any, error: BaseException | None
    ) -> None:
        """Count a call of which nothing is handed out, since the map ends."""
        meter = self._meter
        if meter is None or item.settled or workers is self._readers:
            return
        if isinstance(error, NotBegun):
            meter.gave_up()
        elif value is not NOT_BEGUN:
            refused = self._target.has_refused(item, error)
            meter.made(value) if error is None else meter.failed(refused=refused)
        elif isinstance(workers, Submitted):  # a thread had not counted it yet
            meter.gave_up()

    def _take(self, item: Item, made: Made, *, began: bool) -> None:
        if self._meter is not None:
            self._meter.made(made) if began else self._meter.hit()
        if made.error is not None:
            self._window.failed(item, made.error, stored=True)
            return
        for follower in self._window.returned(item, made):
            self._start(follower)

    def _fail(self, item: Item, error: BaseException, *, began: bool) -> None:
        refused = self._target.has_refused(item, error)
        if self._meter is not None:
            (self._meter.failed if began else self._meter.missed)(refused=refused)
        if isinstance(self._workers, Submitted):
            explain_unsent(error)
        fatal = began and self._workers.is_broken
        self._window.failed(item, error, fatal=fatal, refused=refused)

    # ------------------------------------------------------------------------------ times

    def _patience(self) -> float | None:
        """Seconds until the time of a call may be over: of one under way, or that begins now."""
        if self._timeout is None:
            return POLL
        now = monotonic()
        first = min([now, *(since for _, since in self._running())])
        left = first + self._timeout - now
        return max(0.0, left if POLL is None else min(left, POLL))

    def _running(self) -> list[tuple[Item, float]]:
        """The calls whose functions run, each with when it began."""
        items = [(item, item.runs_since) for item in self._workers.begun()]
        return [(item, since) for item, since in items if since is not None]

    def _time_out(self, timeout: float) -> None:
        now = monotonic()
        for item, since in self._running():
            if now - since >= timeout and self._workers.give_up(item):
                self._fail(item, _over(self._target.name, timeout), began=True)
        if self._window.has_ended:
            self._workers.withdraw()
        self._workers.replace()


def _look(context: Context, lookups: Lookups, item: Item) -> Any:
    return context.copy().run(lookups.look, item)


def _call(context: Context, target: Target, meter: Meter | None, item: Item) -> Made:
    if meter is not None:
        meter.began()
    return _begin(context, item).run(make, target.engine.last_calls, target.function, *item.args)


def _begin(context: Context, item: Item) -> Context:
    """The context of a call, which may be stopped as long as it waits for its permit."""
    own = context.copy()
    if item.start is not None:
        own.run(item.start.watch)
    return own


def _submit(
    context: Context,
    target: Target,
    executor: Any,
    function: Callable[..., Any],
    meter: Meter | None,
    item: Item,
) -> Any:
    """Hand a call to an executor; only to a thread the context can go along."""
    if meter is not None:
        meter.began()
    if runs_threads(executor):
        run, calls = _begin(context, item).run, target.engine.last_calls
        return executor.submit(run, make, calls, function, *item.args)
    item.start = None  # nobody here would see that it begins
    sent_so = context.copy().run(in_blocks, function, target.engine)
    return executor.submit(make_there, sends_code(executor), sent_so, *item.args)


def _over(name: str, timeout: float) -> TimeoutError:
    """What a call has failed with whose time is over."""
    return TimeoutError(
        f"the call of {name} took longer than the timeout={timeout:g} s of spot.map. A thread "
        "can't be stopped: the call goes on, and its result is stored if it comes. Give more time, "
        "or the client that it calls a time-out of its own"
    )


@atexit.register
def _end_all() -> None:  # pragma: no cover - at the process's end
    """End the maps that nobody has closed, while threads can still be waited for."""
    for each in list(_under_way):
        each.end()
