"""What a Spot tells those who watch it: the events, and what an observer is.

``Spot(observers=[…])`` takes functions of an event, and objects with a method `observe`, a method
`execution`, or both. No event holds an argument, a result, or the message of an error, which may
hold either. Times are in seconds, sizes in bytes, and each text but `key` is one of a bounded
number: a function's identifier, a Spot's name, the name of a class, or one of the words listed
here. Later releases may add events, words, and fields at the end of an event.

A call of a marked function is told by one `Hit`, or by one `Miss`. After a `Miss` the function
runs, and each execution ends with a `Ran` or a `Raised`; or there is none, and a `Refused` says so:
a limit or `mode="replay"` forbids it, or the call is given up while it waits. A call
that waits for the run of another one gets what that returns (a `Hit`) or raises (no event but the
other one's).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Literal, NamedTuple, Protocol

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

Place = Literal["store", "memory", "run"]
"""Where a hit found its result.

- "store": in the metadata store, or in the storage that a row of it names.
- "memory": in this process: the result is on its way to the store, or waits for it.
- "run": from a run of the same call in this process, for which the caller waited, or a stream that
  it joined.
"""

Where = Literal["row", "blob"]
"""Where a result was stored: in its row of the metadata store, or in the storage."""

Reason = Literal[
    "not stored",
    "expired",
    "too old",
    "invalidated",
    "refreshed",
    "damaged",
    "blob gone",
    "store failed",
    "no key",
    "switched off",
    "shut down",
    "outside asyncio",
]
"""Why a call is a miss.

- "not stored": nothing is stored under its key.
- "expired": what is stored is older than its `ttl`.
- "too old": what is stored is older than the `max_age` of a block of `Spot.using`.
- "invalidated": it was waiting for another run, whose result was invalidated meanwhile.
- "refreshed": it was asked for by `Spot.refresh`, or by ``mode="refresh"``.
- "damaged": what is stored can't be restored: its digest is wrong, say, or its class has changed.
- "blob gone": the storage has no such blob any more.
- "store failed": the metadata store or the storage could not be read.
- "no key": an argument has no stable form, so the call runs uncached.
- "switched off", "shut down": so is the Spot, and the call runs uncached.
- "outside asyncio": an asynchronous function runs uncached elsewhere, such as in Trio.
"""

Refusal = Literal[
    "rate",
    "cost",
    "given up",
    "mode",
    "cache_if",
    "serializer",
    "too large",
    "changed argument",
    "invalidated",
    "newer",
]
"""What was refused.

- "rate": the limiter let a call not in, as it would have to wait for too long (`RateLimitError`).
- "cost": a call costs more than the limit ever allows (`CostError`).
- "given up": a call was ended before its function began, such as one that was cancelled, or whose
  map ended, while it waited for a limit.
- "mode": the function may not run, by ``mode="replay"`` (`CacheMissError`).
- "cache_if": the function given as `cache_if` let a result not be stored.
- "serializer": a result has no stored form.
- "too large": a result is over what a row holds, and there is no storage for it.
- "changed argument": a result is not stored, since what its key is made of changed during the call.
- "invalidated": a result is not stored, since it was invalidated before it was there.
- "newer": a result is not stored, since that of a run that began later is there.
"""

Cause = Literal["limit", "run", "process"]
"""What a call waited for: a limit, a run of the same call by this Spot, or by another one.

