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
- `flow`: of asynchronous functions where reading would block: a blob, a busy or a blocking store
  (`AsyncStream` reads there itself);
- `_lead`: another process has stored the result between the look-up and the lease;
- `_together`: a follower gets a copy of what the leader of this process made.
"""

from __future__ import annotations

from functools import partial
from time import monotonic, perf_counter
from typing import TYPE_CHECKING, Any, Final

from beautyspot.calls import waits
from beautyspot.calls.blocks import join
from beautyspot.calls.saving import Save
from beautyspot.calls.steps import Block, Execute, Outcome, Pause
from beautyspot.calls.turn import Turn
from beautyspot.concurrency import locks, single_flight
from beautyspot.concurrency.single_flight import ABANDONED
from beautyspot.concurrency.waiting import REMEDY, TimeBudget
from beautyspot.errors import BeautyspotError, CacheMissError, ConfigError, UnstableKeyError
from beautyspot.limits import concurrency_cap
from beautyspot.logs import logger
from beautyspot.messages import error_shown
from beautyspot.results.validity import ELSEWHERE, MISSING
from beautyspot.serialization.payload import Payload, StoredError

if TYPE_CHECKING:
    from collections.abc import Generator

    from beautyspot.calls.engine import Engine
    from beautyspot.calls.steps import Step
    from beautyspot.concurrency.single_flight import Flight
    from beautyspot.results.invalidations import Moment
    from beautyspot.tasks.task import Call
    from beautyspot.tasks.watching import Watch

    Flow = Generator[Step, Any, Outcome]

OUTDATED: Final = object()
"""In place of a leader's result, where that was invalidated, or is too old."""

FIRST_PAUSE: Final = 0.001
LONGEST_PAUSE: Final = 0.05
"""Seconds between two attempts to take a lease that another process holds."""


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
    return value if value is MISSING or value is ELSEWHERE else _given(engine, call, value)


def _given(engine: Engine, call: Call, value: Any) -> Any:
    """Return what is stored for a call, which is a hit, or raise it."""
    engine.hit(call)
    if value.__class__ is StoredError:
        raise value.taken()
    return value


def _found(engine: Engine, call: Call, value: Any) -> Outcome:
    """The same as an outcome."""
    engine.hit(call)
    return Outcome(error=value.taken()) if value.__class__ is StoredError else Outcome(value)


def flow(engine: Engine, call: Call, *, looked: bool) -> Flow:
    """One call that `answer` did not answer; `looked` where it found nothing stored."""
    mode = call.mode
    if not call.key and mode != "replay":
        uncached: Outcome = yield Execute(call, engine.observers)
        return uncached
    if not looked:
        stale = call.task.stale is not None
        value = yield Block(partial(engine.cache.recall, call, stale=stale))
        if value is not MISSING:
            return _found(engine, call, value)
    if mode == "replay":
        return Outcome(error=not_stored(engine, call))
    if mode == "readonly":
        engine.miss(call)
        return (yield from _counted(engine, call))
    return (yield from _together(engine, call))


def _counted(engine: Engine, call: Call) -> Flow:
    """Execute a call that is not stored, and count what comes of it."""
    counted = call.task.counted
    execution = Execute(call, engine.observers)
    try:
        outcome: Outcome = yield execution
    finally:
        took = execution.work.seconds  # first: no call between reading the sum and writing it
        counted.seconds_spent += took
    if outcome.error is None:
        engine.price(call, lambda: outcome.value)
    else:
        counted.failures += 1
    return outcome


def not_stored(engine: Engine, call: Call) -> CacheMissError:
    """The error of a miss where none is allowed; observers are told of it."""
    engine.forbid(call)
    return CacheMissError(
        f"nothing is stored for this call of {call.task.func_identifier}, and mode='replay' "
        "forbids running it: run it once in the mode 'normal', or ask spot.explain(…) what differs"
    )


def _together(engine: Engine, call: Call) -> Flow:
    """Lead the flight of the call's key, or follow it as often as its leader abandons it."""
    deadline = monotonic() + engine.wait_timeout
    outdated: Flight | None = None
    shared: object = ABANDONED
    while shared is ABANDONED:
        with Turn(engine, call) as turn, turn:
            anew = call.refresh
            flight = engine.flights.enter(call.key, turn, anew=anew, outdated=outdated)
            if turn.flight is not None:
                return (yield from _lead(turn, deadline))
        shared = None if flight is None else (yield from follow(engine, call, flight, deadline))
        if shared is OUTDATED:
            outdated, shared = flight, ABANDONED
        if isinstance(shared, Outcome):
            return (yield from _or_stale(engine, call, shared))
        if isinstance(shared, Payload):
            outcome = restored(engine, call, shared, flight)
            if outcome is not None:
                return outcome
    with Turn(engine, call) as turn, turn:  # alone: no value to share, or a deadlock to avoid
        return (yield from _run(turn))


