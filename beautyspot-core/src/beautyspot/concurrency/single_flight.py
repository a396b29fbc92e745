"""One execution a key at a time, within this process: the first caller leads, the others follow.

A *flight* is one execution under way. Its leader finishes it with what the followers get; a leader
that is cancelled or dies abandons it, and one of the followers leads next. Threads, tasks and event
loops may all wait for one flight: nothing here belongs to an event loop, and a follower that gives
up affects no other caller.

Waiting for flights can't deadlock: before a call waits, `enter` follows the graph of flights that
wait for each other, and where it leads back to a flight that the caller itself leads, the caller
runs alone.
"""

from __future__ import annotations

import contextvars
import os
import weakref
from _thread import get_ident
from contextlib import suppress
from itertools import pairwise
from math import inf
from typing import TYPE_CHECKING, Any, Final

from beautyspot.concurrency.locks import Lock
from beautyspot.concurrency.waiting import Awaited

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

_graph = Lock()
"""Guards all flights of the process: the graph crosses Spots. Held for microseconds."""

_leading: contextvars.ContextVar[tuple[Flight, ...]] = contextvars.ContextVar(
    "beautyspot_leading", default=()
)
"""The flights that the running code is part of, the outermost first."""

ABANDONED: Final = object()
"""The result of a flight whose leader left without one."""


class Lease:
    """The lease of one key: who has this object has it, where it is `held`.

    Attributes:
        key: what is leased.
        held: whether it is.
        renewed_at: when it was taken, or renewed last, by a monotonic clock.
        thread: the identifier of the thread that just asks for it, or gives it back; else 0.
    """

    # Of the class where a lease has them as most do: one is made at each miss.
    held = False
    renewed_at = 0.0
    thread = 0

    def __init__(self, key: str) -> None:
        self.key = key


class Flight(Awaited):
    """One execution under way, or finished with `result`.

    Attributes:
        key: of the call.
        within: the flight whose execution made this call.
        lease: of the key.
        waits_for: the flights that this one's execution waits for.
        awaits_lease: whether its leader waits for the lease.
        is_outdated: whether its result was invalidated: later callers lead one of their own.
        thread: the identifier of the leader's thread.
        is_of_task: whether its leader is a coroutine: others may run in its thread meanwhile.
        as_of: when its result was asked of the store, or sent there, by `monotonic`. Who comes
            later looks there: others may have invalidated it since. Infinite while that is not so.
        done: whether it is finished.
        users: the leader and the followers that have not left it yet. The last of them drops the
            result: tasks that the execution has left running keep the flight in their contexts.
        result: what the followers get; None has each of them run the function itself.
        spared: seconds and money that the execution took, as its leader says.
    """

    # Of the class where a flight has them as most do: one is made at each miss.
    done = awaits_lease = is_outdated = False
    as_of = inf
    users = 1
    result: Any = ABANDONED
    spared = 0.0, 0.0

    def __init__(self, key: str, within: Flight | None, *, of_task: bool) -> None:
        self.key, self.within, self.is_of_task, self.thread = key, within, of_task, get_ident()
        self.waits_for: list[Flight] = []
        self.wakers = []
        self.lease = Lease(key)

    def finish(self, result: object) -> None:
        """Give `result` to all followers, also to later ones. Only the first call counts."""
        with _graph:
            if not self.done:
                self.result, self.done = result, True
        self.end()

    def leads_to(self, flights: tuple[Flight, ...]) -> bool:
        """Whether this is one of `flights`, or waits for one, over any number of others."""
        seen: set[int] = set()
        ahead: list[Flight] = [self]
        while ahead:
            flight = ahead.pop()
            if flight in flights:
                return True
            if id(flight) not in seen and not flight.done:
                seen.add(id(flight))
                ahead.extend(flight.waits_for)
                ahead.extend(_holders(flight) if flight.awaits_lease else ())
        return False


_tables: weakref.WeakSet[Flights] = weakref.WeakSet()
"""Those of all Spots of this process."""


