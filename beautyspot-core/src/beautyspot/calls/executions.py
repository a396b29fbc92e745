"""One run of a user's function, as observers see it: the contexts around it, and its end.

A generator runs within a copy of the context of the call that began it, if an observer wraps it
(see `streams`): what that puts into context variables is seen by the generator, whatever thread or
task runs its next item, and by no consumer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from beautyspot.errors import CostError, RateLimitError

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
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


class Within:
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
