"""Work for later: done by threads of its own, and all of it before the process ends.

The collector of cycles may come anywhere, also into code that holds a lock of `threading` or
`logging`. What it ends there, such as a dropped Spot, must not wait for another thread, since that
may wait for the same lock. So `later` and `NeededThread.begin` take no lock and wait for nothing:
they start a thread by `_thread`, and that starts the one that does the work. `Thread.start` would
wait for the new thread, under a lock of `threading`.
"""

from __future__ import annotations

import _thread
import atexit
import os
import sys
import threading
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

MOST: Final = 8
"""Threads at work at once."""

_OURS: Final = "beautyspot"
"""How the names of our threads begin."""


def is_ours(thread: threading.Thread) -> bool:
    """Whether a thread is one of beautyspot's."""
    return thread.name.startswith(_OURS)


class NeededThread:
    """One daemon thread, or several, begun where they are needed; they end by themselves.

    After a fork, make another one: the threads stayed in the parent.

    Args:
        name: of each.
        work: what each does; it returns where nothing is left to do.
        is_needed: whether there is something to do. It is asked at a thread's end, for what came
            after its last look.
        most: so many at once; where two begin one at the same moment it may be one more.

    Attributes:
        running: those that run, or are about to.
    """

    def __init__(
        self,
        name: str,
        work: Callable[[], object],
        is_needed: Callable[[], object],
        most: int = 1,
    ) -> None:
        self._name = f"{_OURS}-{name}"
        self._work = work
        self._is_needed = is_needed
        self._most = most
        self.running: dict[object, threading.Thread] = {}
        self._ended: threading.Thread | None = None  # the last one; it may be closing connections

    def begin(self) -> None:
        """Begin one, unless all run; where no thread can be started, the next call tries again."""
        if len(self.running) >= self._most:
            return
        token = object()
        thread = threading.Thread(None, self._run, self._name, (token,), daemon=True)
        try:
            self.running[token] = thread
            _thread.start_new_thread(_launch, (thread,))
        except BaseException as error:  # an interrupt (Ctrl-C) too: the end waits for what runs
            self.running.pop(token, None)
            if not isinstance(error, RuntimeError):
                raise

    def _run(self, token: object) -> None:
        try:
            self._work()
        finally:
            self._ended = self.running.pop(token, None)
            if self._is_needed():
                self.begin()

    def join(self, seconds: float) -> None:
        """Wait for their end, so many seconds at most; the caller has seen to it that they end."""
        for thread in filter(None, [*self.running.values(), self._ended]):
            with suppress(RuntimeError):  # it has not begun, or is this one
                thread.join(seconds)


def _launch(thread: threading.Thread) -> None:
    """Start an ordinary thread, in a new one that may wait for it."""
    try:
        thread.start()
    except RuntimeError:  # the interpreter ends, or the system has no more
        thread.run()


_left: Final[deque[Callable[[], object]]] = deque()


def _do_all() -> None:
    while _left:
        try:
            work = _left.popleft()
        except IndexError:  # another thread has taken it
            return
        work()


_threads: Final = NeededThread("deferred", _do_all, _left.__len__, MOST)


def later(work: Callable[[], object]) -> None:
    """Have a thread do some work; where none can be started, the process's end does."""
    _left.append(work)
    _threads.begin()


@atexit.register
def finish() -> None:
    """Do here what is left, and wait for what is being done."""
    while _left or _threads.running:
        try:
            _do_all()
        except Exception as error:  # as at exit: the rest is done all the same
            sys.excepthook(type(error), error, error.__traceback__)
        _threads.join(1.0)


def _reset_after_fork() -> None:
    """It is the parent's to do."""
    _left.clear()
    _threads.running.clear()


if hasattr(os, "register_at_fork"):  # pragma: no branch - Windows has no fork
    os.register_at_fork(after_in_child=_reset_after_fork)
