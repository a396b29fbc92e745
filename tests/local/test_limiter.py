"""What `TokenBucket` does beyond the contract: pauses, bursts, late waiters, forks."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from beautyspot.contracts import Reservation
from beautyspot.errors import ConfigError, RateLimitError
from beautyspot_local.limiter import TokenBucket
from beautyspot_testing.limiter import ManualClock

if TYPE_CHECKING:
    from beautyspot_local.held import Held


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


# ---------------------------------------------------------------------- threads and processes
