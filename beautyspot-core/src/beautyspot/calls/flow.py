"""What a marked function does: the flow of one call, written once for every kind of function.

    key ──▶ look up ──hit──▶ restore ──▶ return
              │ miss
              ▼
            single flight: lead or follow
              │ lead
              ▼
            call the user's function ──raises──▶ propagate as it is, store nothing
              │ returns
              ▼
            serialise ──▶ blob first ──▶ row ──▶ return

A hit returns from one of these, the first of them that applies:

- `fast_path.quick`: of functions and coroutine functions, where the value lies in its row;
- `answer`: of all others, a generator's items too;
- `leasing.look_up`: of asynchronous functions where reading would block: a blob, a busy or a
  blocking store;
- `_lead`: another process has stored the result between the look-up and the lease;
- `_together`: a follower gets a copy of what the leader of this process made.
"""

from __future__ import annotations

from functools import partial
from time import monotonic, perf_counter
from typing import TYPE_CHECKING, Any

from beautyspot.calls import leasing
from beautyspot.calls.blocks import join
from beautyspot.calls.following import (
    OUTDATED,
    follow,
    moment_of,
    taken_over,
    win,
)
from beautyspot.calls.reports import (
    has_changed,
    has_new_version,
    report_no_key,
    tell_of_paths,
    warn_inactive,
    warn_moved,
    warn_stale,
)
from beautyspot.calls.steps import Block, Execute, Outcome
from beautyspot.calls.turn import Save, Turn
from beautyspot.concurrency import holders
from beautyspot.concurrency.single_flight import ABANDONED
from beautyspot.errors import CacheMissError
from beautyspot.results.validity import ELSEWHERE, MISSING
from beautyspot.serialization.payload import StoredError

if TYPE_CHECKING:
    from collections.abc import Generator

    from beautyspot.calls.engine import Engine
    from beautyspot.calls.steps import Step
    from beautyspot.concurrency.single_flight import Flight
    from beautyspot.tasks.task import Call
    from beautyspot.tasks.watching import Watch

    Flow = Generator[Step, Any, Outcome]


def answer(engine: Engine, call: Call, *, in_place: bool, stale: bool = True) -> Any:
    """What is stored for the call: the value, `MISSING`, or `ELSEWHERE` where looking may block.

    Gives the call its key on the way, where it has one. Where the call is `stale` afterwards, it is
    for `renewing.renew`; without `stale` it never is.

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


def flow(engine: Engine, call: Call) -> Flow:
    """One call for which nothing was found."""
    if call.key and has_new_version(engine, call):
        value = yield from look_anew(engine, call)
        if value is not MISSING:
            return _found(engine, call, value)
    mode = call.mode
    if not call.key and mode != "replay":
        uncached: Outcome = yield Execute(call, engine.observers)
        return uncached
    if mode == "replay":
        return Outcome(error=not_stored(engine, call))
    if mode == "readonly":
        engine.miss(call)
        return (yield from _counted(engine, call))
    return (yield from _together(engine, call))


def look_anew(engine: Engine, call: Call) -> Generator[Step, Any, Any]:
    """Give the call the key of the version that holds by now, and what is stored under it."""
    call.key, call.looked = "", False
    try:
        call.task.addressing.address(call)
    except Exception as error:
        report_no_key(engine, call, error)
        return MISSING
    return MISSING if call.refresh else (yield from leasing.look(engine, call))


def _counted(engine: Engine, call: Call) -> Flow:
    """Execute a call that is not stored, and count what comes of it."""
    counted = call.task.counted
    execution = Execute(call, engine.observers, counted)
    try:
        outcome: Outcome = yield execution
    finally:
        took = execution.work.seconds  # first: no call between reading the sum and writing it
        counted.seconds_spent += took
    if outcome.error is None:
        engine.price(call, lambda: outcome.value)
    else:
        counted.failures += execution.work.has_failed()
    return outcome


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


def _together(engine: Engine, call: Call) -> Flow:
    """Lead the flight of the call's key, or follow it as often as its leader abandons it."""
    deadline = monotonic() + engine.wait_timeout
    outdated: Flight | None = None
    holders.end_orphans()
    while True:
        with Turn(engine, call) as turn, turn:
            anew = call.refresh
            flight = engine.flights.enter(call.key, turn, anew=anew, outdated=outdated)
            if turn.flight is not None:
                led = yield from _lead(turn, deadline)
                yield from leasing.give_back(turn)
                return led
        shared = None if flight is None else (yield from follow(engine, call, flight, deadline))
        if shared is OUTDATED:
            outdated = flight
        elif shared is ABANDONED:
            value = yield from _abandoned(engine, call)
            if value is not MISSING:
                return _found(engine, call, value)
        else:
            break
    outcome = taken_over(engine, call, shared, flight)
    if outcome is not None:
        return (yield from _or_stale(engine, call, outcome))
    with Turn(engine, call) as turn, turn:  # alone: no value to share, or a deadlock to avoid
        return (yield from _run(turn))


