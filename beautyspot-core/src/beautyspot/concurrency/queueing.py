"""When an execution begins, and how long it works. And what may stop it before that.

A function that is limited begins when it has its permit. Until then its call may be refused, or
given up: then there was no execution. What it waits for once it has begun is part of its time.

A `Start` is of one call: as long as the user's function has not begun, it can be stopped, also
where it waits for a limit of that function. What the function itself waits for is left alone.
"""

from __future__ import annotations

import contextvars
from contextlib import contextmanager
from time import monotonic, perf_counter
from typing import TYPE_CHECKING

from beautyspot.concurrency.waiting import Awaited

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Protocol

    class Counted(Protocol):
        """What counts runs."""

        runs: int

    Within = tuple["Work | Start", "Within | None"]
    """The innermost execution, and those around it, with what watches them."""

_within: contextvars.ContextVar[Within | None] = contextvars.ContextVar(
    "beautyspot_executions", default=None
)


class NotBegun(BaseException):
    """A call was stopped before its function began, and has cost nothing."""


class Work:
    """The time that one execution works; that of a generator item by item.

    What comes before the permit of a limited function is no work, nor is what is between two items.

    Args:
        counted: where the run is counted when the user's function begins; None: nowhere.
        number: as so many.
        is_limited: whether the function begins when it has its permit, and not at once.

    Attributes:
        has_begun: whether the user's function has begun.
        seconds: how long it worked until it rested; 0.0 where the function did not begin.
    """

    # Of the class: to set them all takes as long as the rest.
    has_begun = False
    seconds = 0.0
    _worked = 0.0
    _began: float | None = None
    _before: Within | None = None

    def __init__(
        self, counted: Counted | None = None, number: int = 1, *, is_limited: bool = False
    ) -> None:
        self._counted, self._number, self._is_limited = counted, number, is_limited

    def begin(self) -> None:
        """Note that it goes on; calls that are made from here are its own."""
        self._before = _within.get()
        _within.set((self, self._before))
        self._began = perf_counter()
        if not (self.has_begun or self._is_limited):
            self.has_begun = True
            if self._counted is not None:
                self._counted.runs += self._number

    def start(self) -> None:
        """Note that the user's function begins, or has begun."""
        if not self.has_begun:
            self.has_begun = True
            self.seconds = self._worked
            if self._began is not None:  # what came before it was the wait for its permit
                self._began, self._worked = perf_counter(), 0.0
            if self._counted is not None:
                self._counted.runs += self._number

    def rest(self, *_: object) -> None:
        """Note that it stops, in the same context."""
        if self._began is not None:
            self._worked += perf_counter() - self._began
        if self.has_begun:
            self.seconds = self._worked
        _within.set(self._before)
        self._began = self._before = None


class Start(Awaited):
    """The beginning of one call of a limited function, which can be stopped until it has begun.

    `end` stops it, from any thread: nothing where it has begun.

    Attributes:
        has_begun: whether the user's function has begun. From then on nothing stops the call: not
            what the function calls, nor what comes after it, such as the saving of its result.
        began: when that was, on the monotonic clock; None before it.
        tell: called when it begins.
    """

    __slots__ = ("began", "has_begun", "tell")

    def __init__(self) -> None:
        self.has_begun = self.done = False
        self.began: float | None = None
        self.tell: Callable[[], object] | None = None
        self.wakers = []

    def check(self) -> None:
        """Go no further where it was stopped.

        Raises:
            NotBegun: it was.
        """
        if self.done and not self.has_begun:
            raise NotBegun

    def begin(self) -> None:
        """Note that the user's function begins, now that it has its permit.

        Raises:
            NotBegun: it was stopped.
        """
        self.check()
        self.began, self.has_begun = monotonic(), True
        if self.tell is not None:
            self.tell()


def watch(what: Work | Start) -> None:
    """Have calls that are made from here, in this context and copies of it, be part of it."""
    _within.set((what, _within.get()))


def begin() -> None:
    """Note that the running call's function begins, now that it has its permit."""
    within = _within.get()
    if within is not None and isinstance(within[0], Work):
        within[0].start()


def start() -> Start | None:
    """What may stop the running call; None where its function has begun, and where nothing may."""
    within = _within.get()
    if within is None or within[1] is None:
        return None
    work, around = within[0], within[1][0]
    if isinstance(work, Work) and isinstance(around, Start) and not around.has_begun:
        return around
    return None


@contextmanager
def stopping(wake: Callable[[], object]) -> Iterator[Start | None]:
    """In the block, call `wake` where the running call is stopped; gives what may stop it."""
    may_stop = start()
    if may_stop is None:
        yield None
    else:
        with may_stop.waking(wake):
            yield may_stop


def stand_alone() -> None:
    """Have what runs from here, in this context, be no part of any execution."""
    _within.set(None)
