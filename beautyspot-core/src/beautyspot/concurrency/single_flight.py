"""One execution a key at a time, within this process: the first caller leads, the others follow.

A *flight* is one execution under way. Its leader finishes it with what the followers get; a leader
that is cancelled or dies abandons it, and one of the followers leads next. Threads, tasks and event
loops may all wait for one flight: nothing here belongs to an event loop, and a follower that gives
up affects no other caller.

Waiting for flights can't deadlock: before a call waits, `enter` follows the graph of flights that
wait for each other, and where it leads back to a flight that the caller itself leads, the caller
runs alone. A leader may wait for the lease of its key as well: `dependents` tells what stands still
meanwhile.
"""

from __future__ import annotations

import contextvars
import os
import weakref
from _thread import get_ident
from contextlib import suppress
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final, Protocol

from beautyspot.concurrency import locks

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    Entry = tuple[str, "Leader", bool, "Flight | None"]

_graph = locks.reentrant()
"""Guards all flights of the process: the graph crosses Spots. Held for microseconds."""

_leading: contextvars.ContextVar[tuple[Flight, ...]] = contextvars.ContextVar(
    "beautyspot_leading", default=()
)
"""The flights that the running code is part of, the outermost first."""

_tables: weakref.WeakSet[Flights] = weakref.WeakSet()
"""Those of all Spots."""

ABANDONED: Final = object()
"""The result of a flight whose leader left without one."""


class Leader(Protocol):
    """What may lead a flight.

    Attributes:
        flight: the one that it leads.
    """

    flight: Flight | None


class Flight:
    """One execution under way, or finished with `result`.

    Args:
        within: the flight whose execution made this call.

    Attributes:
        since: when its function began, as its leader says; None before that.
        key: of the call.
        spared: seconds and money that the execution took, as its leader says.
        leased: the store of which the leader holds the lease of the key, or None.
        thread: the identifier of the leader's thread.
    """

    __slots__ = (
        *("_wakers", "done", "followed", "key", "leased", "result", "since", "spared", "thread"),
        *("waits_for", "within"),
    )

    def __init__(self, within: Flight | None, key: str = "") -> None:
        self.key = key
        self.leased: Any = None
        self.thread = get_ident()
        self.done = False
        self.followed = False
        self.since: Any = None
        self.spared = (0.0, 0.0)
        self.result: Any = ABANDONED
        self.within = within
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
        """Give `result` to all followers, also to later ones. Only the first call counts."""
        with _graph:
            if not self.done:
                self.result = result
                self.done = True
        try:
            self._wake()
        except BaseException:  # interrupted (Ctrl-C): nothing else would wake the other followers
            self._wake()
            raise

    @property
    def has_followers(self) -> bool:
        """Whether any wait, or have been woken; once it is done, none joins them."""
        return bool(self._wakers)

    def finish_unfollowed(self) -> bool:
        """Finish where no other call follows, and none will; whether that is so."""
        with _graph:
            if not self.followed:
                self.result, self.done = None, True
            return not self.followed

    def _wake(self) -> None:
        """Wake all followers, some maybe for the second time."""
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
        _tables.add(self)

    def enter(
        self, key: str, leader: Leader, *, anew: bool = False, outdated: Flight | None = None
    ) -> Flight | None:
        """Lead the flight of `key`, or follow the one that is under way.

        Returns:
            The flight. The caller leads it where it is that of `leader` now, and ends it by
            `leave`, also where it is interrupted here; a follower ends its waiting by `forsake`.
            None where waiting would be a deadlock, and in a signal's handler that interrupts this
            module: the caller runs alone.

        Args:
            key: of the call.
            leader: whose `flight` is set where the caller leads.
            anew: lead in any case. Later callers follow this flight; the followers of the one
                before stay with that.
            outdated: lead where this is the flight under way.
        """
        if locks.holds(_graph):
            return None
        mine = _own()
        with _graph:
            return self._enter(key, leader, mine, anew, outdated)

    def enter_all(
        self, entries: Iterable[Entry], room: int, beside: tuple[Flight, ...] = ()
    ) -> list[Flight | None]:
        """`enter` for several keys of one call, until it leads `room` of them.

        Each flight that the caller leads waits for the next one, since one execution ends them all.
        So the last one stands for all where the graph is followed, and what runs is marked as part
        of that one only.

        Args:
            entries: of each key what `enter` takes: key, leader, `anew` and `outdated`.
            room: 1 or more.
            beside: flights that the same execution ends, which the caller leads already.

        Returns:
            What `enter` returns, for as many entries as were looked at.
        """
        entered: list[Flight | None] = []
        if locks.holds(_graph):
            return [None for _ in entries]
        mine, made = tuple([x for x in _own() if x not in beside]), list(beside)
        most = len(made) + room
        with _graph:
            for key, leader, anew, outdated in entries:
                flight = self._enter(key, leader, mine, anew, outdated)
                entered.append(flight)
                if flight is not None and leader.flight is flight:
                    made.append(flight)
                if len(made) == most:
                    break
            for flight, following in pairwise(made):
                flight.waits_for.append(following)
        return entered

    def _enter(
        self,
        key: str,
        leader: Leader,
        mine: tuple[Flight, ...],
        anew: bool,
        outdated: Flight | None,
    ) -> Flight | None:
        innermost, flight = mine[-1] if mine else None, self._flights.get(key)
        if flight is not None and mine and flight.leads_to(mine):
            return None
        if flight is None or anew or flight is outdated:
            made = Flight(innermost, key)
            made.waits_for += [] if flight is None else [flight]
            leader.flight = flight = made
            lead((*mine, made))  # first: a handler that interrupts this must not wait for it
            self._flights[key] = made
        else:
            flight.followed = True
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
        if not flight.done or flight.has_followers:
            flight.finish(ABANDONED)

    def __len__(self) -> int:
        return len(self._flights)

    def __contains__(self, key: object) -> bool:
        return key in self._flights

    def __iter__(self) -> Iterator[Flight]:
        return iter(list(self._flights.values()))

    def reset_after_fork(self) -> None:
        """Forget all: the leaders stayed in the parent, so a child would wait for ever."""
        self._flights = {}


