"""Properties of the limiter's time under any interleaving, with arbitrary floats."""

from __future__ import annotations

import itertools

from beautyspot_local.held import Held
from beautyspot_local.limiter import TokenBucket
from beautyspot_local.timeline_limiter import LATE
from beautyspot_testing.limiter import ManualClock
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

ROUNDING = 1e-6


class WaiterMachine(RuleBasedStateMachine):
    """Waiters as `consume` has them: each sleeps, wakes up (early, late), and looks again."""

    RATE = 2.0
    MAX_COST = 4.0

    def __init__(self) -> None:
        super().__init__()
        self.clock = ManualClock()
        self.bucket = TokenBucket(self.RATE, self.MAX_COST, clock=self.clock)
        self.waiting: list[tuple[float, Held]] = []
        self.granted: list[tuple[float, float]] = []
        self.paused_until = 0.0

    @rule(cost=st.sampled_from([0.25, 1.0, 4.0]))
    def arrive(self, cost: float) -> None:
        held = self.bucket.reserve(cost)
        assert held is not None
        self._grant_or_sleep(held, held.delay)

    @precondition(lambda self: self.waiting)
    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        _, held = self.waiting.pop(data.draw(st.integers(0, len(self.waiting) - 1)))
        self.bucket.release(held)

    @rule(seconds=st.floats(0.01, 5))
    def pause(self, seconds: float) -> None:
        self.bucket.pause(seconds)
        self.paused_until = max(self.paused_until, self.clock() + seconds)

    @rule(seconds=st.sampled_from([0.01, 0.05, 0.125, 0.5, 1.0, 60.0]))
    def advance(self, seconds: float) -> None:
        """All that are due wake up only now: late by up to `seconds`, as after a suspend."""
        self.clock.advance(seconds)
        due = [held for when, held in self.waiting if when <= self.clock()]
        self.waiting = [(when, held) for when, held in self.waiting if when > self.clock()]
        for held in due:
            self._grant_or_sleep(held, self.bucket.remaining(held))

    def _grant_or_sleep(self, held: Held, left: float) -> None:
        if left > 0:
            self.waiting.append((self.clock() + left, held))
            return
        assert self.clock() >= self.paused_until - ROUNDING, "granted in a pause"
        self.granted.append((self.clock(), held.cost))

    @invariant()
    def no_window_is_overfull(self) -> None:
        """By the real times of use, which may be late: a largest cost more at either end."""
        for i, j in itertools.combinations(range(len(self.granted) + 1), 2):
            window = self.granted[i:j]
            seconds = window[-1][0] - window[0][0]
            allowed = self.RATE * (seconds + LATE) + 2 * self.MAX_COST
            assert sum(cost for _, cost in window) <= allowed + ROUNDING

    def teardown(self) -> None:
        """Nobody starves: once the waiters wake up in time, each goes when its turn comes."""
        work = sum(held.cost for _, held in self.waiting) / self.RATE
        longest = self.paused_until - self.clock() + 2 * work + 60
        last = self.clock() + max(longest, work + 60)
        while self.waiting:
            self.waiting.sort(key=lambda waiter: waiter[0])
            when, held = self.waiting.pop(0)
            self.clock.reading = max(self.clock(), when)
            self._grant_or_sleep(held, self.bucket.remaining(held))
            assert self.clock() < last, "a waiter starves"


WaiterMachine.TestCase.settings = settings(deadline=None, max_examples=40, stateful_step_count=30)
