"""A burst is granted whole, whatever rounding does to a rate and to the time."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import pytest
from beautyspot.limits.combined import CombinedLimiter
from beautyspot_local import SharedTokenBucket, TokenBucket
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from owned_clock import Clock

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

EFFORT = settings(
    deadline=None,
    max_examples=30,
    suppress_health_check=[HealthCheck.function_scoped_fixture],  # a new limiter each time
)
RATES = st.floats(1e-6, 1e3) | st.sampled_from([1 / 3, "600/min", "1/7s", "1000/h", "5/2weeks"])
TIMES = st.floats(0, 1e9)


@pytest.fixture(params=["gcra", "gcra-shared", "combined"])
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[..., Any]:
    pytest.importorskip("fcntl")
    numbers = itertools.count()

    def bucket(rate: Any, burst: float, clock: Clock) -> Any:
        options: Any = {"max_cost": burst + 1, "burst": burst, "clock": clock}
        if request.param == "gcra-shared":
            return SharedTokenBucket(rate, path=tmp_path / str(next(numbers)), **options)
        return TokenBucket(rate, **options)

    def combined(rate: Any, burst: float, clock: Clock) -> Any:
        return Both({"a": bucket(rate, burst, clock), "b": bucket(rate, burst, clock)}, clock)

    return combined if request.param == "combined" else bucket


class Both(CombinedLimiter):
    """Takes a number for the cost of both limits."""

    def _costs(self, cost: Any) -> dict[str, Any]:
        return super()._costs({"a": cost, "b": cost})


@EFFORT
@given(rate=RATES, number=st.integers(1, 60), start=TIMES, idle=st.floats(0, 1e6))
@example(rate="600/min", number=600, start=1e7 + 0.1, idle=0.1)
@example(rate=3 / 7, number=1000, start=1e9 / 3, idle=1e6 / 3)
@example(rate=900.0, number=10_000, start=1e9 / 7, idle=1 / 7)
def test_as_many_go_at_once_as_a_burst_has(
    make: Any, rate: Any, number: int, start: float, idle: float
) -> None:
    """`burst` permits beyond the one that always may, and not one more."""
    clock = Clock(start)
    bucket = make(rate, number, clock)
    bucket.try_consume(number + 1)
    clock.now += idle + 2 * bucket.busy_for() + 1
    assert sum(bucket.try_consume(1) for _ in range(number + 3)) == number + 1


@EFFORT
@given(rate=RATES, parts=st.integers(1, 30), start=TIMES)
def test_parts_of_a_burst_add_up(make: Any, rate: Any, parts: int, start: float) -> None:
    """Such as ten times 0.1, which are not quite 1; and one that always may."""
    bucket = make(rate, 1, Clock(start))
    assert sum(bucket.try_consume(1 / parts) for _ in range(parts + 3)) == parts + 1


@EFFORT
@given(rate=RATES, number=st.integers(1, 60), start=TIMES)
@example(rate="600/min", number=600, start=1000.1)
def test_costs_that_are_corrected_leave_a_burst_whole(
    make: Any, rate: Any, number: int, start: float
) -> None:
    """Each reserves two, of which it uses one."""
    bucket = make(rate, number, Clock(start))
    for _ in range(number + 1):
        held = bucket.reserve(2, max_wait=0)
        assert held is not None
        if isinstance(bucket, Both):
            bucket.settle(held, {"a": 1, "b": 1})
        else:
            bucket.settle(held, 1)
    assert not bucket.try_consume(1)
