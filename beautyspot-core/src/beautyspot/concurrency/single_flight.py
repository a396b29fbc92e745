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
import sys
import threading
import weakref
from _thread import get_ident
from contextlib import suppress
from inspect import CO_COROUTINE, CO_GENERATOR
from itertools import pairwise
from math import inf
from typing import TYPE_CHECKING, Any, Final

from beautyspot.concurrency.waiting import Awaited

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from types import FrameType

_graph = threading.RLock()
"""Guards all flights of the process: the graph crosses Spots. Held for microseconds."""

_leading: contextvars.ContextVar[tuple[Flight, ...]] = contextvars.ContextVar(
    "beautyspot_leading", default=()
)
"""The flights that the running code is part of, the outermost first."""

_HERE: Final = globals()

ABANDONED: Final = object()
"""The result of a flight whose leader left without one."""


class Flight(Awaited):
    """One execution under way, or finished with `result`.

    Attributes:
        key: of the call.
        within: the flight whose execution made this call.
        after: an earlier flight of the key, which ends before this one's function runs.
        awaits_lease: whether its leader waits for the lease of the key, and so does not hold it.
        is_outdated: whether its result was invalidated: later callers lead one that comes after it.
        thread: the identifier of the leader's thread.
        is_of_task: whether its leader is a coroutine: others may run in its thread meanwhile.
        as_of: when its result was asked of the store, or sent there, by `monotonic`. Who comes
            later looks there: others may have invalidated it since. Infinite while that is not so.
        done: whether it is finished.
        result: what the followers get; None has each of them run the function itself.
        spared: seconds and money that the execution took, as its leader says.
    """

    __slots__ = (
        *("_frame", "after", "as_of", "awaits_lease", "is_of_task", "is_outdated", "key"),
        *("result", "spared", "thread", "waits_for", "within"),
    )

    def __init__(self, key: str, within: Flight | None, after: Flight | None = None) -> None:
        self.key, self.within, self.after = key, within, after
        self.awaits_lease = self.is_outdated = False
        self.thread = get_ident()
        self.as_of, self.done = inf, False
        self.result: Any = ABANDONED
        self.spared = (0.0, 0.0)
        at: FrameType | None = sys._getframe(1)  # those of generators end before its function runs
        while at is not None and (at.f_globals is _HERE or at.f_code.co_flags & CO_GENERATOR):
            at = at.f_back
        # A function that a task calls, such as a notebook's cell, ends before others run.
        self.is_of_task = at is not None and at.f_code.co_flags & CO_COROUTINE != 0
        self._frame = None if self.is_of_task else at
        self.waits_for: list[Flight] = [] if after is None else [after]
        self.wakers = []

    @property
    def is_left(self) -> bool:
        """Whether this thread leads it, and is no more within the call, as after an interrupt."""
        if self._frame is None or self.thread != get_ident():
            return False
        at: FrameType | None = sys._getframe()
        while at is not None and at is not self._frame:
            at = at.f_back
        return at is None

    @property
    def older(self) -> Flight | None:
        """The flight that is to end before this one's function runs, if one is under way."""
        older = self.after
        while older is not None and older.done:  # it was given up while it waited for another
            older = older.after
        return older

    def finish(self, result: object) -> None:
        """Give `result` to all followers, also to later ones. Only the first call counts."""
        with _graph:
            if not self.done:
                self.result, self.done, self._frame = result, True, None
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
        return False


_tables: weakref.WeakSet[Flights] = weakref.WeakSet()
"""Those of all Spots of this process."""