class Flights:
    """The flights of one Spot by key: of each those under way, of which the last is followed.

    Args:
        end: ends what a flight holds that this thread led and left, as by an interrupt in a
            notebook; False where its call is under way, and this one within it.
    """

    def __init__(self, end: Callable[[Flight], bool]) -> None:
        self._end = end
        self._flights: dict[str, list[Flight]] = {}
        _tables.add(self)

    def enter(  # noqa: C901 - a case each for whose flight is there
        self,
        key: str,
        *,
        of_task: bool,
        anew: bool = False,
        within: tuple[Flight, ...] | None = None,
    ) -> tuple[Flight | None, bool]:
        """Lead the flight of `key`, or follow the one that is under way.

        Where the caller leads, what runs from here in this thread or task is marked as part of it,
        and the caller ends it by `leave`; a follower ends its waiting by `forsake`.

        Args:
            key: of the call.
            of_task: whether the caller is a coroutine.
            anew: lead in any case. Later callers follow this flight; the followers of the one
                before stay with that.
            within: the flights that the caller is part of, where it marks by itself what runs.

        Returns:
            The flight, and whether the caller leads it. No flight where waiting would be a
            deadlock: the caller runs alone.
        """
        line = self._flights.get(key)
        last = line[-1] if line else None
        if last is not None and not last.is_of_task and last.thread == get_ident():
            if not self._end(last):
                return None, False
            self.leave(last)  # it may have come that far before the interrupt
        mine = _leading.get() and _own() if within is None else within
        innermost = mine[-1] if mine else None
        with _graph:
            line = self._flights.get(key)
            flight = line[-1] if line else None
            if flight is not None and flight.as_of < inf and flight.done:
                flight = None  # its result is stored by now, and found there
            if flight is not None and mine and flight.leads_to(mine):
                return None, False
            leads = flight is None or anew or flight.is_outdated
            if leads or flight is None:
                flight = Flight(key, innermost, of_task=of_task)
                if line is None:
                    self._flights[key] = [flight]
                else:
                    line.append(flight)
            else:
                flight.users += 1
            if innermost is not None:
                innermost.waits_for.append(flight)
        if leads and within is None:
            _leading.set((*mine, flight))
        return flight, leads

    def enter_all(
        self, keys: Iterable[tuple[str, bool]], *, of_task: bool
    ) -> list[tuple[Flight | None, bool]]:
        """`enter` for several keys of one call, each with its `anew`.

        One execution ends all that the caller leads, so each of them waits for the next one, and
        what runs is marked as part of the last one only, which stands for all.
        """
        mine = _own()
        with _graph:
            entered = [
                self.enter(key, anew=anew, of_task=of_task, within=mine) for key, anew in keys
            ]
            led = [flight for flight, leads in entered if leads and flight is not None]
            for flight, following in pairwise(led):
                flight.waits_for.append(following)
        if led:
            _leading.set((*mine, led[-1]))
        return entered

    def leave(self, flight: Flight, result: object = ABANDONED) -> None:
        """End a flight, from any thread, with what the followers get unless they have it.

        Where that is nothing, it is abandoned. What runs from here is no part of it. A second call
        does nothing.
        """
        mine = _leading.get()
        if flight in mine:
            _leading.set(mine[: mine.index(flight)])
        with _graph:
            line = self._flights.get(flight.key)
            if not flight.done:
                flight.result, flight.done = result, True
            if line is not None and flight in line:
                line.remove(flight)
                if not line:
                    del self._flights[flight.key]
                flight.users -= 1
                if not flight.users:
                    flight.result = ABANDONED
            if flight.within is not None:
                _unlink(flight.within, flight)
            flight.waits_for.clear()  # else each would keep all before it
        if flight.wakers:
            flight.finish(result)

    def outdate(self, key: str) -> None:
        """Have later callers of a key lead a flight of their own."""
        with _graph:
            for flight in self._flights.get(key, ()):
                flight.is_outdated = True

    def may_wait(self, flight: Flight) -> bool:
        """Whether the leader of a flight may wait for whoever holds the lease of its key.

        Not where that is of this process, and waits for what the caller leads.
        """
        mine = _own()
        with _graph:
            may = not any(holder.leads_to(mine) for holder in _holders(flight))
            flight.awaits_lease = may
        return may

    def of(self, key: str) -> Sequence[Flight]:
        """The flights of a key that are under way."""
        return self._flights.get(key, ())

    def __len__(self) -> int:
        return len(self._flights)

    def __contains__(self, key: object) -> bool:
        return key in self._flights

    def __iter__(self) -> Iterator[Flight]:
        return iter([flight for line in list(self._flights.values()) for flight in line])

    def reset_after_fork(self) -> None:
        """Forget all: the leaders stayed in the parent, so a child would wait for ever."""
        self._flights = {}


def _holders(flight: Flight) -> list[Flight]:
    """The flights of this process that hold the lease for which this one waits."""
    others = [each for table in list(_tables) for each in table.of(flight.key)]
    return [each for each in others if each.lease.held]


def forsake(flight: Flight) -> None:
    """End a follower's waiting, in the thread or task that entered."""
    mine = _leading.get()
    with _graph:
        if mine:
            _unlink(mine[-1], flight)
        flight.users -= 1
        if not flight.users:
            flight.result = ABANDONED


def _unlink(waiting: Flight, flight: Flight) -> None:
    with suppress(ValueError):
        waiting.waits_for.remove(flight)


def _own() -> tuple[Flight, ...]:
    """The flights that the running code is part of, less those that are over."""
    return tuple([each for each in _leading.get() if not each.done])


def leading() -> tuple[Flight, ...]:
    """The flights that the running code is part of, the outermost first."""
    return _leading.get()


def leads_to(flight: Flight, flights: tuple[Flight, ...]) -> bool:
    """Whether a flight is one of `flights`, or waits for one, over any number of others."""
    with _graph:
        return flight.leads_to(flights)


def stand_alone() -> None:
    """Mark what runs from here, in this thread or task, as part of no flight."""
    _leading.set(())


def part(flight: Flight) -> None:
    """Mark what runs from here as no part of `flight`, nor of what is within it."""
    mine = _leading.get()
    if flight in mine:
        _leading.set(mine[: mine.index(flight)])


def _renew_lock() -> None:
    """A forked child may have copied the lock while another thread held it."""
    global _graph  # noqa: PLW0603 - a lock can't be replaced in place
    _graph = Lock()


if hasattr(os, "register_at_fork"):  # pragma: no branch - Windows has no fork
    os.register_at_fork(after_in_child=_renew_lock)
