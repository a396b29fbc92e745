"""A cap on the calls that are under way at once, for threads and event loops in one queue.

A call holds a place. It lends that to a call for which it waits, one at a time, where no other
place is free: to one that it makes itself, and to one that the flight which it follows, or all
those who are before it in another queue, can't do without. So neither recursion nor a circle of
calls stands still, and still no more calls work at once than the cap says.
"""

from __future__ import annotations

import contextvars
import threading
import weakref
from _thread import get_ident
from collections import deque
from contextlib import contextmanager, suppress
from math import inf
from typing import TYPE_CHECKING

from beautyspot.concurrency import holders, single_flight, waiting
from beautyspot.concurrency.forks import reset_in_children
from beautyspot.concurrency.queueing import queued, stopping
from beautyspot.concurrency.waiting import Alarm, Bell, check_asyncio, in_asyncio
from beautyspot.errors import RateLimitError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from beautyspot.concurrency.single_flight import Flight

    Tell = Callable[["Cap"], object]
    """Is called where a call has waited for long, and no place has become free meanwhile."""

_held: contextvars.ContextVar[tuple[Place, ...]] = contextvars.ContextVar(
    "beautyspot_places", default=()
)
"""The places of the running call and of those around it, the outermost first."""

_waited_for: weakref.WeakSet[Cap] = weakref.WeakSet()
"""The caps of the process in whose queues calls may wait."""


def held() -> tuple[Place, ...]:
    """The places of the running call and of those around it, the outermost first.

    What an interrupt has left there, or a call that a task has outlived, is not among them.
    """
    return tuple(place for place in _held.get() if not place.is_over)


def stand_alone() -> None:
    """Have what runs from here, in this context, be no part of any call that holds a place."""
    _held.set(())


@contextmanager
def waiting_for(what: Flight | Cap) -> Iterator[None]:
    """In the block the running call waits for a flight, or for a place under another cap."""
    places = held()
    for place in places:
        place.waits.append(what)
    try:
        _admit_all()
        yield
    finally:
        for place in places:
            place.waits.remove(what)


def _admit_all() -> None:
    """Look at all queues: whether a place may be lent depends on the places of other caps too."""
    for cap in list(_waited_for):
        cap.admit()


class Place:
    """What one call holds of a cap, or waits for.

    Attributes:
        admitted: whether the call may go on.
        is_over: whether it has left.
        borrower: the place of the call that uses this place meanwhile.
        lender: whose place this one uses.
        waits: what the call, or one that it made, waits for just now.
        thread: the identifier of the call's thread.
        cap: whose place it is.
        around: the places of the calls around this one, the outermost first.
    """

    __slots__ = (
        *("_flights", "admitted", "around", "borrower", "cap", "is_over", "lender"),
        *("thread", "waits", "wake"),
    )

    def __init__(self, cap: Cap) -> None:
        self.cap = cap
        self.around = held()
        self._flights = single_flight.leading()
        self.wake: Callable[[], object] = bool
        self.admitted = self.is_over = False
        self.borrower: Place | None = None
        self.lender: Place | None = None
        self.waits: list[Flight | Cap] = []
        self.thread = get_ident()

    # ----------------------------------------------------------------------- entering, leaving

    def enter(self, timeout: float | None = None, tell: Tell | None = None) -> bool:
        """Block this thread until there is room; whether the call had to wait.

        Raises:
            RateLimitError: there was no room within `timeout` seconds.
        """
        bell = Bell()
        try:
            waits = not self.cap.line_up(self, bell)
            if waits:
                with waiting_for(self.cap), queued(), stopping(bell) as stop:
                    for pause in self._pauses(timeout, tell):
                        if bell.wait(pause):
                            break
                    if stop is not None:
                        stop.check()
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
            waits = not self.cap.line_up(self, alarm or bool)
            if waits and alarm is None:
                check_asyncio("to wait for max_concurrent=")
            elif waits and alarm is not None:
                with waiting_for(self.cap), queued():
                    for pause in self._pauses(timeout, tell):
                        if await alarm.wait(pause):
                            break
            self._check(timeout)
        except BaseException:
            self.leave()
            raise
        return waits

    def _pauses(self, timeout: float | None, tell: Tell | None) -> Iterator[float]:
        """The seconds of each part of a wait; `tell` is told behind the first one."""
        left, freed = inf if timeout is None else timeout, self.cap.freed
        while left > 0:
            pause = min(left, waiting.PATIENCE)
            yield pause
            left -= pause
            holders.end_orphans()
            if tell is not None and left and not self.admitted and freed == self.cap.freed:
                tell(self.cap)
            tell = None

    def _check(self, timeout: float | None) -> None:
        if not self.admitted:
            raise RateLimitError(
                f"{self.cap.size} calls were under way for all of {timeout} s: wait longer "
                "(timeout= of spot.limiter) or raise max_concurrent="
            )

    def leave(self) -> None:
        """End the call or its waiting, and admit the next one. A second call does nothing."""
        if not self.is_over:
            self.cap.give_back(self)
            self.is_over = True

    def __enter__(self) -> None:
        """Have calls that are made from here be a part of this one.

        A generator does so while it runs: its consumer is no part of it.
        """
        _held.set((*held(), self))

    def __exit__(self, *_: object) -> None:
        _held.set(tuple(place for place in held() if place is not self))

    # --------------------------------------------------------------------------------- lending

    @property
    def is_within(self) -> bool:
        """Whether a call made this one that has a place, under whatever cap."""
        return bool(self.around)

    @property
    def may_lend(self) -> bool:
        """Whether the call waits, and nobody uses its place."""
        return bool(self.waits) and self.borrower is None

    def lends_to(self, waiter: Place) -> bool:
        """Whether the call can't go on before `waiter` does, and nobody uses its place.

        That it waits for its own cap says nothing more: who waits there for it borrows its place.
        """
        if not self.admitted or self.borrower is not None:
            return False
        return self in waiter.around or self._needs(waiter, [self.cap])

    def _needs(self, waiter: Place, path: list[object]) -> bool:
        return self in waiter.around or any(_needs(what, waiter, path) for what in set(self.waits))


