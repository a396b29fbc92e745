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
    limiter = Plan(50, 40, 0)
    consume(limiter)
    assert limiter.slept == [50, 40]
    assert caplog.messages == [f"waiting {left} s for the limiter 'plan'" for left in (50, 40)]
    assert {record.levelname for record in caplog.records} == {"INFO"}


@WAYS
def test_a_wait_of_more_than_a_minute_is_a_warning_once_for_each_cause(
    consume: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", logger="beautyspot")
    limiter = Plan(20_000, 19_940, 0, 100, 90, 0, 10, 70, 10, 0, 10, 80, 0)
    for _ in range(4):
        consume(limiter)
    said = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert len(said) == 2
    assert said[0].startswith("waiting 20000 s for the limiter 'plan', since what was granted bef")
    assert said[1].startswith("waiting 70 s for the limiter 'plan', since a pause, or a cost that ")
    assert all("settle=" in each and "timeout=" in each for each in said)
    infos = [record.getMessage() for record in caplog.records if record.levelname == "INFO"]
    waits = (19_940, 100, 90, 10, 10, 10, 80)
    assert infos == [f"waiting {left} s for the limiter 'plan'" for left in waits]
    consume(Plan(100, 0))
    assert caplog.records[-1].levelname == "WARNING", "another limiter's waits are its own"


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
