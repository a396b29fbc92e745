"""Several limits in the server, asked at once: what a `Schedule` answers, in one round trip."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Any

import pytest
from beautyspot.contracts import Grant, LimiterBase, Schedule
from beautyspot_testing.limiter import ManualClock
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

RATES = {"calls": 1.0, "words": 4.0}
EIGHTHS = st.integers(1, 32).map(lambda eighths: eighths / 8)
COSTS = st.dictionaries(st.sampled_from(sorted(RATES)), EIGHTHS, min_size=1)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("take"), st.lists(COSTS, min_size=1, max_size=3)),
        st.tuples(st.just("give_back"), st.integers(0, 20), st.sampled_from([0.0, 0.5, 1.5])),
        st.tuples(st.just("hold"), EIGHTHS),
        st.tuples(st.just("advance"), st.integers(-8, 32).map(lambda eighths: eighths / 8)),
    ),
    max_size=25,
)


@pytest.fixture
def make(make_limiter: Callable[..., Any], namespace: str) -> Callable[..., Any]:
    def make(part: str, burst: float) -> LimiterBase:
        given = {"max_cost": 8, "burst": burst, "namespace": namespace + part}
        limits = {
            name: make_limiter(rate=rate, limit=name, **given) for name, rate in RATES.items()
        }
        joint: LimiterBase | None = limits["calls"].together(limits)
        assert joint is not None
        return joint

    return make


class Both:
    """Limits in the server and a schedule, asked the same; of a key, which changes nothing."""

    def __init__(self, asked: LimiterBase, clock: ManualClock) -> None:
        self.asked = asked
        self.model = Schedule(asked.limits)
        self.clock = clock
        self.granted: list[Grant] = []

    def take(self, costs: list[dict[str, float]]) -> None:
        grants, wait = self.asked.take(costs, "key")
        delays, left = self.model.take(costs, self.clock())
        assert [grant.delay for grant in grants] == pytest.approx(delays)
        assert wait == pytest.approx(left)
        self.granted += grants

    def give_back(self, place: int, part: float) -> None:
        if self.granted:
            grant = self.granted.pop(place % len(self.granted))
            real = {name: part * cost for name, cost in grant.costs.items()}
            self.asked.give_back(grant, real)
            self.model.give_back(grant.costs, real, self.clock())

    def hold(self, seconds: float) -> None:
        self.asked.hold(seconds, "key")
        self.model.pause(seconds, self.clock())

    def advance(self, seconds: float) -> None:
        self.clock.advance(seconds)


@settings(max_examples=40, deadline=None, suppress_health_check=[*HealthCheck])
@given(steps=STEPS, burst=st.sampled_from([0.0, 3.0]))
def test_it_answers_as_a_schedule_does(
    make: Callable[..., Any], clock: ManualClock, steps: Any, burst: float
) -> None:
    both = Both(make(secrets.token_hex(4), burst), clock)
    for step, *values in steps:
        getattr(both, step)(*values)
