"""One run of a user's function, as observers see it: the contexts around it, and its end.

A generator runs within a copy of the context of the call that began it, if an observer wraps it:
what that puts into context variables is seen by the generator, whatever thread or task runs its
next item, and by no consumer.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Self

from beautyspot.errors import CostError, RateLimitError

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from contextvars import Context
    from types import TracebackType

    from beautyspot.concurrency.queueing import Work
    from beautyspot.resilience.observers import Observers
    from beautyspot.tasks.task import Call


class Observed:
    """A context manager around the execution of a call's function."""

    __slots__ = ("_about", "_entered", "_observers", "_work")

    def __init__(self, observers: Observers, call: Call, work: Work) -> None:
        from beautyspot.observing import Execution

        task = call.task
        self._observers, self._work = observers, work
        name, reason = task.func_identifier, call.why or "not stored"
        self._about = Execution(observers.spot, name, call.key, task.kind, reason)

    def __enter__(self) -> Self:
        self._entered = self._observers.enter(self._about)
        return self

    def __exit__(
        self, _: type[BaseException] | None, error: BaseException | None, __: TracebackType | None
    ) -> None:
        took, about, observers = self._work.seconds, self._about, self._observers
        observers.leave(self._entered, error, about)
        if error is None:
            self._work.start()
            observers.ran(about.function, about.key, took)
        elif self._work.has_failed():
            observers.failed(about.function, error, key=about.key, seconds=took)
        elif not isinstance(error, RateLimitError | CostError):  # of these the permit has told
            observers.refused(about.function, about.key, "given up")


def observed(observers: Observers, call: Call, work: Work) -> Any:
    """A call's generator, of which nothing has run yet, behind what tells its observers.

    Args:
        observers: of the Spot.
        call: the one that began it.
        work: what the time goes to that the generator works, and its observers don't.
    """
    return _STREAMS[call.task.kind](observers, call, work)


class _Stream:
    """What both kinds of generators share."""

    def __init__(self, observers: Observers, call: Call, work: Work) -> None:
        self._call = call
        self._source: Any = None
        self._work = work
        self._run = Observed(observers, call, work)
        self._wraps = bool(observers.wraps)
        self._context: Context | None = None
        self._has_begun = self._has_ended = False

    def _within(self, work: Callable[..., Any], *args: Any) -> Any:
        """Do what belongs to the run in its context."""
        return work(*args) if self._context is None else self._context.run(work, *args)

    def _worked(self, work: Callable[..., Any], *args: Any) -> Any:
        """Do what the generator does, in the context of the run."""
        self._work.begin()
        try:
            return work(*args)
        finally:
            self._work.rest()

    def _begin(self) -> None:
        """Begin the run, and make the generator, unless that was done."""
        if self._has_begun:
            return
        if self._wraps:
            from contextvars import copy_context

            self._context = copy_context()
        self._within(self._run.__enter__)
        self._has_begun = True
        call = self._call
        try:
            make = partial(call.task.function, *call.args, **call.kwargs)
            self._source = self._within(self._worked, make)
        except BaseException as error:
            self._end(error)
            raise

    def _end(self, error: BaseException | None) -> None:
        if self._has_begun and not self._has_ended:
            self._has_ended = True
            self._within(self._run.__exit__, None, error, None)


class _PlainStream(_Stream):
    """A generator; has the methods of one."""

    def __next__(self) -> Any:
        return self.send(None)

    def send(self, value: Any, /) -> Any:
        self._begin()
        return self._step(self._source.send, value)

    def throw(self, error: BaseException, /) -> Any:
        self._begin()
        return self._step(self._source.throw, error)

    def close(self) -> None:
        try:
            self._within(self._source.close)
        except BaseException as error:
            self._end(error)
            raise
        self._end(GeneratorExit())

    def _step(self, resume: Callable[[Any], Any], value: Any) -> Any:
        try:
            return self._within(self._worked, resume, value)
        except StopIteration:
            self._end(None)
            raise
        except BaseException as error:
            self._end(error)
            raise


class _AsyncStream(_Stream):
    """An async generator; has those methods of one that `streams` calls.

    The generator's own are called at once, and not when they are awaited: their caller hides them
    from the event loop's hooks.
    """

    def asend(self, value: Any, /) -> Any:
        self._begin()
        return self._step(self._within(self._source.asend, value))

    def athrow(self, error: BaseException, /) -> Any:
        self._begin()
        return self._step(self._within(self._source.athrow, error))

    async def aclose(self) -> None:
        try:
            await _Within(self._within, self._source.aclose())
        except BaseException as error:
            self._end(error)
            raise
        self._end(GeneratorExit())

    async def _step(self, awaitable: Any) -> Any:
        try:
            return await self._worked_async(awaitable)
        except StopAsyncIteration:
            self._end(None)
            raise
        except BaseException as error:
            self._end(error)
            raise

    async def _worked_async(self, awaitable: Any) -> Any:
        self._within(self._work.begin)
        try:
            return await _Within(self._within, awaitable)
        finally:
            self._within(self._work.rest)


class _Within:
    """An awaitable each of whose steps is run by a function, which has it run in a context."""

    __slots__ = ("_awaited", "_within")

    def __init__(self, within: Callable[..., Any], awaited: Any) -> None:
        self._within = within
        self._awaited = awaited

    def __await__(self) -> Generator[Any, Any, Any]:
        within, steps = self._within, self._awaited.__await__()
        resume, value = steps.send, None
        while True:
            try:
                waits_for = within(resume, value)
            except StopIteration as end:
                return end.value
            finally:
                value = None  # an error in it refers to this frame: a cycle for the collector
            try:
                resume, value = steps.send, (yield waits_for)
            except GeneratorExit:
                within(steps.close)
                raise
            except BaseException as error:
                resume, value = steps.throw, error


_STREAMS: dict[str, Callable[[Observers, Call, Work], _Stream]] = {
    "generator": _PlainStream,
    "async generator": _AsyncStream,
}
