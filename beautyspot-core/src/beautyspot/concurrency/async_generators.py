"""`yield from` for async generators, which the language does not have (PEP 380 spelled out)."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable
    from contextlib import AbstractAsyncContextManager


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
    open_source: Callable[
        [tuple[Any, ...], dict[str, Any]], AbstractAsyncContextManager[AsyncSource]
    ],
) -> Callable[..., AsyncGenerator[Any, Any]]:
    """An async generator function whose calls hand on what `open_source(args, kwargs)` yields.

    The source is opened when the first item is asked for. All that is sent or thrown is handed to
    it, and it is closed when the generator is.
    """

    async def wrapper(*args: Any, **kwargs: Any) -> AsyncGenerator[Any, Any]:
        async with open_source(args, kwargs) as source:
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
