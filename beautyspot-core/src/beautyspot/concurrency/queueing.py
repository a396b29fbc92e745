"""How long executions queue for a limit: time in which they do no work.

A limiter that makes its caller wait says so by `queued`. That counts for each execution that the
caller is part of, in child tasks too, and where several of these queue at once, once.
"""

from __future__ import annotations

import contextvars
import os
import threading
from contextlib import contextmanager
from time import perf_counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    Within = tuple["Queueing", "Within | None"]
    """The innermost execution, and those around it."""

_within: contextvars.ContextVar[Within | None] = contextvars.ContextVar(
    "beautyspot_executions", default=None
)

_lock = threading.Lock()


class Queueing:
    """The time in which one execution, or a call that it made, queued.

    Attributes:
        seconds: how long, until the last of these calls went on.
    """

    __slots__ = ("_count", "_since", "seconds")

    def __init__(self) -> None:
        self.seconds = 0.0
        self._count = 0
        self._since = 0.0

    def begin(self) -> Within | None:
        """Have calls that are made from here count for this execution; what to give to `end`."""
        before = _within.get()
        _within.set((self, before))
        return before

    def less(self, seconds: float) -> float:
        """How many of these were work."""
        return max(0.0, seconds - self.seconds)

    def enter(self, now: float) -> None:
        """Note that a call begins to queue."""
        with _lock:  # nothing is called here: see `beautyspot.concurrency.locks`
            if not self._count:
                self._since = now
            self._count += 1

    def leave(self, now: float) -> None:
        """Note that it goes on."""
        with _lock:
            self._count -= 1
            if not self._count:
                self.seconds += now - self._since


class WorkTime(Queueing):
    """The same of an execution that runs in parts, as a generator does, and how long these took."""

    __slots__ = ("_ran", "_told")

    def __init__(self) -> None:
        super().__init__()
        self._ran = self._told = 0.0

    def run(self) -> tuple[Within | None, float]:
        """Begin a part; what to give to `rest`."""
        return self.begin(), perf_counter()

    def rest(self, before: Within | None, began: float) -> float:
        """End it, in the same context; how many seconds of work came of it."""
        self._ran += perf_counter() - began
        end(before)
        told, self._told = self._told, max(self._told, self.took)
        return self._told - told

    @property
    def took(self) -> float:
        """Seconds of work, over all parts."""
        return self.less(self._ran)


def end(before: Within | None) -> None:
    """End what `Queueing.begin` began, in the same context."""
    _within.set(before)


@contextmanager
def queued() -> Iterator[None]:
    """In the block the running call queues for a limit."""
    around = _executions()
    began = perf_counter()
    for execution in around:
        execution.enter(began)
    try:
        yield
    finally:
        ended = perf_counter()
        for execution in around:
            execution.leave(ended)


def _executions() -> list[Queueing]:
    found: list[Queueing] = []
    within = _within.get()
    while within is not None:
        found.append(within[0])
        within = within[1]
    return found


def _reset_after_fork() -> None:  # pragma: no cover - children are not measured
    global _lock  # noqa: PLW0603 - a lock can't be replaced in place
    _lock = threading.Lock()


if hasattr(os, "register_at_fork"):  # pragma: no branch - Windows has no fork
    os.register_at_fork(after_in_child=_reset_after_fork)
