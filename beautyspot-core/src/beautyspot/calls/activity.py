"""`Activity`: what goes on now in this process, as `Spot.activity` tells it.

Nothing is noted for it but when a call began, where a call is registered anyway. All tables are
copied in one step each before they are read, so calls go on meanwhile.
"""

from __future__ import annotations

from dataclasses import dataclass
from time import monotonic, perf_counter
from typing import TYPE_CHECKING, Literal

from beautyspot.calls.runs import Run
from beautyspot.limits.limiting import LimiterCounts

if TYPE_CHECKING:
    from collections.abc import Iterable

    from beautyspot.calls.engine import Engine
    from beautyspot.limits.limiting import Limiting
    from beautyspot.observing import Progress


class Stats(LimiterCounts):
    """What `Spot.stats` gives.

    Attributes:
        hits: calls that got a result without a run.
        misses: executions of functions whose calls were looked up; none is counted where a limit
            refused the call, or it was given up before its function began.
        failures: those of them that raised.
        bypassed: calls that ran uncached.
        changed: results that were not stored, since what their key is made of changed meanwhile.
        errors: failures of beautyspot.
        seconds_saved: how long the executions worked that hits made unnecessary, each from when it
            had its permit.
        seconds_spent: how long the executions worked.
        money_saved, money_spent: the same of what they cost.
        entries, bytes: of all results in the store; None if it fails, and after `shutdown`.
        unsaved: results that wait in memory for a store that fails.
        resting: kinds of operation of the backends that are not tried at the moment, since they
            failed.
    """

    hits: int
    misses: int
    failures: int
    bypassed: int
    changed: int
    errors: int
    seconds_saved: float
    seconds_spent: float
    money_saved: float
    money_spent: float
    entries: int | None
    bytes: int | None
    unsaved: int
    resting: int


@dataclass(frozen=True, slots=True)
class RunningCall:
    """A call that runs its function.

    Attributes:
        function: the function's identifier.
        key: the call's key.
        seconds: since the function began.
        is_storing: whether the function has returned, and the result is being stored.
    """

    function: str
    key: str
    seconds: float
    is_storing: bool = False


@dataclass(frozen=True, slots=True)
class WaitingCall:
    """A call that waits.

    Attributes:
        function: the function's identifier; "spot.limit()" for a permit of a block.
        key: the call's key; "" of one that waits for a limit.
        waits_for: "rate" or "max_concurrent" for a limit, "run" for another call of this process
            that makes the result, "process" for one of another process or Spot.
        seconds: since it began to wait.
    """

    function: str
    key: str
    waits_for: Literal["rate", "max_concurrent", "run", "process"]
    seconds: float


@dataclass(frozen=True, slots=True)
class RestingBackend:
    """A backend that is not asked at the moment, since it failed.

    Attributes:
        name: which backend, such as "metadata store".
        seconds: until it is tried again; 0.0 where the next call does that.
    """

    name: str
    seconds: float


@dataclass(frozen=True, slots=True)
class ActiveLimit:
    """A limit of the Spot.

    Attributes:
        name: as it is named among several; "rate" where there is one.
        kind: the name of the limiter, such as "gcra".
        rate: how much may go in a second; None where that is not known.
        burst: how much may go at once after idling; None where that is not known.
        per_process: whether each process has the whole rate.
        is_away: whether it fails, and this process keeps its share of the rate.
    """

    name: str
    kind: str
    rate: float | None
    burst: float | None
    per_process: bool
    is_away: bool


@dataclass(frozen=True, slots=True)
class Activity:
    """What goes on now, in this process, of one Spot. Arguments are not in it.

    Attributes:
        spot: the Spot's name.
        is_closed: whether the Spot was shut down; calls that were under way then are still here.
        running: calls that run their function, those that began first before the others. Calls that
            run uncached are not among them.
        waiting: calls that wait, likewise. A marked function that waits for a limit beneath its
            mark is among the running ones, too.
        unsaved: results that wait in memory for a store that failed.
        unsaved_bytes: their size.
        queued: results that wait for the thread that saves in the background.
        queued_bytes: their size.
        resting: what is not tried at the moment, since it failed.
        limits: the limits of the Spot's rate.
        grants_last_minute: permits of the last 60 seconds.
        maps: those under way, of those with a `progress=`.
    """

    spot: str
    is_closed: bool
    running: tuple[RunningCall, ...]
    waiting: tuple[WaitingCall, ...]
    unsaved: int
    unsaved_bytes: int
    queued: int
    queued_bytes: int
    resting: tuple[RestingBackend, ...]
    limits: tuple[ActiveLimit, ...]
    grants_last_minute: int
    maps: tuple[Progress, ...]


def activity(spot: str, engine: Engine, limiting: Limiting) -> Activity:
    """What goes on in a Spot.

    Args:
        spot: its name.
        engine: its engine.
        limiting: its limits.
    """
    cache = engine.cache
    unsaved = cache.writer.unsaved
    unsaved_bytes = sum(pending.size for pending in unsaved)
    breakers = (cache.store.breaker, cache.storage.breaker, *limiting.breakers)
    resting = [
        RestingBackend(breaker.what.removeprefix("the "), breaker.rest_left())
        for breaker in breakers
        if breaker.is_open
    ]
    if seconds := cache.writer.rest_left():
        resting.insert(0, RestingBackend("metadata store (saves)", seconds))
    return Activity(
        spot=spot,
        is_closed=engine.closed,
        running=tuple(sorted(_running(engine), key=lambda each: -each.seconds)),
        waiting=tuple(sorted(_waiting(engine, limiting), key=lambda each: -each.seconds)),
        unsaved=len(unsaved),
        unsaved_bytes=unsaved_bytes,
        queued=len(cache.writer.pending) - len(unsaved),
        queued_bytes=cache.writer.size - unsaved_bytes,
        resting=tuple(resting),
        limits=tuple(_limits(limiting)),
        grants_last_minute=limiting.stats.last_minute(),
        maps=tuple(each.progress() for each in list(engine.maps.values()) if not each.has_ended),
    )


def _running(engine: Engine) -> Iterable[RunningCall]:
    now = perf_counter()
    for run, began in list(engine.running.items()):
        if began is not None and isinstance(run, Run):
            name, seconds = run.call.task.func_identifier, max(0.0, now - began)
            yield RunningCall(name, run.call.key, seconds, run.pending is not None)


def _waiting(engine: Engine, limiting: Limiting) -> Iterable[WaitingCall]:
    now = perf_counter()
    for call, cause, began in list(engine.waiting.values()):
        yield WaitingCall(call.task.func_identifier, call.key, cause, max(0.0, now - began))
    now = monotonic()
    for name, began, awaits in limiting.asked():
        yield WaitingCall(name, "", awaits, max(0.0, now - began))


def _limits(limiting: Limiting) -> Iterable[ActiveLimit]:
    bucket, away = limiting.bucket, limiting.is_away
    if bucket is not None:
        for name, rate in bucket.limits.items():
            speed, burst = rate.per_second, rate.burst
            yield ActiveLimit(name, bucket.name, speed, burst, not bucket.shared, away)
