"""`ThreadMap`: `spot.map` of a plain function, over any executor of `concurrent.futures`.

The thread that asks for results reads the inputs, looks them up, and hands out; the executor calls
the function. So nothing is read, and nothing new begins, that nobody asks for: but for what was
read ahead. Unless the user gives an executor, it is a pool of daemon threads.
"""

from __future__ import annotations

import atexit
import os
import threading
from concurrent.futures import (
    CancelledError,
    Executor,
    Future,
    ThreadPoolExecutor,
)
from contextlib import suppress
from functools import partial
from itertools import count
from math import inf
from queue import Empty, SimpleQueue
from time import monotonic
from typing import TYPE_CHECKING, Any, Final

from beautyspot.batch.inputs import CONCURRENCY, Inputs
from beautyspot.batch.targets import Sent, make
from beautyspot.batch.window import Map, ends_in_order, over
from beautyspot.calls.blocks import asked
from beautyspot.concurrency.queueing import NotBegun

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from beautyspot.batch.inputs import MapOptions
    from beautyspot.batch.lookups import Item
    from beautyspot.batch.meter import Meter
    from beautyspot.batch.targets import Made, Target

    Work = tuple[Future[Any], Callable[[], Any]]

TICK: Final = 0.1
"""Seconds, at most, for which the map's thread waits before it looks at times and the progress.

On Windows no Ctrl-C interrupts a wait, so it waits no longer there either.
"""

UNSTOPPED: Final = (
    ". A thread can't be stopped: the call goes on, and its result is stored if it comes. Give "
    "more time, or the client that it calls a time-out of its own"
)

_under_way: Final[set[ThreadMap]] = set()
"""The maps that have begun, and not ended."""


class Threads(Executor):
    """A pool of daemon threads: one that never returns must not keep the interpreter from ending.

    So whoever submits calls waits for them, also at the end of the process.

    Args:
        most: how many threads there may be.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._queue: SimpleQueue[Work | None] = SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._left: set[Future[Any]] = set()

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Have a thread call it; here where none can be started."""
        future: Future[Any] = Future()
        self._queue.put((future, partial(fn, *args, **kwargs)))
        if len(self._threads) < self._most:
            self._start()
        return future

    def _start(self) -> None:
        thread = threading.Thread(target=self._serve, name="beautyspot-map", daemon=True)
        try:
            thread.start()
            self._threads.append(thread)
        except (RuntimeError, MemoryError):
            if not self._threads:  # nobody else would do it
                self._queue.put(None)
                self._serve()

    def _serve(self) -> None:
        while (work := self._queue.get()) is not None:
            _run(*work)
            if work[0] in self._left:  # another thread took this one's place
                return
            del work  # else its result would be kept until the next one comes

    def leave(self, future: Future[Any]) -> None:
        """Have another thread take the place of the one that runs this, which ends with that."""
        self._left.add(future)
        self._most += 1
        self._start()

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """End the threads, each once it is free; nothing is submitted any more.

        With `wait`, this returns once they have ended, and so have their connections to a store;
        but at once where one was left, which may never return.
        """
        del cancel_futures
        for _ in self._threads:
            self._queue.put(None)
        for thread in self._threads if wait and not self._left else ():
            thread.join()


def _run(future: Future[Any], call: Callable[[], Any]) -> None:
    if not future.set_running_or_notify_cancel():
        return
    try:
        result = call()
    except BaseException as error:
        future.set_exception(error)
        del future, call  # its error holds this frame: else a cycle for the collector
    else:
        future.set_result(result)


