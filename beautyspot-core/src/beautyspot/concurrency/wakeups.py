"""Waking a waiter from any thread: `Bell` for a thread that waits, `Alarm` for a task."""

from __future__ import annotations

import threading
from contextlib import suppress
from typing import TYPE_CHECKING

from beautyspot.concurrency.event_loops import check_asyncio

if TYPE_CHECKING:
    import asyncio


def waitable(timeout: float | None) -> float | None:
    """`timeout` in seconds, shortened to the longest one that a lock accepts (three centuries)."""
    return None if timeout is None else min(timeout, threading.TIMEOUT_MAX)


class Bell:
    """Wakes one thread. Unlike an event it has no lock that a thread may be interrupted in."""

    __slots__ = ("_rung",)

    def __init__(self) -> None:
        self._rung = threading.Lock()
        self._rung.acquire()

    def __call__(self) -> None:
        """Wake the thread, from any thread. A second call does nothing."""
        with suppress(RuntimeError):  # it has been rung before
            self._rung.release()

    def wait(self, timeout: float | None) -> bool:
        """Wait for the call, at most `timeout` seconds; whether it came."""
        seconds = -1 if timeout is None else min(max(timeout, 0.0), threading.TIMEOUT_MAX)
        return self._rung.acquire(timeout=seconds)


class Alarm:
    """Wakes a task from any thread. Once the task's event loop is closed it does nothing."""

    __slots__ = ("_loop", "rung")

    def __init__(self) -> None:
        import asyncio

        check_asyncio("to wait for another thread")
        self._loop = asyncio.get_running_loop()
        self.rung: asyncio.Future[bool] = self._loop.create_future()

    def __call__(self, *_: object) -> None:
        """Wake the task, from any thread. A second call does nothing."""
        with suppress(RuntimeError):  # the loop is closed, and nothing waits in it
            self._loop.call_soon_threadsafe(self._ring)

    def _ring(self) -> None:
        if not self.rung.done():
            self.rung.set_result(True)