"process" is another Spot, mostly of another process.
"""


class Hit(NamedTuple):
    """A call got a result without running its function.

    Attributes:
        spot: the Spot's name.
        function: the identifier of the marked function.
        key: of the call.
        saved: seconds that the execution took which it spared; 0.0 where that is not known.
        age: seconds since the result was made; None where that is not known.
        price: of the execution that it spared, in the unit of ``mark(price=)``; None without one.
        place: where the result was found.
        size: of the stored result, in bytes; None where that is not known without reading more.
    """

    spot: str
    function: str
    key: str
    saved: float
    age: float | None
    price: float | None
    place: Place
    size: int | None


class Miss(NamedTuple):
    """A call was not answered by the cache. Its function runs next, unless a `Refused` follows.

    Attributes:
        spot, function: as in `Hit`.
        key: of the call; "" if it has none.
        reason: why.
    """

    spot: str
    function: str
    key: str
    reason: Reason


class Ran(NamedTuple):
    """An execution of a marked function has returned; a generator has come to its end.

    Attributes:
        spot, function, key: as in `Miss`.
        seconds: how long it worked, as `TaskRecord.took`: from when it had its permit, for which
            it may have `Waited`; of a generator, without what its callers did between the items.
    """

    spot: str
    function: str
    key: str
    seconds: float


class Saved(NamedTuple):
    """A result was stored.

    Attributes:
        spot, function, key: as in `Hit`.
        size: in bytes.
        seconds: how long it took to store it; of several in one commit, the share of this one.
        place: "row": it is in the metadata store; "blob": it is in the storage.
        later: False where its caller waited for this; True where it did not, since it is a Spot
            with ``save="background"``, or the store had failed before.
        price: of the execution, as in `Hit`.
    """

    spot: str
    function: str
    key: str
    size: int
    seconds: float
    place: Where
    later: bool
    price: float | None


class Waited(NamedTuple):
    """A call waited, and goes on now.

    Attributes:
        spot: the Spot's name.
        function: the identifier of the function that is marked, or limited; "" for a permit of no
            function.
        key: of a marked function's call; "" if it waited for a limit.
        cause: what it waited for.
        seconds: how long.
    """

    spot: str
    function: str
    key: str
    cause: Cause
    seconds: float


class Refused(NamedTuple):
    """A call may not run, or its result may not be stored.

    Attributes:
        spot, function: as in `Waited`.
        key: of a marked function's call; "" if a limit refused it.
        by: what refused it.
    """

    spot: str
    function: str
    key: str
    by: Refusal


class Raised(NamedTuple):
    """An execution of a marked function has raised, or something failed in beautyspot itself.

    Attributes:
        spot: the Spot's name.
        function: the identifier of the function; "" if no function is concerned.
        key: of the call; "" if it has none, or something failed in beautyspot.
        operation: "run" if the function raised, or was interrupted: cancelled, say, or a generator
            that nobody reads any further. Else what beautyspot tried, as in `Trouble`.
        error: the class of what was raised: "ValueError".
        seconds: how long the function had worked, as in `Ran`; None if something failed in
            beautyspot.
    """

    spot: str
    function: str
    key: str
    operation: str
    error: str
    seconds: float | None


Event = Hit | Miss | Ran | Saved | Waited | Refused | Raised
"""What a function that observes is called with."""


class Execution(NamedTuple):
    """An execution of a marked function that is about to begin.

    Attributes:
        spot, function, key: as in `Miss`.
        kind: "function", "coroutine", "generator" or "async generator".
        reason: why the call is a miss, as in `Miss`.
    """

    spot: str
    function: str
    key: str
    kind: str
    reason: Reason


class Observes(Protocol):
    """An observer that is told of events."""

    def observe(self, event: Event, /) -> object:
        """Take note of an event: in any thread, several at a time, and before the call goes on."""


class Wraps(Protocol):
    """An observer that wraps executions, for a span, say."""

    def execution(self, execution: Execution, /) -> AbstractContextManager[object] | None:
        """A context in which the function runs; None for no context.

        It is entered and left where the function runs, so that what it puts into context variables
        is seen there; it has to take that back itself when it is left. It is told what the function
        raises, and can't stop that. That of a generator is entered before its first item, and left
        at its end, in a copy of the context of the call that began it: what it puts into context
        variables is seen by neither the generator nor its consumers.
        """


Observer = Callable[[Event], object] | Observes | Wraps
"""A function of an event, or an object with a method `observe`, `execution`, or both.

One that raises is left out from then on; a warning says so.
"""


class Progress(NamedTuple):
    """How far a `spot.map` is.

    Attributes:
        function: the identifier of the function.
        done: inputs that have a result, failed, or were refused.
        total: all inputs; None where their number is not known.
        hits: inputs whose result was stored, or made by another call.
        runs: calls that ran the function, and returned.
        failures: inputs whose call raised.
        unstored: of the runs, those whose result is not stored: it has no stored form or no key,
            `cache_if` refused it, the store failed, or the Spot is switched off, say. With
            ``save="background"`` a result counts as stored when it is queued.
        running: calls under way now.
        waiting: of these, those of a limited function that wait for their permit, or for an equal
            call.
        seconds: since the first input.
        left: seconds until all are done, if all the others run, as fast as calls have run by now;
            as fast as hits were found, where nothing runs or has run. None where that is unknown.
        refused: inputs whose call a limit refused, so that the function did not run.
    """

    function: str
    done: int
    total: int | None
    hits: int
    runs: int
    failures: int
    unstored: int
    running: int
    waiting: int
    seconds: float
    left: float | None
    refused: int = 0
