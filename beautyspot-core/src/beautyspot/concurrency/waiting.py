"""How a thread or a task waits for another one, and how long; work that a task waits for.

`Bell` wakes a thread and `Alarm` a task, from any thread. `Together` has one thread ask for all
that wait meanwhile. `Job` is a blocking call that a task has an executor run, mostly its
`SpotExecutor`. Our waits work in the event loop of asyncio only: `check_asyncio` refuses others.
"""

from __future__ import annotations

import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from beautyspot.concurrency import deferred
from beautyspot.concurrency.forks import reset_in_children
from beautyspot.concurrency.locks import Lock
from beautyspot.errors import NotSupportedError

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Iterator
    from concurrent.futures import Executor, Future

REMEDY: Final = "run it in asyncio, or by AnyIO with its backend asyncio"

PATIENCE: Final = 5.0
"""Seconds after which a call that waits for another one says for which."""

LONG: Final = 60.0
"""Seconds after which that is a warning: few calls take as long, and it may be a deadlock."""

THREADS: Final = 8
"""Threads of an executor of a Spot's own."""


def in_asyncio() -> bool:
    """Whether the caller runs in a task of asyncio.

    Trio and Curio have loops of their own, which may run inside asyncio's, but in no task of it.
    """
    asyncio: Any = sys.modules.get("asyncio")  # as `running_loop`, without a call
    loop = None if asyncio is None else asyncio._get_running_loop()
    return loop is not None and sys.modules["asyncio"].current_task(loop) is not None


def running_loop() -> asyncio.AbstractEventLoop | None:
    """The event loop of asyncio that runs in this thread, if any."""
    asyncio: Any = sys.modules.get("asyncio")  # importing it takes 60 ms; no loop runs without it
    return None if asyncio is None else asyncio._get_running_loop()


def check_asyncio(what: str) -> None:
    """Refuse to wait where asyncio does not run the caller.

    Args:
        what: the subject of the message.

    Raises:
        NotSupportedError: the caller runs in no task of asyncio.
    """
    if not in_asyncio():
        raise NotSupportedError(f"{what} takes the event loop of asyncio: {REMEDY}")


def waitable(timeout: float | None) -> float | None:
    """`timeout` in seconds, within what a lock accepts: 0 to three centuries."""
    return None if timeout is None else min(max(timeout, 0.0), threading.TIMEOUT_MAX)


class Bell:
    """Wakes one thread. Unlike an event it has no lock that a thread may be interrupted in."""

    __slots__ = ("_rung",)

    def __init__(self) -> None:
        self._rung = threading.Lock()
        self._rung.acquire()

    def __call__(self) -> None:
        """Wake the thread, from any thread. A second call does nothing."""
        with suppress(RuntimeError):  # it has been rung before
            self._rung.release()

    def wait(self, timeout: float | None) -> bool:
        """Wait for the call, at most `timeout` seconds; whether it came."""
        seconds = -1 if timeout is None else min(max(timeout, 0.0), threading.TIMEOUT_MAX)
        return self._rung.acquire(timeout=seconds)


class Alarm:
    """Wakes a task from any thread. Once the task's event loop is closed it does nothing.

    Attributes:
        rung: a future that the call completes.
    """

    __slots__ = ("_loop", "rung")

    def __init__(self) -> None:
        import asyncio

        check_asyncio("to wait for another thread")
        self._loop = asyncio.get_running_loop()
        self.rung: asyncio.Future[bool] = self._loop.create_future()

    def __call__(self, *_: object) -> None:
        """Wake the task, from any thread. A second call does nothing."""
        if running_loop() is self._loop:
            self._ring()
            return
        with suppress(RuntimeError):  # the loop is closed, and nothing waits in it
            self._loop.call_soon_threadsafe(self._ring)

    @property
    def is_dead(self) -> bool:
        """Whether the loop is closed."""
        return self._loop.is_closed()

    def _ring(self) -> None:
        if not self.rung.done():
            self.rung.set_result(True)

    async def wait(self, timeout: float | None) -> bool:
        """Wait for the call, at most `timeout` seconds; whether it came.

        Each call wakes one wait, as that of a `Bell` does; calls before the wait count as one.
        """
        import asyncio

        await asyncio.wait([self.rung], timeout=timeout)
        if not self.rung.done():
            return False
        self.rung = self._loop.create_future()
        return True


