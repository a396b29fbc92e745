"""`ThreadMap`: `spot.map` of a plain function, over any executor of `concurrent.futures`.

The thread that asks for results reads the inputs, looks them up, and hands out; the executor calls
the function. So nothing is read, and nothing new begins, that nobody asks for: but for what was
read ahead. Unless the user gives an executor, it is a pool of daemon threads.
"""

from __future__ import annotations

import atexit
import os
import threading
from concurrent.futures import CancelledError, Executor, Future
from contextlib import suppress
from functools import partial
from itertools import count
from queue import Empty, SimpleQueue
from time import monotonic
from typing import TYPE_CHECKING, Any, Final

from beautyspot.batch.inputs import Inputs
from beautyspot.batch.options import CONCURRENCY
from beautyspot.batch.processes import (
    explain_unsent,
    in_blocks,
    is_of_the_executor,
    make_there,
    runs_threads,
    sends_code,
    sent,
    warn_of_rate,
    workers_of,
)
from beautyspot.batch.targets import make
from beautyspot.batch.window import Map, ends_in_order
from beautyspot.concurrency.queueing import NotBegun

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from beautyspot.batch.lookups import Item
    from beautyspot.batch.meter import Meter
    from beautyspot.batch.options import MapOptions
    from beautyspot.batch.targets import Made, Target

    Work = tuple[Future[Any], Callable[[], Any]]

TICK: Final = 0.1
"""Seconds, at most, for which the map's thread waits before it looks at times and the progress.

On Windows no Ctrl-C interrupts a wait, so it waits no longer there either.
"""

_under_way: Final[set[ThreadMap]] = set()
"""The maps that have begun, and not ended."""


class Threads(Executor):
    """A pool of daemon threads: one that never returns must not keep the interpreter from ending.

    So whoever submits calls waits for them, also at the end of the process. A thread is started
    where there is work that no other one is free for.

    Args:
        name: of the threads.
        most: how many there may be.
    """

    def __init__(self, name: str, most: int) -> None:
        self._name, self._most = name, most
        self._queue: SimpleQueue[Work | None] = SimpleQueue()
        self._open: set[Future[Any]] = set()
        self._left: set[Future[Any]] = set()
        self._threads: list[threading.Thread] = []
        self._number = 0  # of the threads, less those that were left

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Have a thread call it; here where none can be started."""
        future: Future[Any] = Future()
        self._open.add(future)
        self._queue.put((future, partial(fn, *args, **kwargs)))
        if self._number < self._most:
            self._start()
        return future

    def _start(self) -> None:
        if self._number >= min(len(self._open), self._most):
            return
        try:
            name = f"beautyspot-{self._name}"
            thread = threading.Thread(target=self._serve, name=name, daemon=True)
            thread.start()
            self._threads.append(thread)
            self._number += 1
        except (RuntimeError, MemoryError):
            if not self._number:  # nobody else would do it
                self._queue.put(None)
                self._serve()

    def _serve(self) -> None:
        while (work := self._queue.get()) is not None:
            future, call = work
            if future.set_running_or_notify_cancel():
                _run(future, call)
            self._open.discard(future)
            if future in self._left:  # another thread took this one's place
                return
            del work, future, call  # else its result would be kept until the next one comes

    def leave(self, future: Future[Any]) -> None:
        """Have another thread take the place of the one that runs this, which ends with that."""
        self._left.add(future)
        self._open.discard(future)
        self._number -= 1
        self._start()

    def join(self) -> None:
        """Wait for all that was submitted, and was not left."""
        for future in list(self._open):
            with suppress(CancelledError):
                future.exception()

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """End the threads, each once it is free; nothing is submitted any more.

        With `wait`, this returns once they have ended, and so have their connections to a store;
        but at once where one was left, which may never return.
        """
        del cancel_futures
        for _ in range(self._number):
            self._queue.put(None)
        for thread in self._threads if wait and not self._left else ():
            thread.join()


def _run(future: Future[Any], call: Callable[[], Any]) -> None:
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
        workers = workers_of(given)
        concurrency = options.concurrency or workers or CONCURRENCY
        most = None if given is None else concurrency
        super().__init__(target, options, meter, concurrency, most)
        self.inputs = Inputs(inputs)
        self._executor = given or Threads("map", concurrency)
        self._is_here = given is None or runs_threads(given)
        # A future of Dask's does not know that its call runs.
        self._cancels = given is None or workers is not None
        if not self._is_here:
            self._sent = sent(target, given)
            warn_of_rate(target, given)
        self._done: SimpleQueue[tuple[Item, Future[Any]]] = SimpleQueue()
        self._errors, self._most_failures = count(1), options.most_failures
        self._process = os.getpid()

    def give(self) -> Generator[Any, None, None]:
        """The results."""
        with ends_in_order():
            try:
                _under_way.add(self)
                self.meter.start(self.running, self.target.waiting)
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
            found = self.context.run(self.lookups.page, page)
            self.context.run(self.lookups.read, self.unread(found))
            self.take(found)
        self.meter.tick()
        if not self.calls:
            return bool(page) or self.is_ready or not self.is_over
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
        ours = self._executor if isinstance(self._executor, Threads) else None
        is_over = False
        try:
            for item, future in list(self.calls.items()):  # a note may be lost by Ctrl-C
                with suppress(CancelledError):
                    future.exception()
                self.settle(item, future)
            if ours is not None:
                ours.join()
            is_over = True
        finally:
            if ours is not None:
                ours.shutdown(wait=is_over)
            self.meter.close()

    # ----------------------------------------------------------------------------- the executor

    def submit(self, item: Item) -> Future[Any]:
        """Hand a call to the executor; only to a thread of this process the context can go along.

        Raises:
            Exception: the executor takes none.
        """
        if self.options.executor is None:
            return self._executor.submit(self._call, item)
        item.began = monotonic()
        if self._is_here:
            return self._executor.submit(self._call, item)
        item.start = None  # nobody here would see that it begins
        sent_so = self.context.copy().run(in_blocks, self._sent, self.target.engine)
        return self._executor.submit(make_there, sends_code(self._executor), sent_so, *item.args)

    def _call(self, item: Item) -> Made:
        if self.has_ended:
            raise NotBegun
        item.began = item.began or monotonic()
        function, args = self.prepared(item)
        try:
            calls = self.target.engine.last_calls
            item.made = self.started(item).run(make, calls, function, *args)
            return item.made
        except BaseException:  # after too many nothing begins, whenever the map's thread sees them
            if self._most_failures is not None and next(self._errors) > self._most_failures:
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

    def is_fatal(self, error: BaseException) -> bool:
        """Whether a call's error ends the map; that of an executor which takes no calls does."""
        foreign = self.options.executor is not None
        return super().is_fatal(error) or (foreign and is_of_the_executor(error))

    def fail(
        self, item: Item, error: BaseException, *, fatal: bool = False, stored: bool = False
    ) -> None:
        """See `Map.fail`."""
        if self.options.executor is not None:
            explain_unsent(error)
        super().fail(item, error, fatal=fatal, stored=stored)

    # ------------------------------------------------------------------------------- times

    def _time_out(self, timeout: float) -> None:
        """Have calls fail that take longer: their threads go on, and nobody waits for them."""
        now = monotonic()
        for item, future in list(self.calls.items()):
            since = item.runs_since
            if since is None or now - since < timeout or future.done():
                continue
            del self.calls[item]
            if isinstance(self._executor, Threads):
                self._executor.leave(future)
            elif self._cancels:
                future.cancel()
            self.fail(item, _over(self.target.name, timeout))
        self.go_on()


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
