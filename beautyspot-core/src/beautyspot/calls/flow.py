"""What a marked function does: the flow of one call, written once for every kind of function.

    answer     key ──▶ look up ──hit──▶ restore ──▶ return
                        │ miss
    flow       lead the flight of the key, or follow the call of this process that does
                        │ lead
    lease      lease the key, and look once more: wait for another process that has it
                        │ nothing there
    _execute   call the user's function ──raises──▶ propagate as it is, store nothing
                        │ returns
    _is_kept   serialise, make the row
                        │
    Run        write (blob first, then row), share with those who follow, return

`flow` tells it in this order; a `Run` is what the leading call holds meanwhile. The steps that it
yields, and who performs them, are in `steps`.

A hit returns from one of these, the first of them that applies:

- `fast_path.quick`: of functions and coroutine functions, where the value lies in its row;
- `answer`: of all others, a generator's items too;
- `looking_up.look_up`: of asynchronous functions where reading would block: a blob, a busy or a
  blocking store;
- `flow`: another process has stored the result between the look-up and the lease;
- `taken_over`: a follower gets a copy of what the leader of this process made.
"""

from __future__ import annotations

from functools import partial
from math import inf
from time import monotonic, perf_counter
from typing import TYPE_CHECKING, Any

from beautyspot.calls.blocks import join
from beautyspot.calls.reports import (
    has_changed,
    report_no_key,
    tell_of_wait,
    warn_inactive,
    warn_moved,
    warn_stale,
)
from beautyspot.calls.runs import Run
from beautyspot.calls.steps import Block, Execute, Outcome, Wait
from beautyspot.concurrency import holders, waiting
from beautyspot.concurrency.single_flight import ABANDONED, Flight, forsake, may_wait
from beautyspot.contracts import Entry, in_full
from beautyspot.errors import CacheMissError
from beautyspot.limits import concurrency_cap
from beautyspot.resilience.observers import NOBODY
from beautyspot.results.validity import ELSEWHERE, MISSING
from beautyspot.serialization.payload import Payload, StoredError

if TYPE_CHECKING:
    from collections.abc import Generator

    from beautyspot.calls.engine import Engine
    from beautyspot.calls.steps import Step
    from beautyspot.contracts.store import Begun
    from beautyspot.results.leases import Ticket
    from beautyspot.tasks.task import Call
    from beautyspot.tasks.telling import Watch

    Flow = Generator[Step, Any, Outcome]


def answer(engine: Engine, call: Call, *, in_place: bool, stale: bool = True) -> Any:
    """What is stored for the call: the value, `MISSING`, or `ELSEWHERE` where looking may block.

    Gives the call its key on the way, where it has one. Where the call is `stale` afterwards, it is
    for `wrappers.renew`; without `stale` it never is.

    Raises:
        Exception: what is stored, where that is an error.
    """
    if engine.detours:
        join(engine, call)
    if not engine.active:
        warn_inactive(engine, call)
        return MISSING
    try:
        if not call.key:
            call.task.addressing.address(call)
    except Exception as error:
        report_no_key(engine, call, error)
        return MISSING
    call.waited = in_place  # from here to the function, the event loop runs others
    if call.refresh or (call.looked and not call.task.addressing.earlier):
        return MISSING
    if in_place and engine.blocking:
        return ELSEWHERE
    stale = stale and call.task.stale is not None
    value = engine.cache.recall(call, in_place=in_place, stale=stale)
    return value if value is MISSING or value is ELSEWHERE else given(engine, call, value)


def given(engine: Engine, call: Call, value: Any) -> Any:
    """Return what is stored for a call, which is a hit, or raise it."""
    engine.hit(call)
    if value.__class__ is StoredError:
        raise value.taken()
    return value


def _found(engine: Engine, call: Call, value: Any) -> Outcome:
    """The same as an outcome."""
    engine.hit(call)
    return Outcome(error=value.taken()) if value.__class__ is StoredError else Outcome(value)


def flow(engine: Engine, call: Call) -> Flow:  # noqa: C901 - each part is a step of a miss
    """One call for which nothing was found: it leads the flight of its key, or follows another."""
    task = call.task
    mode = call.asked or task.options.mode
    if mode == "replay":
        return Outcome(error=not_stored(engine, call))
    if not call.key or mode == "readonly":
        if call.key:  # else it was told of when that was seen
            engine.miss(call)
        return (yield from _unstored(engine, call))
    deadline = monotonic() + engine.wait_timeout
    if holders.held:
        holders.end_orphans()
    flight, leads = engine.flights.enter(call.key, anew=call.refresh)
    if not leads and flight is not None:  # without a flight: to wait might be a deadlock
        outcome, flight = yield from _followed(engine, call, flight, deadline)
        if outcome is not None:
            return outcome
    run = Run(engine, call, flight)
    engine.running[run] = None  # until it ends, the store is open
    try:
        if flight is not None:
            begun, together = ELSEWHERE, call.trips is not None and task.kind == "function"
            if not call.refresh and (together or not engine.blocking):
                begun = run.ask(in_place=not together)
            if begun is not None and not run.leased:
                value = yield from lease(run, deadline, begun)
                if value is not MISSING:
                    return _found(engine, call, value)
        outcome = yield from _execute(run)
        if run.leased and engine.blocking:
            yield Block(run.release)
        return outcome
    finally:
        run.end()


