"""Work that goes on behind those who called: in threads of a Spot's own, or in tasks of their loop.

A thread is begun when there is work, and ends when there is none. What has begun is waited for: by
`wait`, and by the interpreter's end, while threads may still use executors, and up to Python 3.11
start others. What has not begun by then is dropped. A task ends with its event loop, at the latest.

Each key is worked on by one thread or task at a time, and left alone for a while after a failure.
"""

from __future__ import annotations

import threading
import weakref
from _thread import allocate_lock, get_ident
from collections import deque
from contextlib import suppress
from functools import partial
from time import monotonic
from typing import TYPE_CHECKING, Any, Final

from beautyspot.concurrency import deferred, holders
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
_watched: Final[list[bool]] = []
_over: Final[list[bool]] = []
"""Not empty once the interpreter ends."""
_left: Final[list[bool]] = []
"""Not empty once somebody (Ctrl-C) did not want to wait for that any longer."""


class _Piece:
    """Some work for a thread.

    Attributes:
        key: what it is about.
        work: does it, and gives whether it was done.
        ended: is called once it is over, done or not.
        over: a lock that is free then.
    """

    __slots__ = ("ended", "key", "over", "work")

    def __init__(self, key: str, work: Callable[[], bool], ended: Callable[[], object]) -> None:
        self.key = key
        self.work = work
        self.ended = ended
        self.over = allocate_lock()
        self.over.acquire()


class Behind:
    """What goes on behind the callers of one Spot.

    Args:
        clock: gives seconds; what is left alone is so by this clock.
    """

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self.clock = clock
        self.reset_after_fork()
        _all.add(self)

    def reset_after_fork(self) -> None:
        """Start afresh in a child: threads and tasks stayed in the parent."""
        self._claimed: dict[str, object] = {}
        self._rests: dict[str, tuple[float, float]] = {}  # until when, and how long that is
        self._queue: deque[_Piece] = deque()
        self._pieces: dict[_Piece, None] = {}  # those in the queue, and those at work
        self._threads: dict[object, int] = {}
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

    @property
    def is_busy(self) -> bool:
        """Whether a thread works, or is to begin."""
        return bool(self._pieces)

    def later(self, key: str, work: Callable[[], bool], ended: Callable[[], object]) -> None:
        """Have a thread do the work of a key that was claimed; `work` gives whether it was done.

        It is done here where no thread can be started, and never where the end comes before one
        has begun it. `ended` is called in any case.
        """
        _watch_end()
        piece = _Piece(key, work, ended)
        try:
            self._pieces[piece] = None
            self._queue.append(piece)
            self._begin()
        except BaseException:  # interrupted (Ctrl-C): else those who wait might wait for ever
            self._end(piece, done=False)
            raise

    def _begin(self) -> None:
        """Start another thread for what has waited longest, if there may be one more."""
        piece = self._next() if len(self._threads) < MOST else None
        if piece is None:
            return  # each thread looks for more before it ends
        token = object()
        self._threads[token] = 0
        try:
            deferred.begin(partial(self._work, token, piece), "behind")
        except RuntimeError:
            self._work(token, piece)

    def _next(self) -> _Piece | None:
        try:
            return self._queue.popleft()
        except IndexError:
            return None

    def _work(self, token: object, piece: _Piece | None) -> None:
        self._threads[token] = get_ident()
        try:
            while piece is not None:
                done = False
                try:
                    done = piece.work()
                finally:
                    self._end(piece, done=done)
                piece = self._next()
        finally:
            self._threads.pop(token, None)
            self._begin()  # what came after the last look, or after an error

    def _end(self, piece: _Piece, *, done: bool) -> None:
        try:
            del self._pieces[piece]
        except KeyError:  # it was over before
            return
        try:
            piece.ended()
        finally:
            self.settle(piece.key, done=done)
            piece.over.release()

    def dismiss(self) -> None:
        """Drop what no thread has been started for."""
        while (piece := self._next()) is not None:
            self._end(piece, done=False)

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until the threads have done what they were given so far.

        One of them does not wait: two might wait for each other.

        Returns:
            False where `timeout` seconds did not do.
        """
        if get_ident() in list(self._threads.values()):
            return True
        if _left:
            return False
        until = None if timeout is None else monotonic() + timeout
        for piece in list(self._pieces):
            left = waitable(None if until is None else until - monotonic())
            if not piece.over.acquire(timeout=-1 if left is None else left):
                return False
            piece.over.release()
        return True

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


def _watch_end() -> None:
    if not _watched:
        _watched.append(True)
        with suppress(RuntimeError):  # the interpreter ends
            # Called before the executors of the program are ended, since it comes after theirs.
            threading._register_atexit(_finish)  # type: ignore[attr-defined]


def _finish() -> None:
    """Drop what has not begun, and wait for the rest, as the interpreter ends."""
    _over.append(True)
    for behind in list(_all):
        behind.dismiss()
    ended = False
    try:
        for behind in list(_all):
            behind.wait()
        ended = True
    finally:
        if not ended:
            _left.append(True)
