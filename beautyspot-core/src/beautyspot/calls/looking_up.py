"""How a task looks up where that may block: the event loop goes on meanwhile.

Where the store is a way to a server and back, the look-ups of an event loop's tasks that come at
once are one question. A lone task waits for nobody.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final

from beautyspot.calls.flow import answer, given
from beautyspot.calls.steps import Block
from beautyspot.concurrency.waiting import Job, in_asyncio
from beautyspot.errors import MetadataError
from beautyspot.results.validity import ELSEWHERE, MISSING

if TYPE_CHECKING:
    import asyncio

    from beautyspot.calls.engine import Engine
    from beautyspot.contracts import Entry
    from beautyspot.tasks.task import Call

AT_ONCE: Final = 2
"""Questions under way: while one waits for the network, the results of another are used."""

LARGEST: Final = 1000
"""Keys of one question."""


async def answer_async(engine: Engine, call: Call) -> Any:
    """What `answer` gives, also where looking may block; `ELSEWHERE` outside of asyncio alone."""
    value = answer(engine, call, in_place=True)
    if value is not ELSEWHERE or not in_asyncio():
        return value
    value = await _look_up(engine, call)
    return value if value is MISSING else given(engine, call, value)


async def _look_up(engine: Engine, call: Call) -> Any:
    """What `Cache.recall` gives for a call that has a key."""
    import asyncio

    cache, task = engine.cache, call.task
    look = partial(cache.recall, call, stale=task.stale is not None)
    if engine.blocking:
        loop = asyncio.get_running_loop()
        gathering = engine.look_ups.get(loop)
        if gathering is None:
            gathering = engine.look_ups[loop] = LookUps(engine)
        found = await gathering.find(call.key)
        if found is None and not task.addressing.earlier:
            return MISSING
        call.found = found
        if not task.to_compare:  # with the code in the row, which is another question
            value = look(in_place=True)
            if value is not ELSEWHERE:
                return value
            call.found = found
    return await Block(look).perform_async(engine.executor)


class LookUps:
    """The look-ups of the tasks of one event loop."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._waiting: list[tuple[str, asyncio.Future[Entry | Exception | None]]] = []
        self._under_way = 0

    async def find(self, key: str) -> Entry | Exception | None:
        """What is stored under a key, asked after this call began; the error where that failed."""
        import asyncio

        answer: asyncio.Future[Entry | Exception | None]
        answer = asyncio.get_running_loop().create_future()
        self._waiting.append((key, answer))
        if self._under_way < AT_ONCE:
            self._under_way += 1
            self._engine.behind.start(self._ask())
        return await answer

    async def _ask(self) -> None:
        """Ask for all keys that wait, until none do."""
        import asyncio

        try:
            await asyncio.sleep(0)  # those that come in the same turn of the loop take part
            while self._waiting:
                batch, self._waiting = self._waiting[:LARGEST], self._waiting[LARGEST:]
                keys = list({key for key, answer in batch if not answer.done()})
                error: Exception | None = MetadataError("the task that looks up was broken off")
                found: dict[str, Entry] = {}
                try:
                    ask = partial(self._engine.cache.find_many, keys)
                    found = await Job(ask).run_in(self._engine.executor)
                    error = None
                except Exception as raised:
                    error = raised
                finally:
                    for key, answer in batch:
                        if not answer.done():
                            answer.set_result(error or found.get(key))
                    del error, batch  # an error refers to this frame: a cycle for the collector
        finally:
            self._under_way -= 1
