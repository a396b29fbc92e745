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

A hit leaves in `answer`, before any of the flow's machinery starts.
"""

from __future__ import annotations

from functools import partial
from time import monotonic, perf_counter
from typing import TYPE_CHECKING, Any, Final

from beautyspot.calls.steps import Block, Execute, Join, Outcome, Pause, Step
from beautyspot.calls.turn import UNSTORABLE, Turn
from beautyspot.concurrency import locks, single_flight
from beautyspot.concurrency.single_flight import ABANDONED, Flight
from beautyspot.concurrency.time_budget import Patience
from beautyspot.errors import CacheMissError
from beautyspot.results.integrity import ELSEWHERE, MISSING
from beautyspot.serialization.payload import Payload

if TYPE_CHECKING:
    from collections.abc import Generator

    from beautyspot.calls.engine import Engine
    from beautyspot.tasks.task import Call

    Flow = Generator[Step, Any, Outcome]

FIRST_PAUSE: Final = 0.001
LONGEST_PAUSE: Final = 0.05
"""Seconds between two looks at a lease that another process holds."""


def answer(engine: Engine, call: Call, *, in_place: bool) -> Any:
    """What is stored for the call: the value, `MISSING`, or `ELSEWHERE` where looking may block.

    Gives the call its key on the way, where it has one.
    """
    if not engine.active:
        engine.say_inactive()
        return MISSING
    try:
        if not call.key:
            call.task.address(call)
    except Exception as error:
        engine.report_no_key(call, error)
        return MISSING
    call.waited = in_place  # from here to the function, the event loop runs others
    if in_place and engine.blocking:
        return ELSEWHERE
    if call.refresh or call.looked:
        return MISSING
    value = engine.cache.recall(call, in_place=in_place)
    if value is not MISSING and value is not ELSEWHERE:
        engine.hit(call)
    return value


def flow(engine: Engine, call: Call, *, looked: bool) -> Flow:
    """One call that was not answered at once; `looked` where nothing was found already."""
    mode = call.task.options.mode
    if not call.key and mode != "replay":
        return (yield from _execute(call))
    if not looked:
        value = yield Block(partial(engine.cache.recall, call))
        if value is not MISSING:
            engine.hit(call)
            return Outcome(value)
    if mode == "replay":
        return Outcome(error=not_stored(call))
    if mode == "readonly":
        engine.stats.misses += 1
        return (yield from _execute(call))
    return (yield from _together(engine, call))


def _execute(call: Call) -> Flow:
    outcome: Outcome = yield Execute(call)
    return outcome


def not_stored(call: Call) -> CacheMissError:
    """The error of a miss where none is allowed."""
    return CacheMissError(
        f"nothing is stored for this call of {call.task.func_identifier}, and mode='replay' "
        "forbids running it: run it once in the mode 'normal', or ask spot.explain(…) what differs"
    )


def _together(engine: Engine, call: Call) -> Flow:
    """Lead the flight of the call's key, or follow it as often as its leader leaves it."""
    deadline = monotonic() + engine.wait_timeout
    while True:
        turn = Turn(engine, call)
        flight = yield from _enter(turn, deadline)
        if isinstance(flight, Outcome):
            return flight
        if flight is None:  # waiting would be a deadlock: the function calls itself
            return (yield from _run_alone(turn))
        done = yield from _follow(call, flight, deadline)
        shared = flight.result if done else UNSTORABLE
        if isinstance(shared, Payload):
            outcome = engine.restored(call, shared)
            if outcome is not None:
                return outcome
        elif isinstance(shared, Outcome):
            return shared
        if shared is not ABANDONED:
            return (yield from _run_alone(turn))


def _run_alone(turn: Turn) -> Flow:
    """Run, with nobody who follows."""
    try:
        return (yield from _run(turn))
    finally:
        if not turn.saves:
            turn.end()


