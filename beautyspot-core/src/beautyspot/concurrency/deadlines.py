"""A deadline for what can't be interrupted: it runs in a thread that may be left behind.

The threads are daemons, so that one that hangs does not keep the interpreter from ending; they are
kept for `IDLE` seconds for the next call, and shared by all Spots of the process.
"""

from __future__ import annotations

import os
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, TypeVar

if TYPE_CHECKING:
    import queue
    from collections.abc import Callable
    from concurrent.futures import Future

T = TypeVar("T")

IDLE: Final = 5.0
"""Seconds for which a thread waits for more work before it ends."""

_idle: list[_Worker] = []


class _Worker(threading.Thread):
    def __init__(self) -> None:
        from queue import SimpleQueue

        super().__init__(name="beautyspot-deadline", daemon=True)
        self.jobs: queue.SimpleQueue[tuple[Callable[[], Any], Future[Any], bool]] = SimpleQueue()

    def run(self) -> None:
        from queue import Empty

        while True:
            try:
                work, future, last = self.jobs.get(timeout=IDLE)
            except Empty:
                if self._retire():
                    return
                continue
            _perform(work, future)
            del work, future  # or what they hold lives until the next job
            if last:
                _idle.append(self)

    def _retire(self) -> bool:
        """Take itself out of the list; False where somebody has it, and brings a job."""
        try:
            _idle.remove(self)  # one step, as all that is done with this list: it needs no lock
        except ValueError:
            return False
        return True


def _perform(work: Callable[[], Any], future: Future[Any]) -> None:
    try:
        future.set_result(work())
    except BaseException as error:
        future.set_exception(error)


def within(seconds: float, work: Callable[[], T]) -> T:
    """What `work` returns or raises.

    Raises:
        TimeoutError: it did neither in time. It goes on, and nobody hears of its end.
    """
    from concurrent.futures import Future

    future: Future[T] = Future()
    try:
        worker = _worker()
    except RuntimeError:  # no thread can be started any more: the interpreter ends
        return work()
    worker.jobs.put((work, future, True))
    return future.result(seconds)


class Helper:
    """A thread for several pieces of work in a row, each with a deadline of its own."""

    def __init__(self) -> None:
        self._worker: _Worker | None = None
        with suppress(RuntimeError):  # as in `within`
            self._worker = _worker()

    def within(self, seconds: float, work: Callable[[], T]) -> T:
        """See the function of this name. What comes after work that hangs waits for it."""
        if self._worker is None:
            return work()
        return self._give(work, last=False).result(seconds)

    def dismiss(self, work: Callable[[], object]) -> None:
        """Do `work` last, and let the thread go. Nobody waits for that, or hears of its end."""
        if self._worker is None:
            work()
        else:
            self._give(work, last=True)

    def _give(self, work: Callable[[], T], *, last: bool) -> Future[T]:
        from concurrent.futures import Future

        assert self._worker is not None  # noqa: S101 - see its callers
        future: Future[T] = Future()
        self._worker.jobs.put((work, future, last))
        return future


def _worker() -> _Worker:
    with suppress(IndexError):
        return _idle.pop()
    worker = _Worker()
    worker.start()
    return worker


def _reset_after_fork() -> None:
    """The threads stayed in the parent."""
    _idle.clear()


if hasattr(os, "register_at_fork"):  # pragma: no branch - Windows has no fork
    os.register_at_fork(after_in_child=_reset_after_fork)