def _needs(what: Flight | Cap, waiter: Place, path: list[object]) -> bool:
    """Whether a flight can't end, or no place become free, before a waiter goes on.

    Args:
        what: a flight, or a cap.
        waiter: one that waits for a place.
        path: what needs `what`; a circle needs nothing by itself.
    """
    if what in path:
        return False
    path = [*path, what]
    if isinstance(what, Cap):
        places = list(what.places)
        return bool(places) and all(place._needs(waiter, path) for place in places)
    if single_flight.leads_to(what, waiter._flights):
        return True
    return any(
        _needs(cap, waiter, path)
        for cap in list(_waited_for)
        if any(single_flight.leads_to(what, queued._flights) for queued in cap.waiters())
    )


class Cap:
    """Admits so many calls at once; the others wait in the order in which they came.

    Attributes:
        size: how many.
        name: what it is called in all processes.
        inside: how many are under way.
        freed: how often a place became free.
        places: those that are held.
    """

    def __init__(self, size: int, name: str = "") -> None:
        self.size = size
        self.name = name
        self.inside = self.freed = 0
        self.places: set[Place] = set()
        self.reset_after_fork()

    def reset_after_fork(self) -> None:
        """The waiters stayed in the parent, where another thread may have held the lock."""
        self._lock = threading.RLock()
        self._queue: deque[Place] = deque()

    def waiters(self) -> list[Place]:
        """The calls that wait for a place."""
        return list(self._queue)

    def line_up(self, place: Place, wake: Callable[[], object]) -> bool:
        """Join the queue; whether the call is admitted at once."""
        if self.inside >= self.size:
            holders.end_orphans()
        place.wake = wake
        self._queue.append(place)
        self.admit()
        if not place.admitted and place.is_within:
            with self._lock:
                if not place.admitted and self._borrows(place, list(self.places)):
                    self._remove(place)
        if not place.admitted:
            _waited_for.add(self)
        return place.admitted

    def give_back(self, place: Place) -> None:
        """Take a place out of the queue, or end its use, and admit the next one."""
        with self._lock:
            self._remove(place)
            if place.admitted:
                self._free(place)
            if not self._queue:
                _waited_for.discard(self)
        _admit_all()

    def _free(self, place: Place) -> None:
        """End the use of a place; a call that borrows it keeps it.

        Nothing is called before all is noted: Ctrl-C comes only where something is.
        """
        borrower, lender = place.borrower, place.lender
        place.admitted, place.borrower, place.lender = False, None, None
        self.freed += 1
        if borrower is not None:
            borrower.lender = lender
        elif lender is None:
            self.inside -= 1
        if lender is not None:
            lender.borrower = borrower
        self.places.discard(place)

    def admit(self) -> None:
        """Admit waiters as long as there is room, or another call lends them its place.

        A waiter stays at the head of the queue until it is woken. If Ctrl-C interrupts this after
        the waiter was admitted, the next thread that admits wakes it.
        """
        with self._lock:
            while self._queue and self._has_room(self._queue[0]):
                self._wake(self._queue[0])
            free = [place for place in self.places if place.may_lend]
            for place in self.waiters() if free else ():
                if self._borrows(place, free):
                    self._wake(place)

    def _has_room(self, place: Place) -> bool:
        """Whether a waiter is admitted, now or before."""
        if not place.admitted and self.inside < self.size:
            self.inside += 1
            place.admitted = True
            self.places.add(place)  # last, as in `_free`
        return place.admitted

    def _borrows(self, place: Place, free: list[Place]) -> bool:
        """Whether a waiter uses one of these places from now on."""
        lender = next((one for one in free if one.lends_to(place)), None)
        if lender is None:
            return False
        free.remove(lender)
        place.lender, lender.borrower = lender, place
        place.admitted = True
        self.places.add(place)
        return True

    def _wake(self, place: Place) -> None:
        place.wake()
        self._remove(place)

    def _remove(self, place: Place) -> None:
        with suppress(ValueError):  # a handler may have done the same meanwhile
            self._queue.remove(place)


class Caps:
    """The caps of one `Limit`: one for all its calls, or one for each key.

    A cap is dropped when no permit holds it; a new one would admit as many.

    Attributes:
        name: what they are called in all processes.
    """

    def __init__(self, size: int) -> None:
        self.name = ""
        self._size = size
        self._caps: weakref.WeakValueDictionary[str | None, Cap] = weakref.WeakValueDictionary()
        self._lock = threading.RLock()
        reset_in_children(self)

    def reset_after_fork(self) -> None:  # pragma: no cover - children are not measured
        """The calls that are under way stayed in the parent, and so did holders of locks."""
        self._lock = threading.RLock()
        for cap in list(self._caps.values()):
            cap.reset_after_fork()
        self._caps = weakref.WeakValueDictionary()

    def of(self, key: str | None) -> Cap:
        """The cap of a key."""
        with self._lock:
            cap = self._caps.get(key)
            if cap is None:
                name = self.name if key is None else f"{self.name}\n{key}"
                cap = self._caps[key] = Cap(self._size, name)
            return cap
