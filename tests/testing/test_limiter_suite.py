"""The limiter suite itself: it fits a small limiter of a stranger, and finds what is broken."""

from __future__ import annotations

import inspect
import math
import threading
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from beautyspot.contracts import LimiterBase, Reservation
from beautyspot.errors import CostError
from beautyspot_local.held import Held
from beautyspot_local.limiter import TokenBucket
from beautyspot_testing import limiter as suite
from beautyspot_testing import limiter_steps as steps
from beautyspot_testing.limiter import LimiterContract, ManualClock
from hypothesis import Phase, settings
from hypothesis.stateful import run_state_machine_as_test

if TYPE_CHECKING:
    from collections.abc import Callable


class Place(Reservation):
    """Where a reservation stands in `PlainLimiter`."""

    def __init__(self, delay: float, cost: float, start: float, end: float) -> None:
        super().__init__(delay, cost)
        self.start, self.end = start, end
        self.done = False


class PlainLimiter(LimiterBase):
    """GCRA as a plug-in author might write it: what is released in the middle is lost."""

    name = "plain"

    def __init__(self, rate: float, max_cost: float, clock: Callable[[], float]) -> None:
        self.rate, self.max_cost, self.clock = rate, max_cost, clock
        self.tat = self.seen = clock()
        self.back = 0.0
        self.lock = threading.Lock()
        self.released: list[Place] = []

    def reserve(self, cost: float = 1, *, max_wait: float | None = None) -> Place | None:
        if type(cost) not in (int, float) or not 0 < cost <= self.max_cost:
            raise CostError(f"cost={cost!r} must be a number in (0, {self.max_cost}]")
        with self.lock:
            now = self._now()
            start = max(now, self.tat)
            if max_wait is not None and start - now > max_wait:
                return None
            self.tat = start + cost / self.rate
            return Place(start - now, cost, start, self.tat)

    def release(self, reservation: Reservation) -> None:
        assert isinstance(reservation, Place)
        with self.lock:
            if not reservation.done and reservation.end > self._now():
                self._free(reservation)
            reservation.done = True

    def settle(self, reservation: Reservation, real_cost: float) -> None:
        assert isinstance(reservation, Place)
        if type(real_cost) not in (int, float) or not 0 <= real_cost < math.inf:
            raise CostError(f"real_cost={real_cost!r} must be a finite number from 0 up")
        more = (real_cost - reservation.cost) / self.rate
        with self.lock:
            if not reservation.done and (more > 0 or reservation.end == self.tat):
                self.tat += more
            reservation.done = True

    def _now(self) -> float:
        self.back += max(0.0, self.seen - self.clock() - self.back)
        self.seen = self.clock() + self.back
        return self.seen

    def _free(self, place: Place) -> None:
        self.released.append(place)
        while last := next((place for place in self.released if place.end == self.tat), None):
            self.released.remove(last)
            self.tat = last.start


class TestPlainLimiter(LimiterContract):
    reuses_gaps = False
    examples = 50

    def make(
        self, rate_per_second: float, max_cost: float, clock: Callable[[], float]
    ) -> PlainLimiter:
        return PlainLimiter(rate_per_second, max_cost, clock)


class Without(LimiterContract):
    can_settle = False
    injectable_clock = False


def test_what_a_limiter_lacks_is_skipped() -> None:
    with pytest.raises(pytest.skip.Exception, match="injectable_clock = False"):
        Without().test_any_interleaving()
    with pytest.raises(pytest.skip.Exception, match="can_settle = False"):
        Without().test_only_the_first_settlement_counts(PlainLimiter(1, 1, ManualClock()))


def test_a_limiter_that_cannot_settle_says_so() -> None:
    class CannotSettle(PlainLimiter):
        settle = LimiterBase.settle

    Without().test_settle_is_there_or_says_that_it_is_not(CannotSettle(1, 1, ManualClock()))


def test_the_factory_must_be_defined() -> None:
    with pytest.raises(NotImplementedError, match=r"define make\(\)"):
        LimiterContract().make(1, 1, ManualClock())


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
    (NeverGivesBack, "test_the_last_reservation_is_given_back"),
    (AlwaysGivesBack, "test_a_second_release_does_nothing"),
    (AlwaysGivesBack, "test_what_has_passed_is_lost"),
    (NeverGivesBack, "test_a_cancelled_task_gives_back"),
    (Bursts, "test_calls_are_evenly_spaced"),
    (Bursts, "test_no_burst_after_idling"),
    (TakesAnyCost, "test_a_cost_above_the_maximum"),
    (NeverRefuses, "test_max_wait_refuses_what_is_too_far_away"),
    (NeverRefuses, "test_try_consume_never_waits"),
    (SettlesNothing, "test_too_much_reserved_is_given_back"),
    (SettlesNothing, "test_too_little_reserved_is_made_up_for"),
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


@pytest.mark.parametrize("broken", [NeverGivesBack, AlwaysGivesBack, Bursts, SettlesNothing])
def test_the_machine_finds(broken: type[TokenBucket]) -> None:
    quick = settings(
        deadline=None, phases=[Phase.generate], max_examples=300, report_multiple_bugs=False
    )
    with pytest.raises(AssertionError):
        run_state_machine_as_test(suite_of(broken).machine(), settings=quick)


def test_a_failure_in_a_thread_is_raised() -> None:
    def work() -> None:
        raise ValueError("in a thread")

    with pytest.raises(ValueError, match="in a thread"):
        steps.in_threads(2, work)
