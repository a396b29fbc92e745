"""How a call of an event loop looks up what may block: in the executor, and with others at once."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from beautyspot.calls.steps import Block
from beautyspot.contracts import in_full, lacks_data
from beautyspot.results.validity import ELSEWHERE, MISSING

if TYPE_CHECKING:
    from beautyspot.calls.engine import Engine
    from beautyspot.tasks.task import Call


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
