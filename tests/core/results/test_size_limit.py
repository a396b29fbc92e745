"""`Spot(max_size=)`: a store stays under a size, by a thread that removes what was used least."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from beautyspot.concurrency import deferred
from beautyspot.config.settings import SETTINGS
from beautyspot.errors import ConfigError, MetadataError
from beautyspot.memory import MemoryMetadataStore
from beautyspot.resilience.reporting import Trouble
from beautyspot.spot import Spot
from scripted import scripted

EACH = 1000
Make = Any


class Clock:
    """A wall clock that a test owns."""

    def __init__(self) -> None:
        self.now = 1_700_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def limited(make_spot: Make, clock: Clock) -> Make:
    """Makes strict Spots on the clock, for ten results."""

    def make(name: str = "app", **options: Any) -> Spot:
        options = {"strict": True, "max_size": 10 * EACH, **options}
        spot: Spot = make_spot(name, **options)
        spot._engine.cache.store.clock = clock
        return spot

    return make


def content(x: int, size: int = EACH) -> bytes:
    return bytes([x]) * (size - 3)  # three bytes say what it is


def stored(spot: Spot) -> set[int]:
    return {(record.result_data or b"???!")[-1] for record in spot.metadata.all_rows(data=True)}


def make_results(
    spot: Spot, clock: Clock, numbers: range, **options: Any
) -> Callable[[int], bytes]:
    marked = spot.mark(content, **options)
    for x in numbers:
        marked(x)
        clock.now += 60
        deferred.finish()
    return marked


def test_what_was_not_used_for_the_longest_time_goes(
    limited: Make, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    spot = limited(save="sync")
    marked = make_results(spot, clock, range(10))
    assert stored(spot) == {*range(10)}, "ten fit"
    marked(0)
    clock.now += 60
    make_results(spot, clock, range(10, 11))
    assert stored(spot) == {0, *range(3, 11)}, "down to nine tenths"
    make_results(spot, clock, range(11, 60))
    assert spot.stats()["bytes"] <= 10 * EACH
    assert 59 in stored(spot)
    assert caplog.records == []


def test_it_is_looked_at_now_and_then_and_not_at_each_save(limited: Make, clock: Clock) -> None:
    store = scripted(MemoryMetadataStore, count=["function_totals"])
    asked = store.script.count
    spot = limited(metadata=store, max_size=100 * EACH)
    make_results(spot, clock, range(1))
    assert asked["function_totals"] == 1, "others may have stored before"
    make_results(spot, clock, range(1, 6))
    assert asked["function_totals"] == 1
    make_results(spot, clock, range(6, 7))
    assert asked["function_totals"] == 2, "after a twentieth"


def test_what_other_processes_stored_counts(limited: Make, make_spot: Make, clock: Clock) -> None:
    other = make_spot(strict=True)
    other._engine.cache.store.clock = clock
    make_results(other, clock, range(40))
    make_results(limited(), clock, range(40, 41))
    assert stored(other) == {*range(32, 41)}


def test_a_failure_is_told_and_never_raised(
    limited: Make, clock: Clock, troubles: list[Trouble], caplog: pytest.LogCaptureFixture
) -> None:
    store = scripted(MemoryMetadataStore, fail={"function_totals": MetadataError("out of order")})
    spot = limited(metadata=store, strict=False, on_error=troubles.append)
    make_results(spot, clock, range(3))
    assert len(stored(spot)) == 3
    assert "could not keep the store under max_size" in caplog.text
    assert "out of order" in caplog.text
    assert {trouble.operation for trouble in troubles} == {"keep the store under max_size"}


def test_a_result_that_is_too_large_is_told_once(
    limited: Make, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    spot = limited(max_size=EACH - 1)
    make_results(spot, clock, range(3))
    assert stored(spot) == set()
    assert caplog.text.count("max_size=999 is too small for a result of 1000 bytes") == 1


@pytest.mark.parametrize("given", ["10GB", "10 gb", 10_000_000_000])
def test_the_setting(make_spot: Make, monkeypatch: pytest.MonkeyPatch, given: Any) -> None:
    assert make_spot(max_size=given).config["max_size"] == 10**10
    assert make_spot("none", max_size="none").config["max_size"] is None
    monkeypatch.setenv("BEAUTYSPOT_MAX_SIZE", str(given))
    assert make_spot("by environment").config["max_size"] == 10**10
    assert SETTINGS["max_size"].default is None


@pytest.mark.parametrize("given", ["much", -1, 1.5, True, "1 parsec"])
def test_a_wrong_setting_says_what_fits(make_spot: Make, given: Any) -> None:
    with pytest.raises(ConfigError, match="max_size=.*: give a number of bytes"):
        make_spot(max_size=given)
