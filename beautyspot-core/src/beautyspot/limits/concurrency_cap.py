"""A cap on the calls that are under way at once, for threads and event loops in one queue.

A call holds a place. Calls that it makes under the same cap are a part of it: where no other place
is free, one of them at a time borrows its place, so that recursion does not wait for itself. And a
place is for a call that works: one that waits for another call gives it back for that time, since
the other one may need it.
"""

from __future__ import annotations

import contextvars
from _thread import get_ident
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING
from weakref import WeakValueDictionary

from beautyspot.concurrency import locks, waiting
from beautyspot.concurrency.forks import reset_in_children
from beautyspot.concurrency.waiting import Alarm, Bell, check_asyncio, in_asyncio
from beautyspot.errors import RateLimitError

if TYPE_CHECKING:
    from collections.abc import Callable

    Tell = Callable[["Cap"], object]
    """Is called where a call has waited for long, and no place has become free meanwhile."""

_held: contextvars.ContextVar[tuple[Place, ...]] = contextvars.ContextVar(
    "beautyspot_places", default=()
)
"""The places of the running call and of those around it, the outermost first."""


def held() -> tuple[Place, ...]:
    """The places of the running call and of those around it, the outermost first.

    What an interrupt has left there, or a call that a task has outlived, is not among them.
    """
    return tuple(place for place in _held.get() if not place.is_over)


class Place:
    """What one call holds of a cap, or waits for.

    Attributes:
        admitted: whether the call may go on.
        is_over: whether it has left.
        borrower: the place of a call within this one that uses this place meanwhile.
        lender: whose place this one uses.
        thread: the identifier of the call's thread.
    """

    __slots__ = (
        *("_cap", "_outer", "admitted", "away", "borrower", "is_over", "lender", "thread", "wake"),
    )

    def __init__(self, cap: Cap) -> None:
        self._cap = cap
        around = [place for place in held() if place._cap is cap]
        self._outer = around[-1] if around else None
        self.wake: Callable[[], object] = bool
        self.admitted = self.is_over = False
        self.borrower: Place | None = None
        self.lender: Place | None = None
        self.away = 0
        self.thread = get_ident()

    @property
    def is_within(self) -> bool:
        """Whether the call was made by one that has a place under the same cap."""
        return self._outer is not None

    def to_borrow(self) -> Place | None:
        """The place that the call may use, of the innermost call around it that has one."""
        outer = self._outer
        while outer is not None and not outer.admitted:  # it has left, or is away
            outer = outer._outer
        return None if outer is None or outer.borrower is not None else outer

    def enter(self, timeout: float | None = None, tell: Tell | None = None) -> bool:
        """Block this thread until there is room; whether the call had to wait.

        Raises:
            RateLimitError: there was no room within `timeout` seconds.
        """
        bell = Bell()
        try:
            waits = not self._cap.line_up(self, bell)
            if waits:
                first, rest, freed = *_parts(timeout), self._cap.freed
                if not bell.wait(first) and rest != 0:
                    self._tell(tell, freed)
                    bell.wait(rest)
            self._check(timeout)
        except BaseException:
            self.leave()
            raise
        return waits

    async def enter_async(self, timeout: float | None = None, tell: Tell | None = None) -> bool:
        """`enter` for a task; a cancelled one leaves the queue.

        Raises:
            RateLimitError: as there.
            NotSupportedError: there is no room, and no event loop of asyncio to wait in.
        """
        alarm = Alarm() if in_asyncio() else None
        try:
            waits = not self._cap.line_up(self, alarm or bool)
            if waits and alarm is None:
                check_asyncio("to wait for max_concurrent=")
            elif waits and alarm is not None:
                import asyncio

                first, rest, freed = *_parts(timeout), self._cap.freed
                await asyncio.wait([alarm.rung], timeout=first)
                if not alarm.rung.done() and rest != 0:
                    self._tell(tell, freed)
                    await asyncio.wait([alarm.rung], timeout=rest)
            self._check(timeout)
        except BaseException:
            self.leave()
            raise
        return waits

    def _tell(self, tell: Tell | None, freed: int) -> None:
        if tell is not None and freed == self._cap.freed:
            tell(self._cap)

    def _check(self, timeout: float | None) -> None:
        if not self.admitted:
            raise RateLimitError(
                f"{self._cap.size} calls were under way for all of {timeout} s: wait longer "
                "(timeout=) or raise max_concurrent="
            )

    def leave(self) -> None:
        """End the call or its waiting, and admit the next one. A second call does nothing."""
        if not self.is_over:
            self._cap.give_back(self)
            self.is_over = True

    def __enter__(self) -> None:
        """Have calls that are made from here be a part of this one.

        A generator does so while it runs: its consumer is no part of it.
        """
        _held.set((*held(), self))

    def __exit__(self, *_: object) -> None:
        _held.set(tuple(place for place in held() if place is not self))

    # -------------------------------------------------------- while the call waits for another

    def go_away(self) -> None:
        """Give the place back while the call waits for another one.

        It ends by `come_back`, or by `stay_away`.
        """
        self.away += 1
        self._cap.give_back(self)

    def stay_away(self) -> None:
        """Go on without a place, where the waiting was interrupted."""
        self.away -= 1

    def come_back(self) -> None:
        """Wait in this thread for a place again, unless another call within is still waiting."""
        self.away -= 1
        bell = Bell()
        if self._is_to_wait(bell):
            bell.wait(None)

    async def come_back_async(self) -> None:
        """`come_back` for a task."""
        self.away -= 1
        alarm = Alarm()
        if self._is_to_wait(alarm):
            await alarm.rung

    def _is_to_wait(self, wake: Callable[[], object]) -> bool:
        is_in = self.away or self.is_over or self.admitted
        return not is_in and not self._cap.line_up(self, wake, first=True)


