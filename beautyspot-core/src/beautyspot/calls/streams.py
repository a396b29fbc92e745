"""Generators and async generators: a stream is passed on live, item by item, and stored at its end.

Each item is turned into bytes before it is handed on, since its consumer may change it. A stream
that is broken off, that raises, that depends on what is sent into it, or whose arguments are others
at its end than they were at its beginning, stores nothing. Streams have no single flight: while one
is recorded, another caller runs its own.
"""

from __future__ import annotations

import sys
import time
from functools import partial
from typing import TYPE_CHECKING, Any, Final, cast

from beautyspot.calls.flow import answer, not_stored
from beautyspot.calls.steps import Block
from beautyspot.calls.turn import Turn
from beautyspot.concurrency.event_loops import in_asyncio
from beautyspot.errors import SerializationError
from beautyspot.results.integrity import ELSEWHERE, MISSING

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Generator

    from beautyspot.calls.engine import Engine
    from beautyspot.concurrency.async_generators import AsyncSource
    from beautyspot.contracts import Data
    from beautyspot.tasks.task import Call

STREAM_BYTES: Final = 256 * 2**20
"""A longer stream is passed on and not stored: what is recorded waits in memory for its end."""


class Recording:
    """The items of a stream under way, as bytes.

    Raises:
        CacheMissError: the mode forbids running the function.
    """

    def __init__(self, engine: Engine, call: Call) -> None:
        self._engine = engine
        self._call = call
        mode = call.task.options.mode
        if mode == "replay":
            raise not_stored(call)
        self._items: list[Data] | None = [] if call.key and mode == "normal" else None
        self._bytes = 0
        self._began = time.perf_counter()
        if call.key:
            engine.stats.misses += 1

    def add(self, item: Any) -> None:
        """Record an item; where that can't be done the stream goes on unrecorded."""
        if self._items is None:
            return
        try:
            data = self._call.task.form.serializer.dumps(item)
            self._bytes += len(data)
            if self._bytes > STREAM_BYTES:
                raise SerializationError(f"the stream is over {STREAM_BYTES >> 20} MiB")
            self._items.append(data)
        except Exception as error:
            self.stop()
            advice = "The stream is passed on, and not cached"
            name = self._call.task.func_identifier
            self._engine.reporter.report("store the stream", name, error, advice)

    def stop(self) -> None:
        """Record no more: the stream depends on more than its arguments."""
        self._items = None

    def end(self, returned: Any) -> Block:
        """The step that stores the stream, which ended by itself and returned a value."""
        if self._items is not None and self._call.task.addressing.has_moved(self._call):
            self._engine.say_moved(self._call)
            self.stop()
        self.add(returned)
        return Block(self._store)

    def _store(self) -> None:
        items = self._items
        if items is None or not self._is_wanted(items):
            return
        with Turn(self._engine, self._call) as turn, turn:
            turn.took = time.perf_counter() - self._began
            turn.take_lease()  # or `collect` might remove the blob before a row names it
            if turn.encode(items) and not turn.queue():
                turn.save()

    def _is_wanted(self, items: list[Data]) -> bool:
        """What `cache_if` says of the list of items: of copies, since the real ones are gone."""
        task = self._call.task
        if task.options.cache_if is None:
            return True
        copies = [task.form.serializer.loads(item) for item in items[:-1]]
        return self._engine.keeps(task, copies)


# ------------------------------------------------------------------------------- generators


def generate(engine: Engine, call: Call) -> Generator[Any, Any, Any]:
    """A marked generator: what is stored, or the user's own, recorded."""
    items = answer(engine, call, in_place=False)
    if items is not MISSING:
        return (yield from _Replayed(call, items))
    return (yield from _Recorded(call, Recording(engine, call)))


def _open(call: Call) -> Any:
    return call.task.function(*call.args, **call.kwargs)


class _Recorded:
    """The user's generator, with what comes out of it recorded.

    Into this and those below, an error is thrown as into any generator: by itself, or as a type, a
    value and a traceback (`contextlib` of Python 3.11 does so).
    """

    def __init__(self, call: Call, recording: Recording) -> None:
        self._source: Generator[Any, Any, Any] = _open(call)
        self._recording = recording

    def __iter__(self) -> _Recorded:
        return self

    def __next__(self) -> Any:
        return self._take(partial(next, self._source))

    def _take(self, advance: Callable[[], Any]) -> Any:
        try:
            item = advance()
        except StopIteration as end:
            self._recording.end(end.value).perform()
            raise
        self._recording.add(item)
        return item

    def send(self, value: Any) -> Any:
        self._recording.stop()
        return self._take(partial(self._source.send, value))

    def throw(self, *error: Any) -> Any:
        self._recording.stop()
        return self._take(partial(self._source.throw, *error))

    def close(self) -> None:
        self._source.close()


