"""How a call looks up where that may block, takes the lease of its key, and looks once more.

The store is asked for the lease and all that the call needs to run its function by one question. In
a store that answers at once, that is done in place. For a store that may block it is one `Block`,
so that no event loop waits; and where the lease is given back by a call that ends without a save,
that is one as well.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final

from beautyspot.calls.steps import Block
from beautyspot.contracts import in_full, lacks_data
from beautyspot.errors import MetadataBusyError
from beautyspot.results.finding import while_locked
from beautyspot.results.validity import ELSEWHERE, MISSING

if TYPE_CHECKING:
    from collections.abc import Generator

    from beautyspot.calls.engine import Engine
    from beautyspot.calls.steps import Step
    from beautyspot.calls.turn import Turn
    from beautyspot.tasks.task import Call

HELD: Final = object()
"""In place of what is stored, where another call has the lease."""


def begin(turn: Turn) -> Generator[Step, Any, Any]:
    """Take the lease, and look: the value that is stored, or `MISSING`; `HELD`."""
    if turn.engine.blocking:
        return (yield Block(partial(take_and_look, turn)))
    try:
        held = _take(turn, patient=False)
    except MetadataBusyError:  # the store may have the lease all the same; to look has to wait
        held = not turn.take_lease()
    return HELD if held else (yield from look(turn.engine, turn.call))


def look(engine: Engine, call: Call) -> Generator[Step, Any, Any]:
    """What is stored, or `MISSING`: another process may have stored it since the first look-up."""
    value = ELSEWHERE if engine.blocking else engine.cache.recall(call, in_place=True)
    if value is ELSEWHERE:
        value = yield Block(partial(engine.cache.recall, call))
    return value


async def look_up(engine: Engine, call: Call) -> Any:
    """What `Cache.recall` gives for a call that has a key, without blocking the event loop."""
    cache, stale = engine.cache, call.task.stale is not None
    if cache.finding.tasks is not None and call.key not in cache.waiting:
        value = await _gathered(engine, call, stale=stale)
        if value is not ELSEWHERE:
            return value
    look = Block(partial(cache.recall, call, stale=stale))
    return await look.perform_async(engine.executor)


async def _gathered(engine: Engine, call: Call, *, stale: bool) -> Any:
    """The value of a row that is looked up with others; `ELSEWHERE` where more is to be read."""
    cache, tasks = engine.cache, engine.cache.finding.tasks
    assert tasks is not None  # noqa: S101 - the caller asks
    try:
        found = await tasks.find(call.key, engine.executor)
        entry = None if found is None else in_full(found)
    except Exception as error:
        call.why = call.why or "store failed"
        return cache.report_miss(call.task, error)
    if entry is None:
        return ELSEWHERE if call.task.addressing.earlier else MISSING
    if lacks_data(entry):
        return ELSEWHERE
    call.found = entry
    if call.task.to_compare:  # with the code in the row, which is another look-up
        return ELSEWHERE
    value = cache.recall(call, in_place=True, stale=stale)
    if value is ELSEWHERE:
        call.found = entry
    return value


def give_back(turn: Turn) -> Generator[Step, Any, None]:
    """Release a lease that nothing is saved under, before its caller goes on."""
    if turn.lease is not None:
        yield from give_all_back([turn])


def give_all_back(turns: list[Turn]) -> Generator[Step, Any, None]:
    """The same of several calls."""
    left = [turn for turn in turns if turn.lease is not None and not turn.saves]
    if left and left[0].engine.blocking:
        yield Block(partial(_release, left))


def _take(turn: Turn, *, patient: bool) -> bool:
    """Take the lease of a call, with what the store tells beside it; whether another has it.

    Raises:
        MetadataBusyError: the store is locked, and the caller is not `patient`.
    """
    cache, key = turn.engine.cache, turn.call.key
    store, before = cache.metadata, cache.invalidations.unknown()
    if not store.leases:
        return False
    try:
        beginning = while_locked(partial(store.begin, key)) if patient else store.begin(key)
    except Exception as error:
        if isinstance(error, MetadataBusyError) and not patient:
            raise
        turn.report_no_lease(error)
        return False
    if beginning is not None:
        turn.hold(beginning, before)
    return beginning is None


# ---------------------------------------------------------------------- in a thread that may wait


def take_and_look(turn: Turn) -> Any:
    """What `begin` gives, of a store that may block; this thread waits for it."""
    held = _take(turn, patient=True)
    return HELD if held else turn.engine.cache.recall(turn.call)


def look_and_take(turn: Turn) -> Any:
    """The same for a call that was woken: the holder has mostly stored the result by then.

    So the many calls that wait for one key do not queue for its lease one after the other.
    """
    if not turn.call.refresh:
        value = turn.engine.cache.recall(turn.call)
        if value is not MISSING:
            return value
    return take_and_look(turn)


def take_all(engine: Engine, turns: list[Turn]) -> list[Turn]:
    """Take the leases of several calls; those whose leases others have."""
    if engine.blocking:
        return _take_at_once(engine, turns)
    return [turn for turn in turns if not turn.take_lease()]


def _take_at_once(engine: Engine, turns: list[Turn]) -> list[Turn]:
    """The same of a store that may block: all of them by one question."""
    if len(turns) == 1:
        return turns if _take(turns[0], patient=True) else []
    cache = engine.cache
    store, before = cache.metadata, cache.invalidations.unknown()
    if not store.leases or not turns:
        return []
    keys = [turn.call.key for turn in turns]
    try:
        begun = while_locked(partial(store.begin_many, keys))
    except Exception as error:
        turns[0].report_no_lease(error)
        return []
    for turn in turns:
        beginning = begun.get(turn.call.key)
        if beginning is not None:
            turn.hold(beginning, before)
    return [turn for turn in turns if turn.call.key not in begun]


def _release(turns: list[Turn]) -> None:
    for turn in turns:
        turn.release()
