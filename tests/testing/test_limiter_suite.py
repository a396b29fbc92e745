"""The limiter suite itself: it fits a small limiter of a stranger, and finds what is broken."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from beautyspot.contracts import LimiterBase, Reservation
from beautyspot_local.held import Held
from beautyspot_local.limiter import TokenBucket
from beautyspot_testing import limiter as suite
from beautyspot_testing.limiter import LimiterContract, ManualClock
from hypothesis import Phase, settings
from hypothesis.stateful import run_state_machine_as_test


class NeverGivesBack(TokenBucket):
    def release(self, reservation: Reservation) -> None:
        """Do nothing."""


class AlwaysGivesBack(TokenBucket):
    def release(self, reservation: Reservation) -> None:
        assert isinstance(reservation, Held)
        self._line.tat -= reservation.cost / self.rate


class Bursts(TokenBucket):
    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, burst=2, **options)


class TakesAnyCost(TokenBucket):
    consume = LimiterBase.consume

    def reserve(self, cost: float = 1, *, max_wait: float | None = None) -> Held | None:
        number = cost if isinstance(cost, int | float) and 0 < cost <= self.max_cost else 1
        return super().reserve(number, max_wait=max_wait)


class NeverRefuses(TokenBucket):
    consume = LimiterBase.consume

    def reserve(self, cost: float = 1, *, max_wait: float | None = None) -> Held | None:
        return super().reserve(cost)


class SettlesNothing(TokenBucket):
    def settle(self, reservation: Reservation, real_cost: float) -> None:
        """Do nothing."""


class WaitsForNothing(TokenBucket):
    def consume(self, cost: float = 1, *, timeout: float | None = None) -> Any:
        return self.reserve(cost, max_wait=timeout)


class WakesNobody(TokenBucket):
    def wake_early(self, reservation: Reservation, wake: object) -> bool:
        return True


BROKEN = [
    (WakesNobody, "test_who_waits_moves_up"),
    (NeverGivesBack, "test_a_cancelled_task_gives_back"),
    (Bursts, "test_calls_are_evenly_spaced"),
    (TakesAnyCost, "test_a_cost_above_the_maximum"),
    (NeverRefuses, "test_try_consume_never_waits"),
    (WaitsForNothing, "test_consume_waits_for_its_turn"),
    (WaitsForNothing, "test_threads_never_go_before_their_time"),
]


def suite_of(broken: type[TokenBucket]) -> LimiterContract:
    class Suite(LimiterContract):
        def make(self, rate_per_second: float, max_cost: float, clock: Callable[[], float]) -> Any:
            return broken(rate_per_second, max_cost, clock=clock)

    return Suite()


@pytest.mark.parametrize(
    ("broken", "test"), BROKEN, ids=lambda value: getattr(value, "__name__", value)
)
def test_the_suite_finds(
    broken: type[TokenBucket], test: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    method = getattr(suite_of(broken), test)
    clock = ManualClock()
    limiter = broken(1, 100, clock=clock)
    clock.drive(limiter, monkeypatch)
    # Else a busy machine may take as long as the calls should.
    monkeypatch.setattr(suite, "time", SimpleNamespace(monotonic=clock))
    arguments = {"clock": clock, "limiter": limiter}
    wanted = inspect.signature(method).parameters
    with pytest.raises((AssertionError, pytest.fail.Exception)):
        method(**{name: arguments[name] for name in wanted})


@pytest.mark.parametrize(
    "broken", [NeverGivesBack, AlwaysGivesBack, Bursts, NeverRefuses, SettlesNothing]
)
def test_the_machine_finds(broken: type[TokenBucket]) -> None:
    quick = settings(
        deadline=None, phases=[Phase.generate], max_examples=300, report_multiple_bugs=False
    )
    with pytest.raises(AssertionError):
        run_state_machine_as_test(suite_of(broken).machine(), settings=quick)
