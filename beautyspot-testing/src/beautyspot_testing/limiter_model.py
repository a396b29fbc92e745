"""A reference model of a rate limiter, and a Hypothesis machine that compares a limiter with it.

The model keeps every interval that is taken and looks for the earliest hole by trying all of them:
no queue, no gap list, nothing that a limiter could have wrong in the same way.
"""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest
    from beautyspot.contracts import LimiterBase, Reservation


class ManualClock:
    """A clock that goes only when it is told to; a call gives its reading in seconds."""

    def __init__(self, start: float = 1024.0) -> None:
        self.reading = start

    def __call__(self) -> float:
        """The reading."""
        return self.reading

    def advance(self, seconds: float, *_: object) -> None:
        """Let so many seconds pass."""
        self.reading += seconds

    async def advance_async(self, seconds: float, *_: object) -> None:
        """The same, where a coroutine function is wanted."""
        self.reading += seconds

    def drive(self, limiter: LimiterBase, monkeypatch: pytest.MonkeyPatch) -> None:
        """Have the waits of a limiter's callers take no time, and make this clock go."""
        for sleep in ("_sleep", "_doze"):
            monkeypatch.setattr(limiter, sleep, self.advance)
            monkeypatch.setattr(limiter, f"{sleep}_async", self.advance_async)


class Taken:
    """An interval of the model: a reservation, when it may be used, and what it really costs."""

    def __init__(self, reservation: Reservation, start: float, length: float, cost: float) -> None:
        self.reservation = reservation
        self.start = start
        self.end = self.planned_end = start + length
        self.cost = cost
        self.settled = False


class Model:
    """What a limiter of `rate` permits per second must answer."""

    def __init__(self, rate: float) -> None:
        self.rate = rate
        self.taken: list[Taken] = []
        self.debt_end = float("-inf")  # until when what was reserved too low is made up for

    def earliest(self, length: float, now: float) -> float:
        """The start of the earliest hole of that length that begins now or later."""
        starts = [now, *(taken.end for taken in self.taken if taken.end > now)]
        return min(start for start in starts if self._is_free(start, start + length))

    def latest(self, now: float, *, reuses_gaps: bool = True) -> float:
        """When a reservation starts at the latest: behind everything that is planned.

        A limiter that reuses no gaps may stay behind what was planned and then settled.
        """
        ends = (t.end if reuses_gaps else t.planned_end for t in self.taken)
        return max(now, self.debt_end, *ends)

    def settle(
        self, taken: Taken, real_cost: float, now: float, *, reuses_gaps: bool = True
    ) -> None:
        """The real cost is known: its interval is shortened, or a debt added at the end."""
        end = taken.start + real_cost / self.rate
        if end > taken.end:
            self.debt_end = self.latest(now, reuses_gaps=reuses_gaps) + end - taken.end
        taken.end = min(end, taken.end)
        taken.cost = min(real_cost, taken.cost)
        taken.settled = True

    def worst_window(self) -> float:
        """By how much the fullest window exceeds rate x T plus the largest cost in it."""
        grants = sorted((taken.start, taken.cost) for taken in self.taken if taken.cost)
        windows = combinations(range(len(grants) + 1), 2)
        return max((self._excess(grants[i:j]) for i, j in windows), default=0.0)

    def _excess(self, grants: list[tuple[float, float]]) -> float:
        costs = [cost for _, cost in grants]
        return sum(costs) - self.rate * (grants[-1][0] - grants[0][0]) - max(costs)

    def _is_free(self, start: float, end: float) -> bool:
        lasting = [taken for taken in self.taken if taken.start < taken.end]
        return not any(taken.start < end and start < taken.end for taken in lasting)


# Eighths add up without rounding, so that the model and the limiter can be compared exactly.
RATE = 4.0
MAX_COST = 8.0
COSTS = st.integers(1, 64).map(lambda eighths: eighths / 8)
REAL_COSTS = st.integers(0, 96).map(lambda eighths: eighths / 8)
SECONDS = st.integers(0, 40).map(lambda sixteenths: sixteenths / 16)


