"""`Spot.limiter`: a function that waits for its permit before it runs."""

from __future__ import annotations

import functools
import math
import threading
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any
from weakref import WeakValueDictionary

from beautyspot.contracts import LimiterBase
from beautyspot.errors import ConfigError, CostError
from beautyspot.forwarding import LateSource, forwarding
from beautyspot.gate import Gate
from beautyspot.homes import home_of
from beautyspot.limits_together import LimitsTogether
from beautyspot.permits import Permit
from beautyspot.task import is_marked
from beautyspot.wrappers import kind_of

if TYPE_CHECKING:
    from collections.abc import Generator

    from beautyspot.engine import Engine
    from beautyspot.forwarding import AsyncSource
    from beautyspot.limits_by_key import LimitsByKey
    from beautyspot.permits import Cost
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
        _check_largest(cost, bucket)
        check_timeout(timeout)
        _check_callable("key", key, "the call's arguments that returns a text")
        _check_callable("settle", settle, "the call's result that returns its real cost")
        _check_number("max_concurrent", max_concurrent)
        _check_settle(settle, bucket)
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

    def permit(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Permit:
        """The permit of one call, still to be waited for."""
        key = self._key_of(args, kwargs)
        return Permit(
            self._engine,
            self._bucket,
            self._cost_of(args, kwargs),
            self._timeout,
            by_key=self._by_key,
            key=key,
            gate=None if self._gates is None else self._gates.of(key),
        )

    def settle(self, permit: Permit, result: Any) -> None:
        """Correct the cost of a call by its result, which is never lost for it."""
        if self._settle is None:
            return
        try:
            permit.settle(self._settle(result))
        except Exception as error:
            advice = "The limit is kept by the estimate: mend the function given as settle="
            self._engine.reporter.report("settle a cost", "", error, advice)

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
        """The cost of one call. What the user's cost function raises reaches the user."""
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
        self._gates: WeakValueDictionary[str | None, Gate] = WeakValueDictionary()
        self._lock = threading.Lock()
        engine.gates.add(self)

    def reset_after_fork(self) -> None:
        """What is under way stayed in the parent."""
        self._lock = threading.Lock()
        for gate in list(self._gates.values()):
            gate.reset_after_fork()
        self._gates.clear()

    def of(self, key: str | None) -> Gate:
        """The gate of a key."""
        with self._lock:
            gate = self._gates.get(key)
            if gate is None:
                gate = self._gates[key] = Gate(self._size)
            return gate


# ------------------------------------------------------------------------------------- checks


def check_cost(cost: object, bucket: LimiterBase | None) -> None:
    """Refuse a cost that the limiter can never grant.

    Raises:
        ConfigError: says what fits.
    """
    if isinstance(bucket, LimitsTogether):
        _check_costs(cost, bucket)
    elif isinstance(cost, Mapping):
        raise ConfigError(
            f"limiter(cost={dict(cost)!r:.120}) does not fit: the Spot has one limit, without a "
            'name. Give a number, or name its limits: limiter=[{"name": "requests", ...}]'
        )
    elif cost is not None and not callable(cost) and not (_is_number(cost) and cost != 0):
        raise ConfigError(
            f"limiter(cost={cost!r}) does not fit: give a positive number, or a function of the "
            "call's arguments that returns one"
        )


def _check_costs(cost: object, limits: LimitsTogether) -> None:
    if callable(cost) and not isinstance(cost, Mapping):
        return
    example = ", ".join(f'"{name}": 1' for name in limits.limits)
    advice = f"say what a call costs of each limit: cost={{{example}}}"
    if not isinstance(cost, Mapping):
        raise ConfigError(f"limiter(cost={cost!r:.80}) does not fit several limits: {advice}")
    try:
        limits.check_names(cost)
    except CostError as error:
        raise ConfigError(f"limiter(cost=) does not fit: {error}") from None
    wrong = [name for name, part in cost.items() if not (callable(part) or _is_number(part))]
    if wrong or not any(callable(part) or part for part in cost.values()):
        raise ConfigError(
            f"limiter(cost={dict(cost)!r:.120}) does not fit: give numbers from 0 up, one of them "
            "above 0, or functions of the call's arguments"
        )


def _check_largest(cost: object, bucket: LimiterBase | None) -> None:
    """Refuse a cost that is the same for all calls, and that no wait could grant.

    Raises:
        ConfigError: says the largest cost.
    """
    asked: list[tuple[Any, object, object]] = [(cost, bucket, cost)]
    if isinstance(bucket, LimitsTogether):
        parts = cost.items() if isinstance(cost, Mapping) else ()
        asked = [(part, bucket.limits[name], {name: part}) for name, part in parts]
    for part, limit, shown in asked:
        most: Any = getattr(limit, "max_cost", None)  # a stranger's may be anything
        if _is_number(part) and _is_number(most) and part > most:
            raise ConfigError(
                f"limiter(cost={shown!r:.120}) is above max_cost={most:g}, so no wait could grant "
                "it: give a smaller one, or raise the limiter's max_cost"
            )


def check_timeout(timeout: object) -> None:
    """Refuse a time-out that is none.

    Raises:
        ConfigError: says what fits.
    """
    number = isinstance(timeout, int | float) and not isinstance(timeout, bool)
    if timeout is not None and not (number and timeout >= 0):  # type: ignore[operator]  # `number` says so
        raise ConfigError(f"limiter(timeout={timeout!r}) does not fit: give seconds, 0 or more")


def check_key(key: object) -> str:
    """`key`, which has to be a text.

    Raises:
        ConfigError: it is none.
    """
    if not isinstance(key, str):
        raise ConfigError(f"the key of a limit is a text, not {key!r:.80}: return one from key=")
    return key


def _check_callable(option: str, value: object, of: str) -> None:
    if value is not None and not callable(value):
        raise ConfigError(f"limiter({option}={value!r:.80}) does not fit: give a function of {of}")


def _check_number(option: str, value: object) -> None:
    whole = isinstance(value, int) and not isinstance(value, bool)
    if value is not None and not (whole and value > 0):  # type: ignore[operator]  # `whole` says so
        raise ConfigError(
            f"limiter({option}={value!r:.80}) does not fit: give a whole number from 1 up"
        )


def _check_settle(settle: object, bucket: LimiterBase | None) -> None:
    if settle is not None and (bucket is None or type(bucket).settle is LimiterBase.settle):
        what = "there is no rate" if bucket is None else f"{bucket.name!r} can't correct a cost"
        raise ConfigError(
            f"limiter(settle=) does not fit: {what}; leave settle= out, or use a limiter such as "
            "'gcra'"
        )


def _is_number(value: object) -> bool:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return number and 0 <= value < math.inf  # type: ignore[operator]  # `number` says so


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
        with limit.permit(args, kwargs) as permit:
            result = function(*args, **kwargs)
            limit.settle(permit, result)
            return result

    return wrapper


def _limit_coroutine(limit: Limit, function: Callable[..., Any]) -> Callable[..., Any]:
    async def wrapper(*args: Any, **kwargs: Any) -> Any:
        async with limit.permit(args, kwargs) as permit:
            result = await function(*args, **kwargs)
            limit.settle(permit, result)
            return result

    return wrapper


def _limit_generator(limit: Limit, function: Callable[..., Any]) -> Callable[..., Any]:
    def wrapper(*args: Any, **kwargs: Any) -> Generator[Any, Any, Any]:
        with limit.permit(args, kwargs):
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
        self._ask = functools.partial(limit.permit, args, kwargs)
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
