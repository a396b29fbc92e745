"""How long executions work: not while they queue for a limit.

A limiter that makes its caller wait says so by `queued`. That counts for each execution that the
caller is part of, in child tasks too, and where several of these queue at once, once.

A `Queue` counts the calls that queue now, of those made in the contexts that it watches.
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

    Within = tuple["Work | Queue", "Within | None"]
    """The innermost execution, and those around it, with what watches them."""

_within: contextvars.ContextVar[Within | None] = contextvars.ContextVar(
    "beautyspot_executions", default=None
)

_lock = threading.Lock()


class Work:
    """The time that one execution works; that of a generator item by item.

    What the execution, or a call that it made, queues for limits is no work, nor is what comes
    between two items.
    """

    __slots__ = ("_before", "_began", "_count", "_queued", "_since", "_worked")

    def __init__(self) -> None:
        self._worked = self._queued = self._since = 0.0
        self._began: float | None = None
        self._before: Within | None = None
        self._count = 0

    @property
    def seconds(self) -> float:
        """How long it worked by now."""
        worked, began = self._worked, self._began
        if began is not None:
            worked += perf_counter() - began
        return max(0.0, worked - self._queued)

    def begin(self) -> None:
        """Note that it goes on; calls that are made from here are its own."""
        self._before = _within.get()
        _within.set((self, self._before))
        self._began = perf_counter()

    def rest(self) -> None:
        """Note that it stops, in the same context."""
        if self._began is not None:
            self._worked += perf_counter() - self._began
        _within.set(self._before)
        self._began = self._before = None

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
                self._queued += now - self._since


class Queue:
    """How many calls queue for a limit now.

    Attributes:
        length: of those that were made in a context that it watches.
    """

    __slots__ = ("length",)

    def __init__(self) -> None:
        self.length = 0

    def watch(self) -> None:
        """Count the calls that are made from here, in this context and in copies of it."""
        _within.set((self, _within.get()))

    def enter(self, now: float) -> None:
        """Note that a call begins to queue."""
        del now
        with _lock:
            self.length += 1

    def leave(self, now: float) -> None:
        """Note that it goes on."""
        del now
        with _lock:
            self.length -= 1


def stand_alone() -> None:
    """Have what runs from here, in this context, be no part of any execution."""
    _within.set(None)


@contextmanager
def queued() -> Iterator[None]:
    """In the block the running call queues for a limit."""
    around = _around()
    began = perf_counter()
    for each in around:
        each.enter(began)
    try:
        yield
    finally:
        ended = perf_counter()
        for each in around:
            each.leave(ended)


def _around() -> list[Work | Queue]:
    found: list[Work | Queue] = []
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
