"""A cap on the calls that are under way at once, for threads and event loops in one queue.

A call holds a place. It lends that to a call for which it waits, one at a time, where no other
place is free: to one that it makes itself, and to one that the flight which it follows can't do
without. So recursion does not stand still, and still no more calls work at once than the cap says.
"""

from __future__ import annotations

import contextvars
import weakref
from collections import deque
from contextlib import contextmanager, suppress
from math import inf
from typing import TYPE_CHECKING, Final

from beautyspot.concurrency import holders, single_flight, waiting
from beautyspot.concurrency.forks import reset_in_children
from beautyspot.concurrency.locks import Lock
from beautyspot.concurrency.queueing import stopping
from beautyspot.concurrency.waiting import Alarm, Bell, check_asyncio, in_asyncio
from beautyspot.errors import RateLimitError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from beautyspot.concurrency.single_flight import Flight, Lease

    Tell = Callable[["Cap"], object]
    """Is called where a call has waited for long, and no place has become free meanwhile."""

_held: contextvars.ContextVar[tuple[Place, ...]] = contextvars.ContextVar(
    "beautyspot_places", default=()
)
"""The places of the running call and of those around it, the outermost first."""

_waited_for: Final[set[Cap]] = set()
"""The caps of the process in whose queues calls wait."""


def held() -> tuple[Place, ...]:
    """The places of the running call and of those around it, the outermost first.

    What an interrupt has left there, or a call that a task has outlived, is not among them.
    """
    return tuple(place for place in _held.get() if not place.is_over)


def stand_alone() -> None:
    """Have what runs from here, in this context, be no part of any call that holds a place."""
    _held.set(())


@contextmanager
def waiting_for(flight: Flight) -> Iterator[None]:
    """In the block the running call waits for a flight."""
    places = held()
    for place in places:
        place.waits.append(flight)
    try:
        _admit_all()
        yield
    finally:
        for place in places:
            place.waits.remove(flight)


def _admit_all() -> None:
    """Look at all queues: what a flight waits for may have changed for any of them."""
    for cap in list(_waited_for):
        cap.admit()


class Seat:
    """One of as many as a cap has.

    Attributes:
        users: the calls that hold it; each has lent it to the one behind it. It is free once all of
            them have left.
        lease: its lease among those of all machines; None where it has none.
    """

    __slots__ = ("lease", "users")

    def __init__(self, user: Place) -> None:
        self.users = [user]
        self.lease: Lease | None = None


class Place:
    """What one call holds of a cap, or waits for.

    Attributes:
        seat: which it has; None where the call may not go on.
        is_over: whether it has left.
        waits: the flights that the call, or one that it made, waits for just now.
        cap: whose place it is.
        around: the places of the calls around this one, the outermost first.
        wake: called when it is admitted.
    """

    __slots__ = ("_flights", "around", "cap", "is_over", "seat", "waits", "wake")

    def __init__(self, cap: Cap) -> None:
        self.cap = cap
        self.around = held()
        self._flights = single_flight.leading()
        self.wake: Callable[[], object] = bool
        self.seat: Seat | None = None
        self.is_over = False
        self.waits: list[Flight] = []

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
                with stopping(bell) as stop:
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
            if tell is not None and left and self.seat is None and freed == self.cap.freed:
                tell(self.cap)
            tell = None

    def _check(self, timeout: float | None) -> None:
        if self.seat is None:
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

    def lends_to(self, waiter: Place) -> bool:
        """Whether the call can't go on before `waiter` does, and nobody uses its seat."""
        if self.seat is None or self.seat.users[-1:] != [self]:
            return False
        leads_to = single_flight.leads_to
        return self in waiter.around or any(leads_to(what, waiter._flights) for what in self.waits)

    @property
    def lease(self) -> Lease | None:
        """That of its seat."""
        return None if self.seat is None else self.seat.lease

    @lease.setter
    def lease(self, lease: Lease | None) -> None:
        assert self.seat is not None  # noqa: S101 - it is admitted
        self.seat.lease = lease

    def last_lease(self) -> Lease | None:
        """The lease of its seat, which is to be released, where no other call uses that; once."""
        with self.cap.lock:
            lease = None
            if self.seat is not None and self.seat.users == [self]:
                lease, self.seat.lease = self.seat.lease, None
            return lease


class Cap:
    """Admits so many calls at once; the others wait in the order in which they came.

    Attributes:
        size: how many.
        name: what it is called in all processes.
        freed: how often a call has left.
        seats: those that are held.
        lock: of all that changes them. Held for microseconds.
    """

    def __init__(self, size: int, name: str = "") -> None:
        self.size = size
        self.name = name
        self.freed = 0
        self.seats: set[Seat] = set()
        self.reset_after_fork()

    def reset_after_fork(self) -> None:
        """The waiters stayed in the parent, where another thread may have held the lock."""
        self.lock = Lock()
        self._queue: deque[Place] = deque()

    def places(self) -> list[Place]:
        """The calls that hold a seat, and have not lent it."""
        return [seat.users[-1] for seat in list(self.seats) if seat.users]

    def line_up(self, place: Place, wake: Callable[[], object]) -> bool:
        """Join the queue; whether the call is admitted at once."""
        if len(self.seats) >= self.size:
            holders.end_orphans()
        place.wake = wake
        with self.lock:
            self._queue.append(place)
            _waited_for.add(self)
        self.admit()
        return place.seat is not None

    def give_back(self, place: Place) -> None:
        """Take a place out of the queue, or end its use, and admit the next one.

        An interrupt may end this anywhere; a second call does the rest then.
        """
        with self.lock:
            self._remove(place)
            if place.seat is not None:
                self._leave(place.seat, place)
                self.freed += 1
                place.seat = None
        self.admit()
        _admit_all()

    def _leave(self, seat: Seat, place: Place) -> None:
        with suppress(ValueError):  # that was interrupted before
            seat.users.remove(place)
        if not seat.users:
            self.seats.discard(seat)

    def admit(self) -> None:
        """Admit waiters as long as there is room, or another call lends them its seat.

        A waiter stays in the queue until it is woken. If Ctrl-C interrupts this after the waiter
        was admitted, the next thread that admits wakes it.
        """
        with self.lock:
            for place in list(self._queue):
                if place.seat is None and len(self.seats) < self.size:
                    place.seat = Seat(place)
                    self.seats.add(place.seat)
                elif place.seat is None:
                    self._borrow(place)
                if place.seat is not None:
                    place.wake()
                    self._remove(place)
            if not self._queue:
                _waited_for.discard(self)

    def _borrow(self, place: Place, *, leased: bool = False) -> bool:
        """Have a call use the seat of another one, if one lends it."""
        may_lend = [one for one in self.places() if one.lease or not leased]
        lender = next((one for one in may_lend if one.lends_to(place)), None)
        if lender is None or lender.seat is None:
            return False
        place.seat = lender.seat
        place.seat.users.append(place)
        return True

    def move(self, place: Place) -> bool:
        """Have a call give up its seat, which has no lease, for one with a lease that is lent."""
        with self.lock:
            own = place.seat
            if own is None or not self._borrow(place, leased=True):
                return False
            self._leave(own, place)
        self.admit()
        return True

    def _remove(self, place: Place) -> None:
        with suppress(ValueError):  # it is not there
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
        self._lock = Lock()
        reset_in_children(self)

    def reset_after_fork(self) -> None:  # pragma: no cover - children are not measured
        """The calls that are under way stayed in the parent, and so did holders of locks."""
        self._lock = Lock()
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
