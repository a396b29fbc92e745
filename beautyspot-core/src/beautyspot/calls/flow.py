"""What a marked function does: the flow of one call, written once for every kind of function.

    answer     key ──▶ look up ──hit──▶ restore ──▶ return
                        │ miss
    flow       lead the flight of the key, or follow the call of this process that does
                        │ lead
    lease      lease the key, and look once more; wait for another process that has it
                        │ nothing there
    _execute   call the user's function ──raises──▶ propagate as it is, store nothing
                        │ returns
    Run        serialise, make the row, write (blob first), share with those who follow, return

`flow` tells it in this order; a `Run` is what the leading call holds meanwhile. The steps that it
yields, and who performs them, are in `steps`; who waits for whom is in `leading`.

A hit returns from one of these, the first of them that applies:

- `fast_path.quick`: of functions and coroutine functions, where the value lies in its row; of
  functions also where it lies in a file of this machine;
- `answer`: of all others, a generator's items too;
- `answer_async`: of asynchronous functions where reading would block: a blob, a busy or
  a blocking store;
- `flow`: another process has stored the result between the look-up and the lease;
- `leading.taken_over`: a follower gets a copy of what the leader of this process made;
- `items` and `batch.lookups`: an item of a list (`each=`), and an input of `spot.map`.
"""

from __future__ import annotations

from functools import partial
from math import inf
from time import monotonic, perf_counter
from typing import TYPE_CHECKING, Any

from beautyspot.calls.blocks import join
from beautyspot.calls.leading import follow, lease, taken_over
from beautyspot.calls.reports import (
    refuse_if_changed,
    report_no_key,
    warn_inactive,
    warn_outside_asyncio,
    warn_stale,
)
from beautyspot.calls.runs import Run, save
from beautyspot.calls.steps import Block, Execute, Outcome
from beautyspot.concurrency import holders
from beautyspot.concurrency.single_flight import ABANDONED
from beautyspot.concurrency.waiting import Job, in_asyncio
from beautyspot.errors import CacheMissError
from beautyspot.resilience.observers import NOBODY
from beautyspot.results.validity import ELSEWHERE, MISSING
from beautyspot.serialization.payload import StoredError

if TYPE_CHECKING:
    from collections.abc import Generator

    from beautyspot.calls.engine import Engine
    from beautyspot.calls.steps import Step
    from beautyspot.contracts import Entry
    from beautyspot.tasks.task import Call

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


# ------------------------------------------------------------- looking up in an event loop


async def answer_async(engine: Engine, call: Call) -> Any:
    """What `answer` gives, also where looking may block; never `ELSEWHERE`."""
    value = answer(engine, call, in_place=True)
    if value is not ELSEWHERE:
        return value
    if not in_asyncio():
        return answer(engine, call, in_place=False) if call.mode == "replay" else MISSING
    value = await _look_up(engine, call)
    return value if value is MISSING else given(engine, call, value)


def uncache_outside_asyncio(engine: Engine, call: Call) -> None:
    """Have a call outside of asyncio (in Trio, say) run uncached: our waits do not work there.

    In the mode "replay" nothing waits.
    """
    if not in_asyncio() and call.mode != "replay":
        warn_outside_asyncio(engine, call)
        call.key = ""


async def _look_up(engine: Engine, call: Call) -> Any:
    """What `Cache.recall` gives for a call that has a key."""
    task = call.task
    look = partial(engine.cache.recall, call, stale=task.stale is not None)
    if engine.blocking:
        found = await _find(engine, call.key)
        if found is None and not task.addressing.earlier:
            return MISSING
        call.found = found
        if not task.to_compare:  # with the code in the row, which is another question
            value = look(in_place=True)
            if value is not ELSEWHERE:
                return value
            call.found = found
    return await Block(look).perform_async(engine.executor)


async def _find(engine: Engine, key: str) -> Entry | Exception | None:
    """What is stored under a key, asked with all that tasks ask in this turn; or the error."""
    import asyncio

    loop = asyncio.get_running_loop()
    keys, asking = engine.look_ups.get(loop, (set(), None))
    if asking is None or asking.done():
        keys = set()
        asking = engine.behind.start(_ask(engine, keys))
        engine.look_ups[loop] = keys, asking
    keys.add(key)
    try:
        found: dict[str, Entry] = await asyncio.shield(asking)
        return found.get(key)
    except Exception as error:
        return error


async def _ask(engine: Engine, keys: set[str]) -> dict[str, Entry]:
    import asyncio

    await asyncio.sleep(0)
    del engine.look_ups[asyncio.get_running_loop()]  # who comes from here on asks anew
    ask = Job(lambda: engine.cache.find_many([*keys]))
    found: dict[str, Entry] = await ask.run_in(engine.executor)
    return found


# ---------------------------------------------------------------------------- a miss


