"""`AsyncInputs`: what a map over coroutine calls reads, of asynchronous iterables too."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterable, Iterator
from typing import TYPE_CHECKING, Any, Final

from beautyspot.batch.inputs import Inputs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from contextvars import Context

AHEAD: Final = 64
"""Inputs of an asynchronous iterable that are read before there is room for them."""

_END: Final = object()


class AsyncInputs:
    """The inputs of a map of which at least one iterable is asynchronous.

    A task reads them, since the next one may take long to come. Of what it reads, at most `AHEAD`
    inputs wait until they are asked for.

    Args:
        iterables: of both kinds; the shortest ends it.
        came: called when there is something new: inputs, or the end.
        context: in which they are read.

    Attributes:
        has_ended: whether all were read, and given.
        error: what an iterable raised, which ends the inputs too.
    """

    def __init__(
        self,
        iterables: tuple[Iterable[Any] | AsyncIterable[Any], ...],
        came: Callable[[], object],
        context: Context,
    ) -> None:
        self._iterables = iterables
        self._came = came
        self._context = context
        self._read: deque[tuple[Any, ...]] = deque()
        self._room = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._is_over = False
        self.error: BaseException | None = None

    @property
    def has_ended(self) -> bool:
        """Whether all were read, and given."""
        return self._is_over and not self._read

    def page(self, size: int) -> list[tuple[Any, ...]]:
        """The arguments of the next calls: at most so many, of those that have come by now."""
        if self._task is None and not self._is_over:
            loop = asyncio.get_running_loop()
            self._task = loop.create_task(self._read_on(), context=self._context.copy())
        read = self._read
        page = [read.popleft() for _ in range(min(size, len(read)))]
        self._room.set()
        return page

    async def _read_on(self) -> None:
        try:
            iterators = [
                aiter(each) if isinstance(each, AsyncIterable) else iter(each)
                for each in self._iterables
            ]
            while (args := await _next_of(iterators)) is not None:
                self._read.append(args)
                self._came()
                while len(self._read) >= AHEAD:
                    self._room.clear()
                    await self._room.wait()
        except Exception as error:
            self.error = error
        except BaseException as error:
            self.error = error
            raise
        finally:
            self._is_over, self._iterables = True, ()
            self._came()

    async def close(self) -> None:
        """Read no more."""
        task, self._is_over = self._task, True
        self._read.clear()
        if task is not None and not task.done():
            task.cancel()
            await asyncio.wait([task])


def inputs_of(
    iterables: tuple[Iterable[Any] | AsyncIterable[Any], ...],
    came: Callable[[], object],
    context: Context,
) -> Inputs | AsyncInputs:
    """What reads these iterables."""
    if any(isinstance(each, AsyncIterable) for each in iterables):
        return AsyncInputs(iterables, came, context)
    return Inputs(iterables)  # type: ignore[arg-type]  # none of them is asynchronous


async def _next_of(iterators: list[Any]) -> tuple[Any, ...] | None:
    """The next item of each; None where one has ended."""
    items: list[Any] = []
    for iterator in iterators:
        is_plain = isinstance(iterator, Iterator)
        item = next(iterator, _END) if is_plain else await anext(iterator, _END)
        if item is _END:
            return None
        items.append(item)
    return tuple(items)