def restored(engine: Engine, call: Call, payload: Payload, flight: Flight | None) -> Outcome | None:
    """A follower's own copy of what its leader computed, or None where that fails."""
    try:
        value = call.task.form.restore(payload)
    except Exception as error:
        advice = "The function runs instead"
        engine.reporter.report("restore", call.task.func_identifier, error, advice)
        return None
    if flight is not None:
        call.saves, call.spares = flight.spared
    engine.hit(call, "run")
    return Outcome(value)


def follow(
    engine: Engine, call: Call, flight: Flight, deadline: float
) -> Generator[Step, Any, object]:
    """What the leader shared, or `OUTDATED`.

    None where the time is over, or waiting might be a deadlock.
    """
    call.waited = True
    engine.behind.drop_dead()
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
        with concurrency_cap.waiting_for(flight):
            done = yield from waits.join(engine, call, flight, max(0.0, deadline - monotonic()))
        return flight.result if done else None
    finally:
        single_flight.forsake(flight)
        if began is not None:
            engine.has_waited(call, "run", perf_counter() - began)


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


def _lead(turn: Turn, deadline: float) -> Flow:
    engine, call = turn.engine, turn.call
    if not turn.take_lease():
        if engine.saver is not None and call.key in engine.cache.waiting:
            yield Block(engine.saver.flush)  # a result of this Spot holds it until it is written
        flight = turn.flight
        if flight is not None and not locks.inside():  # else the interrupted code may hold it
            yield from win(turn, flight, deadline)
    # Another process may have stored a result between the first look-up and the lease.
    value = ELSEWHERE if engine.blocking else engine.cache.recall(call, in_place=True)
    if value is ELSEWHERE:
        value = yield Block(partial(engine.cache.recall, call))
    if value is not MISSING and not call.refresh:
        return _found(engine, call, value)
    return (yield from _run(turn))


def renewal(engine: Engine, call: Call) -> Flow:
    """Make the result of a call anew behind its caller; gives whether a newer one is stored now.

    Not where another call of the key is under way, here or in another process.
    """
    with Turn(engine, call) as turn, turn:
        engine.flights.enter(call.key, turn)
        if turn.flight is None or not turn.take_lease():
            return Outcome(False)
        if (yield Block(partial(engine.cache.recall, call))) is not MISSING:
            return Outcome(True)
        if call.task.addressing.has_moved(call):
            warn_moved(engine, call)
            return Outcome(False)
        outcome = yield from _run(turn)
        if turn.record is None:
            return outcome if outcome.error is not None else Outcome(False)
        return Outcome((yield Block(partial(engine.cache.is_stored, call, turn.record))))


def win(turn: Turn, flight: Flight, deadline: float) -> Generator[Step, Any, None]:
    """Win the key's lease from other processes, or go without.

    That is once the deadline has passed, or where the holder waits for this call.
    """
    seconds = deadline - monotonic()
    budget = TimeBudget(seconds)
    pause = FIRST_PAUSE
    wait = waits.LeaseWait(turn, flight)
    turn.call.waited = True
    try:
        while budget.left() >= pause:
            yield Pause(budget.spend(pause))
            if turn.take_lease():
                return
            waited = seconds - budget.left()
            if wait.is_due(waited) and (yield Block(partial(wait.look, waited))):
                return
            pause = min(pause * 2, LONGEST_PAUSE)
    finally:
        wait.end()
        turn.engine.has_waited(turn.call, "process", seconds - budget.left())


def _warn_unstorable(engine: Engine, call: Call) -> None:
    """Say what the annotation tells before the function runs, which may cost money each time.

    Not when it is marked: its class may be registered below it.
    """
    why, name = call.task.form.refusal, call.task.func_identifier
    if why:
        told = f"{name} returns what can't be stored: {why}. It runs each time it is called"
        engine.reporter.once(f"unstorable {name}", told)


def _run(turn: Turn) -> Flow:
    """Call the user's function, and see to it that its result is shared and stored.

    A Spot that is shut down meanwhile leaves its store open for that.
    """
    engine, call = turn.engine, turn.call
    engine.running[turn] = None  # until it ends
    engine.miss(call)
    if call.waited and call.task.addressing.has_moved(call):
        turn.share(None)  # what the function would give now belongs to another key
        warn_moved(engine, call)
        return (yield from _counted(engine, call))
    call.since = yield from moment_of(engine, call)
    turn.begin()
    _warn_unstorable(engine, call)
    addressing = call.task.addressing
    call.digests, watch = addressing.argument_digests(call), addressing.watch(call)
    if call.task.options.arguments:
        call.arguments = addressing.argument_text(call)
    counted = call.task.counted
    execution = Execute(call, engine.observers)
    try:
        outcome: Outcome = yield execution
    finally:  # also where it is interrupted
        turn.took = execution.work.seconds
        counted.seconds_spent += turn.took
        engine.counting.look()
    if outcome.error is not None:
        counted.failures += 1
        return (yield from _raised(turn, outcome))
    if call.task.options.price is not None:
        engine.price(call, lambda: outcome.value)
    turn.tell_spared()
    if not _keeps(turn, outcome.value):
        return outcome
    engine.uses.bound()
    # Encoded before any other code runs: its caller, or a follower, may change the value.
    if turn.encode(outcome.value) and not turn.queue():
        yield Save(turn)
    if watch is not None:
        tell(engine, call, watch)
    return outcome


