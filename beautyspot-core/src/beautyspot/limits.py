"""`Spot.limiter`: a function that waits for its permit before it runs.

The limiter's refusals (`CostError`, `RateLimitError`) reach the caller before the function runs. A
limiter that *fails* lets the call through, with one warning: a broken limit is no reason to lose
the caller's work.
"""

from __future__ import annotations

import functools
import math
from functools import partial
from typing import TYPE_CHECKING, Any

from beautyspot.errors import ConfigError, CostError, RateLimitError
from beautyspot.forwarding import LateSource, forwarding
from beautyspot.steps import Block
from beautyspot.task import is_marked
from beautyspot.wrappers import kind_of

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from beautyspot.contracts import LimiterBase
    from beautyspot.engine import Engine
    from beautyspot.forwarding import AsyncSource


class Limit:
    """What a call costs, and who grants it.

    Raises:
        ConfigError: the cost or the time-out can never be granted.
    """

    def __init__(
        self,
        engine: Engine,
        bucket: LimiterBase,
        cost: float | Callable[..., float],
        timeout: float | None,
    ) -> None:
        self._engine = engine
        self._bucket = bucket
        self._cost = cost
        self._timeout = timeout
        _check(cost, timeout)

    def wait(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """Wait in this thread for the permit of one call."""
        cost = self.cost_of(args, kwargs)
        try:
            with self._engine.limiting.watching():
                self._bucket.consume(cost, timeout=self._timeout)
        except (CostError, RateLimitError):
            raise
        except Exception as error:
            advice = "The call goes on unlimited"
            self._engine.reporter.report("ask the limiter", "", error, advice)

    async def wait_async(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """Wait in this task for the permit of one call."""
        cost = self.cost_of(args, kwargs)
        try:
            with self._engine.limiting.watching():
                await self._consume_async(cost)
        except (CostError, RateLimitError):
            raise
        except Exception as error:
            advice = "The call goes on unlimited"
            self._engine.reporter.report("ask the limiter", "", error, advice)

    async def _consume_async(self, cost: float) -> None:
        if self._bucket.blocking:  # a limiter on a network: not on the event loop
            ask = partial(self._bucket.consume, cost, timeout=self._timeout)
            await Block(ask).perform_async(self._engine.executor)
        else:
            await self._bucket.consume_async(cost, timeout=self._timeout)

    def warn_above_mark(self, function: Callable[..., Any]) -> None:
        """Above a mark every call pays, a hit too; hardly what is meant."""
        name = getattr(function, "__qualname__", repr(function))
        self._engine.reporter.once(
            f"limiter above mark {name}",
            f"@limiter stands above @mark on {name}, so hits pay as well: put @mark on top",
        )

    def cost_of(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> float:
        """The cost of one call. What the user's cost function raises reaches the user."""
        return self._cost(*args, **kwargs) if callable(self._cost) else self._cost


def _check(cost: object, timeout: object) -> None:
    number = isinstance(cost, int | float) and not isinstance(cost, bool)
    if not callable(cost) and not (number and 0 < cost < math.inf):  # type: ignore[operator]
        raise ConfigError(
            f"limiter(cost={cost!r}) does not fit: give a positive number, or a function of the "
            "call's arguments that returns one"
        )
    if timeout is None:
        return
    number = isinstance(timeout, int | float) and not isinstance(timeout, bool)
    if not (number and timeout >= 0):  # type: ignore[operator]
        raise ConfigError(f"limiter(timeout={timeout!r}) does not fit: give seconds, 0 or more")


def limited(limit: Limit, function: Any) -> Any:
    """The function behind its permit, of the same kind as before."""
    if isinstance(function, classmethod | staticmethod):
        return type(function)(limited(limit, function.__func__))
    if not callable(function):
        raise ConfigError(f"limiter takes a function, not {function!r:.80}: write it above a def")
    if is_marked(function):
        limit.warn_above_mark(function)
    wrapper = _WRAP[kind_of(function)](limit, function)
    functools.update_wrapper(wrapper, function)
    wrapper.__beautyspot__ = limit  # type: ignore[attr-defined]  # a function takes any attribute
    return wrapper


def _limit_function(limit: Limit, function: Callable[..., Any]) -> Callable[..., Any]:
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        limit.wait(args, kwargs)
        return function(*args, **kwargs)

    return wrapper


def _limit_coroutine(limit: Limit, function: Callable[..., Any]) -> Callable[..., Any]:
    async def wrapper(*args: Any, **kwargs: Any) -> Any:
        await limit.wait_async(args, kwargs)
        return await function(*args, **kwargs)

    return wrapper


def _limit_generator(limit: Limit, function: Callable[..., Any]) -> Callable[..., Any]:
    def wrapper(*args: Any, **kwargs: Any) -> Generator[Any, Any, Any]:
        limit.wait(args, kwargs)
        return (yield from function(*args, **kwargs))

    return wrapper


def _limit_async_generator(limit: Limit, function: Callable[..., Any]) -> Callable[..., Any]:
    def open_source(args: tuple[Any, ...], kwargs: dict[str, Any]) -> AsyncSource:
        async def find() -> AsyncSource:
            await limit.wait_async(args, kwargs)
            source: AsyncSource = function(*args, **kwargs)
            return source

        return LateSource(find)

    return forwarding(open_source)


_WRAP = {
    "function": _limit_function,
    "coroutine": _limit_coroutine,
    "generator": _limit_generator,
    "async generator": _limit_async_generator,
}
