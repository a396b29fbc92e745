"""The part of a Spot that limits rates: `bucket`, `limiter` and `limit`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar, overload

from beautyspot import logs
from beautyspot.errors import ConfigError
from beautyspot.messages import checks_options

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import timedelta

    from beautyspot.concurrency.lazily import Lazily
    from beautyspot.contracts import LimiterBase
    from beautyspot.limits.decorator import CallCost, Limit
    from beautyspot.limits.limiting import Limiting
    from beautyspot.limits.permit import Cost, Permit

P = ParamSpec("P")
R = TypeVar("R")


class LimiterMethods:
    """Methods of `Spot`."""

    name: str
    _limiting: Lazily[Limiting]

    @property
    def bucket(self) -> LimiterBase:
        """The rate limiter.

        Raises:
            ConfigError: the Spot has no limit; says how to set one.
        """
        bucket = self._limiting.bucket
        if bucket is None:
            raise ConfigError(
                f"the Spot {self.name!r} has no rate to keep: give it one, "
                f'Spot({self.name!r}, limiter="600/min"), or limiter = "600/min" in beautyspot.toml'
            )
        return bucket

    @overload
    def limiter(self, function: Callable[P, R], /) -> Callable[P, R]: ...

    @overload
    def limiter(
        self,
        /,
        *,
        cost: CallCost | None = None,
        timeout: float | str | timedelta | None = None,
        key: Callable[..., str] | None = None,
        settle: Callable[[Any], Cost] | None = None,
        max_concurrent: int | None = None,
    ) -> Callable[[Callable[P, R]], Callable[P, R]]: ...

    @checks_options("limiter")
    def limiter(
        self,
        function: Any = None,
        /,
        *,
        cost: CallCost | None = None,
        timeout: float | str | timedelta | None = None,
        key: Callable[..., str] | None = None,
        settle: Callable[[Any], Cost] | None = None,
        max_concurrent: int | None = None,
    ) -> Any:
        """Have each call of a function wait for its permit: ``@spot.limiter(cost=3)``.

        Beneath `mark` only executions pay, never hits.

        Args:
            function: the function, if the decorator has no parentheses.
            cost: the cost of one call, or a function of the call's arguments that returns it; by
                default 1. If the Spot has several limits, a table of such costs:
                ``{"requests": 1, "tokens": estimate}``.
            timeout: how long a call may wait, else `RateLimitError`: seconds, a `timedelta` or a
                text such as "30s"; by default as long as it takes. The error's `retry_after` is
                None if the cap refused: the end of a call is not known.
            key: a function of the call's arguments that returns a text, such as a host. Each text
                has limits of its own, like the Spot's.
            settle: a function of the result that returns the real cost.
            max_concurrent: how many calls may be under way at once; with `key`, of each key. With a
                limiter that keeps places for all processes ("redis") that is on all machines, else
                in this process: eight may have eight times as many under way, also if "gcra-shared"
                keeps one rate for all. All functions that one ``spot.limiter(...)`` decorates share
                it.

        Raises:
            ConfigError: the Spot has no limiter, or an option is not valid.
        """
        from beautyspot.limits.decorator import limited

        check_made(self, "limiter")
        limit = self._limit(
            cost=cost, timeout=timeout, key=key, settle=settle, max_concurrent=max_concurrent
        )
        if function is None:
            return lambda decorated: limited(limit, decorated)
        return limited(limit, function)

    @checks_options("limit")
    def limit(
        self,
        *,
        cost: Cost | None = None,
        timeout: float | str | timedelta | None = None,
        key: str | None = None,
    ) -> Permit:
        """A permit for a block: ``with spot.limit(cost=500) as permit``, or ``async with``.

        `Permit.settle` corrects the cost once it is known.

        Args:
            cost: by default 1; if the Spot has several limits, a table.
            timeout: how long the block may wait to begin, as above; by default as long as it takes.
            key: the text whose own limits count.

        Raises:
            ConfigError: the Spot has no limiter, or an option is not valid.
        """
        from beautyspot.limits.checks import check_cost, check_key, checked_timeout
        from beautyspot.limits.permit import Permit

        bucket = self.bucket
        if callable(cost):
            raise ConfigError("limit(cost=) is a number or a table: call the function yourself")
        check_cost(cost, bucket)
        wait = checked_timeout(timeout)
        known = None if key is None else check_key(key)
        return Permit(self._limiting, 1 if cost is None else cost, wait, key=known)

    def _limit(self, **options: Any) -> Limit:
        from beautyspot.limits.decorator import Limit

        if options["max_concurrent"] is None:
            _ = self.bucket  # refuses a Spot without one
        logs.adapter()  # as at a mark
        return Limit(self, self._limiting, **options)


def check_made(spot: object, method: str) -> None:
    """Refuse ``@Spot.mark``, where the decorated function stands for the Spot.

    Raises:
        ConfigError: says how to make a Spot.
    """
    if not isinstance(spot, LimiterMethods):
        raise ConfigError(
            f"{method} is a method of a Spot, and was called on the class: make one, "
            f'spot = Spot("app"), and write @spot.{method}'
        )
