"""A deadline for work that can't be interrupted: it runs in a thread that may be left behind.

The threads are daemons, so that one that hangs does not keep the interpreter from ending. They wait
`IDLE` seconds for more work, and are shared by all Spots of the process.
"""

from __future__ import annotations

import os
import threading
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypeVar

if TYPE_CHECKING:
    import queue
    from collections.abc import Callable
    from concurrent.futures import Future

T = TypeVar("T")

IDLE: Final = 5.0
"""Seconds for which a thread waits for more work before it ends."""

_idle: list[_Worker] = []
"""Threads that no `Helper` has. Each use of this list is one atomic step, so it needs no lock."""


class _Worker(threading.Thread):
    def __init__(self) -> None:
        from queue import SimpleQueue

        super().__init__(name="beautyspot-deadline", daemon=True)
        self.jobs: queue.SimpleQueue[Callable[[], object]] = SimpleQueue()

    def run(self) -> None:
        from queue import Empty

        while True:
            try:
                job = self.jobs.get(timeout=IDLE)
            except Empty:
                with suppress(ValueError):  # a helper has this thread
                    _idle.remove(self)
                    return
                continue
            job()
            del job  # or what it refers to lives until the next job


def _perform(work: Callable[[], Any], future: Future[Any]) -> None:
    try:
        future.set_result(work())
    except BaseException as error:
        future.set_exception(error)


def within(seconds: float, work: Callable[[], T]) -> T:
    """What `work` returns or raises.

    Raises:
        TimeoutError: it did neither in time. It goes on, and its result is dropped.
    """
    helper = Helper()
    try:
        return helper.within(seconds, work)
    finally:
        helper.dismiss()


class Helper:
    """A thread for several pieces of work in a row, each with a deadline of its own."""

    def __init__(self) -> None:
        self._worker: _Worker | None = None
        with suppress(IndexError):
            self._worker = _idle.pop()
        if self._worker is None:
            worker = _Worker()
            with suppress(RuntimeError):  # the interpreter ends, and starts no thread any more
                worker.start()
                self._worker = worker

    def within(self, seconds: float, work: Callable[[], T]) -> T:
        """See the function of this name. Work that is given after work that hangs waits for it."""
        if self._worker is None:
            return work()
        future = self._begun(self._worker, work)
        try:
            return future.result(seconds)
        except TimeoutError:
            if future.done():  # the work's own error
                raise
            advice = "check its server and the network"
            raise TimeoutError(f"no answer within {seconds:.0f} s: {advice}") from None

    def dismiss(self, work: Callable[[], object] | None = None) -> None:
        """Have the thread do `work` last, without waiting for it, and let the thread go."""
        if self._worker is not None:
            if work is not None:
                self._begun(self._worker, work)
            self._worker.jobs.put(partial(_idle.append, self._worker))
        elif work is not None:
            work()

    @staticmethod
    def _begun(worker: _Worker, work: Callable[[], T]) -> Future[T]:
        from concurrent.futures import Future

        future: Future[T] = Future()
        worker.jobs.put(partial(_perform, work, future))
        return future


if hasattr(os, "register_at_fork"):  # pragma: no branch - Windows has no fork
    os.register_at_fork(after_in_child=lambda: _idle.clear())  # the threads are the parent's
