"""How a call takes the lease of its key, and looks once more for what others have stored.

The store is asked for the lease and all that the call needs to run its function by one question. In
a store that answers at once, that is done in place. For a store that may block it is one `Block`,
so that no event loop waits; and where the lease is given back by a call that ends without a save,
that is one as well.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final

from beautyspot.calls.steps import Block
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