class LimiterMachine(RuleBasedStateMachine):
    """Any interleaving of reserve, release, settle and time.

    Subclass it, or set the attributes: `make` (see `LimiterContract.make`), `can_settle`,
    `reuses_gaps`, `can_reserve_after`.
    """

    make: Callable[[float, float, ManualClock], LimiterBase]
    can_settle = True
    reuses_gaps = True
    can_reserve_after = False

    def __init__(self) -> None:
        super().__init__()
        self.clock = ManualClock()
        self.limiter = self.make(RATE, MAX_COST, self.clock)
        self.model = Model(RATE)
        self.gone: list[Reservation] = []

    @rule(cost=COSTS, max_wait=st.none() | SECONDS)
    def reserve(self, cost: float, max_wait: float | None) -> None:
        """The earliest time that is free, or None where that is too far away."""
        self._check(self.limiter.reserve(cost, max_wait=max_wait), cost, max_wait, 0.0)

    @precondition(lambda self: self.can_reserve_after)
    @rule(cost=COSTS, seconds=SECONDS, max_wait=st.none() | SECONDS)
    def reserve_after(self, cost: float, seconds: float, max_wait: float | None) -> None:
        """The same, not before so many seconds have passed."""
        reservation = self.limiter.reserve_after(cost, seconds, max_wait=max_wait)
        self._check(reservation, cost, max_wait, seconds)

    def _check(
        self, reservation: Reservation | None, cost: float, max_wait: float | None, after: float
    ) -> None:
        now, length = self.clock(), cost / RATE
        earliest = self.model.earliest(length, now + after)
        exact = self.reuses_gaps and self.model.debt_end <= now
        latest = earliest if exact else self.model.latest(now + after, reuses_gaps=self.reuses_gaps)
        if reservation is None:
            assert max_wait is not None, "None means over max_wait, and there was none"
            assert latest - now > max_wait, f"refused, with room at {latest}, at {now}"
            return
        start = now + reservation.delay
        assert start >= earliest, f"granted at {start}, where the time is taken until {earliest}"
        assert start <= latest, f"granted at {start}, though there was room at {latest}"
        assert max_wait is None or reservation.delay <= max_wait
        assert reservation.cost == cost
        self.model.taken.append(Taken(reservation, start, length, cost))

    @precondition(lambda self: self.model.taken)
    @rule(data=st.data())
    def release(self, data: st.DataObject) -> None:
        """One that was reserved and not used is given back; its time may have passed."""
        taken = data.draw(st.sampled_from(self.model.taken), "of")
        self.limiter.release(taken.reservation)
        if not taken.settled and taken.end > self.clock():
            self.model.taken.remove(taken)
            self.gone.append(taken.reservation)

    @precondition(lambda self: self.gone)
    @rule(data=st.data())
    def release_again(self, data: st.DataObject) -> None:
        """A second release does nothing, also if another reservation has the interval now."""
        self.limiter.release(data.draw(st.sampled_from(self.gone), "of"))

    @precondition(lambda self: self.can_settle and self._granted())
    @rule(data=st.data(), real_cost=REAL_COSTS)
    def settle(self, data: st.DataObject, real_cost: float) -> None:
        """The real cost of one that was granted; only the first settlement counts."""
        taken = data.draw(st.sampled_from(self._granted()), "of")
        self.limiter.settle(taken.reservation, real_cost)
        if not taken.settled:
            now, reuses = self.clock(), self.reuses_gaps
            self.model.settle(taken, real_cost, now, reuses_gaps=reuses)

    def _granted(self) -> list[Taken]:
        return [taken for taken in self.model.taken if taken.start <= self.clock()]

    @rule(seconds=SECONDS)
    def advance(self, seconds: float) -> None:
        """Time passes."""
        self.clock.advance(seconds)

    @precondition(lambda self: any(taken.end > self.clock() for taken in self.model.taken))
    @rule(data=st.data(), share=st.sampled_from([0.0, 0.25, 0.5, 1.0]))
    def advance_into(self, data: st.DataObject, share: float) -> None:
        """Time passes until somewhere in an interval, which is where the mistakes are."""
        coming = [taken for taken in self.model.taken if taken.end > self.clock()]
        taken = data.draw(st.sampled_from(coming), "into")
        when = taken.start + share * (taken.end - taken.start)
        self.clock.advance(max(0.0, when - self.clock()))

    @invariant()
    def no_window_is_overfull(self) -> None:
        """In a window of T seconds never more than rate x T plus the largest single cost."""
        assert self.model.worst_window() <= 0, "more was granted than the rate allows"
