"""How a task looks up where that may block: the event loop goes on meanwhile.

Where the store is a way to a server and back, the look-ups of an event loop's tasks that come in
one of its turns are one question.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from beautyspot.calls.flow import answer, given
from beautyspot.calls.steps import Block
from beautyspot.concurrency.waiting import Job, in_asyncio
from beautyspot.results.validity import ELSEWHERE, MISSING

if TYPE_CHECKING:
    from beautyspot.calls.engine import Engine
    from beautyspot.contracts import Entry
    from beautyspot.tasks.task import Call


async def answer_async(engine: Engine, call: Call) -> Any:
    """What `answer` gives, also where looking may block; `ELSEWHERE` outside of asyncio alone."""
    value = answer(engine, call, in_place=True)
    if value is not ELSEWHERE or not in_asyncio():
        return value
    value = await _look_up(engine, call)
    return value if value is MISSING else given(engine, call, value)


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
