"""A limit for each key, which is forgotten exactly when it no longer matters."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from beautyspot.contracts import LimiterBase, Reservation
from beautyspot.errors import ConfigError
from beautyspot.limits.per_key import LimitsByKey
from beautyspot.testing.limiter_model import ManualClock
from beautyspot_local import TokenBucket
from gates import held_elsewhere
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
        self.by_key = LimitsByKey(TokenBucket(2, 10, clock=self.clock), self.clock)
        self.calls: list[Any] = []

    @rule(key=st.sampled_from("abc"), cost=st.integers(1, 8), settles=st.booleans())
    def call(self, key: str, cost: int, settles: bool) -> None:
        limiter = self.by_key.enter(key)
        known = self.kept.setdefault(key, self.model.twin(key))
        one, other = limiter.reserve(cost), known.reserve(cost)
        assert one is not None
        assert other is not None
        assert one.delay == other.delay
        if settles:
            self.calls.append((key, limiter, one, known, other))
        else:
            self.by_key.leave(key)

    @rule(data=st.data(), real=st.integers(0, 20))
    def end(self, data: st.DataObject, real: int) -> None:
        if self.calls:
            call = data.draw(st.sampled_from(self.calls))
            self.calls.remove(call)
            key, limiter, one, known, other = call
            limiter.settle(one, real)
            known.settle(other, real)
            self.by_key.leave(key)

    @rule(seconds=st.integers(0, 8))
    def advance(self, seconds: int) -> None:
        self.clock.advance(seconds)

    @invariant()
    def what_matters_is_kept_and_nothing_else(self) -> None:
        under_way = Counter(call[0] for call in self.calls)
        matter = [key for key, known in self.kept.items() if known.busy_for() or under_way[key]]
        assert len(self.by_key) == len(matter)


def test_any_order_of_calls() -> None:
    effort = settings(
        deadline=None, max_examples=60, stateful_step_count=25, report_multiple_bugs=False
    )
    run_state_machine_as_test(Keys, settings=effort)


def test_a_crawl_of_many_hosts_stays_small() -> None:
    clock = ManualClock()
    by_key = LimitsByKey(TokenBucket(1, clock=clock), clock)
    most = 0
    for number in range(2000):
        by_key.enter(f"host{number}").consume()
        by_key.leave(f"host{number}")
        clock.advance(0.125)
        most = max(most, len(by_key))
    assert most <= 8
    assert len(by_key._queue) <= 8


class Failing(TokenBucket):
    broken = False

    def busy_for(self) -> float:
        if self.broken:
            raise TimeoutError("locked")
        return super().busy_for()

    def _fresh(self, key: str) -> Failing:
        return Failing(self.rate, clock=self._clock)


def test_one_that_cannot_tell_at_the_moment_is_kept() -> None:
    clock = ManualClock()
    limiter = Failing(1, clock=clock)
    limiter.broken = True
    by_key = LimitsByKey(limiter, clock)
    twin: Any = by_key.enter("a")
    twin.broken = True
    by_key.leave("a")
    for _ in range(3):
        clock.advance(1)
        assert len(by_key) == 1
    twin.broken = False
    clock.advance(1)
    assert len(by_key) == 0


def test_a_limiter_without_twins_is_refused() -> None:
    class Least(LimiterBase):
        name = "least"

        def reserve(self, cost: float = 1, *, max_wait: float | None = None) -> Reservation:
            return Reservation(0, cost)

        def release(self, reservation: Reservation) -> None: ...

    with pytest.raises(ConfigError, match="use a limiter that can"):
        LimitsByKey(Least())


def test_a_fork_has_a_lock_of_its_own() -> None:
    by_key = LimitsByKey(TokenBucket(1))
    with held_elsewhere(by_key._lock):
        by_key.reset_after_fork()
        assert len(by_key) == 0
        assert by_key.enter("k") is not None


def test_a_key_that_is_used_again_when_it_would_be_forgotten() -> None:
    clock = ManualClock()
    by_key = LimitsByKey(TokenBucket(1, clock=clock), clock)
    first = by_key.enter("a")
    first.consume()
    by_key.leave("a")
    assert by_key.enter("a") is first
    clock.advance(1)
    assert len(by_key) == 1
    assert by_key.enter("a") is first


def test_a_key_that_a_handler_uses_as_it_is_looked_at_is_kept(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    by_key = LimitsByKey(TokenBucket(1))
    limiter: Any = by_key.enter("a")

    def handled() -> float:
        by_key.enter("a")
        return 0.0

    by_key.leave("a")
    by_key._queue.insert(0, (0.0, "forgotten"))
    by_key._queue[1] = (0.0, "a")
    monkeypatch.setattr(limiter, "busy_for", handled)
    assert len(by_key) == 1
    assert by_key.enter("a") is limiter
