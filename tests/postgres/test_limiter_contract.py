"""`PostgresLimiter` keeps the contract of all limiters."""

from __future__ import annotations

import secrets
import time
from typing import TYPE_CHECKING, Any

import pytest
from beautyspot.testing.limiter import LimiterContract
from beautyspot_postgres import PostgresLimiter

if TYPE_CHECKING:
    from collections.abc import Callable


class TestPostgresLimiter(LimiterContract):
    can_reserve_after = True
    examples = 30

    @pytest.fixture(autouse=True)
    def _address(self, postgres_url: str) -> None:
        self.url = postgres_url

    def make(
        self, rate_per_second: float, max_cost: float, clock: Callable[[], float]
    ) -> PostgresLimiter:
        return self.make_several({"rate": rate_per_second}, max_cost, clock)["rate"]

    def make_several(
        self, rates_per_second: dict[str, float], max_cost: float, clock: Callable[[], float]
    ) -> dict[str, PostgresLimiter]:
        options: dict[str, Any] = {
            "max_cost": max_cost,
            "namespace": f"test-{secrets.token_hex(8)}",
            "clock": None if clock is time.monotonic else clock,
        }
        return {
            name: PostgresLimiter(self.url, rate=rate, limit=name, **options)
            for name, rate in rates_per_second.items()
        }
