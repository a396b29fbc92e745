"""Limits for several keys, from one that shows how each is to be; and what `busy_for` tells."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from beautyspot_local import SharedTokenBucket, TokenBucket
from owned_clock import Clock


@pytest.fixture(params=["gcra", "gcra-shared"])
def make(request: pytest.FixtureRequest, tmp_path: Path, clock: Clock) -> Any:
    def bucket(rate: float = 1, max_cost: float = 10, **options: Any) -> Any:
        if request.param == "gcra":
            return TokenBucket(rate, max_cost, clock=clock, **options)
        path = tmp_path / "app.limit"
        return SharedTokenBucket(rate, max_cost, path=path, clock=clock, **options)

    return bucket


def delays(bucket: Any, *costs: float) -> list[float]:
    return [bucket.reserve(cost).delay for cost in costs]


def test_each_key_has_the_whole_rate(make: Any) -> None:
    bucket = make(2, 10)
    one, two = bucket.for_key("one"), bucket.for_key("two")
    assert delays(one, 1, 1) == delays(two, 1, 1) == delays(bucket, 1, 1) == [0, 0.5]
    assert (one.rate, one.max_cost) == (2, 10)


def test_a_pause_holds_every_key_also_those_to_come(make: Any, clock: Clock) -> None:
    bucket = make()
    early = bucket.for_key("early")
    bucket.pause(10)
    clock.now += 4
    late = bucket.for_key("late")
    assert delays(early, 1) == delays(late, 1) == [6]
    clock.now += 20
    assert delays(bucket.for_key("after"), 1) == [0]


def test_busy_until_all_has_passed(make: Any, clock: Clock) -> None:
    bucket = make(2, 10)
    assert bucket.busy_for() == 0
    bucket.consume(4)
    assert bucket.busy_for() == 2
    clock.now += 1.5
    assert bucket.busy_for() == 0.5
    bucket.pause(3)
    assert bucket.busy_for() == 3.5
    clock.now += 4
    assert bucket.busy_for() == 0


def test_processes_share_a_key(tmp_path: Path, clock: Clock) -> None:
    options: Any = {"path": tmp_path / "app.limit", "clock": clock}
    here, there = SharedTokenBucket(1, **options), SharedTokenBucket(1, **options)
    one, same, other = (
        here.for_key("a/../b\ud800"),
        there.for_key("a/../b\ud800"),
        there.for_key("c"),
    )
    assert [*delays(one, 1), *delays(same, 1), *delays(other, 1)] == [0, 1, 0]
    assert len(list((tmp_path / "app.limit.keys").iterdir())) == 2
