"""How the caller of a generator comes to a run of it: it joins one under way, or begins one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from beautyspot.calls.executions import observed
from beautyspot.calls.following import is_outdated, moment_of
from beautyspot.calls.recording import Consumer, Recording
from beautyspot.calls.reports import has_new_version
from beautyspot.calls.steps import Outcome
from beautyspot.concurrency.queueing import Work

if TYPE_CHECKING:
    from beautyspot.calls.engine import Engine
    from beautyspot.calls.recording import Flow
    from beautyspot.tasks.task import Call


def joining(engine: Engine, call: Call, place: object, seen: int) -> Flow:
    """The flow that joins the run under way, or begins one.

    Args:
        engine: of the Spot.
        call: the consumer's, which has a key.
        place: where it runs: an event loop, or None for a plain generator: any thread.
        seen: what `engine.streams.ended` was before the store was asked for the result.

    Returns:
        The `Consumer`; None where a run came to its end since, or the call has another key by now:
        look again.
    """
    if has_new_version(engine, call):
        call.key = ""
        return Outcome(None)
    runs, key = engine.streams, (call.key, place)
    if call.mode == "readonly":
        return Outcome(begin_alone(engine, call))
    call.began_at = engine.cache.clock()
    call.since = yield from moment_of(engine, call)
    found = runs.get(key)
    anew = call.refresh or (
        found is not None and (yield from is_outdated(engine, call, found.call.since))
    )
    with runs.lock:
        recording = None if anew else runs.get(key)
        if recording is None and runs.ended != seen and not anew:
            return Outcome(None)
        if recording is None:
            recording = Recording(engine, call, key)
            runs.open(key, recording)
        else:
            engine.hit(call, "run")
        return Outcome(Consumer(recording))


def begin_alone(engine: Engine, call: Call) -> Consumer:
    """Begin a run that nobody joins."""
    return Consumer(Recording(engine, call, None))


def opened(engine: Engine, call: Call) -> Any:
    """The user's own generator, of which nothing has run yet."""
    if engine.observers.watching:
        return observed(engine.observers, call, Work(is_limited=call.task.is_limited))
    return call.task.function(*call.args, **call.kwargs)