def forsake(flight: Flight) -> None:
    """End a follower's waiting, in the thread or task that entered."""
    mine = _leading.get()
    if mine:
        with _graph:
            _unlink(mine[-1], flight)


def dependents(flight: Flight) -> set[Flight]:
    """The flights that wait for this one, over any number of others: those of all Spots."""
    if flight.within is None and not flight.followed:
        return set()
    with _graph:
        waiting: dict[Flight, list[Flight]] = {}
        for other in _all_flights():
            for ahead in other.waits_for:
                waiting.setdefault(ahead, []).append(other)
    found: set[Flight] = set()
    left = [flight]
    while left:
        more = set(waiting.get(left.pop(), ())) - found
        found |= more
        left += more
    return found


def _all_flights() -> set[Flight]:
    """The flights under way, also those that a newer one of their key has replaced."""
    known: set[Flight] = set()
    for table in list(_tables):
        for flight in table:
            inner: Flight | None = flight
            while inner is not None and inner not in known:
                known.add(inner)
                inner = inner.within
    return known


def _unlink(waiting: Flight | None, flight: Flight) -> None:
    if waiting is not None and flight in waiting.waits_for:
        waiting.waits_for.remove(flight)


def _own() -> tuple[Flight, ...]:
    """The flights that the running code is part of, less those that are over."""
    mine = _leading.get()
    if mine:  # an interrupt may have left some
        mine = tuple([flight for flight in mine if not flight.done])
    return mine


def leading() -> tuple[Flight, ...]:
    """The flights that the running code is part of, the outermost first."""
    return _leading.get()


def leads_to(flight: Flight, flights: tuple[Flight, ...]) -> bool:
    """Whether a flight is one of `flights`, or waits for one, over any number of others."""
    with _graph:
        return flight.leads_to(flights)


def lead(flights: tuple[Flight, ...]) -> None:
    """Mark what runs from here, in this thread or task, as part of these."""
    _leading.set(flights)


def part(flight: Flight | None) -> None:
    """Mark what runs from here as no part of `flight`.

    It may come in another thread or task than `enter` did, where a call is closed and not run to
    its end. So it takes nothing but this flight and those within away, and needs no token.
    """
    mine = _leading.get()
    if flight in mine:
        lead(mine[: mine.index(flight)])  # what is within it is over as well


def _renew_lock() -> None:
    """A forked child may have copied the lock while another thread held it."""
    global _graph  # noqa: PLW0603 - a lock can't be replaced in place
    _graph = locks.reentrant()


if hasattr(os, "register_at_fork"):  # pragma: no branch - Windows has no fork
    os.register_at_fork(after_in_child=_renew_lock)
