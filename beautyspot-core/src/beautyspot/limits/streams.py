"""Limited generators, as long as they run: what they call is a part of their call.

Their consumers run between two items, and are no part of it.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Generator
    from contextlib import AbstractContextManager


def within(
    place: AbstractContextManager[None], source: Generator[Any, Any, Any]
) -> Generator[Any, Any, Any]:
    """``yield from source``, each step of it within the place (PEP 380 spelled out)."""
    resume: Callable[[], Any] = partial(next, source)
    while True:
        try:
            with place:
                item = resume()
        except StopIteration as end:
            return end.value
        try:
            sent = yield item
        except GeneratorExit:
            with place:
                source.close()
            raise
        except BaseException as error:
            resume = partial(source.throw, error)
        else:
            resume = partial(source.send, sent)


class AsyncWithin:
    """The same for an async generator: a source for `forwarding`."""

    def __init__(
        self, place: AbstractContextManager[None], source: AsyncGenerator[Any, Any]
    ) -> None:
        self._place = place
        self._source = source

    async def asend(self, value: Any, /) -> Any:
        """The next item."""
        with self._place:
            return await self._source.asend(value)

    async def athrow(self, error: BaseException, /) -> Any:
        """The next item, with `error` raised inside."""
        with self._place:
            return await self._source.athrow(error)

    async def aclose(self) -> None:
        """End it."""
        with self._place:
            await self._source.aclose()
