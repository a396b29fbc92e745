"""Work that goes on behind those who called: in threads of a Spot's own, or in tasks of their loop.

What a thread has begun is waited for: by `wait`, and by the interpreter's end, while threads may
still use executors. What has not begun by then is dropped. A task ends with its event loop, at the
latest.

Each key is worked on by one thread or task at a time, and left alone for a while after a failure.
"""

from __future__ import annotations

import threading
import weakref
from _thread import get_ident
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import suppress
from functools import partial
from time import monotonic
from typing import TYPE_CHECKING, Any, Final

from beautyspot.concurrency import holders
from beautyspot.concurrency.waiting import waitable

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Coroutine

MOST: Final = 8
"""Threads of one Spot at work at once."""

FIRST_REST: Final = 1.0
LONGEST_REST: Final = 60.0
"""Seconds for which a key is left alone whose work failed: twice as long after each failure."""

RESTING: Final = 1000
"""So many keys are remembered that are left alone."""

_all: Final[weakref.WeakSet[Behind]] = weakref.WeakSet()
_over: Final[list[bool]] = []
"""Not empty once the interpreter ends."""


class Behind:
    """What goes on behind the callers of one Spot.

    Args:
        clock: gives seconds; what is left alone is so by this clock.
    """

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self.clock = clock
        self.reset_after_fork()

    def reset_after_fork(self) -> None:
        """Start afresh in a child: threads and tasks stayed in the parent."""
        self._claimed: dict[str, object] = {}
        self._rests: dict[str, tuple[float, float]] = {}  # until when, and how long that is
        self._pool: ThreadPoolExecutor | None = None
        self._threads: set[int] = set()
        self._pieces: set[Future[None]] = set()
        self._tasks: dict[asyncio.Task[Any], str] = {}  # with their keys

    # ---------------------------------------------------------------------------------- keys

    def claim(self, key: str) -> bool:
        """Whether to begin the work of a key: nobody does it, and it may be tried by now.

        Whoever claims a key calls `later`, `start` or `settle`.
        """
        if key in self._claimed or _over:
            return False
        rest = self._rests.get(key)
        if rest is not None and self.clock() < rest[0]:
            return False
        mine = object()
        return self._claimed.setdefault(key, mine) is mine

    def settle(self, key: str, *, done: bool) -> None:
        """Let others claim a key: at once where its work is `done`, else after a rest."""
        _, before = self._rests.pop(key, (0.0, 0.0))
        if not done:
            seconds = min(max(FIRST_REST, 2 * before), LONGEST_REST)
            self._rests[key] = self.clock() + seconds, seconds
            while len(self._rests) > RESTING:
                with suppress(KeyError, StopIteration, RuntimeError):  # another thread does it too
                    del self._rests[next(iter(self._rests))]
        self._claimed.pop(key, None)

    # ------------------------------------------------------------------------------- threads

    def later(self, key: str, work: Callable[[], bool], ended: Callable[[], object]) -> None:
        """Have a thread do the work of a key that was claimed; `work` gives whether it was done.

        `ended` is called in any case, also where the end comes before a thread has begun it.

        Raises:
            RuntimeError: no thread can be started.
        """
        if self._pool is None:
            self._pool = ThreadPoolExecutor(
                MOST, "beautyspot-behind", lambda: self._threads.add(get_ident())
            )
            _all.add(self)
        piece = self._pool.submit(self._do, key, work, ended)
        self._pieces.add(piece)
        piece.add_done_callback(partial(self._is_over, key, ended))

    def _do(self, key: str, work: Callable[[], bool], ended: Callable[[], object]) -> None:
        done = False
        try:
            done = work()
        finally:
            self._end(key, ended, done=done)

    def _is_over(self, key: str, ended: Callable[[], object], piece: Future[None]) -> None:
        self._pieces.discard(piece)
        if piece.cancelled():
            self._end(key, ended, done=False)

    def _end(self, key: str, ended: Callable[[], object], *, done: bool) -> None:
        try:
            ended()
        finally:
            self.settle(key, done=done)

    def dismiss(self) -> None:
        """Drop what no thread has begun, and begin nothing more."""
        if self._pool is not None:
            self._pool.shutdown(wait=False, cancel_futures=True)

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until the threads have done what they were given so far.

        One of them does not wait: two might wait for each other.

        Returns:
            False where `timeout` seconds did not do.
        """
        if get_ident() in self._threads:
            return True
        return not wait(list(self._pieces), waitable(timeout)).not_done

    # --------------------------------------------------------------------------------- tasks

    def start(self, work: Coroutine[Any, Any, Any], key: str = "") -> asyncio.Task[Any]:
        """A task of the running event loop, which is kept until it ends or its loop is closed.

        Whatever it raises counts as seen. That of a key that was claimed gives whether it was done.
        """
        import asyncio

        try:
            task = asyncio.get_running_loop().create_task(work)
        except BaseException:  # of a loop that makes tasks of its own, say
            work.close()
            raise
        with suppress(AttributeError):  # a task of another make may forbid it
            task._log_destroy_pending = False  # type: ignore[attr-defined]  # see `_drop_orphan`
        self._tasks[task] = key
        holders.hold(task, partial(self._drop_orphan, task))
        task.add_done_callback(self._forget)
        return task

    def _forget(self, task: asyncio.Task[Any]) -> None:
        holders.let_go(task)
        failed = task.cancelled() or task.exception() is not None
        key = self._tasks.pop(task, "")
        if key:
            self.settle(key, done=not failed and bool(task.result()))

    def tasks_here(self) -> set[asyncio.Task[Any]]:
        """The tasks of the running event loop that do the work of a key."""
        import asyncio

        loop = asyncio.get_running_loop()
        return {task for task, key in list(self._tasks.items()) if key and task.get_loop() is loop}

    def _drop_orphan(self, task: asyncio.Task[Any]) -> None:
        """End a task whose event loop was closed before it ended."""
        key = self._tasks.pop(task, "")
        try:
            task.get_coro().close()
        finally:
            if key:
                self.settle(key, done=False)


def _finish() -> None:
    """Drop what has not begun, and wait for the rest, as the interpreter ends."""
    _over.append(True)
    for behind in list(_all):
        behind.dismiss()
    for behind in list(_all):
        behind.wait()


with suppress(RuntimeError):  # the interpreter ends
    # Called before the executors of the program are ended, since it comes after theirs.
    threading._register_atexit(_finish)  # type: ignore[attr-defined]
