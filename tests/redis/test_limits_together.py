"""Several limits in the server, asked at once: as core's combined limits, in one round trip."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any

import pytest
from beautyspot.limits.combined import CombinedLimiter
from beautyspot.testing.limiter import ManualClock
from beautyspot_local import TokenBucket
from beautyspot_redis import RedisLimiter
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

if TYPE_CHECKING:
    from collections.abc import Callable

    from beautyspot.contracts import LimiterBase

RATES = {"calls": 1.0, "words": 4.0}
EIGHTHS = st.integers(0, 32).map(lambda eighths: eighths / 8)
COSTS = st.fixed_dictionaries({"calls": EIGHTHS, "words": EIGHTHS}).filter(
    lambda costs: any(costs.values())
)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("reserve"), COSTS, st.none() | EIGHTHS),
        st.tuples(st.just("release"), st.integers(0, 20)),
        st.tuples(st.just("settle"), st.integers(0, 20), COSTS),
        st.tuples(st.just("remaining"), st.integers(0, 20)),
        st.tuples(st.just("advance"), EIGHTHS),
    ),
    max_size=25,
)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def make(redis_url: str, namespace: str, clock: ManualClock) -> Callable[..., Any]:
    def make(part: str = "", burst: float = 0.0) -> LimiterBase:
        limits = {
            name: RedisLimiter(
                redis_url, rate=rate, max_cost=8, burst=burst, namespace=namespace + part,
                limit=name, clock=clock,
            )
            for name, rate in RATES.items()
        }  # fmt: skip
        joint = RedisLimiter.together(limits)
        assert joint is not None
        return joint

    return make


class Both:
    """Limits in the server and core's own, asked the same."""

    def __init__(self, asked: Any, model: Any) -> None:
        self.limiters = asked, model
        self.made: list[tuple[Any, Any]] = []

    def reserve(self, cost: Any, max_wait: float | None) -> None:
        asked, model = (one.reserve(cost, max_wait=max_wait) for one in self.limiters)
        assert (asked is None) == (model is None)
        if asked is not None:
            assert asked.delay == pytest.approx(model.delay)
            self.made.append((asked, model))

    def pair(self, place: int) -> list[tuple[Any, Any]]:
        if not self.made:
            return []
        return list(zip(self.limiters, self.made[place % len(self.made)], strict=True))

    def release(self, place: int) -> None:
        for limiter, reservation in self.pair(place):
            limiter.release(reservation)

    def remaining(self, place: int) -> None:
        left = [limiter.remaining(reservation) for limiter, reservation in self.pair(place)]
        assert not left or left[0] == pytest.approx(max(0, left[1]))

    def settle(self, place: int, real: Any) -> None:
        pair = self.pair(place)
        if pair and pair[1][1].parts:
            for limiter, reservation in pair:
                limiter.settle(reservation, {name: real[name] for name in reservation.parts})


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(steps=STEPS, burst=st.sampled_from([0.0, 3.0]))
def test_it_answers_as_core_does(
    make: Callable[..., Any], clock: ManualClock, steps: Any, burst: float
) -> None:
    local = {name: TokenBucket(rate, 8, burst=burst, clock=clock) for name, rate in RATES.items()}
    both = Both(make(secrets.token_hex(4), burst), CombinedLimiter(local, clock))
    for step, *values in steps:
        if step == "advance":
            clock.advance(*values)
        else:
            getattr(both, step)(*values)