def not_stored(engine: Engine, call: Call) -> CacheMissError:
    """The error of a miss where none is allowed; observers are told of it."""
    name = call.task.func_identifier
    found = f"nothing is stored for this call of {name}"
    if call.why == "expired":
        found = f"what is stored for this call of {name} has expired"
    engine.forbid(call)
    return CacheMissError(
        f"{found}, and mode='replay' forbids running it: run it once in the mode 'normal', or ask "
        "spot.explain(…) what differs"
    )


# --------------------------------------------------------------------------------- following


def _followed(
    engine: Engine, call: Call, flight: Flight | None, deadline: float
) -> Generator[Step, Any, tuple[Outcome | None, Flight | None]]:
    """What a follower gets; or None, and the flight that it leads, if any, to run the function.

    It follows as often as leaders abandon their flights.
    """
    leads = False
    while flight is not None and not leads:
        shared = yield from follow(engine, call, flight, deadline)
        if shared is ABANDONED:
            flight, leads = engine.flights.enter(call.key, anew=call.refresh)
            continue
        outcome = taken_over(engine, call, shared, flight)
        if outcome is not None:
            outcome = yield from _or_stale(engine, call, outcome)
        return outcome, None  # None: no value to share, or the deadline has passed
    return None, flight


def follow(
    engine: Engine, call: Call, flight: Flight, deadline: float
) -> Generator[Step, Any, object]:
    """What the leader of a flight shared; None where the deadline has passed.

    Who comes while the result is on its way to the store looks there once more: others may have
    invalidated it since it arrived, which the leader does not know yet.
    """
    call.waited, comes_late = True, flight.is_saving
    try:
        with concurrency_cap.waiting_for(flight), engine.noting_wait(call, "run"):
            done = yield from _wait(engine, call, flight, deadline)
        return (ABANDONED if comes_late else flight.result) if done else None
    finally:
        forsake(flight)


def _wait(
    engine: Engine, call: Call, what: Flight | Ticket, deadline: float
) -> Generator[Step, Any, bool]:
    """Wait for a flight or a ticket, and say so after a while; whether it is done."""
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
            outcome = Outcome(engine.cache.restore(call.task, call.key, shared))
    except StoredError as stored:
        outcome = None if stored.error is None else Outcome(error=stored.error)
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
    call = run.call
    if call.refresh:
        call.rejected = inf
        yield from after_older(run, deadline)
    if begun is ELSEWHERE:
        begun = yield Block(run.ask)
    while begun is not None and not run.leased:
        found = begun.found.get(call.key)
        if found is None:
            begun = yield from _wait_for_lease(run, deadline)
            continue
        before, entry = call.rejected, in_full(found)
        value = yield from _taken(run, entry)
        if value is not MISSING:
            run.shared = entry
            return value
        if call.rejected <= before:  # a store that does not do what it was asked for
            break
        begun = yield Block(run.ask)
    return MISSING


def _wait_for_lease(run: Run, deadline: float) -> Generator[Step, Any, Begun | None]:
    """What the store answers once the key is free, or stored; None where the deadline passes."""
    engine, call, leases = run.engine, run.call, run.engine.cache.leases
    if monotonic() >= deadline or not (run.flight is None or may_wait(run.flight)):
        return None
    call.waited = True
    rejected = {} if call.rejected == -inf else {call.key: call.rejected}
    ticket = leases.wait_for(call.key, rejected)
    try:
        with engine.noting_wait(call, "process"):
            done = yield from _wait(engine, call, ticket, deadline)
    finally:
        run.leased = leases.forget(ticket)
    begun: Begun | None = ticket.answer if done else None
    if begun is not None:
        run.take(begun)
    elif done:
        begun = yield Block(run.ask)
    return begun


def after_older(run: Run, deadline: float) -> Generator[Step, Any, None]:
    """Let a run of this process end that a call which runs anew has not joined."""
    if run.flight is not None:
        for older in [each for each in run.flight.waits_for if each.key == run.call.key]:
            run.call.waited = True
            yield from _wait(run.engine, run.call, older, deadline)


