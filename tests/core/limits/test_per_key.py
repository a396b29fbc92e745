"""A limit for each key, which is dropped only when it no longer matters."""

from __future__ import annotations

from collections import Counter
from typing import Any

from beautyspot.limits.limiting import FEW, LimitsByKey
from beautyspot_local import TokenBucket
from beautyspot_testing.limiter_model import ManualClock
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test


class Keys(RuleBasedStateMachine):
    """What each key answers is what a limiter that is never forgotten would answer."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = ManualClock()
        self.model = TokenBucket(2, 10, clock=self.clock)
        self.kept: dict[str, TokenBucket] = {}
        self.by_key = LimitsByKey(TokenBucket(2, 10, clock=self.clock))
        self.calls: list[Any] = []

    @rule(key=st.integers(0, 99).map(str), cost=st.integers(1, 8), settles=st.booleans())
    def call(self, key: str, cost: int, settles: bool) -> None:
        call = object()
        limiter = self.by_key.enter(key, call)
        known = self.kept.setdefault(key, self.model.for_key(key))
        one, other = limiter.reserve(cost), known.reserve(cost)
        assert one is not None
        assert other is not None
        assert one.delay == other.delay
        if settles:
            self.calls.append((key, limiter, one, known, other, call))
        else:
            self.by_key.leave(key, call)

    @rule(data=st.data(), real=st.integers(0, 20))
    def end(self, data: st.DataObject, real: int) -> None:
        if self.calls:
            call = data.draw(st.sampled_from(self.calls))
            self.calls.remove(call)
            key, limiter, one, known, other, entered = call
            limiter.settle(one, real)
            known.settle(other, real)
            self.by_key.leave(key, entered)
            self.by_key.leave(key, entered)  # an interrupted one is ended once more

    @rule(seconds=st.integers(0, 8))
    def advance(self, seconds: int) -> None:
        self.clock.advance(seconds)

    @invariant()
    def what_matters_is_kept_and_little_else(self) -> None:
        under_way = Counter(call[0] for call in self.calls)
        matter = [key for key, known in self.kept.items() if known.busy_for() or under_way[key]]
        assert len(matter) <= len(self.by_key) <= len(self.kept)


def test_any_order_of_calls() -> None:
    effort = settings(
        deadline=None, max_examples=20, stateful_step_count=25, report_multiple_bugs=False
    )
    run_state_machine_as_test(Keys, settings=effort)


def test_a_key_with_a_call_under_way_is_kept() -> None:
    by_key = LimitsByKey(TokenBucket(1))
    first = by_key.enter("a", 1)
    for number in range(3 * FEW):  # so many others that what is idle is dropped
        by_key.enter(f"crowd{number}", 1)
        by_key.leave(f"crowd{number}", 1)
    assert by_key.enter("a", 1) is first
