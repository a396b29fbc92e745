"""Several limits at once: all grant or none, at one moment, and no limit is ever broken."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from beautyspot.errors import CostError, RateLimitError
from beautyspot.limits.combined import CombinedLimiter
from beautyspot_local import TokenBucket
from beautyspot_testing.limiter_model import ManualClock, Model, Taken
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    precondition,
    rule,
    run_state_machine_as_test,
)

RATES = {"requests": 1.0, "tokens": 4.0}
EFFORT = settings(
    deadline=None, max_examples=20, stateful_step_count=25, report_multiple_bugs=False
)

REQUESTS = st.integers(0, 3)
TOKENS = st.integers(0, 64).map(lambda eighths: eighths / 8)
SECONDS = st.integers(0, 64).map(lambda sixteenths: sixteenths / 16)
COSTS = st.fixed_dictionaries({"requests": REQUESTS, "tokens": TOKENS}).filter(
    lambda costs: any(costs.values())
)


def make(clock: ManualClock) -> CombinedLimiter:
    buckets = {name: TokenBucket(rate, 100, clock=clock) for name, rate in RATES.items()}
    return CombinedLimiter(buckets, clock)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def limits(clock: ManualClock, monkeypatch: pytest.MonkeyPatch) -> CombinedLimiter:
    together = make(clock)
    clock.drive(together, monkeypatch)
    return together


def delay(limits: CombinedLimiter, **costs: float) -> float:
    joint = limits.reserve(costs)
    assert joint is not None
    return joint.delay


# ------------------------------------------------------------------- any order, against a model


class Exact(RuleBasedStateMachine):
    """Each reservation is at the earliest moment that is free in all limits, found by trying."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = ManualClock()
        self.limits = make(self.clock)
        self.models = {name: Model(rate) for name, rate in RATES.items()}
        self.joints: list[Any] = []

    def earliest(self, costs: dict[str, float]) -> float:
        now = self.clock()
        ends = [t.end for model in self.models.values() for t in model.taken if t.end > now]
        return min(
            start
            for start in (now, *ends)
            if all(
                self.models[name].earliest(cost / RATES[name], start) == start
                for name, cost in costs.items()
                if cost
            )
        )

    @rule(costs=COSTS, max_wait=st.none() | SECONDS)
    def reserve(self, costs: dict[str, float], max_wait: float | None) -> None:
        expected = self.earliest(costs)
        joint = self.limits.reserve(costs, max_wait=max_wait)
        if max_wait is not None and expected - self.clock() > max_wait:
            assert joint is None
            return
        assert joint is not None
        assert self.clock() + joint.delay == expected
        taken = {
            name: Taken(joint.parts[name], expected, cost / RATES[name], cost)
            for name, cost in costs.items()
            if cost
        }
        for name, one in taken.items():
            self.models[name].taken.append(one)
        self.joints.append((joint, taken))

    @precondition(lambda self: self.joints)
    @rule(data=st.data())
    def release(self, data: st.DataObject) -> None:
        joint, taken = data.draw(st.sampled_from(self.joints))
        self.limits.release(joint)
        self.limits.release(joint)
        for name, one in taken.items():
            if not one.settled and one.end > self.clock() and one in self.models[name].taken:
                self.models[name].taken.remove(one)

    @precondition(lambda self: self.joints)
    @rule(data=st.data(), share=st.sampled_from([0.0, 0.5, 1.0]))
    def settle(self, data: st.DataObject, share: float) -> None:
        joint, taken = data.draw(st.sampled_from(self.joints))
        if joint.over or not taken:
            return
        name = data.draw(st.sampled_from(sorted(taken)))
        if not taken[name].settled:
            self.limits.settle(joint, {name: share * taken[name].cost})
            self.models[name].settle(taken[name], share * taken[name].cost, self.clock())

    @rule(seconds=SECONDS)
    def advance(self, seconds: float) -> None:
        self.clock.advance(seconds)

    def teardown(self) -> None:
        assert all(model.worst_window() <= 0 for model in self.models.values())


def test_the_earliest_common_moment() -> None:
    run_state_machine_as_test(Exact, settings=EFFORT)


# ------------------------------------------------------------------------------ one by one


def test_all_or_none(limits: CombinedLimiter) -> None:
    assert delay(limits, requests=1, tokens=40) == 0
    assert limits.reserve({"requests": 1, "tokens": 1}, max_wait=5) is None
    assert delay(limits, requests=1) == 1, "what was refused took no request"
    with pytest.raises(CostError, match="above max_cost"):
        limits.reserve({"requests": 1, "tokens": 101})
    assert delay(limits, requests=1) == 2, "what was an error took no request"


def test_calls_that_waited_for_one_limit_do_not_break_the_other(limits: CombinedLimiter) -> None:
    delay(limits, tokens=40)
    found = [delay(limits, requests=1, tokens=0.25) for _ in range(4)]
    assert found == [10, 11, 12, 13], "one a second, though all wait for the same tokens"
    assert delay(limits, requests=1) == 0, "what lies before is free for who needs no tokens"


def test_consume_in_both_ways(limits: CombinedLimiter, clock: ManualClock) -> None:
    start = clock()
    for turn in range(2):
        assert limits.consume({"requests": 1, "tokens": 8}).cost == 9
        assert clock() - start == 4 * turn
        asyncio.run(limits.consume_async({"requests": 1, "tokens": 8}))
        assert clock() - start == 4 * turn + 2
    assert limits.try_consume({"tokens": 1}) is False
    with pytest.raises(RateLimitError):
        limits.consume({"tokens": 1}, timeout=1)
    clock.advance(2)
    assert limits.try_consume({"tokens": 1}) is True


def test_what_fails_in_the_middle_takes_nothing(
    limits: CombinedLimiter, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: Any, **__: Any) -> None:
        raise OSError("locked")

    monkeypatch.setattr(limits.limits["tokens"], "reserve_after", fails)
    with pytest.raises(OSError, match="locked"):
        limits.consume({"requests": 1, "tokens": 1})
    assert delay(limits, requests=1) == 0
