"""The steps that a call's flow asks for, and the two drivers that perform them.

The flow (`flow.py`) is a generator: it decides, and knows nothing of threads or event loops. It
yields steps; a driver performs each as its kind of function can, and sends back the result.

What the user's function raises comes back as an `Outcome`, never as an exception thrown into the
flow: a `StopIteration` thrown into a generator would become a `RuntimeError`.
"""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING, Any

from beautyspot.concurrency import holders
from beautyspot.concurrency.queueing import Work
from beautyspot.concurrency.waiting import Alarm, Bell, Job
from beautyspot.errors import CostError, RateLimitError

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from concurrent.futures import Executor
    from typing import Protocol

    from beautyspot.concurrency.waiting import Awaited
    from beautyspot.resilience.observers import Observers
    from beautyspot.tasks.counted import Counted
    from beautyspot.tasks.task import Call

    class Step(Protocol):
        """Something that a flow waits for, in both ways of waiting."""

        def perform(self) -> Any:
            """Do it in this thread."""

        async def perform_async(self, executor: Callable[[], Executor]) -> Any:
            """Do it without blocking the event loop; `executor` makes one where it is needed."""


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


def drive(flow: Generator[Step, Any, Outcome]) -> Any:
    """Perform a flow in this thread; returns or raises as the user's function did."""
    step: Step | None = None
    try:
        step = next(flow)
        while True:
            step = flow.send(step.perform())
    except StopIteration as end:
        outcome: Outcome = end.value
    except BaseException:
        flow.close()  # an interrupted call frees its key
        raise
    if outcome.error is None:
        return outcome.value
    try:
        return outcome.unwrap()
    finally:
        # As in `unwrap`: else what the function held stays until the collector comes.
        del outcome, step


async def drive_async(flow: Generator[Step, Any, Outcome], executor: Callable[[], Executor]) -> Any:
    """Perform a flow in the running event loop; if that is closed before, others end the flow."""
    step: Step | None = None
    holders.hold(flow, flow.close)
    try:
        step = next(flow)
        while True:
            step = flow.send(await step.perform_async(executor))
    except StopIteration as end:
        outcome: Outcome = end.value
    finally:
        holders.let_go(flow)
        flow.close()
    if outcome.error is None:
        return outcome.value
    try:
        return outcome.unwrap()
    finally:
        del outcome, step  # as above


class Observed:
    """An execution of a call's function as observers see it; it enters their contexts.

    A context manager around the work, where that is done at a stretch.
    """

    __slots__ = ("_about", "_entered", "_observers", "_work")

    def __init__(self, observers: Observers, call: Call, work: Work) -> None:
        from beautyspot.observing import Execution

        task = call.task
        self._observers, self._work = observers, work
        name, reason = task.func_identifier, call.why or "not stored"
        self._about = Execution(observers.spot, name, call.key, task.kind, reason)
        self._entered = observers.enter(self._about)

    def __enter__(self) -> None:
        self._work.begin()

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        self._work.rest()  # what observers do around it is none of the function's work
        self.end(error)

    def end(self, error: BaseException | None) -> None:
        """Leave the contexts, and tell of the end."""
        took, about, observers = self._work.seconds, self._about, self._observers
        observers.leave(self._entered, error, about)
        if error is None:
            self._work.start()
            observers.tell("Ran", about.function, about.key, took)
        elif self._work.has_begun:
            kind = type(error).__name__
            observers.tell("Raised", about.function, about.key, "run", kind, took)
        elif not isinstance(error, RateLimitError | CostError):  # of these the permit has told
            observers.tell("Refused", about.function, about.key, "given up")


class Execute(Work):
    """Call the user's function.

    Args:
        call: the call.
        observers: of the Spot.
        counted: where the run is counted when the function begins; it may be refused, or given up,
            before that.
        number: as so many.
    """

    def __init__(
        self, call: Call, observers: Observers, counted: Counted | None = None, number: int = 1
    ) -> None:
        self._call, self._observers = call, observers
        self._counted, self._number, self._is_limited = counted, number, call.task.is_limited

    __enter__, __exit__ = Work.begin, Work.rest

    def perform(self) -> Outcome:
        """Call it here."""
        observers, call = self._observers, self._call
        watched = observers.told or observers.wraps
        try:
            with Observed(observers, call, self) if watched else self:
                value = call.task.function(*call.args, **call.kwargs)
                if not self.has_begun:  # a decorator gave it in place of a refused call
                    self.start()
            return Outcome(value if call.task.draw is None else call.task.draw(value))
        except Exception as error:
            return Outcome(error=error)

    async def perform_async(self, executor: Callable[[], Executor]) -> Outcome:
        """Await it here, in the caller's own task."""
        del executor
        observers, call = self._observers, self._call
        watched = observers.told or observers.wraps
        try:
            with Observed(observers, call, self) if watched else self:
                value = await call.task.function(*call.args, **call.kwargs)
                if not self.has_begun:  # a decorator gave it in place of a refused call
                    self.start()
            return Outcome(value if call.task.draw is None else call.task.draw(value))
        except Exception as error:
            return Outcome(error=error)


class Block:
    """Run something of ours that may block."""

    __slots__ = ("_work",)

    def __init__(self, work: Callable[[], Any]) -> None:
        self._work = work

    def perform(self) -> Any:
        """Run it in this thread."""
        return self._work()

    async def perform_async(self, executor: Callable[[], Executor]) -> Any:
        """Run it in the executor; a cancelled caller does not stop it there."""
        return await Job(self._work).run_in(executor)


class Wait:
    """Wait for a flight that another one leads, say; performs to whether it is done.

    Args:
        awaited: what is waited for.
        timeout: seconds, at most; infinite where it comes in any case.
    """

    __slots__ = ("_awaited", "_timeout")

    def __init__(self, awaited: Awaited, timeout: float) -> None:
        self._awaited = awaited
        self._timeout = None if timeout == inf else timeout

    def perform(self) -> bool:
        """Wait for a bell."""
        bell = Bell()
        with self._awaited.waking(bell):
            return bell.wait(self._timeout)

    async def perform_async(self, executor: Callable[[], Executor]) -> bool:
        """Wait on a future of this loop's own: never in the executor, which the leader needs."""
        import asyncio

        del executor
        alarm = Alarm()
        with self._awaited.waking(alarm):
            try:
                return await asyncio.wait_for(alarm.rung, self._timeout)
            except TimeoutError:
                return False