def _raised(turn: Turn, outcome: Outcome) -> Flow:
    """What comes of an execution that raised: its error, which may be a result."""
    if not turn.call.task.is_result(outcome.error):
        turn.share(outcome)
        return (yield from _or_stale(turn.engine, turn.call, outcome))
    if _has_moved_since(turn):
        return outcome
    turn.engine.uses.bound()
    if turn.encode_error(outcome) and not turn.queue():
        yield Save(turn)
    return outcome


def _keeps(turn: Turn, value: Any) -> bool:
    """Whether to store a result; the followers are told where not."""
    if _has_moved_since(turn):
        return False
    if not turn.engine.keeps(turn.call, value):
        turn.share_unstored(value)
        return False
    return True


def _has_moved_since(turn: Turn) -> bool:
    """Whether a caller that did not wait changed what the function may have read meanwhile."""
    engine, call = turn.engine, turn.call
    if not call.alone or not call.task.addressing.has_moved(call):
        return False
    turn.share(None)
    warn_moved(engine, call)
    return True


def tell(engine: Engine, call: Call, watch: Watch) -> None:
    """Say once what the call did to its own key, and what `ignore=` leaves out in vain."""
    addressing, name = call.task.addressing, call.task.func_identifier
    changed, nothing = addressing.say_changed(watch), addressing.ignores_nothing(call)
    if changed is not None:
        engine.reporter.once(f"changing {name}", f"{name}: {changed}")
    if nothing is not None:
        error = ConfigError(nothing)
        engine.reporter.report("leave out a part of the key", name, error, "Correct it")


def _or_stale(engine: Engine, call: Call, outcome: Outcome) -> Flow:
    """The error, or the expired result in its place where the user asked for that."""
    task = call.task
    if not task.options.stale_on_error or call.alone or task.is_result(outcome.error):
        return outcome
    value = yield Block(partial(engine.cache.recall, call, stale=True))
    call.stale = False  # nothing is tried again at once
    if value is MISSING or value.__class__ is StoredError:
        return outcome
    call.made_at = None if call.found_as is None else call.found_as[0]
    warn_stale(engine, call, outcome)
    return Outcome(value)


# ----------------------------------------------------------------------------------------- warnings


def report_no_key(engine: Engine, call: Call, error: Exception) -> None:
    """Report why a call has no key and runs uncached, and what would mend it."""
    engine.bypass(call, "no key")
    ours = isinstance(error, BeautyspotError)
    if isinstance(error, TypeError) and not ours and not call.task.fits(call):
        return  # the function itself tells its caller what is wrong with the arguments
    given = call.task.options.key
    own = not ours and given is not None and not isinstance(given, str)
    what = "the function given as key=" if own else "what makes the key"
    advice = f"The call runs uncached: mend {what}"
    if isinstance(error, UnstableKeyError):
        advice = f"The call runs uncached; {call.task.addressing.advice(call, error)}"
    engine.reporter.report("make a key", call.task.func_identifier, error, advice)


def warn_inactive(engine: Engine, call: Call) -> None:
    """Count a call that runs uncached; after `shutdown`, warn once."""
    engine.bypass(call, "shut down" if engine.closed else "switched off")
    if engine.closed:
        engine.reporter.once(
            "closed",
            "was shut down: its functions run uncached from now on: make a new Spot to cache",
        )


def warn_outside_asyncio(engine: Engine, call: Call) -> None:
    """Warn once that calls outside of asyncio run uncached."""
    if not engine.active or not call.key:
        return  # it runs uncached for another reason
    engine.bypass(call, "outside asyncio")
    engine.reporter.once(
        "outside asyncio",
        f"{call.task.func_identifier} is called outside of asyncio, as by Trio, and so runs "
        f"uncached, as all asynchronous functions there: {REMEDY}",
    )


def warn_moved(engine: Engine, call: Call) -> None:
    """Warn once that a result is not stored, since it belongs to more than one key."""
    engine.refuse(call, "changed argument")
    name = call.task.func_identifier
    engine.reporter.once(
        f"moved {name}",
        f"an argument of {name} was changed while the call was under way, so its result is not "
        "stored: pass a copy, or leave out with mark(ignore=) what changes no result",
    )


def warn_stale(engine: Engine, call: Call, outcome: Outcome) -> None:
    """Warn that an expired result is returned in place of an error."""
    logger.warning(
        "%s: %s raised %s: its expired result is returned instead (stale_on_error=True)",
        engine.reporter.spot,
        call.task.func_identifier,
        error_shown(outcome.error),
    )