def _abandoned(engine: Engine, call: Call) -> Generator[Step, Any, Any]:
    """What is stored for a follower whose leader left, as where another process was faster.

    Where to look takes long, all followers do so at once, and not one after the other as leaders.
    """
    if call.refresh or not engine.blocking:
        return MISSING
    return (yield from leasing.look(engine, call))


def _lead(turn: Turn, deadline: float) -> Flow:
    engine, call = turn.engine, turn.call
    # Another process may have stored a result between the first look-up and the lease.
    value = yield from leasing.begin(turn)
    if value is leasing.HELD:
        if engine.saver is not None and call.key in engine.cache.waiting:
            yield Block(engine.saver.flush)  # a result of this Spot holds it until it is written
        value = yield from win(turn, deadline)
    if value is not MISSING and not call.refresh:
        return _found(engine, call, value)
    return (yield from _run(turn))


def renewal(engine: Engine, call: Call) -> Flow:
    """Make the result of a call anew behind its caller; gives whether a newer one is stored now.

    Not where another call of the key is under way, here or in another process.
    """
    with Turn(engine, call) as turn, turn:
        engine.flights.enter(call.key, turn)
        if turn.flight is None:
            return Outcome(False)
        outcome = yield from _renewed(turn)
        yield from leasing.give_back(turn)
        return outcome


def _renewed(turn: Turn) -> Flow:
    engine, call = turn.engine, turn.call
    value = yield from leasing.begin(turn)
    if value is not MISSING:
        return Outcome(value is not leasing.HELD)
    if call.task.addressing.has_moved(call):
        warn_moved(engine, call)
        return Outcome(False)
    outcome = yield from _run(turn)
    if turn.record is None:
        return outcome if outcome.error is not None else Outcome(False)
    return Outcome((yield Block(partial(engine.cache.is_renewed, call, turn.record))))


def _run(turn: Turn) -> Flow:
    """Call the user's function, and see to it that its result is shared and stored.

    A Spot that is shut down meanwhile leaves its store open for that.
    """
    engine, call = turn.engine, turn.call
    engine.running[turn] = perf_counter()  # until it ends
    engine.miss(call)
    if call.waited and call.task.addressing.has_moved(call):
        turn.share(None)  # what the function would give now belongs to another key
        warn_moved(engine, call)
        return (yield from _counted(engine, call))
    call.since = call.since or (yield from moment_of(engine, call))  # told with the lease
    turn.begin()
    addressing = call.task.addressing
    watch = addressing.watch(call)
    addressing.tell_arguments(call, watch)
    counted = call.task.counted
    execution = Execute(call, engine.observers, counted)
    try:
        outcome: Outcome = yield execution
    finally:  # also where it is interrupted
        turn.took = execution.work.seconds
        counted.seconds_spent += turn.took
        engine.counting.look()
    if outcome.error is not None:
        counted.failures += execution.work.has_failed()
        return (yield from _raised(turn, outcome, watch))
    if call.task.options.price is not None:
        engine.price(call, lambda: outcome.value)
    turn.tell_spared()
    if not _keeps(turn, outcome.value, watch):
        return outcome
    engine.uses.bound()
    # Encoded before any other code runs: its caller, or a follower, may change the value.
    if turn.encode(outcome.value) and not turn.queue():
        yield Save(turn)
    if watch is not None:
        tell_of_paths(engine, call)
    return outcome


def _raised(turn: Turn, outcome: Outcome, watch: Watch | None) -> Flow:
    """What comes of an execution that raised: its error, which may be a result."""
    if not turn.call.task.is_result(outcome.error):
        turn.share(outcome)
        return (yield from _or_stale(turn.engine, turn.call, outcome))
    if has_changed(turn.engine, watch, turn.call):
        turn.share(None)
        return outcome
    turn.engine.uses.bound()
    if turn.encode_error(outcome) and not turn.queue():
        yield Save(turn)
    return outcome


def _keeps(turn: Turn, value: Any, watch: Watch | None) -> bool:
    """Whether to store a result; the followers are told where not."""
    if has_changed(turn.engine, watch, turn.call):
        turn.share(None)  # each of them runs the function itself
        return False
    if not turn.engine.keeps(turn.call, value):
        turn.share_unstored(value)
        return False
    return True


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
