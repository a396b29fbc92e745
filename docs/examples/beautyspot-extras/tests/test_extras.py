"""The contracts of both, and how they are selected."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import beautyspot as bs
import pytest
from beautyspot.testing.limiter import LimiterContract
from beautyspot.testing.serializer import JSON_VALUES, SerializerContract

from beautyspot_extras import JsonSerializer, LeakyLimiter


class TestJsonSerializer(SerializerContract):
    values = JSON_VALUES
    refused = (lambda: (1,), lambda: {1: 2}, lambda: float("nan"), lambda: "\ud800", object)
    takes_classes = False

    def make(self) -> JsonSerializer:
        return JsonSerializer()


class TestLeakyLimiter(LimiterContract):
    can_settle = False
    reuses_gaps = False

    def make(
        self, rate_per_second: float, max_cost: float, clock: Callable[[], float]
    ) -> LeakyLimiter:
        return LeakyLimiter(rate_per_second, max_cost, clock)


def test_a_rate_must_be_one() -> None:
    with pytest.raises(bs.ConfigError, match="above 0"):
        LeakyLimiter(0)


def test_a_file_selects_both(tmp_path: Path) -> None:
    file = tmp_path / "beautyspot.toml"
    file.write_text(
        'serializer = "json"\nlimiter = { use = "leaky", rate_per_second = 1000 }\n'
        'metadata = "memory"\n'
    )
    with bs.Spot("app", config=file, strict=True) as spot:
        assert isinstance(spot.serializer, JsonSerializer)
        assert isinstance(spot.bucket, LeakyLimiter)
        split = spot.mark(spot.limiter(str.split))
        assert split("a b") == split("a b") == ["a", "b"]
        assert spot.stats()["hits"] == 1
