"""Limiters in a server keep the contract of all limiters."""

from __future__ import annotations

import secrets
import time
from typing import TYPE_CHECKING, Any

import pytest
from beautyspot.testing.limiter import LimiterContract
from servers import limiters, shared

if TYPE_CHECKING:
    from collections.abc import Callable

    from beautyspot_local.remote.limiter import RemoteLimiter
    from servers.shared import Shared


@pytest.mark.parametrize("kind", shared.LIMITERS)
class TestLimiter(LimiterContract):
    can_reserve_after = True
    examples = 30

    @pytest.fixture(autouse=True)
    def _server(self, server: Shared) -> None:
        self.server = server

    def make(
        self, rate_per_second: float, max_cost: float, clock: Callable[[], float]
    ) -> RemoteLimiter:
        return self.make_several({"rate": rate_per_second}, max_cost, clock)["rate"]

    def make_several(
        self, rates_per_second: dict[str, float], max_cost: float, clock: Callable[[], float]
    ) -> dict[str, RemoteLimiter]:
        options: dict[str, Any] = {
            "max_cost": max_cost,
            "namespace": f"test-{secrets.token_hex(8)}",
            "clock": None if clock is time.monotonic else clock,
        }
        return {
            name: limiters.made(self.server.at(rate=rate, limit=name, **options))
            for name, rate in rates_per_second.items()
        }
