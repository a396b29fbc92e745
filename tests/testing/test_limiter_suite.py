"""The limiter suite itself: it finds what is broken."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest
from beautyspot.contracts import Grant, LimiterBase, Rate, Schedule
from beautyspot_local import TokenBucket
from beautyspot_testing.limiter import LimiterContract, ManualClock
from hypothesis import Phase, settings
from hypothesis.stateful import run_state_machine_as_test

Asked = Sequence[Mapping[str, float]]
Answer = tuple[list[Grant], float]


class GivesNothingBack(TokenBucket):
    def give_back(self, grant: Grant, real: Mapping[str, float]) -> None:
        """Do nothing."""


class KeepsCredit(TokenBucket):
    """What is given back is kept for later, in a burst."""

    def give_back(self, grant: Grant, real: Mapping[str, float]) -> None:
        schedule, limits = self._schedules.of(grant.key, self._clock()), dict(self.limits)
        for name, cost in real.items():
            burst = limits[name].burst + max(0.0, grant.costs[name] - cost)
            limits[name] = limits[name]._replace(burst=burst)
        schedule.limits = limits


class MixesLimitsUp(TokenBucket):
    def give_back(self, grant: Grant, real: Mapping[str, float]) -> None:
        super().give_back(grant, {**dict.fromkeys(grant.costs, 0.0), **real})


class HoldsNothing(TokenBucket):
    def hold(self, seconds: float, key: str = "") -> None:
        """Do nothing."""


class HoldsNoKeysToCome(TokenBucket):
    def hold(self, seconds: float, key: str = "") -> None:
        before = self._schedules.plain.until
        super().hold(seconds, key)
        if not key:  # what a new key is made after
            self._schedules.plain.until = before
            self._schedules.plain.ends["rate"] = self._clock() + seconds


class Bursts(TokenBucket):
    def _set_up(self, limits: Mapping[str, Rate], clock: Callable[[], float]) -> None:
        super()._set_up(limits, clock)
        self._schedules.plain.limits = {
            name: rate._replace(burst=rate.burst + 2) for name, rate in limits.items()
        }


class PlansAhead(TokenBucket):
    """Grants what begins in a while."""

    def take(self, asked: Asked, key: str = "") -> Answer:
        grants, wait = super().take(asked, key)
        if 0 < wait < 1:
            grants.append(Grant(wait, asked[len(grants)], key))
            wait = 0.0
        return grants, wait


class LetsPass(TokenBucket):
    """Asks for each by itself."""

    def take(self, asked: Asked, key: str = "") -> Answer:
        grants: list[Grant] = []
        wait = 0.0
        for costs in asked:
            granted, left = super().take([costs], key)
            grants += granted
            wait = wait or left
        return grants, wait


class TakesOfSome(TokenBucket):
    """Asks each limit by itself."""

    def take(self, asked: Asked, key: str = "") -> Answer:
        grants: list[Grant] = []
        for costs in asked:
            answers = [super(TakesOfSome, self).take([{n: c}], key) for n, c in costs.items()]
            if not all(some for some, _ in answers):
                return grants, max(wait for _, wait in answers)
            grants.append(answers[-1][0][0]._replace(costs=costs))
        return grants, 0.0


class KnowsNoKeys(TokenBucket):
    def take(self, asked: Asked, key: str = "") -> Answer:
        grants, wait = super().take(asked)
        return [grant._replace(key=key) for grant in grants], wait


class Freezes(TokenBucket):
    """Takes a clock that was turned back at its word."""

    def take(self, asked: Asked, key: str = "") -> Answer:
        self._schedules.of(key, self._clock()).seen = -1e9
        return super().take(asked, key)


class TakesAnyCost(TokenBucket):
    def costs_of(self, cost: object) -> dict[str, float]:
        return {"rate": 1.0}


class WaitsForNothing(TokenBucket):
    def consume(self, cost: Any = 1, *, timeout: float | None = None, key: str = "") -> Grant:
        grants, _ = self.take([self.costs_of(cost)], key)
        return grants[0] if grants else Grant(0.0, self.costs_of(cost), key)


class LocksNothing(TokenBucket):
    """Another thread may come in between its looking and its taking."""

    def take(self, asked: Asked, key: str = "") -> Answer:
        before = dict(self._schedules.of(key, self._clock()).ends)
        answer = super().take(asked, key)
        self._pausing.wait(0.001)
        self._schedules.of(key, self._clock()).ends = {
            name: before.get(name, self._clock()) + cost / self.rate
            for name, cost in asked[0].items()
        }
        return answer

    _pausing = threading.Event()


BROKEN: list[tuple[type[TokenBucket], str, list[Any]]] = [
    (GivesNothingBack, "example", ["what is given back counts at once"]),
    (KeepsCredit, "example", ["time that has passed is not given back"]),
    (MixesLimitsUp, "example", ["each limit is corrected by itself"]),
    (HoldsNothing, "example", ["pauses of one key overlap, and hold no other"]),
    (HoldsNoKeysToCome, "example", ["a pause of all holds every key, also those to come"]),
    (Bursts, "example", ["calls are evenly spaced"]),
    (Bursts, "example", ["time that was not used is lost"]),
    (PlansAhead, "example", ["what may begin soon is granted, and what may later is not planned"]),
    (LetsPass, "example", ["no call passes one that was asked for before"]),
    (TakesOfSome, "example", ["a call takes of all limits or of none"]),
    (KnowsNoKeys, "example", ["each key has the whole limit"]),
    (Freezes, "example", ["a clock turned back neither freezes nor bursts"]),
    (TakesAnyCost, "a_bad_cost", [0]),
    (WaitsForNothing, "who_can_not_begin_in_time_is_refused_at_once", []),
    (WaitsForNothing, "nobody_goes_before_his_time", []),
    (LocksNothing, "threads_take_no_more_than_there_is", []),
]


def suite_of(broken: type[TokenBucket]) -> LimiterContract:
    class Suite(LimiterContract):
        def make(self, limits: Mapping[str, Rate], clock: Callable[[], float]) -> LimiterBase:
            made = broken.__new__(broken)
            made._set_up(limits, clock)
            return made

    return Suite()


@pytest.mark.parametrize(
    ("broken", "test", "given"), BROKEN, ids=lambda value: getattr(value, "__name__", None)
)
def test_the_suite_finds(broken: type[TokenBucket], test: str, given: list[Any]) -> None:
    method = getattr(suite_of(broken), f"test_{test}")
    clock = [] if test.startswith("nobody") else [ManualClock()]
    with pytest.raises((AssertionError, pytest.fail.Exception)):
        method(*given, *clock)


quick = settings(
    deadline=None,
    phases=[Phase.generate],
    max_examples=300,
    report_multiple_bugs=False,
    derandomize=True,
)


@pytest.mark.parametrize(
    "broken", [GivesNothingBack, KeepsCredit, HoldsNothing, PlansAhead, LetsPass, TakesOfSome]
)
def test_the_machine_finds(broken: type[TokenBucket]) -> None:
    with pytest.raises(AssertionError):
        run_state_machine_as_test(suite_of(broken).machine(), settings=quick)


# ------------------------------------------------ what limiter and model have wrong alike


def at_twice_the_rate(right: Any, self: Schedule, *given: Any) -> Any:
    kept = self.limits
    self.limits = {
        name: rate._replace(per_second=2 * rate.per_second) for name, rate in kept.items()
    }
    try:
        return right(self, *given)
    finally:
        self.limits = kept


def twice(right: Any, self: Schedule, *given: Any) -> None:
    for _ in range(2):
        right(self, *given)


def what_others_took(right: Any, self: Schedule, grant: Grant, *given: Any) -> None:
    right(self, grant._replace(stamp=(self.made, self.taken)), *given)


def within_soon(right: Any, self: Schedule, *given: Any) -> None:
    """Of a call that begins before another one that was granted as well."""
    kept, self.start = self.start, min(self.start, given[-1])
    right(self, *given)
    self.start = kept


def in_any_order(right: Any, self: Schedule, *given: Any) -> Any:
    self.start = -math.inf
    return right(self, *given)


@pytest.mark.parametrize(
    ("method", "wrong"),
    [
        ("take", at_twice_the_rate),
        ("take", in_any_order),
        ("give_back", twice),
        ("give_back", what_others_took),
        ("give_back", within_soon),
    ],
)
def test_the_promise_is_what_counts(
    method: str, wrong: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    right = getattr(Schedule, method)
    monkeypatch.setattr(Schedule, method, lambda *given: wrong(right, *given))
    with pytest.raises(AssertionError, match="more than the rate allows|begins before"):
        suite_of(TokenBucket).test_no_window_holds_too_much()
