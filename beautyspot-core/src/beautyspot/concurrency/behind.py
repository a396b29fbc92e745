"""Work that goes on behind those who called: in threads of a Spot's own, or in tasks of their loop.

What a thread has begun is waited for: by `wait`, and by the interpreter's end. What has not begun
by then is dropped. A task ends with its event loop, at the latest.
"""

from __future__ import annotations

from concurrent.futures import Future, wait
from functools import partial
from math import inf
from time import monotonic
from typing import TYPE_CHECKING, Any, Final

from beautyspot.concurrency import holders
from beautyspot.concurrency.waiting import SpotExecutor, waitable

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Coroutine

REST: Final = 10.0
"""Seconds after which the work of a key is begun once more, unless it was done."""

RESTING: Final = 1000
"""So many keys are remembered whose work was begun."""


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
        self._begun: dict[str, float] = {}
        self._is_over = False
        self._executor = SpotExecutor(None)
        self._pieces: set[Future[object]] = set()
        self._tasks: dict[asyncio.Task[Any], bool] = {}  # whether the event loop's end is to wait

    def claim(self, key: str) -> bool:
        """Whether to begin the work of a key: not where that was begun just now, and is not done.

        Two threads may both be told so.
        """
        now = self.clock()
        if self._is_over or now < self._begun.get(key, -inf) + REST:
            return False
        self._begun[key] = now
        for old in list(self._begun)[:-RESTING]:
            self._begun.pop(old, None)
        return True

    def has_done(self, key: str) -> None:
        """Note that the work of a key was done: it may be begun again at once."""
        self._begun.pop(key, None)

    # ------------------------------------------------------------------------------- threads

    def later(self, work: Callable[[], object], dropped: Callable[[], object]) -> None:
        """Have a thread do some work; where the end comes before one has begun it, `dropped`.

        Raises:
            RuntimeError: no thread can be started.
        """
        piece = self._executor().submit(work)
        self._pieces.add(piece)
        piece.add_done_callback(self._pieces.discard)
        piece.add_done_callback(lambda each: each.cancelled() and dropped())

    def dismiss(self) -> None:
        """Drop what no thread has begun, and begin nothing more."""
        self._is_over = True
        self._executor.stop(wait=False, drops=True)

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until the threads have done what they were given so far.

        One of them does not wait: two might wait for each other.

        Returns:
            False where `timeout` seconds did not do.
        """
        if self._executor.runs_here():
            return True
        return not wait(list(self._pieces), waitable(timeout)).not_done

    # --------------------------------------------------------------------------------- tasks

    def start(self, work: Coroutine[Any, Any, Any], *, awaited: bool = False) -> asyncio.Task[Any]:
        """A task of the running event loop, which is kept until it ends or its loop is closed.

        Whatever it raises counts as seen. One that is `awaited` is among the `tasks_here`.
        """
        import asyncio

        task = asyncio.get_running_loop().create_task(work)
        self._tasks[task] = awaited
        holders.hold(task, partial(self._drop_orphan, task))
        task.add_done_callback(self._forget)
        return task

    def _forget(self, task: asyncio.Task[Any]) -> None:
        holders.let_go(task)
        self._tasks.pop(task, None)
        if not task.cancelled():
            task.exception()

    def tasks_here(self) -> set[asyncio.Task[Any]]:
        """The tasks of the running event loop that its program's end is to wait for."""
        import asyncio

        loop = asyncio.get_running_loop()
        return {
            task for task, waits in list(self._tasks.items()) if waits and task.get_loop() is loop
        }

    def _drop_orphan(self, task: asyncio.Task[Any]) -> None:
        """End a task whose event loop was closed before it ended."""
        self._tasks.pop(task, None)
        task.get_coro().close()
