"""`Spot.limiter`: a function that waits for its permit before it runs."""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any
from weakref import ref

from beautyspot.calls.ownership import home_of
from beautyspot.concurrency.async_generators import LateSource, forwarding
from beautyspot.contracts.wrong_answers import ARGUMENTS, say_whose
from beautyspot.errors import ConfigError
from beautyspot.functions.kinds import kind_of
from beautyspot.functions.names import identifier_of
from beautyspot.limits.checks import (
    check_callable,
    check_cost,
    check_key,
    check_largest,
    check_number,
    check_settle,
    check_timeout,
)
from beautyspot.limits.concurrency_cap import Gate
from beautyspot.limits.permit import Permit
from beautyspot.tasks.task import is_marked

if TYPE_CHECKING:
    from collections.abc import Generator

    from beautyspot.calls.engine import Engine
    from beautyspot.concurrency.async_generators import AsyncSource
    from beautyspot.contracts import LimiterBase
    from beautyspot.limits.per_key import LimitsByKey
    from beautyspot.limits.permit import Cost
    from beautyspot.spot import Spot

CallCost = float | Callable[..., Any] | Mapping[str, float | Callable[..., float]]
"""A cost, or functions of a call's arguments that return it, or a part of it."""


def _again(engine: Engine, options: dict[str, Any]) -> Limit:
    return home_of(engine)._limit(**options)


