"""Who waits for whom: a call leads the flight of its key or follows it; a leader leases the key.

Within a process one call of a key leads, and the others get what it shares. Between processes the
lease of the key does the same: who has it not waits for the row of the one that has.
"""

from __future__ import annotations

from functools import partial
from math import inf
from time import monotonic
from typing import TYPE_CHECKING, Any

from beautyspot.calls.reports import tell_of_wait
from beautyspot.calls.steps import Block, Outcome, Wait
from beautyspot.concurrency import holders, waiting
from beautyspot.concurrency.single_flight import ABANDONED, Flight, forsake
from beautyspot.contracts import Entry, in_full
from beautyspot.limits import concurrency_cap
from beautyspot.results.leases import LeaseWait
from beautyspot.results.validity import ELSEWHERE, MISSING
from beautyspot.serialization.payload import Payload, StoredError

if TYPE_CHECKING:
    from collections.abc import Generator

    from beautyspot.calls.engine import Engine
    from beautyspot.calls.runs import Run
    from beautyspot.calls.steps import Step
    from beautyspot.concurrency.waiting import Awaited
    from beautyspot.contracts.store import Begun
    from beautyspot.tasks.task import Call


def follow(
    engine: Engine, call: Call, flight: Flight, deadline: float
) -> Generator[Step, Any, object]:
    """What the leader of a flight shared; None where the deadline has passed.

    Who comes while the result is on its way to or from the store looks there once more: others may
    have invalidated it since, which the leader does not know yet.
    """
    call.waited, came_at = True, monotonic()
    try:
        with concurrency_cap.waiting_for(flight), engine.noting_wait(call, "run"):
            done = yield from _wait(engine, call, flight, deadline)
        return (flight.result if came_at < flight.as_of else ABANDONED) if done else None
    finally:
        forsake(flight)


def _wait(engine: Engine, call: Call, what: Awaited, deadline: float) -> Generator[Step, Any, bool]:
    """Wait for one of these, and say so after a while; whether it is done."""
    waited, began = 0.0, monotonic()
    while True:
        left = deadline - monotonic()
        done: bool = yield Wait(what, max(0.0, min(left, waiting.PATIENCE)))
        if done or left <= waiting.PATIENCE:
            return done
        holders.end_orphans()  # the event loop of the other one may have been closed since
        before, waited = waited, monotonic() - began
        for patience in (waiting.PATIENCE, waiting.LONG):
            if before < patience <= waited:
                tell_of_wait(engine, call, what if isinstance(what, Flight) else None, waited)


def taken_over(engine: Engine, call: Call, shared: object, flight: Flight) -> Outcome | None:
    """What a follower gets of what its leader shared; None where it has to run the function.

    It is a hit where it is a result: a copy of a value, a file, or an error that was chosen as one.
    """
    outcome = shared if isinstance(shared, Outcome) else None
    try:
        if isinstance(shared, Payload):
            outcome = Outcome(call.task.form.restore(shared))
        elif isinstance(shared, Entry):
            value = engine.cache.restore(call.task, call.key, shared)
            if value.__class__ is StoredError:
                outcome = Outcome(error=value.error)
            elif value is not MISSING:
                outcome = Outcome(value)
    except Exception as error:
        advice = "The function runs instead"
        engine.reporter.report("restore", call.task.func_identifier, error, advice)
    if outcome is None or call.task.is_failure(outcome.error):
        return outcome
    call.saves, call.spares = flight.spared
    engine.hit(call, "run")
    return outcome


# ------------------------------------------------------------------------------- the lease


def lease(run: Run, deadline: float, begun: Any = ELSEWHERE) -> Generator[Step, Any, Any]:
    """Lease the key: what is stored under it by now, or `MISSING` once the function may run.

    That is without the lease where the store fails, or another holds it beyond the deadline.

    Args:
        run: of the call.
        deadline: by `monotonic`.
        begun: what the store has answered; `ELSEWHERE` where it could not be asked in place.
    """
    call, cache = run.call, run.engine.cache
    if begun is ELSEWHERE:
        begun = yield Block(run.ask)
    while begun is not None and not run.lease.held:
        found = begun.found.get(call.key)
        if found is None:
            begun = yield from _wait_for_lease(run, deadline)
            continue
        before, entry = call.rejected, in_full(found)
        value = yield Block(partial(cache.taken, call, entry))
        if value is not MISSING:
            run.share_found(entry)
            return value
        if call.rejected <= before:  # asked to lease in spite of this row, the store gave it again
            break
        begun = yield Block(run.ask)
    return MISSING


def _wait_for_lease(run: Run, deadline: float) -> Generator[Step, Any, Begun | None]:
    """What the store answers once the key is free, or stored; None where the deadline passes."""
    engine, call, leases = run.engine, run.call, run.engine.cache.leases
    if monotonic() >= deadline or not (run.flight is None or engine.flights.may_wait(run.flight)):
        return None
    call.waited = True
    rejected = {} if call.rejected == -inf else {call.key: call.rejected}
    wait = LeaseWait(run.lease, rejected)
    try:
        leases.wait_for(wait)
        with engine.noting_wait(call, "process"):
            done = yield from _wait(engine, call, wait, deadline)
    finally:
        leases.forget(wait)
        if run.flight is not None:
            run.flight.awaits_lease = False
    begun = wait.answer if done else None
    if begun is not None:
        run.asked = wait.asked
        run.take(begun)
    elif done:
        begun = yield Block(run.ask)
    return begun
