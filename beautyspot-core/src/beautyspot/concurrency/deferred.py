"""Work for later: done by threads of its own, and all of it before the process ends.

A handler of a signal, or the collector of cycles, may come anywhere, also into code that holds a
lock, be it ours or one of `threading` or `logging`. What it runs there must not wait for another
thread, since that may wait for the same lock. So `later` and `begin` take no lock and wait for
nothing: they start a thread by `_thread`, and that starts the one that does the work.
`Thread.start` would wait for the new thread, under a lock of `threading`.
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

_left: deque[Callable[[], object]] = deque()


def later(work: Callable[[], object]) -> None:
    """Have a thread do some work; where none can be started, the process's end does."""
    _left.append(work)
    next((thread for thread in _threads if not thread.runs), _threads[0]).begin()


def begin(work: Callable[[], object], name: str) -> threading.Thread:
    """Have a daemon thread of its own call `work`.

    Raises:
        RuntimeError: no thread can be started.
    """
    try:
        thread = threading.Thread(target=work, name=f"{_OURS}-{name}", daemon=True)
        _thread.start_new_thread(_launch, (thread, work))
    except MemoryError as error:
        raise RuntimeError("there is not enough memory for a thread") from error
    return thread


def is_ours(thread: threading.Thread) -> bool:
    """Whether a thread was started by this module."""
    return thread.name.startswith(_OURS)


class NeededThread:
    """One thread, which is begun where it is needed, and ends by itself.

    After a fork, make another one: the thread stayed in the parent.

    Args:
        name: of the thread.
        work: what the thread does; it returns where nothing is left to do.
        is_needed: whether there is something to do. It is asked at the thread's end, for what came
            after its last look.
    """

    def __init__(
        self, name: str, work: Callable[[], object], is_needed: Callable[[], object]
    ) -> None:
        self._name = name
        self._work = work
        self._is_needed = is_needed
        self._free = [True]  # taken by the thread, in one atomic step
        self._thread: threading.Thread | None = None

    @property
    def runs(self) -> bool:
        """Whether it runs. It may be that none can be started."""
        return not self._free

    def begin(self) -> None:
        """Begin it, unless it runs; where no thread can be started, the next call tries again."""
        try:
            self._free.pop()
        except IndexError:
            return
        try:
            self._thread = begin(self._run, self._name)
        except BaseException as error:  # an interrupt (Ctrl-C) too: a second thread does no harm
            self._free = [True]
            if not isinstance(error, RuntimeError):
                raise

    def join(self, seconds: float) -> None:
        """Wait for its end, so many seconds at most; the caller has seen to it that it ends."""
        thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            with suppress(RuntimeError):  # it has not begun
                thread.join(seconds)

    def _run(self) -> None:
        try:
            self._work()
        finally:
            self._free = [True]
            if self._is_needed():
                self.begin()


def _launch(thread: threading.Thread, work: Callable[[], object]) -> None:
    """Start an ordinary thread, in a new one that may wait for it."""
    try:
        thread.start()
    except (RuntimeError, MemoryError):  # the interpreter ends, or the system has no more
        work()


def _do_all() -> None:
    while _left:
        try:
            work = _left.popleft()
        except IndexError:  # another thread has taken it
            return
        work()


_threads: Final = [NeededThread("deferred", _do_all, _left.__len__) for _ in range(MOST)]


@atexit.register
def finish() -> None:
    """Do here what is left, and wait for what is being done."""
    while _left or any(thread.runs for thread in _threads):
        try:
            _do_all()
        except Exception as error:  # as at exit: the rest is done all the same
            sys.excepthook(type(error), error, error.__traceback__)
        for thread in _threads:
            thread.join(1.0)


def _reset_after_fork() -> None:
    """It is the parent's to do."""
    _left.clear()
    _threads[:] = [NeededThread("deferred", _do_all, _left.__len__) for _ in range(MOST)]


if hasattr(os, "register_at_fork"):  # pragma: no branch - Windows has no fork
    os.register_at_fork(after_in_child=_reset_after_fork)