class ThreadMap(Map):
    """One `spot.map` over a plain function.

    Args:
        target: the function.
        inputs: the iterables.
        options: checked.
        meter: counts.
    """

    cancelled = CancelledError

    def __init__(
        self,
        target: Target,
        inputs: tuple[Any, ...],
        options: MapOptions,
        meter: Meter,
    ) -> None:
        given = options.executor
        workers = getattr(given, "_max_workers", None)
        concurrency = options.concurrency or workers or CONCURRENCY
        most = inf if given is None else concurrency
        super().__init__(target, options, meter, concurrency, most)
        self.inputs = Inputs(inputs)
        self._executor: Executor = given or Threads(concurrency)
        self._own = self._executor if isinstance(self._executor, Threads) else None
        self._sent: Sent | None = None
        if given is not None and not isinstance(given, ThreadPoolExecutor):
            self._sent = Sent.to(target, given)
        # A future of Dask's does not know that its call runs.
        self._cancels = given is None or workers is not None
        self._done: SimpleQueue[tuple[Item, Future[Any]]] = SimpleQueue()
        self._errors = count(1)
        self._process = os.getpid()

    def give(self) -> Generator[Any, None, None]:
        """The results."""
        with ends_in_order():
            try:
                _under_way.add(self)
                while True:
                    yield from self.ready()
                    if not self._goes_on():
                        break
                self.raise_failure()
            finally:
                self.end()

    def _goes_on(self) -> bool:
        """Read, begin calls and collect what is done; False where nothing is to come."""
        if self._process != os.getpid():  # pragma: no cover - children are not measured
            raise RuntimeError(
                "this iterator of spot.map was begun in another process, where its calls run: "
                "call spot.map anew in this one"
            )
        room = self.room
        page = self.inputs.page(room) if room else []
        if page:
            self.take(self.context.run(self.lookups.page, page))
        self.meter.tick()
        if not self.calls:
            goes_on = not (self.has_ended or self.inputs.has_ended)
            return goes_on or bool(page) or self.is_ready
        try:
            self.settle(*self._done.get(not (page or self.is_ready), TICK))
            while True:
                self.settle(*self._done.get_nowait())
        except Empty:
            pass
        if self.options.timeout is not None:
            self._time_out(self.options.timeout)
        return True

    def end(self) -> None:
        """Have nothing new begin, and wait for what runs; a second Ctrl-C ends the waiting."""
        if self not in _under_way or self._process != os.getpid():
            return  # pragma: no cover - at the process's end, and in children
        _under_way.discard(self)
        self.stop()
        if self._own is not None:
            self._own.shutdown(wait=False)
        try:
            for item, future in list(self.calls.items()):  # a note may be lost by Ctrl-C
                with suppress(CancelledError):
                    future.exception()  # waits for its end
                self.settle(item, future)
            if self._own is not None:
                self._own.shutdown()
        finally:
            self.meter.close()

    # ----------------------------------------------------------------------------- the executor

    def submit(self, item: Item) -> Future[Any]:
        """Hand a call to the executor; only to a thread of this process the context can go along.

        Raises:
            Exception: the executor takes none.
        """
        if self._own is None:
            item.began = monotonic()
        if self._sent is None:
            return self._executor.submit(self._call, item)
        item.start = None  # nobody here would see that it begins
        mode, max_age = self.context.run(asked, self.target.engine)
        there: Any = self._sent._replace(mode=mode, max_age=max_age)
        return self._executor.submit(there, *item.args)

    def _call(self, item: Item) -> Made:
        if self.has_ended:
            raise NotBegun
        item.began = item.began or monotonic()
        function, args = self.prepared(item)
        try:
            return self.started(item).run(make, self.target.engine.last_calls, function, *args)
        except BaseException:  # after too many nothing begins, whenever the map's thread sees them
            if self.most_failures is not None and next(self._errors) > self.most_failures:
                self.stop()
            raise

    def note(self, item: Item, future: Future[Any]) -> None:
        """Have the thread of the map settle it; called in any thread."""
        self._done.put((item, future))

    def stop(self) -> None:
        """Have nothing new begin: neither what waits for its permit nor for a thread."""
        super().stop()
        for future in list(self.calls.values()) if self._cancels else ():
            future.cancel()

    # ------------------------------------------------------------------------------- times

    def _time_out(self, timeout: float) -> None:
        """Have calls fail that take longer: their threads go on, and nobody waits for them."""
        now = monotonic()
        for item, future in list(self.calls.items()):
            since = item.began if item.start is None else item.start.began
            if since is None or now - since < timeout or future.done():
                continue
            del self.calls[item]
            if self._own is not None:
                self._own.leave(future)
            elif self._cancels:
                future.cancel()
            self.fail(item, over(self.target.name, timeout, UNSTOPPED))
        self.go_on()


@atexit.register
def _end_all() -> None:  # pragma: no cover - at the process's end
    """End the maps that nobody has closed, while threads can still be waited for."""
    for each in list(_under_way):
        each.end()
