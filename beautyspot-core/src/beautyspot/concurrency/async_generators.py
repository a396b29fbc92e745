"""`yield from` for async generators, which the language does not have (PEP 380 spelled out)."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable


class AsyncSource(Protocol):
    """What an async generator and our stand-ins for one have in common."""

    def asend(self, value: Any, /) -> Awaitable[Any]:
        """The next item, with `value` sent in."""
        ...

    def athrow(self, error: BaseException, /) -> Awaitable[Any]:
        """The next item, with `error` raised inside."""
        ...

    def aclose(self) -> Awaitable[None]:
        """End it."""
        ...


def forwarding(
    open_source: Callable[[tuple[Any, ...], dict[str, Any]], AsyncSource],
) -> Callable[..., AsyncGenerator[Any, Any]]:
    """An async generator function whose calls hand on what `open_source(args, kwargs)` yields.

    Hands in all that is sent or thrown, and closes the source when it is closed itself.
    """

    async def wrapper(*args: Any, **kwargs: Any) -> AsyncGenerator[Any, Any]:
        source = open_source(args, kwargs)
        advance: Callable[[], Awaitable[Any]] = partial(source.asend, None)
        while True:
            try:
                item = await advance()
            except StopAsyncIteration:
                return
            try:
                sent = yield item
            except GeneratorExit:
                await source.aclose()
                raise
            except BaseException as error:
                advance = partial(source.athrow, error)
            else:
                advance = partial(source.asend, sent)

    return wrapper


class LateSource:
    """A source that is only found, by awaiting `find`, when it is first asked for an item."""

    def __init__(self, find: Callable[[], Awaitable[AsyncSource]]) -> None:
        self._find = find
        self._source: AsyncSource | None = None

    async def asend(self, value: Any, /) -> Any:
        """The next item, with `value` sent in."""
        if self._source is None:
            self._source = await self._find()
        return await self._source.asend(value)

    async def athrow(self, error: BaseException, /) -> Any:
        """The next item, with `error` raised inside."""
        if self._source is None:
            raise error
        return await self._source.athrow(error)

    async def aclose(self) -> None:
        """End it, if it was begun."""
        if self._source is not None:
            await self._source.aclose()