class Awaited:
    """What threads and tasks wait for, by wakers such as a `Bell`; its class sets both attributes.

    Attributes:
        done: whether it is over.
        wakers: called then.
    """

    done: bool
    wakers: list[Callable[[], object]]

    def end(self) -> None:
        """Say that it is over, and wake who waits for that."""
        self.done = True
        for wake in self.wakers.copy():
            wake()

    @contextmanager
    def waking(self, wake: Callable[[], object]) -> Iterator[None]:
        """In the block, call `wake` when it is over; at once where it is."""
        self.wakers.append(wake)
        try:
            if self.done:  # after the other: one of the two threads sees what the other did
                wake()
            yield
        finally:
            self.wakers.remove(wake)


class Together:
    """Has one thread ask for itself and for those that wait for their turn meanwhile.

    So a lone one waits for nobody, and of many each trip to a server takes all that have come
    during the trip before it.

    Args:
        ask: asks about all of these subjects at once; all get what it returns or raises.
        most: of so many.
    """

    def __init__(self, ask: Callable[[list[Any]], Any], most: int) -> None:
        self._ask, self._most = ask, most
        self._waiting: dict[int, list[Any]] = {}  # each with its subject, then with the answer
        self._turn = Lock()  # a signal's handler may come here within its own turn

    def __call__(self, subject: Any) -> Any:
        """Ask, or have another thread ask.

        Raises:
            Exception: what asking raised.
        """
        mine = [subject]
        self._waiting[id(mine)] = mine
        try:
            with self._turn:
                if len(mine) == 1:
                    others = [each for each in list(self._waiting.values()) if each is not mine]
                    self._answer([mine, *others[: self._most - 1]])
        finally:
            self._waiting.pop(id(mine), None)
        if isinstance(mine[1], Exception):
            raise mine[1]
        return mine[1]

    def _answer(self, batch: list[list[Any]]) -> None:
        try:
            answer = self._ask([each[0] for each in batch])
        except Exception as error:
            answer = error
        for each in batch:
            self._waiting.pop(id(each), None)
            each.append(answer)


class Job:
    """Work that a thread of an executor does for a task.

    It runs to its end even if the task is cancelled. Where the executor takes no work (it is shut
    down, or the interpreter is), or drops it, the work runs in the event loop.

    Args:
        work: what the thread does.
        undo: gives back what that made, such as a reservation, where the task is cancelled
            meanwhile; by a thread. It raises nothing. Without one that is left as it is.
    """

    __slots__ = ("_undo", "_work")

    def __init__(
        self, work: Callable[[], Any], undo: Callable[[Any], object] | None = None
    ) -> None:
        self._work, self._undo = work, undo

    async def run_in(self, executor: Callable[[], Executor]) -> Any:
        """Run the work in the executor, and return what it returns."""
        alarm = Alarm()
        try:
            queued = executor().submit(self._work)
        except RuntimeError:
            return self._work()
        queued.add_done_callback(alarm)
        try:
            await alarm.rung
            return self._work() if queued.cancelled() else queued.result()
        except BaseException:
            if self._undo is not None and not queued.cancel():
                queued.add_done_callback(partial(_undo_later, self._undo))
            raise
        finally:
            del queued  # an error in it refers to this frame: a cycle for the collector


def _undo_later(undo: Callable[[Any], object], made: Future[Any]) -> None:
    if made.exception() is None:
        deferred.later(partial(undo, made.result()))


class SpotExecutor:
    """The executor of a Spot: the user's, or one of our own. It is called for the executor."""

    def __init__(self, given: Executor | None) -> None:
        self._given = given
        self.reset_after_fork()

    def reset_after_fork(self) -> None:
        """Start afresh in a child: the threads of our own executor stayed in the parent."""
        self._here = threading.local()
        mark = partial(setattr, self._here, "is_ours", True)
        self._own = ThreadPoolExecutor(THREADS, "beautyspot", mark)

    def __call__(self) -> Executor:
        """The user's executor, or our own."""
        return self._own if self._given is None else self._given

    def runs_here(self) -> bool:
        """Whether the calling thread is one of our own executor's."""
        return hasattr(self._here, "is_ours")

    def stop(self, *, wait: bool, drops: bool = False) -> None:
        """End the threads of our own executor; one that was given is the user's.

        Args:
            wait: whether to wait for what they do.
            drops: whether what none of them has begun is dropped.
        """
        self._own.shutdown(wait=wait, cancel_futures=drops)


NO_SPOT: Final = SpotExecutor(None)
"""Where there is no Spot, whose executor it would be."""

reset_in_children(NO_SPOT)
