"""The contracts of all, and how they are selected."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path

import beautyspot as bs
import pytest
from beautyspot.contracts import Rate
from beautyspot.testing import memory_spot
from beautyspot_testing.limiter import LimiterContract
from beautyspot_testing.serializer import JSON_VALUES, SerializerContract
from beautyspot_testing.types import TypeSupportContract
from packaging.specifiers import SpecifierSet
from packaging.version import Version

from beautyspot_extras.json_serializer import JsonSerializer
from beautyspot_extras.leaky_limiter import LeakyLimiter
from beautyspot_extras.version_types import VersionTypes


class TestJsonSerializer(SerializerContract):
    values = JSON_VALUES
    refused = (lambda: (1,), lambda: {1: 2}, lambda: float("nan"), lambda: "\ud800", object)
    takes_classes = False

    def make(self) -> JsonSerializer:
        return JsonSerializer()


class TestLeakyLimiter(LimiterContract):
    several = False

    def make(self, limits: Mapping[str, Rate], clock: Callable[[], float]) -> LeakyLimiter:
        return LeakyLimiter(*limits["rate"], clock)


class TestVersionTypes(TypeSupportContract):
    def make(self) -> VersionTypes:
        return VersionTypes()

    def samples(self) -> list[Version | SpecifierSet]:
        return [Version("1.0"), Version("2.0rc1"), SpecifierSet(">=1,<2"), SpecifierSet("")]


def newest(versions: list[Version], wanted: SpecifierSet) -> Version:
    return max(wanted.filter(versions))


async def newest_of(versions: list[Version], wanted: SpecifierSet) -> Version:
    return newest(versions, wanted)


def test_versions_need_no_selection() -> None:
    call = ([Version("1.0"), Version("1.1"), Version("2.0")], SpecifierSet("<2"))
    with memory_spot() as spot:
        marked, awaited = spot.mark(newest), spot.mark(newest_of)
        assert marked(*call) == marked(*call) == Version("1.1")
        assert [asyncio.run(awaited(*call)) for _ in range(2)] == [Version("1.1")] * 2
        assert spot.stats()["hits"] == 2


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
