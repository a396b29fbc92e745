"""`Spot.limiter`: a function that waits for its permit before it runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

from beautyspot.contracts.backend import ARGUMENTS, say_whose
from beautyspot.errors import ConfigError
from beautyspot.functions.identity import kind_of, look_like
from beautyspot.functions.names import LIMITED, OURS, identifier_of, is_ours
from beautyspot.limits.checks import (
    check_cost,
    check_fits,
    check_function,
    check_key,
    check_max_concurrent,
    check_settle,
    checked_timeout,
)
from beautyspot.limits.concurrency_cap import Caps
from beautyspot.limits.payer import Payer
from beautyspot.limits.permit import Permit

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Generator
    from datetime import timedelta

    from beautyspot.limits.limiting import Limiting
    from beautyspot.limits.permit import Cost

CallCost = float | Callable[..., Any] | Mapping[str, float | Callable[..., float]]
"""A cost, or functions of a call's arguments that return it, or a part of it."""


class Home(Protocol):
    """The Spot that a limit is of."""

    def _limit(self, **options: Any) -> Limit: ...


def _make_limit(home: Home, options: dict[str, Any], caps: str) -> Limit:
    limit = home._limit(**options)
    if limit._caps is not None:
        limit._caps.name = caps
    return limit


class Limit:
    """What the calls of limited functions cost, and how long they may wait.

    Args:
        home: the Spot, which the limited functions keep.
        limiting: of that Spot.
        cost, timeout, key, settle, max_concurrent: see `Spot.limiter`.

    Raises:
        ConfigError: an option can never be fulfilled.
    """

    def __init__(
        self,
        home: Home,
        limiting: Limiting,
        *,
        cost: CallCost | None = None,
        timeout: float | str | timedelta | None = None,
        key: Callable[..., str] | None = None,
        settle: Callable[[Any], Cost] | None = None,
        max_concurrent: int | None = None,
    ) -> None:
        bucket = limiting.bucket
        check_cost(cost, bucket)
        check_function("key", key, "the call's arguments that returns a text")
        check_function("settle", settle, "the call's result that returns its real cost")
        check_max_concurrent(max_concurrent)
        check_settle(settle, bucket)
        self._home = home
        self._limiting = limiting
        self._cost = 1 if cost is None else cost
        self._timeout = checked_timeout(timeout)
        self._key = key
        self._settle = settle
        self._caps = None if max_concurrent is None else Caps(max_concurrent)
        self._given = {
            "cost": cost, "timeout": timeout, "key": key, "settle": settle,
            "max_concurrent": max_concurrent,
        }  # fmt: skip

    def __reduce__(self) -> tuple[Any, ...]:
        """Travel to another process as the options; the Spot there has a limiter of its own."""
        return _make_limit, (self._home, self._given, self._caps.name if self._caps else "")

    def permit(self, payer: Payer, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Permit:
        """The permit of one call, which is asked for when it is entered.

        What the functions given as `key` and `cost` raise reaches the caller, with a note that
        says which of them it was.
        """
        option = "key"
        try:
            key = None if self._key is None else check_key(self._key(*args, **kwargs))
            option = "cost"
            cost = self._cost_of(args, kwargs)
        except Exception as error:
            say_whose(error, f"limiter({option}=)", identifier_of(payer.function), ARGUMENTS)
            raise
        cap = None if self._caps is None else self._caps.of(key)
        return Permit(
            self._limiting, cost, self._timeout,
            key=key, cap=cap, payer=payer,
        )  # fmt: skip

    def settle(self, function: Callable[..., Any], permit: Permit, result: Any) -> None:
        """Correct the cost of a call by its result. An error is reported, and not raised."""
        if self._settle is None:
            return
        try:
            permit.settle(self._settle(result))
        except Exception as error:
            advice = "The limit is kept by the estimate: mend the function given as settle="
            name = identifier_of(function)
            self._limiting.reporter.report("settle a cost", name, error, advice)

    def check_function(self, function: Callable[..., Any]) -> None:
        """Refuse functions given as `cost` and `key` that can't take the function's arguments.

        Raises:
            ConfigError: says what they take, and what it takes.
        """
        check_fits("cost", self._cost, function)
        check_fits("key", self._key, function)

    def check_kind(self, kind: str) -> None:
        """Refuse to settle by the result of a generator, which has many.

        Raises:
            ConfigError: says what to do.
        """
        if self._settle is not None and "generator" in kind:
            raise ConfigError(
                "limiter(settle=) does not fit a generator, which has no one result: write "
                "`with spot.limit(cost=...) as permit` in it, and permit.settle(...)"
            )

    def name_caps(self, function: Callable[..., Any]) -> None:
        """Call the caps after the first function, in all processes by the same name.

        Where several limits stand above each other, each has a name of its own.
        """
        if self._caps is not None and not self._caps.name:
            inner, depth = function, 0
            while is_limited(inner):
                inner, depth = inner.__wrapped__, depth + 1  # type: ignore[attr-defined]
            self._caps.name = f"{identifier_of(inner)}\n{depth}"

    def warn_above_mark(self, function: Callable[..., Any]) -> None:
        """Warn that hits pay as well, since the limiter stands above the mark."""
        name = getattr(function, "__qualname__", repr(function))
        self._limiting.reporter.once(
            f"limiter above mark {name}",
            f"@limiter stands above @mark on {name}, so hits pay as well: put @mark on top",
        )

    def _cost_of(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        cost = self._cost
        if isinstance(cost, Mapping):
            return {
                name: part(*args, **kwargs) if callable(part) else part
                for name, part in cost.items()
            }
        return cost(*args, **kwargs) if callable(cost) else cost


# ------------------------------------------------------------------------------------ wrappers


def limited(limit: Limit, function: Any) -> Any:
    """The function behind its permit, of the same kind as before."""
    if isinstance(function, classmethod | staticmethod):
        return type(function)(limited(limit, function.__func__))
    if not callable(function):
        raise ConfigError(
            f"limiter takes a function, not {function!r:.80}: write @spot.limiter above a def"
        )
    if _is_marked(function):
        limit.warn_above_mark(function)
    kind = kind_of(function)
    limit.check_kind(kind)
    limit.check_function(function)
    limit.name_caps(function)
    payer = Payer(function)
    wrapper = _WRAP[kind](limit, payer)
    look_like(wrapper, function)
    wrapper.__beautyspot__ = limit  # type: ignore[attr-defined]  # a function takes any attribute
    setattr(wrapper, LIMITED, payer)
    return wrapper


def is_limited(function: object) -> bool:
    """Whether it is the wrapper of a limit."""
    function = getattr(function, "__func__", function)
    return is_ours(function) and isinstance(getattr(function, OURS), Limit)


def _is_marked(function: object) -> bool:
    """Whether it is the wrapper of a mark: one of ours that is not that of a limit."""
    return is_ours(getattr(function, "__func__", function)) and not is_limited(function)


def _limit_function(limit: Limit, payer: Payer) -> Callable[..., Any]:
    function = payer.function

    def wrapper(*args: Any, **kwargs: Any) -> Any:
        permit = limit.permit(payer, args, kwargs)
        try:  # here and below: a Ctrl-C may come as `__exit__` begins
            with permit:
                with permit.place:
                    result = function(*args, **kwargs)
                limit.settle(function, permit, result)
                return result
        finally:
            permit.end()

    return wrapper


def _limit_coroutine(limit: Limit, payer: Payer) -> Callable[..., Any]:
    function = payer.function

    async def wrapper(*args: Any, **kwargs: Any) -> Any:
        permit = limit.permit(payer, args, kwargs)
        try:
            async with permit:
                with permit.place:
                    result = await function(*args, **kwargs)
                limit.settle(function, permit, result)
                return result
        finally:
            permit.end()

    return wrapper


def _limit_generator(limit: Limit, payer: Payer) -> Callable[..., Any]:
    """The generator, each step of it within its place (PEP 380 spelled out).

    Its consumer runs between two items, and is no part of its call.
    """
    function = payer.function

    def wrapper(*args: Any, **kwargs: Any) -> Generator[Any, Any, Any]:
        permit = limit.permit(payer, args, kwargs)
        try:
            with permit:
                source = function(*args, **kwargs)
                resume: Callable[[], Any] = partial(next, source)
                while True:
                    try:
                        with permit.place:
                            item = resume()
                    except StopIteration as end:
                        return end.value
                    try:
                        sent = yield item
                    except GeneratorExit:
                        with permit.place:
                            source.close()
                        raise
                    except BaseException as error:
                        resume = partial(source.throw, error)
                    else:
                        resume = partial(source.send, sent)
        finally:
            permit.end()

    return wrapper


def _limit_async_generator(limit: Limit, payer: Payer) -> Callable[..., Any]:
    function = payer.function

    async def wrapper(*args: Any, **kwargs: Any) -> AsyncGenerator[Any, Any]:
        permit = limit.permit(payer, args, kwargs)
        try:
            async with permit:
                source = function(*args, **kwargs)
                resume: Callable[[], Awaitable[Any]] = partial(source.asend, None)
                while True:
                    try:
                        with permit.place:
                            item = await resume()
                    except StopAsyncIteration:
                        return
                    try:
                        sent = yield item
                    except GeneratorExit:
                        with permit.place:
                            await source.aclose()
                        raise
                    except BaseException as error:
                        resume = partial(source.athrow, error)
                    else:
                        resume = partial(source.asend, sent)
        finally:
            permit.end()

    return wrapper


_WRAP = {
    "function": _limit_function,
    "coroutine": _limit_coroutine,
    "generator": _limit_generator,
    "async generator": _limit_async_generator,
}