def flow(engine: Engine, call: Call) -> Flow:  # noqa: C901 - each part is a step of a miss
    """One call for which nothing was found: it leads the flight of its key, or follows another."""
    task = call.task
    mode, flight, deadline = call.asked or task.options.mode, None, -inf
    if mode == "replay":
        return Outcome(error=not_stored(engine, call))
    if not call.key:
        uncached: Outcome = yield Execute(call, engine.observers)
        return uncached
    if mode != "readonly":
        if not call.alone:  # one behind its caller waits for nobody: others make the result then
            deadline = monotonic() + engine.wait_timeout
        if holders.held:
            holders.end_orphans()
        of_task = task.kind != "function"
        flight, leads = engine.flights.enter(call.key, anew=call.refresh, of_task=of_task)
        while not leads and flight is not None:  # without a flight: to wait might be a deadlock
            shared = yield from follow(engine, call, flight, deadline)
            if shared is ABANDONED:
                flight, leads = engine.flights.enter(call.key, anew=call.refresh, of_task=of_task)
                continue
            outcome = taken_over(engine, call, shared, flight)
            if outcome is not None or call.alone:
                return (yield from _or_stale(engine, call, outcome or Outcome()))
            flight = None  # no value to share, or the deadline has passed
    run = Run(engine, call, flight)
    engine.running[run] = None  # until it ends, the store is open
    try:
        if flight is not None:
            if call.refresh:
                call.rejected = inf
            begun = ELSEWHERE if engine.blocking else run.ask(in_place=True)
            if begun is not None and not run.lease.held:
                value = yield from lease(run, deadline, begun)
                if value is not MISSING:
                    engine.hit(call)
                    is_error = value.__class__ is StoredError
                    return Outcome(error=value.taken()) if is_error else Outcome(value)
            if call.alone and not run.lease.held:
                return Outcome()
        outcome = yield from _execute(run, stores=mode != "readonly")
        if run.lease.held and run.pending is None and engine.blocking:
            yield Block(run.release)
        return outcome
    finally:
        run.has_ended = True  # also where an interrupt keeps it from its end: see `Engine.end_left`
        run.end()


def not_stored(engine: Engine, *calls: Call, items: int = 0) -> CacheMissError:
    """The error of a miss where none is allowed; observers are told of it.

    Args:
        engine: of the Spot.
        calls: those for which nothing is stored; of a call of so many `items` these, if any.
        items: the number of all items of such a call.
    """
    for call in calls:
        if call.key:  # else it was told of when that was seen
            engine.miss(call)
        engine.refuse(call, "mode")
    name = calls[0].task.func_identifier
    if engine.closed:
        why = f"the Spot {engine.reporter.spot!r} was shut down"
        return CacheMissError(f"{why}, and mode='replay' forbids running {name}: make a new one")
    found = f"nothing is stored for this call of {name}"
    if items:
        found = f"nothing is stored for {len(calls)} of {items} items of this call of {name}"
    elif calls[0].why == "expired":
        found = f"what is stored for this call of {name} has expired"
    return CacheMissError(
        f"{found}, and mode='replay' forbids running it: run it once in the mode 'normal', or ask "
        "spot.explain(…) what differs"
    )


# --------------------------------------------------------------------------------- the run


def _execute(run: Run, *, stores: bool) -> Flow:  # noqa: C901 - a run in its order
    """Call the user's function, and see to it that its result is stored and shared.

    A Spot that is shut down meanwhile leaves its store open for that.
    """
    engine, call = run.engine, run.call
    task, counted = call.task, call.task.counted
    observers = engine.observing() or NOBODY
    engine.running[run] = began = perf_counter()
    call.why = "refreshed" if call.refresh else call.why or "not stored"
    if observers.told or began >= observers.asks_at:
        observers.miss(task.func_identifier, call.key, call.why)
    watch = task.addressing.begin(call)
    if call.alone and watch is not None and watch.has_moved:  # its caller has changed an argument
        refuse_if_changed(engine, watch, call)
        return Outcome()
    if run.since is None:
        run.begin()
    call.began_at = run.began_at
    execution = Execute(call, observers, counted)
    try:
        outcome: Outcome = yield execution
    finally:  # also where it is interrupted
        run.took = execution.seconds
        counted.seconds_spent += run.took
        if monotonic() > engine.counting.counts_due:
            engine.counting.count_later()
    if outcome.error is not None:
        counted.failures += execution.has_begun
        if not task.is_result(outcome.error):
            if run.flight is not None:
                run.flight.finish(outcome)
            return (yield from _or_stale(engine, call, outcome))
    elif task.options.price is not None:
        engine.price(call, lambda: outcome.value)
    if not stores:
        return outcome
    # At once, before any other code runs: its caller, or a follower, may change the value.
    if watch is not None and refuse_if_changed(engine, watch, call):
        run.shared = None  # each of the followers runs the function itself
    elif run.prepare(outcome):
        yield from save(engine, run)
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
