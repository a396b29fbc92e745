"""A cap on the calls that are under way at once, for threads and event loops in one queue."""

from __future__ import annotations

from collections import deque
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING
from weakref import WeakValueDictionary

from beautyspot.concurrency import locks
from beautyspot.concurrency.forks import reset_in_children
from beautyspot.concurrency.waiting import Alarm, Bell, check_asyncio, in_asyncio
from beautyspot.errors import RateLimitError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class _Waiter:
    __slots__ = ("admitted", "wake")

    def __init__(self, wake: Callable[[], object]) -> None:
        self.wake = wake
        self.admitted = False


class Cap:
    """Admits so many calls at once; the others wait in the order in which they came.

    Attributes:
        size: how many.
        inside: how many are under way.
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self.inside = 0
        self.reset_after_fork()

    def reset_after_fork(self) -> None:
        """The waiters stayed in the parent, where another thread may have held the lock."""
        self._lock = locks.reentrant()
        self._queue: deque[_Waiter] = deque()

    def enter(self, timeout: float | None = None) -> bool:
        """Block this thread until there is room; whether it had to wait.

        Raises:
            RateLimitError: there was no room within `timeout` seconds.
        """
        bell = Bell()
        with self._queued(bell, timeout) as waits:
            if waits:
                bell.wait(timeout)
        return waits

    async def enter_async(self, timeout: float | None = None) -> bool:
        """`enter` for a task; a cancelled one leaves the queue.

        Raises:
            RateLimitError: as there.
            NotSupportedError: there is no room, and no event loop of asyncio to wait in.
        """
        alarm = Alarm() if in_asyncio() else None
        with self._queued(alarm or bool, timeout) as waits:
            if waits and alarm is None:
                check_asyncio("to wait for max_concurrent=")
            elif waits and alarm is not None:
                import asyncio

                await asyncio.wait([alarm.rung], timeout=timeout)
        return waits

    def leave(self) -> None:
        """End a call, and admit the next one."""
        with self._lock:
            self.inside -= 1
        self._admit()

    @contextmanager
    def _queued(self, wake: Callable[[], object], timeout: float | None) -> Iterator[bool]:
        """Queue up, and be admitted at the end of the block; whether the block has to wait."""
        waiter = _Waiter(wake)
        try:
            yield not self._line_up(waiter)
            if not waiter.admitted:
                raise RateLimitError(
                    f"{self.size} calls were under way for all of {timeout} s: wait longer "
                    "(timeout=) or raise max_concurrent="
                )
        except BaseException:
            with self._lock, suppress(ValueError):  # it may have been admitted meanwhile
                self._queue.remove(waiter)
            if waiter.admitted:
                self.leave()
            raise

    def _line_up(self, waiter: _Waiter) -> bool:
        """Join the queue; whether the waiter is admitted at once."""
        self._queue.append(waiter)
        self._admit()
        if not waiter.admitted and locks.inside():
            # This call runs in a signal handler or `__del__` that interrupted our code in this
            # thread, maybe in a call that is under way: waiting for that call would never end.
            with self._lock:
                if not waiter.admitted:
                    self._queue.remove(waiter)
                    self.inside += 1
                    waiter.admitted = True
        return waiter.admitted

    def _admit(self) -> None:
        """Admit waiters as long as there is room.

        A waiter stays at the head of the queue until it is woken. If Ctrl-C interrupts this after
        the waiter was admitted, the next thread that admits wakes it.
        """
        with self._lock:
            while self._queue:
                waiter = self._queue[0]
                if not waiter.admitted:
                    if self.inside >= self.size:
                        return
                    self.inside += 1
                    waiter.admitted = True
                waiter.wake()
                with suppress(ValueError):  # a handler may have done the same meanwhile
                    self._queue.remove(waiter)


class Caps:
    """The caps of one `Limit`: one for all its calls, or one for each key.

    A cap is dropped when no permit holds it; a new one would admit as many.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._caps: WeakValueDictionary[str | None, Cap] = WeakValueDictionary()
        self._lock = locks.reentrant()
        reset_in_children(self)

    def reset_after_fork(self) -> None:
        """The calls that are under way stayed in the parent, and so did holders of locks."""
        self._lock = locks.reentrant()
        for cap in list(self._caps.values()):
            cap.reset_after_fork()
        self._caps = WeakValueDictionary()

    def of(self, key: str | None) -> Cap:
        """The cap of a key."""
        with self._lock:
            cap = self._caps.get(key)
            if cap is None:
                cap = self._caps[key] = Cap(self._size)
            return cap
