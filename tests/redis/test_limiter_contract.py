"""`RedisLimiter` keeps the contract of all limiters."""

from __future__ import annotations

import secrets
import time
from typing import TYPE_CHECKING

import pytest
from beautyspot.testing.limiter import LimiterContract
from beautyspot_redis import RedisLimiter

if TYPE_CHECKING:
    from collections.abc import Callable


class TestRedisLimiter(LimiterContract):
    can_reserve_after = True
    examples = 30

    @pytest.fixture(autouse=True)
    def _address(self, redis_url: str) -> None:
        self.url = redis_url

    def make(
        self, rate_per_second: float, max_cost: float, clock: Callable[[], float]
    ) -> RedisLimiter:
        return RedisLimiter(
            self.url,
            rate=rate_per_second,
            max_cost=max_cost,
            namespace=f"test-{secrets.token_hex(8)}",
            clock=None if clock is time.monotonic else clock,
        )
