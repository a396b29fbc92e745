"""`Limiting`: what all limited functions and permits of one Spot share."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from beautyspot.concurrency.forks import reset_in_children
from beautyspot.limits.stats import LimitStats
from beautyspot.resilience.circuit_breaker import Breaker

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Executor

    from beautyspot.contracts import LimiterBase
    from beautyspot.limits.per_key import LimitsByKey
    from beautyspot.resilience.reporting import Reporter


class Limiting:
    """The Spot's limiter, and what watches and counts the calls that ask it.

    Args:
        bucket: the limiter; None where the Spot has no rate.
        reporter: told of the limiter's failures.
        executor: gives the executor that runs what may block, for asynchronous code.

    Attributes:
        breaker: lets calls through while the limiter fails.
        stats: counts the calls that were granted or refused.
    """

    def __init__(
        self,
        bucket: LimiterBase | None,
        reporter: Reporter,
        executor: Callable[[], Executor],
    ) -> None:
        self.bucket = bucket
        self.reporter = reporter
        self.executor = executor
        self.breaker = Breaker("the limiter")
        self.stats = LimitStats()
        reset_in_children(self)

    def reset_after_fork(self) -> None:
        """Count from the start, and ask the limiter again."""
        self.breaker.reset_after_fork()
        self.stats.reset_after_fork()

    @cached_property
    def by_key(self) -> LimitsByKey:
        """The limits of single keys, made when first asked for.

        Raises:
            ConfigError: the limiter can't keep a limit for each key.
        """
        from beautyspot.limits.per_key import LimitsByKey

        assert self.bucket is not None  # noqa: S101 - the callers check it
        return LimitsByKey(self.bucket)

    def statistics(self) -> dict[str, float]:
        """The limiter's part of `Spot.stats`."""
        stats, bucket = self.stats, self.bucket
        return {
            "limiter_grants": stats.grants,
            "limiter_waits": stats.waits,
            "limiter_refusals": stats.refusals,
            "limiter_seconds_waited": stats.seconds,
            "limiter_grants_last_minute": stats.last_minute(),
            "limiter_per_process": int(bucket is not None and not bucket.shared),
        }
