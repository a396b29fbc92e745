"""A cap on the calls that are under way at once, for threads and event loops in one queue."""

from __future__ import annotations

import functools
import threading
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING
from weakref import ref

from beautyspot.concurrency import locks
from beautyspot.concurrency.event_loops import check_asyncio, in_asyncio
from beautyspot.concurrency.forks import reset_in_children
from beautyspot.concurrency.wakeups import Alarm, Bell
from beautyspot.errors import RateLimitError

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


class Cap:
    """Lets so many in at once; the others wait in the order in which they came.

    Attributes:
        size: how many.
        inside: how many are in.
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self.inside = 0
        self._queue: deque[_Waiter] = deque()
        self._let_in_lately: list[_Waiter] = []
        self.reset_after_fork()

    def reset_after_fork(self) -> None:
        """Those who wait stayed in the parent, and a copied lock may be held by a thread there."""
        self._lock = locks.reentrant()
        self._queue.clear()
        self._let_in_lately.clear()

    def enter(self, timeout: float | None = None) -> bool:
        """Wait in this thread until there is room; whether there was none at once.

        Raises:
            RateLimitError: there was none within `timeout` seconds.
        """
        bell = Bell()
        waiter = _Waiter(bell)
        try:
            waits = self._line_up(waiter)
            if waits:
                bell.wait(timeout)
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
        waiter = _Waiter(alarm or _nobody)
        try:
            waits = self._line_up(waiter)
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

    def _line_up(self, waiter: _Waiter) -> bool:
        """Whether the place in the line has to be waited in."""
        self._queue.append(waiter)
        self._admit()
        if not waiter.admitted and locks.inside():
            self._let_through(waiter)
        return not waiter.admitted

    def _let_through(self, waiter: _Waiter) -> None:
        """Let in who interrupts one that others may wait for: he can't wait for them."""
        with suppress(ValueError):  # there is room meanwhile
            self._queue.remove(waiter)
            self.inside += 1
            waiter.admitted = True

    def _admit(self) -> None:
        """Let in those for whom there is room; wake whom another one let in and was interrupted."""
        while self._let_in():
            pass
        for waiter in self._let_in_lately.copy():
            waiter.wake()
            with suppress(ValueError):
                self._let_in_lately.remove(waiter)

    def _let_in(self) -> bool:
        with self._lock:
            if not self._queue or self.inside >= self.size:
                return False
            waiter = self._queue[0]
            self.inside += 1
            waiter.admitted = True
            del self._queue[0]
            self._let_in_lately.append(waiter)
        return True

    def _check(self, waiter: _Waiter, timeout: float | None) -> None:
        if not waiter.admitted:
            raise RateLimitError(
                f"{self.size} calls were under way for all of {timeout} s: wait longer (timeout=) "
                "or raise max_concurrent="
            )

    def _give_up(self, waiter: _Waiter) -> None:
        with suppress(ValueError):  # it was let in meanwhile
            self._queue.remove(waiter)
        if waiter.admitted:
            self.leave()


class Caps:
    """The cap of one `Limit`: one for all calls, or one for each key.

    A cap lives as long as a permit holds it: one where nobody is, is as good as a new one.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._caps: dict[str | None, ref[Cap]] = {}
        self._lock = threading.Lock()
        reset_in_children(self)

    def reset_after_fork(self) -> None:
        """What is under way stayed in the parent."""
        self._lock = threading.Lock()
        for entry in list(self._caps.values()):
            cap = entry()
            if cap is not None:
                cap.reset_after_fork()
        self._caps = {}

    def of(self, key: str | None) -> Cap:
        """The cap of a key."""
        while True:
            entry = self._caps.get(key)
            cap = None if entry is None else entry()
            if cap is not None:
                return cap
            made = Cap(self._size)
            fresh = ref(made, functools.partial(self._forget, key))
            caps = self._caps
            with self._lock:  # nothing is called here: see `beautyspot.concurrency.locks`
                if (caps[key] if key in caps else None) is entry:  # noqa: SIM401 - a call
                    caps[key] = fresh
                    return made

    def _forget(self, key: str | None, entry: ref[Cap]) -> None:
        caps = self._caps
        with self._lock:  # as above
            if key in caps and caps[key] is entry:
                del caps[key]
