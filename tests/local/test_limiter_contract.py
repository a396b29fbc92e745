"""`TokenBucket` and `SharedTokenBucket` keep the contract of all limiters."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from beautyspot.contracts import LimiterBase, Rate
from beautyspot_local import SharedTokenBucket, TokenBucket
from beautyspot_testing.limiter import LimiterContract


class Local(LimiterContract):
    """Makes each limit by itself, and joins them."""

    def one(self, rate: Rate, clock: Callable[[], float]) -> LimiterBase:
        raise NotImplementedError

    def make(self, limits: Mapping[str, Rate], clock: Callable[[], float]) -> LimiterBase:
        ones = {name: self.one(rate, clock) for name, rate in limits.items()}
        joint = type(next(iter(ones.values()))).together(ones)
        assert joint is not None
        return joint


class TestTokenBucket(Local):
    def one(self, rate: Rate, clock: Callable[[], float]) -> TokenBucket:
        per_second, max_cost, burst = rate
        return TokenBucket(per_second, max_cost, burst=burst, clock=clock)


class TestSharedTokenBucket(Local):
    cls: type[SharedTokenBucket] = SharedTokenBucket
    examples = 30

    @pytest.fixture(autouse=True)
    def _directory(self, tmp_path: Path) -> None:
        pytest.importorskip("fcntl")
        self.directory, self.made = tmp_path, 0

    def make(self, limits: Mapping[str, Rate], clock: Callable[[], float]) -> LimiterBase:
        self.made += 1
        return super().make(limits, clock)

    def one(self, rate: Rate, clock: Callable[[], float]) -> SharedTokenBucket:
        per_second, max_cost, burst = rate
        path = self.directory / f"{self.made}.limit"
        return self.cls(per_second, max_cost, path=path, burst=burst, clock=clock)
