"""Several limits in the server, asked at once: as core's combined limits, in one round trip."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest
from beautyspot.contracts import LimiterBase
from beautyspot.limits.combined import CombinedLimiter
from beautyspot_local import TokenBucket
from beautyspot_local.timeline_limiter import LATE
from beautyspot_testing.limiter import ManualClock
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

RATES = {"calls": 1.0, "words": 4.0}
EIGHTHS = st.integers(0, 32).map(lambda eighths: eighths / 8)
COSTS = st.fixed_dictionaries({"calls": EIGHTHS, "words": EIGHTHS}).filter(
    lambda costs: any(costs.values())
)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("reserve"), COSTS, st.none() | EIGHTHS),
        st.tuples(st.just("release"), st.integers(0, 20)),
        st.tuples(st.just("settle"), st.integers(0, 20), st.sampled_from([0.0, 0.5, 1.0])),
        st.tuples(st.just("remaining"), st.integers(0, 20)),
        st.tuples(st.just("advance"), EIGHTHS),
    ),
    max_size=25,
)


@pytest.fixture
def make(make_limiter: Callable[..., Any], namespace: str) -> Callable[..., Any]:
    def make(part: str = "", burst: float = 0.0) -> LimiterBase:
        given = {"max_cost": 8, "burst": burst, "namespace": namespace + part}
        limits = {
            name: make_limiter(rate=rate, limit=name, **given) for name, rate in RATES.items()
        }
        joint: LimiterBase | None = limits["calls"].together(limits)
        assert joint is not None
        return joint

    return make


class Made(NamedTuple):
    """One call's reservations: in the server, and in core's own limits."""

    asked: Any
    model: Any
    costs: dict[str, float]


class Both:
    """Limits in the server and core's own, asked the same."""

    def __init__(self, asked: Any, model: Any, clock: ManualClock) -> None:
        self.asked = asked
        self.model = model
        self.clock = clock
        self.made: list[Made] = []

    def reserve(self, costs: Any, max_wait: float | None) -> None:
        asked, model = (one.reserve(costs, max_wait=max_wait) for one in (self.asked, self.model))
        assert (asked is None) == (model is None)
        if asked is not None:
            assert asked.delay == pytest.approx(model.delay)
            self.made.append(Made(asked, model, costs))

    def release(self, place: int) -> None:
        for made in self._taken_out(place):
            self.asked.release(made.asked)
            self.model.release(made.model)

    def settle(self, place: int, part: float) -> None:
        """Too little lies behind all others in the server, where core finds room before."""
        for made in self._taken_out(place):
            real = {name: part * cost for name, cost in made.costs.items() if cost}
            self.asked.settle(made.asked, real)
            self.model.settle(made.model, real)

    def remaining(self, place: int) -> None:
        """One that asks in time; the parts of another one may be placed anew."""
        if self.made:
            made = self.made[place % len(self.made)]
            if made.model.due <= self.clock() <= made.model.due + LATE:
                left = self.asked.remaining(made.asked), self.model.remaining(made.model)
                assert left[0] == pytest.approx(max(0, left[1]))

    def _taken_out(self, place: int) -> list[Made]:
        return [self.made.pop(place % len(self.made))] if self.made else []


@settings(max_examples=40, deadline=None, suppress_health_check=[*HealthCheck])
@given(steps=STEPS, burst=st.sampled_from([0.0, 3.0]))
def test_it_answers_as_core_does(
    make: Callable[..., Any], clock: ManualClock, steps: Any, burst: float
) -> None:
    local = {name: TokenBucket(rate, 8, burst=burst, clock=clock) for name, rate in RATES.items()}
    both = Both(make(secrets.token_hex(4), burst), CombinedLimiter(local, clock), clock)
    for step, *values in steps:
        if step == "advance":
            clock.advance(*values)
        else:
            getattr(both, step)(*values)
