"""A cap on the calls that are under way at once, for threads and event loops in one queue."""

from __future__ import annotations

import threading
from collections import deque
from typing import TYPE_CHECKING

from beautyspot.errors import RateLimitError
from beautyspot.loops import check_asyncio, in_asyncio
from beautyspot.steps import Alarm, waitable

if TYPE_CHECKING:
    from collections.abc import Callable


def _nobody() -> None:
    """Wakes who does not wait."""


async def _rung(alarm: Alarm | None, timeout: float | None) -> None:
    import asyncio

    if alarm is None:
        return check_asyncio("to wait for max_concurrent=")
    await asyncio.wait([alarm.rung], timeout=timeout)
    return None


class _Waiter:
    __slots__ = ("admitted", "wake")

    def __init__(self, wake: Callable[[], object]) -> None:
        self.wake = wake
        self.admitted = False


class Gate:
    """Lets so many in at once; the others wait in the order in which they came.

    Attributes:
        size: how many.
        inside: how many are in.
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self.inside = 0
        self._queue: deque[_Waiter] = deque()
        self.reset_after_fork()

    def reset_after_fork(self) -> None:
        """Those who wait stayed in the parent, and a copied lock may be held by a thread there."""
        self._lock = threading.Lock()
        self._queue.clear()

    def enter(self, timeout: float | None = None) -> bool:
        """Wait in this thread until there is room; whether there was none at once.

        Raises:
            RateLimitError: there was none within `timeout` seconds.
        """
        done = threading.Event()
        waiter, waits = self._line_up(done.set)
        try:
            done.wait(waitable(timeout))
            self._check(waiter, timeout)
        except BaseException:
            self._give_up(waiter)
            raise
        return waits

    async def enter_async(self, timeout: float | None = None) -> bool:
        """`enter` for a task; one that is cancelled gives its place back.

        Raises:
            RateLimitError: as there.
            NotSupportedError: there is no room, and no event loop of asyncio to wait in.
        """
        alarm = Alarm() if in_asyncio() else None
        waiter, waits = self._line_up(alarm or _nobody)
        try:
            if waits:
                await _rung(alarm, timeout)
            self._check(waiter, timeout)
        except BaseException:
            self._give_up(waiter)
            raise
        return waits

    def leave(self) -> None:
        """Let the next one in."""
        with self._lock:
            self.inside -= 1
            self._admit()

    def _line_up(self, wake: Callable[[], object]) -> tuple[_Waiter, bool]:
        """The place in the line, and whether it has to be waited in."""
        waiter = _Waiter(wake)
        with self._lock:
            self._queue.append(waiter)
            self._admit()
            return waiter, not waiter.admitted

    def _admit(self) -> None:
        while self._queue and self.inside < self.size:
            waiter = self._queue.popleft()
            waiter.admitted = True
            self.inside += 1
            waiter.wake()

    def _check(self, waiter: _Waiter, timeout: float | None) -> None:
        if not waiter.admitted:
            raise RateLimitError(
                f"{self.size} calls were under way for all of {timeout} s: wait longer (timeout=) "
                "or raise max_concurrent="
            )

    def _give_up(self, waiter: _Waiter) -> None:
        with self._lock:
            if waiter.admitted:
                self.inside -= 1
                self._admit()
            else:
                self._queue.remove(waiter)