def _enter(turn: Turn, deadline: float) -> Generator[Step, Any, Outcome | Flight | None]:
    """Lead the flight of the call's key to its outcome, or find the one to follow.

    However it ends, the turn ends as well: one that stayed would keep everyone else waiting.
    """
    engine, call = turn.engine, turn.call
    outer = single_flight.leading()
    try:
        flight = engine.flights.enter(call.key, turn, anew=call.refresh)
        if turn.flight is not None:
            return (yield from _lead(turn, deadline))
        if flight is not None and locks.inside():  # who leads it may wait for that lock
            single_flight.forsake(flight)
            return None
        return flight
    finally:
        try:
            if not turn.saves:
                turn.end()
        except BaseException:  # interrupted (Ctrl-C) on the way
            turn.end()
            raise
        finally:
            single_flight.lead(outer)


def _follow(call: Call, flight: Flight, deadline: float) -> Generator[Step, Any, bool]:
    call.waited = True
    try:
        done: bool = yield Join(flight, max(0.0, deadline - monotonic()))
        return done
    finally:
        single_flight.forsake(flight)


def _lead(turn: Turn, deadline: float) -> Flow:
    engine, call = turn.engine, turn.call
    if engine.leases and not turn.take_lease():
        if engine.saver is not None and call.key in engine.cache.waiting:
            yield Block(engine.saver.flush)  # a result of our own holds it until it is written
        yield from _win(turn, deadline)
    # What another one stored between our look-up and our turn; in place where that is quick.
    value = ELSEWHERE if engine.blocking else engine.cache.recall(call, in_place=True)
    if value is ELSEWHERE:
        value = yield Block(partial(engine.cache.recall, call))
    if value is not MISSING and not call.refresh:
        engine.hit(call)
        return Outcome(value)
    return (yield from _run(turn))


def _win(turn: Turn, deadline: float) -> Generator[Step, Any, None]:
    """Win the key's lease from other processes, or go without once the deadline has passed."""
    patience = Patience(deadline - monotonic())
    pause = FIRST_PAUSE
    while patience.left() >= pause:
        turn.call.waited = True
        yield Pause(patience.spend(pause))
        if turn.take_lease():
            return
        pause = min(pause * 2, LONGEST_PAUSE)


def _run(turn: Turn) -> Flow:
    """Call the user's function, and see to it that its result is shared and stored.

    A Spot that ends meanwhile leaves its store open for that.
    """
    engine, call = turn.engine, turn.call
    engine.running[turn] = None  # until it ends
    if call.waited and call.task.has_moved(call):
        turn.share(UNSTORABLE)  # what the function would give now belongs to another key
        engine.say_moved(call)
        engine.stats.misses += 1
        return (yield from _execute(call))
    began = perf_counter()
    outcome: Outcome = yield Execute(call)
    turn.took = perf_counter() - began
    engine.stats.misses += 1
    if outcome.error is not None:
        turn.share(outcome)
        return (yield from _or_stale(engine, call, outcome))
    if not engine.keeps(call.task, outcome.value):
        turn.share(UNSTORABLE)
        return outcome
    engine.uses.bound()
    # Encoded here, before anyone else runs: who has the value as well may change it at any moment.
    if turn.encode(outcome.value) and not (engine.saver is not None and engine.saver.add(turn)):
        yield from _save(turn, Block(turn.save))  # with a queue that is full its fillers help
    return outcome


def _save(turn: Turn, block: Block) -> Generator[Step, Any, None]:
    """Perform a block that ends the turn; who is interrupted here leaves that to `_enter`."""
    try:
        yield block
    finally:
        turn.saves = block.elsewhere


def _or_stale(engine: Engine, call: Call, outcome: Outcome) -> Flow:
    """The error, or the expired result in its place where the user asked for that."""
    if not call.task.options.stale_on_error:
        return outcome
    value = yield Block(partial(engine.cache.recall, call, stale=True))
    if value is MISSING:
        return outcome
    engine.say_stale(call, outcome)
    return Outcome(value)