class _Replayed:
    """Stored items; who sends or throws into them gets the user's own generator after all."""

    def __init__(self, call: Call, items: list[Any]) -> None:
        self._call = call
        *self._items, self._returned = items
        self._count = 0
        self._live: Generator[Any, Any, Any] | None = None

    def __iter__(self) -> _Replayed:
        return self

    def __next__(self) -> Any:
        if self._live is not None:
            return next(self._live)
        if self._count == len(self._items):
            raise StopIteration(self._returned)
        self._count += 1
        return self._items[self._count - 1]

    def _go_live(self) -> Generator[Any, Any, Any]:
        """The user's generator, run up to where the replay stands."""
        live = self._live
        if live is None:
            live = self._live = cast("Generator[Any, Any, Any]", _open(self._call))
            for _ in range(self._count):
                next(live)
        return live

    def send(self, value: Any) -> Any:
        return self._go_live().send(value)

    def throw(self, *error: Any) -> Any:
        return self._go_live().throw(*error)

    def close(self) -> None:
        if self._live is not None:
            self._live.close()


# ------------------------------------------------------------------------- async generators


async def find_source(engine: Engine, call: Call) -> AsyncSource:
    """A marked async generator: what is stored, or the user's own, recorded."""
    items = answer(engine, call, in_place=True)
    if (items is MISSING or items is ELSEWHERE) and not in_asyncio():
        return _find_elsewhere(engine, call, items)
    if items is ELSEWHERE:
        look = partial(engine.cache.recall, call)
        items = await Block(look).perform_async(engine.executor)
        if items is not MISSING:
            engine.hit(call)
    return _RecordedAsync(engine, call) if items is MISSING else _ReplayedAsync(call, items)


def _find_elsewhere(engine: Engine, call: Call, items: Any) -> AsyncSource:
    """One that is not found at once, in a loop of Trio's, say: nothing of ours can wait there."""
    if call.task.options.mode != "replay":
        engine.say_elsewhere(call)
        return cast("AsyncGenerator[Any, Any]", _open(call))
    if items is ELSEWHERE:
        items = engine.cache.recall(call)
    if items is MISSING:
        raise not_stored(call)
    engine.hit(call)
    return _ReplayedAsync(call, items)


class _RecordedAsync:
    """The user's async generator, with what comes out of it recorded."""

    def __init__(self, engine: Engine, call: Call) -> None:
        self._engine = engine
        self._recording = Recording(engine, call)
        self._source: AsyncGenerator[Any, Any] = _open(call)

    async def _take(self, advance: Awaitable[Any]) -> Any:
        try:
            item = await advance
        except StopAsyncIteration:
            await self._recording.end(None).perform_async(self._engine.executor)
            raise
        self._recording.add(item)
        return item

    async def asend(self, value: Any) -> Any:
        if value is not None:
            self._recording.stop()
        return await self._take(_unseen(self._source.asend, value))

    async def athrow(self, error: BaseException) -> Any:
        self._recording.stop()
        return await self._take(_unseen(self._source.athrow, error))

    async def aclose(self) -> None:
        await self._source.aclose()


def _unseen(step: Callable[..., Awaitable[Any]], *args: Any) -> Awaitable[Any]:
    """A step of a generator of which no event loop gets to know (PEP 525).

    At its end that would close it and ours, which closes it as well, at the same time.
    """
    hooks = sys.get_asyncgen_hooks()
    sys.set_asyncgen_hooks(None, None)
    try:
        return step(*args)
    finally:
        sys.set_asyncgen_hooks(*hooks)


class _ReplayedAsync:
    """Stored items; who sends or throws into them gets the user's own generator after all."""

    def __init__(self, call: Call, items: list[Any]) -> None:
        self._call = call
        self._items = items[:-1]
        self._count = 0
        self._live: AsyncGenerator[Any, Any] | None = None

    async def asend(self, value: Any) -> Any:
        if self._live is not None or value is not None:
            return await _unseen((await self._go_live()).asend, value)
        if self._count == len(self._items):
            raise StopAsyncIteration
        self._count += 1
        return self._items[self._count - 1]

    async def athrow(self, error: BaseException) -> Any:
        return await _unseen((await self._go_live()).athrow, error)

    async def _go_live(self) -> AsyncGenerator[Any, Any]:
        """The user's generator, run up to where the replay stands."""
        live = self._live
        if live is None:
            live = self._live = cast("AsyncGenerator[Any, Any]", _open(self._call))
            for _ in range(self._count):
                await _unseen(live.asend, None)
        return live

    async def aclose(self) -> None:
        if self._live is not None:
            await self._live.aclose()
