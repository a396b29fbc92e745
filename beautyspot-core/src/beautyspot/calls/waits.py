"""Calls that wait for another call: no circle of them stands still, and a long wait is said.

Within a process, flights see to it themselves (`single_flight`). A leader may also wait for the
lease of its key, which another process has, or another Spot of this one. What waits for the leader
meanwhile may hold leases too: those keys wait for this one. Each process tells the others such
waits of its own, by the store, and looks at theirs. Where the key is on a circle, one of its calls
runs without the lease: that of the smallest key, so that the others find their results stored.
"""

from __future__ import annotations

import os
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from beautyspot.calls.steps import Join
from beautyspot.concurrency import deferred, holders, single_flight, waiting
from beautyspot.concurrency.holders import name_of, place_of

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Mapping

    from beautyspot.calls.engine import Engine
    from beautyspot.calls.steps import Step
    from beautyspot.calls.turn import Turn
    from beautyspot.concurrency.single_flight import Flight
    from beautyspot.resilience.guarded_backends import GuardedStore
    from beautyspot.tasks.task import Call

    Waits = Mapping[str, Iterable[str]]
    """By the key that is waited for: the leased keys that wait for it."""

FIRST_LOOK: Final = 0.03
"""Seconds after which a call that waits for a lease looks for a circle, and then ever later."""

LONGEST: Final = 1.0
"""Seconds between two looks, at most."""

_waits: dict[Flight, tuple[str, frozenset[str]]] = {}
"""Of the flights of this process that wait for a lease: the store's ID, and what waits for them."""


if hasattr(os, "register_at_fork"):  # pragma: no branch - Windows has no fork
    os.register_at_fork(after_in_child=_waits.clear)  # they are the parent's


class LeaseWait:
    """One call that waits for the lease of its key.

    Attributes:
        look_at: after how many seconds it looks for a circle next.
    """

    def __init__(self, turn: Turn, flight: Flight) -> None:
        self._turn = turn
        self._flight = flight
        self._store: GuardedStore = turn.engine.cache.metadata
        self.look_at = FIRST_LOOK
        self._told = 0.0  # the seconds of the last message

    def is_due(self, waited: float) -> bool:
        """Whether to `look` now: it is time, and there may be a circle, or something to say."""
        if waited < self.look_at:
            return False
        self.look_at = waited + min(waited, LONGEST)
        holders.end_orphans()
        is_part = self._flight in _waits or bool(single_flight.dependents(self._flight))
        return is_part or _passed(waited) > self._told

    def look(self, waited: float) -> bool:
        """Whether the call goes on without the lease; says what it waits for where that is long."""
        if self._is_on_circle():
            return True
        passed = _passed(waited)
        if passed > self._told:
            self._told = passed
            tell_of_lease(self._turn, passed)
        return False

    def _is_on_circle(self) -> bool:
        flight, store = self._flight, self._store
        held_up = single_flight.dependents(flight)
        if not held_up:
            return False
        try:
            place = store.store_id
            held = {other.key for other in held_up if _is_leased(other, place)}
            if not held and flight not in _waits:
                return False
            _waits[flight] = place, frozenset(held)
            own = _of_store(place)
            others = store.share_waits(own)
        except Exception as error:
            advice = "The call goes on waiting, for wait_timeout at most"
            name = self._turn.call.task.func_identifier
            self._turn.engine.reporter.report("look for a deadlock", name, error, advice)
            return False
        return _breaks(flight.key, own, others)

    def end(self) -> None:
        """Wait no more."""
        found = _waits.pop(self._flight, None)
        if found is None:
            return
        share = partial(_share_rest, self._store, found[0])
        if self._store.blocking:
            deferred.later(share)
        else:
            share()


def _passed(waited: float) -> float:
    """The longest of the times after which a wait is told that have passed."""
    return max(each for each in (0.0, waiting.PATIENCE, waiting.LONG) if waited >= each)


def _share_rest(store: GuardedStore, place: str) -> None:
    with suppress(Exception):  # the others may take it for a wait that goes on, and run
        store.share_waits(_of_store(place))


def _is_leased(flight: Flight, place: str) -> bool:
    return flight.leased is not None and flight.leased.store_id == place


def _of_store(place: str) -> dict[str, set[str]]:
    """What this process waits for in one store."""
    found: dict[str, set[str]] = {}
    for flight, (where, held) in list(_waits.items()):
        if where == place:
            found.setdefault(flight.key, set()).update(held)
    return found


def _breaks(key: str, *tables: Waits) -> bool:
    """Whether a key is the smallest of those that wait for it and for which it waits."""
    waits: dict[str, set[str]] = {}
    holds: dict[str, set[str]] = {}
    for table in tables:
        for wanted, held_up in table.items():
            for other in held_up:
                waits.setdefault(wanted, set()).add(other)
                holds.setdefault(other, set()).add(wanted)
    circle = _reached(key, waits) & _reached(key, holds)
    return key in circle and key == min(circle)


def _reached(key: str, edges: Mapping[str, set[str]]) -> set[str]:
    found: set[str] = set()
    ahead = [key]
    while ahead:
        more = edges.get(ahead.pop(), set()) - found
        found |= more
        ahead += more
    return found


# ------------------------------------------------------------------------------- long waits


def join(engine: Engine, call: Call, flight: Flight, seconds: float) -> Generator[Step, Any, bool]:
    """Wait for another call of this process, and say so after a while; whether it is done.

    Args:
        engine: of the Spot.
        call: the one that waits.
        flight: what it waits for.
        seconds: after which it runs on its own.
    """
    waited = told = 0.0
    while True:
        pause = min(seconds - waited, waiting.PATIENCE)
        done: bool = yield Join(flight, pause)
        waited += pause
        if done or waited >= seconds:
            return done
        holders.end_orphans()  # its event loop may have been closed since
        passed = _passed(waited)
        if passed > told and not flight.done:
            told = passed
            holder = f"{name_of(flight.thread)} of this process"
            if call.task.kind == "coroutine":
                holder = f"a task in {holder}"
            elif where := place_of(flight.thread):
                holder = f"{holder} (now at {where})"
            _tell(engine, call, holder, waited)


def tell_of_lease(turn: Turn, waited: float) -> None:
    """Say that a call waits for one of another process, or of another Spot."""
    try:
        holder = turn.engine.cache.metadata.lease_holder(turn.call.key)
    except Exception:  # who it is is not worth a report
        holder = ""
    _tell(turn.engine, turn.call, holder or "another process", waited)


def _tell(engine: Engine, call: Call, holder: str, waited: float) -> None:
    name = call.task.func_identifier
    engine.reporter.tell(
        f"waits {name}",
        f"{name} has waited {waited:.0f} s for {holder}, which makes the same call (key "
        f"{call.key}), and gets its result when that is there. After wait_timeout "
        f"({engine.wait_timeout:.0f} s) it runs on its own. If the other one can't go on before "
        "this one does, release the lock that it needs (or whatever else it waits for) before the "
        "call, or lower wait_timeout=",
        loud=waited >= waiting.LONG,
    )