class Limit:
    """What a call costs, and who grants it.

    Args:
        engine: of the Spot.
        bucket: grants it; None where there is only a cap.
        by_key: the limits of the keys.
        cost, timeout, key, settle, max_concurrent: see `Spot.limiter`.

    Attributes:
        home: the Spot, kept as long as the functions that are limited.

    Raises:
        ConfigError: an option can never be fulfilled.
    """

    home: Spot | None = None

    def __init__(
        self,
        engine: Engine,
        bucket: LimiterBase | None,
        by_key: Callable[[], LimitsByKey],
        *,
        cost: CallCost | None = None,
        timeout: float | None = None,
        key: Callable[..., str] | None = None,
        settle: Callable[[Any], Cost] | None = None,
        max_concurrent: int | None = None,
    ) -> None:
        check_cost(cost, bucket)
        check_largest(cost, bucket)
        check_timeout(timeout)
        check_callable("key", key, "the call's arguments that returns a text")
        check_callable("settle", settle, "the call's result that returns its real cost")
        check_number("max_concurrent", max_concurrent)
        check_settle(settle, bucket)
        self._engine = engine
        self._bucket = bucket
        self._by_key = by_key() if key is not None and bucket is not None else None
        self._cost = 1 if cost is None else cost
        self._timeout = timeout
        self._key = key
        self._settle = settle
        self._gates = _Gates(max_concurrent, engine) if max_concurrent is not None else None
        self._given = {
            "cost": cost, "timeout": timeout, "key": key, "settle": settle,
            "max_concurrent": max_concurrent,
        }  # fmt: skip

    def __reduce__(self) -> tuple[Any, ...]:
        """Travel to another process as the options; the Spot there has a bucket of its own."""
        return _again, (self._engine, self._given)

    def permit(
        self, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Permit:
        """The permit of one call, still to be waited for.

        What the user's functions raise reaches the user, with a note of which it was.
        """
        option = "key"
        try:
            key = self._key_of(args, kwargs)
            option = "cost"
            cost = self._cost_of(args, kwargs)
        except Exception as error:
            say_whose(error, f"limiter({option}=)", identifier_of(function), ARGUMENTS)
            raise
        return Permit(
            self._engine,
            self._bucket,
            cost,
            self._timeout,
            by_key=self._by_key,
            key=key,
            gate=None if self._gates is None else self._gates.of(key),
        )

    def settle(self, function: Callable[..., Any], permit: Permit, result: Any) -> None:
        """Correct the cost of a call by its result, which is never lost for it."""
        if self._settle is None:
            return
        try:
            permit.settle(self._settle(result))
        except Exception as error:
            advice = "The limit is kept by the estimate: mend the function given as settle="
            name = identifier_of(function)
            self._engine.reporter.report("settle a cost", name, error, advice)

    def check_kind(self, kind: str) -> None:
        """Refuse to settle by the result of what has no single one.

        Raises:
            ConfigError: says what to do.
        """
        if self._settle is not None and "generator" in kind:
            raise ConfigError(
                "limiter(settle=) does not fit a generator, which has no one result: write "
                "`with spot.limit(cost=...) as permit` in it, and permit.settle(...)"
            )

    def warn_above_mark(self, function: Callable[..., Any]) -> None:
        """Above a mark every call pays, a hit too; hardly what is meant."""
        name = getattr(function, "__qualname__", repr(function))
        self._engine.reporter.once(
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

    def _key_of(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> str | None:
        if self._key is None:
            return None
        key = self._key(*args, **kwargs)
        return check_key(key)


class _Gates:
    """The cap of one `Limit`: one for all calls, or one for each key.

    A gate lives as long as a permit holds it: one where nobody is, is as good as a new one.
    """

    def __init__(self, size: int, engine: Engine) -> None:
        self._size = size
        self._gates: dict[str | None, ref[Gate]] = {}
        self._lock = threading.Lock()
        engine.gates.add(self)

    def reset_after_fork(self) -> None:
        """What is under way stayed in the parent."""
        self._lock = threading.Lock()
        for entry in list(self._gates.values()):
            gate = entry()
            if gate is not None:
                gate.reset_after_fork()
        self._gates = {}

    def of(self, key: str | None) -> Gate:
        """The gate of a key."""
        while True:
            entry = self._gates.get(key)
            gate = None if entry is None else entry()
            if gate is not None:
                return gate
            made = Gate(self._size)
            fresh = ref(made, functools.partial(self._forget, key))
            gates = self._gates
            with self._lock:  # nothing is called here: see `beautyspot.concurrency.locks`
                if (gates[key] if key in gates else None) is entry:  # noqa: SIM401 - a call
                    gates[key] = fresh
                    return made

    def _forget(self, key: str | None, entry: ref[Gate]) -> None:
        gates = self._gates
        with self._lock:  # as above
            if key in gates and gates[key] is entry:
                del gates[key]


# ------------------------------------------------------------------------------------ wrappers


def limited(limit: Limit, function: Any) -> Any:
    """The function behind its permit, of the same kind as before."""
    if isinstance(function, classmethod | staticmethod):
        return type(function)(limited(limit, function.__func__))
    if not callable(function):
        raise ConfigError(f"limiter takes a function, not {function!r:.80}: write it above a def")
    if is_marked(function):
        limit.warn_above_mark(function)
    kind = kind_of(function)
    limit.check_kind(kind)
    wrapper = _WRAP[kind](limit, function)
    functools.update_wrapper(wrapper, function)
    wrapper.__beautyspot__ = limit  # type: ignore[attr-defined]  # a function takes any attribute
    return wrapper


def _limit_function(limit: Limit, function: Callable[..., Any]) -> Callable[..., Any]:
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        with limit.permit(function, args, kwargs) as permit:
            result = function(*args, **kwargs)
            limit.settle(function, permit, result)
            return result

    return wrapper


def _limit_coroutine(limit: Limit, function: Callable[..., Any]) -> Callable[..., Any]:
    async def wrapper(*args: Any, **kwargs: Any) -> Any:
        async with limit.permit(function, args, kwargs) as permit:
            result = await function(*args, **kwargs)
            limit.settle(function, permit, result)
            return result

    return wrapper


def _limit_generator(limit: Limit, function: Callable[..., Any]) -> Callable[..., Any]:
    def wrapper(*args: Any, **kwargs: Any) -> Generator[Any, Any, Any]:
        with limit.permit(function, args, kwargs):
            return (yield from function(*args, **kwargs))

    return wrapper


def _limit_async_generator(limit: Limit, function: Callable[..., Any]) -> Callable[..., Any]:
    return forwarding(lambda args, kwargs: _Permitted(limit, function, args, kwargs))


class _Permitted(LateSource):
    """An async generator that begins with its permit, which lasts as long as it does."""

    def __init__(
        self,
        limit: Limit,
        function: Callable[..., Any],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> None:
        super().__init__(self._begin)
        self._open: Callable[[], AsyncSource] = functools.partial(function, *args, **kwargs)
        self._ask = functools.partial(limit.permit, function, args, kwargs)
        self._permit: Permit | None = None

    async def _begin(self) -> AsyncSource:
        permit = self._ask()
        await permit.__aenter__()
        self._permit = permit
        return self._open()

    def _end(self) -> None:
        permit, self._permit = self._permit, None
        if permit is not None:
            permit.end()

    async def asend(self, value: Any, /) -> Any:
        """The next item, with `value` sent in."""
        try:
            return await super().asend(value)
        except BaseException:
            self._end()
            raise

    async def athrow(self, error: BaseException, /) -> Any:
        """The next item, with `error` raised inside."""
        try:
            return await super().athrow(error)
        except BaseException:
            self._end()
            raise

    async def aclose(self) -> None:
        """End it, if it was begun."""
        try:
            await super().aclose()
        finally:
            self._end()


_WRAP = {
    "function": _limit_function,
    "coroutine": _limit_coroutine,
    "generator": _limit_generator,
    "async generator": _limit_async_generator,
}
