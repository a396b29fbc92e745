"""The steps that a call's flow asks for, and the two drivers that perform them.

The flow (`mark.py`) is a generator: it decides, and knows nothing of threads or event loops. It
yields steps; a driver performs each as its kind of function can, and sends back what came of it.

What the user's function raises comes back as an `Outcome`, never as an exception thrown into the
flow: a `StopIteration` thrown into a generator would become a `RuntimeError`.
"""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Protocol

from beautyspot.concurrency.event_loops import check_asyncio

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Generator
    from concurrent.futures import Executor, Future

    from beautyspot.concurrency.single_flight import Flight
    from beautyspot.tasks.task import Call


class Outcome:
    """What the user's function did: returned `value`, or raised `error`."""

    __slots__ = ("error", "value")

    def __init__(self, value: Any = None, error: Exception | None = None) -> None:
        self.value = value
        self.error = error

    def unwrap(self) -> Any:
        """Return or raise as the function did."""
        if self.error is None:
            return self.value
        try:
            raise self.error
        finally:
            del self  # the traceback holds this frame: without this, a cycle for the collector


class Step(Protocol):
    """Something that a flow waits for, in both ways of waiting."""

    def perform(self) -> Any:
        """Do it in this thread."""

    async def perform_async(self, executor: Callable[[], Executor]) -> Any:
        """Do it without blocking the event loop; `executor` makes one where it is needed."""


def waitable(timeout: float | None) -> float | None:
    """A time-out as a lock takes it: three centuries at most, where somebody means for ever."""
    return None if timeout is None else min(timeout, threading.TIMEOUT_MAX)


def drive(flow: Generator[Step, Any, Outcome]) -> Any:
    """Perform a flow in this thread; returns or raises as the user's function did."""
    try:
        step = next(flow)
        while True:
            step = flow.send(step.perform())
    except StopIteration as end:
        outcome: Outcome = end.value
    finally:
        flow.close()  # an interrupted call frees its key
    return outcome.unwrap()


async def drive_async(flow: Generator[Step, Any, Outcome], executor: Callable[[], Executor]) -> Any:
    """Perform a flow in the running event loop."""
    try:
        step = next(flow)
        while True:
            step = flow.send(await step.perform_async(executor))
    except StopIteration as end:
        outcome: Outcome = end.value
    finally:
        flow.close()
    return outcome.unwrap()


class Execute:
    """Call the user's function."""

    __slots__ = ("call",)

    def __init__(self, call: Call) -> None:
        self.call = call

    def perform(self) -> Outcome:
        """Call it here."""
        call = self.call
        try:
            return Outcome(call.task.function(*call.args, **call.kwargs))
        except Exception as error:
            return Outcome(error=error)

    async def perform_async(self, executor: Callable[[], Executor]) -> Outcome:
        """Await it here, in the caller's own task."""
        del executor
        call = self.call
        try:
            return Outcome(await call.task.function(*call.args, **call.kwargs))
        except Exception as error:
            return Outcome(error=error)


class Block:
    """Run something of ours that may block.

    Attributes:
        elsewhere: whether it is run by the executor, and goes on whatever becomes of who waits.
    """

    __slots__ = ("elsewhere", "work")

    def __init__(self, work: Callable[[], Any]) -> None:
        self.work = work
        self.elsewhere = False

    def perform(self) -> Any:
        """Run it here."""
        return self.work()

    async def perform_async(self, executor: Callable[[], Executor]) -> Any:
        """Run it in the executor; once there, a cancelled caller no longer stops it.

        Where that takes no work (it is shut down, or the interpreter is), drops it, or finds no
        thread for it, it is run here: nothing may be lost even then.
        """
        job, alarm = Job(self.work), Alarm()
        job.done.add_done_callback(alarm)
        try:
            queued = executor().submit(job)
            self.elsewhere = True
            queued.add_done_callback(alarm)  # also where it is dropped
        except RuntimeError:
            job()  # may stand in the queue as well, and be under way by now
        await alarm.rung
        job()
        return job.done.result()


class Job:
    """Work that is run once, by whoever comes first.

    An executor may refuse what it has queued already: where a new thread can't be started, one that
    runs takes it all the same, now or much later.

    Attributes:
        done: what comes of it.
    """

    __slots__ = ("_free", "_work", "done")

    def __init__(self, work: Callable[[], Any]) -> None:
        from concurrent.futures import Future

        self._work = work
        self._free = [True]
        self.done: Future[Any] = Future()

    def __call__(self) -> None:
        """Run it, unless somebody has."""
        try:
            self._free.pop()
        except IndexError:
            return
        try:
            result = self._work()
        except BaseException as error:
            self.done.set_exception(error)
            del self  # the traceback holds this frame: without this, a cycle for the collector
        else:
            self.done.set_result(result)


class Pause:
    """Wait for some seconds."""

    __slots__ = ("seconds",)

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds

    def perform(self) -> None:
        """Sleep."""
        time.sleep(self.seconds)

    async def perform_async(self, executor: Callable[[], Executor]) -> None:
        """Sleep, and let others run."""
        import asyncio

        del executor
        await asyncio.sleep(self.seconds)


class Join:
    """Wait for a flight that another one leads; performs to whether it is done."""

    __slots__ = ("flight", "timeout")

    def __init__(self, flight: Flight, timeout: float) -> None:
        self.flight = flight
        self.timeout = timeout

    def perform(self) -> bool:
        """Wait for a bell."""
        bell = Bell()
        self.flight.add_waker(bell)
        try:
            return bell.wait(self.timeout)
        finally:
            self.flight.remove_waker(bell)

    async def perform_async(self, executor: Callable[[], Executor]) -> bool:
        """Wait on a future of this loop's own: never in the executor, which the leader needs."""
        import asyncio

        del executor
        alarm = Alarm()
        self.flight.add_waker(alarm)
        try:
            return await asyncio.wait_for(alarm.rung, self.timeout)
        except TimeoutError:
            return False
        finally:
            self.flight.remove_waker(alarm)


class Bell:
    """Wakes one thread. Unlike an event it has no lock that a thread may be interrupted in."""

    __slots__ = ("_rung",)

    def __init__(self) -> None:
        self._rung = threading.Lock()
        self._rung.acquire()

    def __call__(self) -> None:
        """Ring, maybe again; from any thread."""
        with suppress(RuntimeError):  # it is rung
            self._rung.release()

    def wait(self, timeout: float | None) -> bool:
        """Whether it rings within so many seconds."""
        seconds = -1 if timeout is None else min(max(timeout, 0.0), threading.TIMEOUT_MAX)
        return self._rung.acquire(timeout=seconds)


class Alarm:
    """Wakes a task from any thread; where its loop was closed meanwhile, nobody."""

    __slots__ = ("_loop", "rung")

    def __init__(self) -> None:
        import asyncio

        check_asyncio("to wait for another thread")
        self._loop = asyncio.get_running_loop()
        self.rung: asyncio.Future[bool] = self._loop.create_future()

    def __call__(self, *_: object) -> None:
        """Ring; from any thread."""
        try:
            self._loop.call_soon_threadsafe(self._ring)
        except RuntimeError:  # closed: nobody waits in it any more
            return

    def _ring(self) -> None:
        if not self.rung.done():
            self.rung.set_result(True)
