"""One execution a key at a time, within this process: the first caller leads, the others follow.

A *flight* is one execution under way. Its leader finishes it with what the followers get; a leader
that is cancelled or dies abandons it, and one of the followers leads next. Threads, tasks and event
loops may all wait for one flight: nothing here belongs to an event loop, and a follower that gives
up takes nobody with it.

Waiting can't deadlock: before a call waits, the graph of who waits for whom is followed, and where
the way leads back to a flight that the caller itself leads, the caller runs on its own instead.
"""

from __future__ import annotations

import contextvars
import os
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from beautyspot.concurrency import locks

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Protocol

    class Leader(Protocol):
        """Who may lead a flight.

        Attributes:
            flight: the one that it leads.
        """

        flight: Flight | None


_graph = locks.reentrant()
"""Guards all flights of the process: the waiting graph crosses Spots. Held for microseconds."""

_leading: contextvars.ContextVar[tuple[Flight, ...]] = contextvars.ContextVar(
    "beautyspot_leading", default=()
)
"""The flights that the running code is part of, the outermost first."""


ABANDONED: Final = object()
"""The result of a flight whose leader left without one."""


class Flight:
    """One execution under way, or finished with `result`."""

    __slots__ = ("_wakers", "done", "result", "waits_for", "within")

    def __init__(self, within: Flight | None) -> None:
        self.done = False
        self.result: Any = ABANDONED
        self.within = within  # the flight whose execution made this call
        self.waits_for: list[Flight] = []
        self._wakers: list[Callable[[], object]] = []

    def add_waker(self, wake: Callable[[], object]) -> None:
        """Have `wake` called when the flight is done; at once where it is."""
        with _graph:
            if not self.done:
                self._wakers.append(wake)
                return
        wake()

    def remove_waker(self, wake: Callable[[], object]) -> None:
        """Forget a waker, called or not."""
        with _graph:
            if wake in self._wakers:
                self._wakers.remove(wake)

    def finish(self, result: object) -> None:
        """Give `result` to all who wait and to who comes later. Only the first call counts."""
        with _graph:
            if not self.done:
                self.result = result
                self.done = True
        try:
            self._wake()
        except BaseException:  # interrupted: nobody else would wake the others
            self._wake()
            raise

    def _wake(self) -> None:
        """Wake all who wait, maybe not for the first time."""
        for wake in self._wakers.copy():
            with suppress(Exception):
                wake()

    def leads_to(self, flights: tuple[Flight, ...]) -> bool:
        """Whether this flight waits, over any number of others, for one of `flights`."""
        seen: set[int] = set()
        ahead: list[Flight] = [self]
        while ahead:
            flight = ahead.pop()
            if flight in flights:
                return True
            if id(flight) not in seen:
                seen.add(id(flight))
                ahead.extend(flight.waits_for)
        return False


class Flights:
    """The flights of one Spot by key."""

    def __init__(self) -> None:
        self._flights: dict[str, Flight] = {}

    def enter(self, key: str, leader: Leader, *, anew: bool = False) -> Flight | None:
        """The flight of `key`; the caller leads it where it is that of `leader` now.

        None where waiting for it would be a deadlock: the caller runs on its own. A leader ends
        with `leave`, also where it is interrupted here; a follower with `forsake`. With `anew` the
        caller leads in any case, and those who come later follow it; who follows the flight before
        stays with that.
        """
        mine = _leading.get()
        innermost = mine[-1] if mine else None
        flights = self._flights
        with _graph:
            flight = flights.get(key)
            while True:
                if flight is not None and mine and flight.leads_to(mine):
                    return None
                made = Flight(innermost)
                if flight is None or anew:
                    made.waits_for += [] if flight is None else [flight]
                    lead((*mine, made))  # first: who interrupts this is to find it
                # From here on no function is called, unless who interrupted has left another one.
                if (flights[key] if key in flights else None) is flight:  # noqa: SIM401 - a call
                    break
                flight = flights.get(key)
            if flight is None or anew:
                leader.flight = flight = flights[key] = made
            if innermost is not None:
                innermost.waits_for.append(flight)
            return flight

    def leave(self, key: str, flight: Flight) -> None:
        """End a flight, from any thread. One that its leader never finished is abandoned.

        A second call does nothing.
        """
        with _graph:
            if self._flights.get(key) is flight:
                del self._flights[key]
            _unlink(flight.within, flight)
        flight.finish(ABANDONED)

    def __len__(self) -> int:
        return len(self._flights)

    def reset_after_fork(self) -> None:
        """The leaders stayed in the parent: a child that waited for them would wait for good."""
        self._flights = {}


def forsake(flight: Flight) -> None:
    """End a follower's waiting, in the thread or task that entered."""
    mine = _leading.get()
    if mine:
        with _graph:
            _unlink(mine[-1], flight)


def _unlink(waiting: Flight | None, flight: Flight) -> None:
    if waiting is not None and flight in waiting.waits_for:
        waiting.waits_for.remove(flight)


def leading() -> tuple[Flight, ...]:
    """The flights that the running code is part of, the outermost first."""
    return _leading.get()


def lead(flights: tuple[Flight, ...]) -> None:
    """Mark what runs from here, in this thread or task, as part of these.

    No token undoes it, but the flights of before: who is interrupted here has no token.
    """
    _leading.set(flights)


def _renew_lock() -> None:
    """A forked child may have copied the lock while another thread held it."""
    global _graph  # noqa: PLW0603 - a lock can't be replaced in place
    _graph = locks.reentrant()


if hasattr(os, "register_at_fork"):  # pragma: no branch - Windows has no fork
    os.register_at_fork(after_in_child=_renew_lock)
