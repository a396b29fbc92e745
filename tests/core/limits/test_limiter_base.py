"""`LimiterBase`: what its templates do for a limiter that brings the least, or changes its plan."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from beautyspot.contracts import LimiterBase, Reservation
from beautyspot.errors import NotSupportedError, RateLimitError


class Plan(LimiterBase):
    """Asks its callers to wait as long as the plan says, and again after each wait."""

    name = "plan"

    def __init__(self, *waits: float) -> None:
        self.waits = list(waits)
        self.slept: list[float] = []
        self.released = 0

    def reserve(self, cost: float = 1, *, max_wait: float | None = None) -> Reservation | None:
        return Reservation(self.waits.pop(0), cost)

    def release(self, reservation: Reservation) -> None:
        self.released += 1

    def remaining(self, reservation: Reservation) -> float:
        return self.waits.pop(0)

    def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)

    async def _sleep_async(self, seconds: float) -> None:
        self._sleep(seconds)


def consume_async(limiter: LimiterBase, **options: Any) -> Reservation:
    return asyncio.run(limiter.consume_async(**options))


WAYS = pytest.mark.parametrize("consume", [LimiterBase.consume, consume_async])


@WAYS
def test_it_waits_until_nothing_remains(consume: Any) -> None:
    limiter = Plan(3, 2, 1, 0)
    consume(limiter)
    assert limiter.slept == [3, 2, 1]
    assert limiter.released == 0


@WAYS
def test_what_goes_at_once_is_not_asked_again(consume: Any) -> None:
    limiter = Plan(0)
    consume(limiter)
    assert limiter.slept == limiter.waits == []


@WAYS
def test_a_wait_that_grows_over_the_timeout_is_given_up(consume: Any) -> None:
    limiter = Plan(3, 1, 2)
    with pytest.raises(RateLimitError):
        consume(limiter, timeout=5)
    assert limiter.slept == [3, 1]
    assert limiter.released == 1


@WAYS
def test_a_long_wait_is_slept_in_parts_and_logged(
    consume: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", logger="beautyspot")
    limiter = Plan(100, 40, 0)
    consume(limiter)
    assert limiter.slept == [60, 40]
    assert caplog.messages[0] == "waiting 100 s for the limiter 'plan'"


@WAYS
def test_a_clock_that_stands_still_holds_nobody_for_good(consume: Any) -> None:
    limiter = Plan(3, 3)
    consume(limiter)
    assert limiter.slept == [3]


@WAYS
def test_an_interruption_arrives_even_if_the_release_fails(
    consume: Any, caplog: pytest.LogCaptureFixture
) -> None:
    class Broken(Plan):
        def release(self, reservation: Reservation) -> None:
            raise OSError("its server is away")

        def _sleep(self, seconds: float) -> None:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        consume(Broken(3))
    assert "could not be given back" in caplog.text


@WAYS
def test_a_limiter_that_can_not_tell_how_long_it_takes(consume: Any) -> None:
    class Never(Least):
        error: type[Exception] = NotSupportedError

        def reserve(self, cost: float = 1, *, max_wait: float | None = None) -> None:
            return None

        def wait_for(self, cost: float = 1) -> float:
            if self.error is NotSupportedError:
                return super().wait_for(cost)
            raise self.error("its server is away")

    limiter = Never()
    for error in (NotSupportedError, OSError):
        limiter.error = error
        with pytest.raises(
            RateLimitError, match="within 5 s: wait longer .*spot.limiter or"
        ) as caught:
            consume(limiter, timeout=5)
        assert caught.value.retry_after is None


class Least(LimiterBase):
    name = "least"
    reserve = Plan.reserve
    release = Plan.release


@pytest.mark.parametrize(
    ("ability", "arguments"),
    [("pause", [1]), ("settle", [None, 1]), ("reserve_after", [1, 1]), ("for_key", ["a"]),
     ("busy_for", []), ("wait_for", [1])],
)  # fmt: skip
def test_what_a_limiter_lacks_it_says(ability: str, arguments: list[Any]) -> None:
    with pytest.raises(NotSupportedError, match="'least' can't"):
        getattr(Least(), ability)(*arguments)


def test_without_a_plan_that_changes_nothing_remains() -> None:
    assert Least().remaining(Reservation(3, 1)) == 0.0
