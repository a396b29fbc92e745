"""Generators and async generators: a stream is passed on live, item by item, and stored at its end.

Each item is turned into bytes before it is handed on, since its consumer may change it. A stream
that is broken off, that raises, that depends on what is sent into it, or whose arguments are others
at its end than they were at its beginning, stores nothing. Streams have no single flight: while one
is recorded, another caller runs its own.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from functools import partial
from operator import methodcaller
from typing import TYPE_CHECKING, Any, Final, Self

from beautyspot.calls.flow import answer, not_stored, warn_moved, warn_outside_asyncio
from beautyspot.calls.steps import Block
from beautyspot.calls.turn import Turn
from beautyspot.concurrency.waiting import in_asyncio
from beautyspot.errors import SerializationError
from beautyspot.results.validity import ELSEWHERE, MISSING

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Generator

    from beautyspot.calls.engine import Engine
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
            warn_moved(self._engine, self._call)
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


Resume = Callable[[Any], Any]
"""How a consumer goes on: calls `send` or `throw` of the user's generator."""

NEXT: Final = methodcaller("send", None)


def _open(call: Call) -> Any:
    return call.task.function(*call.args, **call.kwargs)


# ------------------------------------------------------------------------------- generators


def generate(engine: Engine, call: Call) -> Generator[Any, Any, Any]:
    """A marked generator: the stored items, or the user's own generator, recorded.

    A consumer that sends or throws something into stored items gets the user's own after all.
    """
    items = answer(engine, call, in_place=False)
    if items is MISSING:
        recording = Recording(engine, call)
        return (yield from _live(_open(call), NEXT, recording))
    for count, item in enumerate(items[:-1], 1):
        resume = yield from _handed_on(item)
        if resume is not NEXT:
            source = _open(call)
            for _ in range(count):
                next(source)
            return (yield from _live(source, resume, None))
    return items[-1]


def _live(
    source: Generator[Any, Any, Any], resume: Resume, recording: Recording | None
) -> Generator[Any, Any, Any]:
    try:
        while True:
            try:
                item = resume(source)
            except StopIteration as end:
                if recording is not None:
                    recording.end(end.value).perform()
                return end.value
            finally:
                del resume  # an error in it refers to this frame: a cycle for the collector
            if recording is not None:
                recording.add(item)
            resume = yield from _handed_on(item)
            if recording is not None and resume is not NEXT:
                recording.stop()
    finally:
        source.close()


def _handed_on(item: Any) -> Generator[Any, Any, Resume]:
    """Yield an item; how its consumer goes on."""
    try:
        sent = yield item
    except GeneratorExit:
        raise
    except BaseException as error:
        return methodcaller("throw", error)
    return NEXT if sent is None else methodcaller("send", sent)


# ------------------------------------------------------------------------- async generators


class AsyncStream:
    """The stored items of a call, or the user's own async generator, recorded.

    A source for `forwarding`.
    """

    def __init__(self, engine: Engine, call: Call) -> None:
        self._engine = engine
        self._call = call
        self._items: list[Any] = []
        self._count = 0
        self._recording: Recording | None = None
        self._source: AsyncGenerator[Any, Any] | None = None

    async def __aenter__(self) -> Self:
        engine, call = self._engine, self._call
        items = answer(engine, call, in_place=True)
        replay, here = call.task.options.mode == "replay", in_asyncio()
        if (items is MISSING or items is ELSEWHERE) and not here and not replay:
            warn_outside_asyncio(engine, call)  # in Trio, say, our waits do not work
            self._source = _open(call)
            return self
        if items is ELSEWHERE:
            look = Block(partial(engine.cache.recall, call))
            items = await look.perform_async(engine.executor) if here else look.perform()
            if items is not MISSING:
                engine.hit(call)
        if items is MISSING:
            self._recording = Recording(engine, call)
            self._source = _open(call)
        else:
            self._items = items
        return self

    async def __aexit__(self, *_: object) -> None:
        return None

    async def asend(self, value: Any, /) -> Any:
        """The next item; what is sent into stored items is for the user's own generator."""
        if value is not None:
            return await self._advance(methodcaller("asend", value))
        if self._source is not None:
            return await self._advance(None)
        if self._count == len(self._items) - 1:
            raise StopAsyncIteration
        self._count += 1
        return self._items[self._count - 1]

    async def athrow(self, error: BaseException, /) -> Any:
        """The next item of the user's own generator, with `error` raised inside."""
        return await self._advance(methodcaller("athrow", error))

    async def _advance(self, resume: Resume | None) -> Any:
        source = self._source
        if source is None:
            source = self._source = _open(self._call)
            for _ in range(self._count):
                await _unseen(source, None)
        recording = self._recording
        if recording is not None and resume is not None:
            recording.stop()
        try:
            item = await _unseen(source, resume)
        except StopAsyncIteration:
            if recording is not None:
                await recording.end(None).perform_async(self._engine.executor)
            raise
        finally:
            del resume  # an error in it refers to this frame: a cycle for the collector
        if recording is not None:
            recording.add(item)
        return item

    async def aclose(self) -> None:
        """Close the user's own generator, if it was opened."""
        if self._source is not None:
            await self._source.aclose()


def _unseen(source: AsyncGenerator[Any, Any], resume: Resume | None) -> Awaitable[Any]:
    """A step of a generator, hidden from the event loop's hooks (PEP 525).

    A loop that ends closes all generators that it knows at once. It would close this one while the
    marked one, which it knows too, is closing it.
    """
    hooks = sys.get_asyncgen_hooks()
    sys.set_asyncgen_hooks(None, None)
    try:
        step: Awaitable[Any] = source.asend(None) if resume is None else resume(source)
        return step
    finally:
        sys.set_asyncgen_hooks(*hooks)
