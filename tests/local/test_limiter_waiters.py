"""The limiter against a plain queue: any order of asking, giving up, settling, pausing and time."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from beautyspot_local import SharedTokenBucket, TokenBucket
from beautyspot_local.held import Held
from beautyspot_testing.limiter import ManualClock
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

# Eighths add up without rounding, so that both can be compared exactly.
RATE = 2.0
COSTS = st.integers(1, 64).map(lambda eighths: eighths / 8)
REAL_COSTS = st.integers(0, 96).map(lambda eighths: eighths / 8)
SECONDS = st.integers(0, 64).map(lambda sixteenths: sixteenths / 16)


class Line:
    """First come, first served: what a limiter must do for callers that wait.

    Who gives up has never been there. What was reserved too little is paid by those behind.
    """

    def __init__(self, now: float) -> None:
        self.free_at = self.paused_until = now
        self.queue: list[tuple[Any, float]] = []  # who, and seconds; None is a debt
        self.last: Any = None  # who holds up the next, if anybody

    def times(self, now: float) -> list[tuple[Any, float, float]]:
        """Who goes when, and until when it holds up the next, as far as is known."""
        planned, at = [], max(self.free_at, self.paused_until)
        for who, seconds in self.queue:
            at = at if who is None else max(at, now)
            planned.append((who, at, at + seconds))
            at += seconds
        return planned

    def next_at(self, now: float) -> float:
        planned = self.times(now)
        return max(planned[-1][2] if planned else self.free_at, self.paused_until, now)

    def go(self, now: float) -> list[tuple[Any, float]]:
        """Those that go until now, and when: time has to come here in small steps."""
        gone = []
        for who, start, end in self.times(now):
            if start > now:
                break
            self.queue.pop(0)
            self.free_at, self.last = end, who
            if who is not None:
                gone.append((who, start))
        return gone

    def settle(self, who: Any, cost: float, real_cost: float, now: float) -> None:
        if real_cost > cost and max(self.free_at, self.paused_until) > now:
            self.queue.append((None, (real_cost - cost) / RATE))
        elif real_cost > cost:
            self.free_at, self.last = self.free_at + (real_cost - cost) / RATE, None
        elif self.last is who and self.free_at > now:
            self.free_at -= (cost - real_cost) / RATE
            self.free_at = max(self.free_at, now) if self.queue else self.free_at

    def pause(self, seconds: float, now: float) -> None:
        more = seconds - max(0.0, self.paused_until - now)
        if more > 0:
            if self.free_at <= now:
                self.last = None
            self.paused_until = now + seconds
            self.free_at = max(self.free_at + more, self.paused_until)


class QueueMachine(RuleBasedStateMachine):
    """Callers as `consume` has them: each sleeps, wakes up in time, and looks again."""

    make: Callable[[ManualClock], TokenBucket]

    def __init__(self) -> None:
        super().__init__()
        self.clock = ManualClock()
        self.bucket = self.make(self.clock)
        self.line = Line(self.clock())
        self.asleep: dict[Held, float] = {}
        self.granted: list[tuple[Any, float]] = []
        self.expected: list[tuple[Any, float]] = []
        self.unsettled: list[Held] = []

    @rule(cost=COSTS, max_wait=st.none() | SECONDS)
    def ask(self, cost: float, max_wait: float | None) -> None:
        expected = self.line.next_at(self.clock()) - self.clock()
        assert self.bucket.wait_for(cost) == expected
        held = self.bucket.reserve(cost, max_wait=max_wait)
        if max_wait is not None and expected > max_wait:
            assert held is None
            return
        assert held is not None
        assert held.delay == expected
        self.line.queue.append((held, cost / RATE))
        if held.delay:
            self.asleep[held] = self.clock() + held.delay
            self.bucket.wake_early(held, partial(self.wake, held))
        else:
            self.grant(held)
        self.go()

    def wake(self, held: Held) -> None:
        self.asleep[held] = self.clock()

    def grant(self, held: Held) -> None:
        self.granted.append((held, self.clock()))
        self.unsettled.append(held)

    @precondition(lambda self: self.asleep)
    @rule(data=st.data())
    def give_up(self, data: st.DataObject) -> None:
        held = data.draw(st.sampled_from(list(self.asleep)))
        del self.asleep[held]
        self.line.queue = [one for one in self.line.queue if one[0] is not held]
        self.bucket.release(held)
        self.go()

    @precondition(lambda self: self.unsettled)
    @rule(data=st.data(), real_cost=REAL_COSTS)
    def settle(self, data: st.DataObject, real_cost: float) -> None:
        held = data.draw(st.sampled_from(self.unsettled[-3:]))
        self.unsettled.remove(held)
        self.bucket.settle(held, real_cost)
        self.line.settle(held, held.cost, real_cost, self.clock())
        self.go()

    @rule(seconds=SECONDS)
    def pause(self, seconds: float) -> None:
        self.bucket.pause(seconds)
        self.line.pause(seconds, self.clock())

    @rule(seconds=SECONDS)
    def advance(self, seconds: float) -> None:
        end = self.clock() + seconds
        while self.asleep and min(self.asleep.values()) <= end:
            # What should have happened before one wakes up is seen by the time at which it does.
            self.clock.reading = min(self.asleep.values())
            self.go()
        self.clock.reading = end
        self.go()

    def go(self) -> None:
        while due := [held for held, when in self.asleep.items() if when <= self.clock()]:
            for held in due:
                left = self.bucket.remaining(held)
                self.asleep[held] = self.clock() + left
                if not left:
                    del self.asleep[held]
                    self.grant(held)
        self.expected += self.line.go(self.clock())

    @invariant()
    def each_goes_in_its_turn(self) -> None:
        """In the order of asking, and not a moment later than if who gave up had never asked."""
        assert self.granted == self.expected

    def teardown(self) -> None:
        """All go in the end, and no window is overfull."""
        while self.asleep:
            self.advance(100)
        self.each_goes_in_its_turn()
        assert not [who for who, _ in self.line.queue if who is not None]


EFFORT = settings(
    deadline=None, max_examples=100, stateful_step_count=30, report_multiple_bugs=False
)


def test_a_limiter_is_a_queue() -> None:
    class Machine(QueueMachine):
        make = staticmethod(partial(bucket, TokenBucket))

    run_state_machine_as_test(Machine, settings=EFFORT)


def test_a_shared_limiter_is_a_queue_within_one_process(tmp_path: Path) -> None:
    pytest.importorskip("fcntl")
    numbers = itertools.count()

    class Machine(QueueMachine):
        @staticmethod
        def make(clock: ManualClock) -> Any:
            return SharedTokenBucket(RATE, 8, path=tmp_path / str(next(numbers)), clock=clock)

    run_state_machine_as_test(Machine, settings=settings(EFFORT, max_examples=30))


def bucket(cls: Any, clock: ManualClock) -> Any:
    return cls(RATE, 8, clock=clock)