def _parts(timeout: float | None) -> tuple[float, float | None]:
    """The seconds to wait before it is said for what, and those after that."""
    first = waiting.PATIENCE
    if timeout is None:
        return first, None
    return min(first, timeout), max(0.0, timeout - first)


class Cap:
    """Admits so many calls at once; the others wait in the order in which they came.

    Attributes:
        size: how many.
        inside: how many are under way.
        freed: how often a place became free.
        places: those that are held.
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self.inside = self.freed = 0
        self.places: set[Place] = set()
        self.reset_after_fork()

    def reset_after_fork(self) -> None:
        """The waiters stayed in the parent, where another thread may have held the lock."""
        self._lock = locks.reentrant()
        self._queue: deque[Place] = deque()
        self._within: dict[Place, None] = {}  # of the queue, those that may borrow

    def line_up(self, place: Place, wake: Callable[[], object], *, first: bool = False) -> bool:
        """Join the queue, or go to its head; whether the call is admitted at once."""
        place.wake = wake
        with self._lock:
            (self._queue.appendleft if first else self._queue.append)(place)
            if place.is_within:
                self._within[place] = None
        self._admit()
        if not place.admitted and locks.inside():
            # This call runs in a signal handler or `__del__` that interrupted our code in this
            # thread, maybe in a call that is under way: waiting for that call would never end.
            with self._lock:
                if not place.admitted:
                    self._remove(place)
                    self.inside += 1
                    place.admitted = True
        return place.admitted

    def give_back(self, place: Place) -> None:
        """Take a place out of the queue, or end its use, and admit the next one."""
        with self._lock:
            self._remove(place)
            if place.admitted:
                self._free(place)
        self._admit()

    def _free(self, place: Place) -> None:
        """End the use of a place; a call that borrows it keeps it."""
        borrower, lender = place.borrower, place.lender
        place.admitted, place.borrower, place.lender = False, None, None
        self.places.discard(place)
        self.freed += 1
        if borrower is not None:
            borrower.lender = lender
        elif lender is None:
            self.inside -= 1
        if lender is not None:
            lender.borrower = borrower

    def _admit(self) -> None:
        """Admit waiters as long as there is room.

        A waiter stays at the head of the queue until it is woken. If Ctrl-C interrupts this after
        the waiter was admitted, the next thread that admits wakes it.
        """
        with self._lock:
            while self._queue and self._takes(self._queue[0]):
                self._wake(self._queue[0])
            for place in list(self._within):
                if self._takes(place):
                    self._wake(place)

    def _takes(self, place: Place) -> bool:
        """Whether a waiter is admitted now: there is room, or a call around it lends its place."""
        if place.admitted:
            return True
        if self.inside < self.size:
            self.inside += 1
        elif lender := place.to_borrow():
            place.lender, lender.borrower = lender, place
        else:
            return False
        self.places.add(place)
        place.admitted = True
        return True

    def _wake(self, place: Place) -> None:
        place.wake()
        self._remove(place)

    def _remove(self, place: Place) -> None:
        """Take a place out of the queue; a handler may have done the same meanwhile."""
        self._within.pop(place, None)
        with suppress(ValueError):
            self._queue.remove(place)


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
