"""What `TokenBucket` does beyond the contract: pauses, bursts, late waiters, forks."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from beautyspot.contracts import Reservation
from beautyspot.errors import ConfigError, RateLimitError
from beautyspot.limits.combined import CombinedLimiter
from beautyspot_local import SharedTokenBucket
from beautyspot_local.held import Held
from beautyspot_local.limiter import TokenBucket
from beautyspot_testing.limiter import ManualClock
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from owned_clock import Clock


class Bucket(TokenBucket):
    """A bucket whose waiting makes its clock go, by what `naps` returns."""

    def __init__(self, rate: str | float = 1.0, max_cost: float = 100, burst: float = 0.0) -> None:
        self.time = ManualClock()
        super().__init__(rate, max_cost, burst=burst, clock=self.time)
        self.slept: list[float] = []

    def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.time.advance(self.nap(seconds))

    async def _sleep_async(self, seconds: float) -> None:
        self._sleep(seconds)

    def _doze(self, seconds: float, bell: object) -> bool:
        self._sleep(seconds)
        return False

    async def _doze_async(self, seconds: float, alarm: object) -> bool:
        return self._doze(seconds, alarm)

    def nap(self, seconds: float) -> float:
        return seconds

    def delays(self, *costs: float) -> list[float]:
        return [self.hold(cost).delay for cost in costs]

    def hold(self, cost: float = 1) -> Held:
        held = self.reserve(cost)
        assert held is not None
        return held


# ---------------------------------------------------------------------- what it shows


def test_the_attributes_of_the_specification() -> None:
    bucket = Bucket("600/min", 50)
    assert (bucket.rate, bucket.max_cost) == (10, 50)
    assert (bucket.name, bucket.blocking) == ("gcra", False)
    before = bucket.tat
    bucket.consume(20)
    assert bucket.tat - before == pytest.approx(2)
    assert TokenBucket("600/min").max_cost == 600


@pytest.mark.parametrize("timeout", [float("nan"), "1", True])
def test_a_timeout_that_is_no_number(timeout: float) -> None:
    with pytest.raises(ConfigError, match="no number of seconds"):
        Bucket().consume(timeout=timeout)


# ---------------------------------------------------------------------- waiting


def test_remaining_tells_what_is_left_and_grants() -> None:
    bucket = Bucket()
    bucket.hold(2)
    held = bucket.hold()
    bucket.time.advance(1.5)
    assert bucket.remaining(held) == 0.5
    bucket.time.advance(0.5)
    assert bucket.remaining(held) == 0
    bucket.pause(100)
    assert bucket.remaining(held) == 0, "what was granted is not taken back"
    bucket.release(held)
    assert bucket.delays(1) == [101], "used, so not given back"


@pytest.mark.parametrize("operation", ["release", "remaining", "settle"])
@pytest.mark.parametrize("kind", ["base", "other"])
def test_a_reservation_of_another_limiter(operation: str, kind: str) -> None:
    reservation = Reservation(0.0, 1) if kind == "base" else Bucket().hold()
    arguments = (1,) if operation == "settle" else ()
    with pytest.raises(ConfigError, match="is not of this limiter"):
        getattr(Bucket(), operation)(reservation, *arguments)


def test_a_suspended_machine_gives_no_burst() -> None:
    """Ten waiters wake up an hour late, all at once: one goes, the others wait in turn."""
    bucket = Bucket()
    waiters = [bucket.hold() for _ in range(10)]
    bucket.time.advance(3600)
    assert [bucket.remaining(waiter) for waiter in waiters] == list(range(10))
    assert bucket.delays(1) == [10]


# ---------------------------------------------------------------------- pause


def test_a_pause_holds_those_who_wait() -> None:
    bucket = Bucket()
    bucket.consume()
    start = bucket.time()
    pauses = iter([10.0])

    def nap(seconds: float) -> float:
        bucket.pause(next(pauses, 0))
        return seconds

    bucket.nap = nap  # type: ignore[method-assign]
    bucket.consume()
    assert bucket.time() - start == 11
    assert bucket.slept == [1, 10]


def test_a_refusal_says_when_it_would_be_granted() -> None:
    bucket = Bucket()
    bucket.consume(3)
    assert bucket.wait_for(2) == 3
    with pytest.raises(RateLimitError, match=r"within 1 s \(it would take 3 s now\)") as caught:
        bucket.consume(timeout=1)
    assert caught.value.retry_after == 3
    with pytest.raises(RateLimitError) as caught:
        asyncio.run(bucket.consume_async(timeout=1))
    assert caught.value.retry_after == 3
    assert bucket.delays(1) == [3], "to ask reserves nothing"


def test_a_pause_longer_than_the_timeout_gives_up_and_gives_back() -> None:
    bucket = Bucket()
    bucket.consume()
    bucket.nap = lambda seconds: bucket.pause(10) or seconds  # type: ignore[method-assign,func-returns-value]
    with pytest.raises(RateLimitError, match="within 3 s") as caught:
        bucket.consume(timeout=3)
    assert caught.value.retry_after == 10
    assert bucket.delays(1) == [10]


# ---------------------------------------------------------------------- burst


def test_a_burst_is_there_after_idling_and_only_then() -> None:
    bucket = Bucket(burst=2)
    assert bucket.delays(1, 1, 1, 1, 1) == [0, 0, 0, 1, 2]
    bucket.time.advance(4)
    assert bucket.delays(1, 1) == [0, 0], "two have grown back"
    bucket.time.advance(3600)
    assert bucket.delays(1, 1, 1, 1) == [0, 0, 0, 1]


def test_no_burst_in_a_pause_or_right_after_it() -> None:
    bucket = Bucket(burst=5)
    bucket.pause(10)
    assert bucket.delays(1, 1) == [10, 11]


# ---- a burst is granted whole, whatever rounding does to a rate and to the time


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
