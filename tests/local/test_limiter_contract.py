"""`TokenBucket` keeps the contract of all limiters."""

from __future__ import annotations

from collections.abc import Callable

from beautyspot_local.limiter import TokenBucket
from beautyspot_testing.limiter import LimiterContract


class TestTokenBucket(LimiterContract):
    can_reserve_after = True

    def make(
        self, rate_per_second: float, max_cost: float, clock: Callable[[], float]
    ) -> TokenBucket:
        return TokenBucket(rate_per_second, max_cost, clock=clock)