class Flights:
    """The flights of one Spot by key."""

    def __init__(self) -> None:
        self._flights: dict[str, Flight] = {}
        _tables.add(self)

    def enter(
        self, key: str, *, anew: bool = False, within: tuple[Flight, ...] | None = None
    ) -> tuple[Flight | None, bool]:
        """Lead the flight of `key`, or follow the one that is under way.

        Where the caller leads, what runs from here in this thread or task is marked as part of it,
        and the caller ends it by `leave`; a follower ends its waiting by `forsake`.

        Args:
            key: of the call.
            anew: lead in any case. Later callers follow this flight; the followers of the one
                before stay with that.
            within: the flights that the caller is part of, where it marks by itself what runs.

        Returns:
            The flight, and whether the caller leads it. No flight where waiting would be a
            deadlock: the caller runs alone.
        """
        mine = _leading.get() and _own() if within is None else within
        innermost = mine[-1] if mine else None
        with _graph:
            flight = self._flights.get(key)
            if flight is not None and flight.as_of < inf and flight.done:
                flight = None  # its result is stored by now, and found there
            if flight is not None and mine and flight.leads_to(mine):
                return None, False
            is_own = flight is not None and _is_led_here(flight)
            leads = flight is None or anew or is_own or flight.is_outdated
            if leads or flight is None:
                flight = Flight(key, innermost, None if is_own else flight)
                self._flights[key] = flight
            if innermost is not None:
                innermost.waits_for.append(flight)
        if leads and within is None:
            _leading.set((*mine, flight))
        return flight, leads

    def enter_all(self, keys: Iterable[tuple[str, bool]]) -> list[tuple[Flight | None, bool]]:
        """`enter` for several keys of one call, each with its `anew`.

        One execution ends all that the caller leads, so each of them waits for the next one, and
        what runs is marked as part of the last one only, which stands for all.
        """
        mine = _own()
        with _graph:
            entered = [self.enter(key, anew=anew, within=mine) for key, anew in keys]
            led = [flight for flight, leads in entered if leads and flight is not None]
            for flight, following in pairwise(led):
                flight.waits_for.append(following)
        if led:
            led[-1].waits_for += [each.after for each in led[:-1] if each.after is not None]
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
            flight.after = older = flight.older
            if self._flights.get(flight.key) is flight:
                if older is None:
                    del self._flights[flight.key]
                else:  # it was given up before that one ended
                    self._flights[flight.key] = older
            if flight.within is not None:
                _unlink(flight.within, flight)
            if not flight.done:
                flight.result, flight.done, flight._frame = result, True, None
            flight.waits_for.clear()  # else each would keep all before it
        if flight.wakers:
            flight.finish(result)

    def outdate(self, key: str) -> None:
        """Have later callers of a key lead a flight of their own, which comes after this one."""
        flight = self._flights.get(key)
        if flight is not None:
            flight.is_outdated = True

    def may_wait(self, flight: Flight) -> bool:
        """Whether the leader of a flight may wait for another Spot that has leased its key.

        Not where that is of this process, and waits for what the caller leads.
        """
        mine = _own()
        with _graph:
            for table in list(_tables):
                holder = None if table is self else table._flights.get(flight.key)
                while holder is not None and holder.older is not None:
                    holder = holder.older
                if holder is not None and not holder.awaits_lease:
                    if holder.leads_to(mine):
                        return False
                    flight.waits_for.append(holder)
            flight.awaits_lease = True
        return True

    def __len__(self) -> int:
        return len(self._flights)

    def __contains__(self, key: object) -> bool:
        return key in self._flights

    def __iter__(self) -> Iterator[Flight]:
        return iter(list(self._flights.values()))

    def reset_after_fork(self) -> None:
        """Forget all: the leaders stayed in the parent, so a child would wait for ever."""
        self._flights = {}


def _is_led_here(flight: Flight) -> bool:
    """Whether this thread leads a flight that it has left, as by an interrupt in a notebook.

    It is not within it, and no other call of the thread can be, since the thread is here.
    """
    return not flight.is_of_task and flight.thread == get_ident()


def forsake(flight: Flight) -> None:
    """End a follower's waiting, in the thread or task that entered."""
    mine = _leading.get()
    if mine:
        with _graph:
            _unlink(mine[-1], flight)


def _unlink(waiting: Flight, flight: Flight) -> None:
    with suppress(ValueError):
        waiting.waits_for.remove(flight)


def _own() -> tuple[Flight, ...]:
    """The flights that the running code is part of, less those that are over.

    An interrupt may have left some.
    """
    return tuple([each for each in _leading.get() if not (each.done or each.is_left)])


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
    _graph = threading.RLock()


if hasattr(os, "register_at_fork"):  # pragma: no branch - Windows has no fork
    os.register_at_fork(after_in_child=_renew_lock)
