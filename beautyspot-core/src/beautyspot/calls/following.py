"""Calls that wait for another one of their key: in this process (`follow`), or another (`win`)."""

from __future__ import annotations

from functools import partial
from time import monotonic, perf_counter
from typing import TYPE_CHECKING, Any, Final

from beautyspot.calls import leasing, waits
from beautyspot.calls.steps import Block, Join, Outcome, Pause
from beautyspot.concurrency import locks, single_flight
from beautyspot.concurrency.waiting import TimeBudget
from beautyspot.limits import concurrency_cap
from beautyspot.serialization.payload import Payload

if TYPE_CHECKING:
    from collections.abc import Generator

    from beautyspot.calls.engine import Engine
    from beautyspot.calls.steps import Step
    from beautyspot.calls.turn import Turn
    from beautyspot.concurrency.single_flight import Flight
    from beautyspot.resilience.lease_watcher import LeaseWatcher, Ticket
    from beautyspot.results.invalidations import Moment
    from beautyspot.tasks.task import Call

OUTDATED: Final = object()
"""In place of a leader's result, where that was invalidated, or is too old."""

FIRST_PAUSE: Final = 0.001
LONGEST_PAUSE: Final = 0.05
"""Seconds between two attempts to take a lease that another process holds."""


def follow(
    engine: Engine, call: Call, flight: Flight, deadline: float
) -> Generator[Step, Any, object]:
    """What the leader shared, or `OUTDATED`.

    None where the time is over, or waiting might be a deadlock.
    """
    call.waited = True
    began: float | None = None
    try:
        if call.max_age is not None and flight.done:
            call.why = "too old"  # its result is on its way to the store, and was looked up there
            return OUTDATED
        if (yield from is_outdated(engine, call, flight.since)):
            call.why = "invalidated"
            return OUTDATED
        if locks.inside():  # the leader may wait for the lock that this thread holds
            return None
        began = perf_counter()
        with concurrency_cap.waiting_for(flight), engine.noting_wait(call, "run"):
            done = yield from waits.join(engine, call, flight, max(0.0, deadline - monotonic()))
        return flight.result if done else None
    finally:
        single_flight.forsake(flight)
        if began is not None:
            engine.has_waited(call, "run", perf_counter() - began)


def taken_over(engine: Engine, call: Call, shared: object, flight: Flight | None) -> Outcome | None:
    """What a follower gets of what its leader shared; None where it has to run the function.

    It is a hit where it is a result: a copy of a value, a file, or an error that was chosen as one.
    """
    outcome = shared if isinstance(shared, Outcome) else None
    if isinstance(shared, Payload):
        outcome = _restored(engine, call, shared)
    if outcome is None or call.task.is_failure(outcome.error):
        return outcome
    if flight is not None:
        call.saves, call.spares = flight.spared
    engine.hit(call, "run")
    return outcome


def _restored(engine: Engine, call: Call, payload: Payload) -> Outcome | None:
    try:
        return Outcome(call.task.form.restore(payload))
    except Exception as error:
        advice = "The function runs instead"
        engine.reporter.report("restore", call.task.func_identifier, error, advice)
        return None


def is_outdated(engine: Engine, call: Call, since: Moment | None) -> Generator[Step, Any, bool]:
    """Whether the result was invalidated since the leader's function began, before this call."""
    if since is None:
        return False
    now = yield from moment_of(engine, call)
    look = Block(partial(engine.cache.was_invalidated, call, since, now))
    outdated: bool = now != since and (yield look)
    return outdated


def moment_of(engine: Engine, call: Call) -> Generator[Step, Any, Moment]:
    """The moment, for what will be invalidated from now on."""
    moment = None if engine.blocking else engine.cache.moment(call, in_place=True)
    if moment is None:
        moment = yield Block(partial(engine.cache.moment, call))
    return moment


def win(turn: Turn, deadline: float) -> Generator[Step, Any, Any]:
    """Win the key's lease from other processes, or go without: what is stored, or `MISSING`.

    That is once the deadline has passed, or where the holder waits for this call.
    """
    flight = turn.flight
    if flight is not None and not locks.inside():  # else the interrupted code may hold it
        turn.call.waited = True
        budget = TimeBudget(deadline - monotonic())
        wait = waits.LeaseWait(turn, flight)
        try:
            with turn.engine.noting_wait(turn.call, "process"):
                value = yield from (_watch if turn.engine.blocking else _poll)(turn, budget, wait)
        finally:
            wait.end()
            turn.engine.has_waited(turn.call, "process", budget.used())
        if value is not leasing.HELD:
            return value
    return (yield from leasing.look(turn.engine, turn.call))


def _poll(turn: Turn, budget: TimeBudget, wait: waits.LeaseWait) -> Generator[Step, Any, Any]:
    """Try again and again, in place; what `begin` gives."""
    pause = FIRST_PAUSE
    while budget.left() >= pause:
        yield Pause(budget.spend(pause))
        value = yield from leasing.begin(turn)
        if value is not leasing.HELD:
            return value
        waited = budget.used()
        if wait.is_due(waited) and (yield Block(partial(wait.look, waited))):
            break
        pause = min(pause * 2, LONGEST_PAUSE)
    return leasing.HELD


def _watch(turn: Turn, budget: TimeBudget, wait: waits.LeaseWait) -> Generator[Step, Any, Any]:
    """Try each time that the store's watcher rings; what `begin` gives.

    The bell is there before the lease is tried, so that no release is missed.
    """
    watcher = turn.engine.cache.metadata.held.watcher
    began, attempt = watcher.clock(), leasing.take_and_look
    goes_on = budget.left() > 0
    while goes_on:
        ticket = watcher.add(turn.call.key, began)
        try:
            value = yield Block(partial(attempt, turn))
            if value is not leasing.HELD:
                return value
            goes_on = yield from _rung(ticket, watcher, budget, wait)
        finally:
            watcher.remove(ticket)
        attempt = leasing.look_and_take
    return leasing.HELD


def _rung(
    ticket: Ticket, watcher: LeaseWatcher, budget: TimeBudget, wait: waits.LeaseWait
) -> Generator[Step, Any, bool]:
    """Sleep until it is worth another attempt; False where the call is to go on without."""
    while (left := budget.left()) > 0:
        nap = min(left, max(wait.look_at - budget.used(), FIRST_PAUSE))
        if (yield Join(ticket, nap)):
            return True
        budget.spend(nap)
        waited = budget.used()
        if wait.is_due(waited) and (yield Block(partial(wait.look, waited))):
            return False
        if not watcher.works:
            return True
    return False