def _taken(run: Run, entry: Entry) -> Generator[Step, Any, Any]:
    """The value of an entry that came with the store's answer, or `MISSING`."""
    cache, call = run.engine.cache, run.call
    value = ELSEWHERE if run.engine.blocking else cache.taken(call, entry, in_place=True)
    return (yield Block(partial(cache.taken, call, entry))) if value is ELSEWHERE else value


# --------------------------------------------------------------------------------- the run


def _execute(run: Run) -> Flow:
    """Call the user's function, and see to it that its result is stored and shared.

    A Spot that is shut down meanwhile leaves its store open for that.
    """
    engine, call = run.engine, run.call
    task, addressing, counted = call.task, call.task.addressing, call.task.counted
    observers = engine.observing() or NOBODY
    engine.running[run] = perf_counter()
    call.why = "refreshed" if call.refresh else call.why or "not stored"
    observers.miss(addressing.func_identifier, call.key, call.why)
    watch = addressing.watch(call)
    may_move = call.waited and (watch is not None or addressing.has_own_id)
    if may_move and addressing.has_moved(call):
        run.share(None)  # what the function would give now belongs to another key
        warn_moved(engine, call)
        return (yield from _unstored(engine, call))
    run.begin()
    addressing.tell_arguments(call, watch)
    execution = Execute(call, observers, counted)
    try:
        outcome: Outcome = yield execution
    finally:  # also where it is interrupted
        run.took = execution.seconds
        counted.seconds_spent += run.took
        if monotonic() > engine.counting.due:
            engine.counting.write_later()
    if outcome.error is not None:
        counted.failures += execution.has_failed()
        if not task.is_result(outcome.error):
            run.share(outcome)
            return (yield from _or_stale(engine, call, outcome))
    elif task.options.price is not None:
        engine.price(call, lambda: outcome.value)
    if _is_kept(run, outcome, watch):
        yield from run.saving()
    return outcome


def _is_kept(run: Run, outcome: Outcome, watch: Watch | None) -> bool:
    """Whether the result is to be stored, and was turned into bytes.

    At once, before any other code runs: its caller, or a follower, may change the value.
    """
    engine, call = run.engine, run.call
    task, cache = call.task, engine.cache
    if run.flight is not None:
        run.flight.spared = run.took, call.price or 0.0
    if watch is not None and has_changed(engine, watch, call):
        run.shared = None  # each of the followers runs the function itself
        return False
    if outcome.error is not None:
        return run.keep(cache.encode_error(call, outcome.error), outcome)
    judged = task.asks_terms or task.options.cache_if is not None
    if judged and not engine.keeps(call, outcome.value):
        run.share_unstored(outcome.value)
        return False
    return run.keep(cache.encode(task, outcome.value))


def _unstored(engine: Engine, call: Call) -> Flow:
    """Execute a call that is not stored; count what comes of it, unless it has no key."""
    if not call.key:
        uncached: Outcome = yield Execute(call, engine.observers)
        return uncached
    counted = call.task.counted
    execution = Execute(call, engine.observers, counted)
    try:
        outcome: Outcome = yield execution
    finally:
        took = execution.seconds  # first: no call between reading the sum and writing it
        counted.seconds_spent += took
    if outcome.error is None:
        engine.price(call, lambda: outcome.value)
    else:
        counted.failures += execution.has_failed()
    return outcome


def _or_stale(engine: Engine, call: Call, outcome: Outcome) -> Flow:
    """The outcome, or the expired result in place of an error where the user asked for that."""
    task = call.task
    if (
        outcome.error is None
        or not task.options.stale_on_error
        or call.alone
        or task.is_result(outcome.error)
    ):
        return outcome
    value = yield Block(partial(engine.cache.recall, call, stale=True))
    call.stale = False  # nothing is tried again at once
    if value is MISSING or value.__class__ is StoredError:
        return outcome
    call.made_at = None if call.found_as is None else call.found_as[0]
    warn_stale(engine, call, outcome)
    return Outcome(value)


def renewal(engine: Engine, call: Call) -> Flow:
    """Make the result of a call anew behind its caller; gives whether a newer one is stored now.

    Not where another call of the key is under way, here or in another process.
    """
    flight, leads = engine.flights.enter(call.key)
    if not leads:
        if flight is not None:
            forsake(flight)
        return Outcome(False)
    run = Run(engine, call, flight)
    engine.running[run] = None
    try:
        value = yield from lease(run, -inf)
        if value is not MISSING or not run.leased:
            return Outcome(value is not MISSING)
        if call.task.addressing.has_moved(call):
            warn_moved(engine, call)
            return Outcome(False)
        outcome = yield from _execute(run)
        if run.pending is None:
            return outcome if outcome.error is not None else Outcome(False)
        renewed = partial(engine.cache.is_renewed, call, run.pending.record)
        return Outcome((yield Block(renewed)))
    finally:
        run.end()
