"""`LimiterContract`: what every rate limiter has to do, as tests.

Subclass it in a test file, and give `make`::

    class TestMyLimiter(LimiterContract):
        def make(self, rate_per_second, max_cost, clock):
            return MyLimiter(rate_per_second, max_cost, clock=clock)
"""

from __future__ import annotations

import asyncio
import math
import time
from functools import partial
from typing import TYPE_CHECKING, Any
from unittest.mock import Mock

import pytest
from beautyspot.contracts import LimiterBase
from beautyspot.errors import CostError, NotSupportedError, RateLimitError
from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test

from beautyspot_testing.limiter_model import LimiterMachine, ManualClock
from beautyspot_testing.limiter_places import PlacesContract
from beautyspot_testing.limiter_settle import SettleContract
from beautyspot_testing.limiter_steps import (
    cancel_waiters,
    check_times,
    consume_async,
    delay,
    delays,
    in_threads,
    reserve,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from beautyspot.contracts import Reservation

__all__ = ["LimiterContract", "LimiterMachine", "ManualClock"]

NUMBERS: list[Any] = [math.nan, math.inf, -math.inf, 0, 0.0, -1]
OTHERS: list[Any] = [True, False, "1", b"1", None, [1], 1j]


class LimiterContract(SettleContract, PlacesContract):
    """The suite. A subclass must define `make`, and `make_several` if its limiter has `together`.

    Attributes:
        can_settle: `settle` works; otherwise it must raise `NotSupportedError`.
        reuses_gaps: what is released in the middle of the queue is offered to the next request
            whose cost fits; otherwise it may be lost, but what is released at the end may not.
        can_reserve_after: `reserve_after` works; otherwise it must raise `NotSupportedError`.
        injectable_clock: `make` uses its `clock`. Without it, the tests that need to control the
            time are skipped, and the rest shows little.
        examples: how many interleavings the state machine tries.
    """

    can_settle = True
    reuses_gaps = True
    can_reserve_after = False
    injectable_clock = True
    examples = 100

    def make(
        self, rate_per_second: float, max_cost: float, clock: Callable[[], float]
    ) -> LimiterBase:
        """A fresh limiter that shares nothing with those made before."""
        raise NotImplementedError("define make() in your subclass of LimiterContract")

    @pytest.fixture
    def clock(self) -> ManualClock:
        """A clock that the test owns."""
        self._needs("injectable_clock")
        return ManualClock()

    @pytest.fixture
    def limiter(self, clock: ManualClock, monkeypatch: pytest.MonkeyPatch) -> LimiterBase:
        """One permit a second, 100 at the most in one call, and its waiting makes the clock go."""
        limiter = self.make(1.0, 100.0, clock)
        clock.drive(limiter, monkeypatch)
        return limiter

    # ------------------------------------------------------------------ what it is

    def test_it_declares_itself(self) -> None:
        """Its name is in lower case, without a colon, and `blocking` is a bool."""
        limiter = self.make(1.0, 1.0, time.monotonic)
        assert isinstance(limiter, LimiterBase)
        assert limiter.name == limiter.name.lower()
        assert limiter.name
        assert ":" not in limiter.name
        assert isinstance(limiter.blocking, bool)
        limiter.close()

    # ------------------------------------------------------------------ the rate

    def test_calls_are_evenly_spaced(self, limiter: LimiterBase) -> None:
        """The first goes at once, and each other one waits for those before it."""
        assert delays(limiter, [1] * 5) == pytest.approx([0, 1, 2, 3, 4])

    def test_a_cost_is_the_distance_to_the_next(self, limiter: LimiterBase) -> None:
        """A call of cost 3 is followed by a wait of three."""
        assert delays(limiter, [3, 0.5, 10, 1]) == pytest.approx([0, 3, 3.5, 13.5])

    def test_no_burst_after_idling(self, limiter: LimiterBase, clock: ManualClock) -> None:
        """Unused time is gone, be it an hour or a suspended machine."""
        limiter.reserve(1)
        clock.advance(3600)
        assert delays(limiter, [1, 1, 1]) == pytest.approx([0, 1, 2])

    def test_waiting_counts_as_time(self, limiter: LimiterBase, clock: ManualClock) -> None:
        """Time that has passed since the last call shortens the wait."""
        limiter.reserve(1)
        clock.advance(0.75)
        assert delays(limiter, [1, 1]) == pytest.approx([0.25, 1.25])

    def test_a_clock_turned_back_neither_freezes_nor_bursts(
        self, limiter: LimiterBase, clock: ManualClock
    ) -> None:
        """The limiter goes on from where it was."""
        clock.advance(900)
        assert delays(limiter, [1]) == [0.0]
        clock.advance(-500)
        assert delays(limiter, [1]) == pytest.approx([1])
        clock.advance(-100)
        assert delays(limiter, [1]) == pytest.approx([2])
        clock.advance(2)
        assert delays(limiter, [1]) == pytest.approx([1])

    def test_a_big_cost_is_not_starved_by_small_ones(
        self, limiter: LimiterBase, clock: ManualClock
    ) -> None:
        """A later call is served later, however little it asks for."""
        limiter.reserve(1)
        (big,) = delays(limiter, [100])
        for _ in range(10):
            clock.advance(0.125)
            (small,) = delays(limiter, [0.5])
            assert small >= 99, "a small cost passed the big one"
        assert big == pytest.approx(1)

    # ------------------------------------------------------------------ costs

    @pytest.mark.parametrize("cost", NUMBERS + OTHERS, ids=repr)
    def test_a_bad_cost(self, limiter: LimiterBase, cost: Any) -> None:
        """Every method refuses it, and nothing is taken."""
        ways = (limiter.reserve, limiter.consume, limiter.try_consume, consume_async(limiter))
        for take in (*ways, limiter.check_cost):
            with pytest.raises(CostError):
                take(cost)
        assert delays(limiter, [1, 1]) == pytest.approx([0, 1]), "a refused cost was charged"

    def test_a_cost_above_the_maximum(self, limiter: LimiterBase) -> None:
        """No wait could grant it, so it is an error at once, also with a time-out."""
        with pytest.raises(CostError, match="100"):
            limiter.reserve(100.5)
        with pytest.raises(CostError):
            limiter.consume(101, timeout=0)
        limiter.check_cost(100)
        assert delays(limiter, [100, 1]) == pytest.approx([0, 100]), "100 is granted"

    # ------------------------------------------------------------------ waiting

    def test_consume_waits_for_its_turn(self, limiter: LimiterBase, clock: ManualClock) -> None:
        """It returns when the time has come, and not before."""
        start = clock()
        for turn in range(3):
            assert limiter.consume().delay == pytest.approx(min(turn, 1))
            assert clock() - start == pytest.approx(turn)

    def test_consume_async_waits_too(self, limiter: LimiterBase, clock: ManualClock) -> None:
        """The same for asynchronous code, also in a second event loop."""
        start = clock()
        for turn in range(3):
            consume_async(limiter)(1)
            assert clock() - start == pytest.approx(turn)

    def test_max_wait_refuses_what_is_too_far_away(self, limiter: LimiterBase) -> None:
        """A reservation that is refused takes nothing; without `max_wait` none is refused."""
        assert delays(limiter, [2]) == [0.0]
        assert limiter.reserve(1, max_wait=0) is None
        assert limiter.reserve(1, max_wait=1.5) is None
        assert delay(limiter.reserve(1, max_wait=2.5)) == pytest.approx(2)
        assert delay(limiter.reserve(1, max_wait=None)) == pytest.approx(3)

    def test_timeout(self, limiter: LimiterBase, clock: ManualClock) -> None:
        """A call that would wait longer is refused at once, and spends nothing."""
        limiter.consume(2, timeout=0)
        before = clock()
        for refused in (0, 1.5):
            with pytest.raises(RateLimitError):
                limiter.consume(1, timeout=refused)
            with pytest.raises(RateLimitError):
                consume_async(limiter)(1, timeout=refused)
        assert clock() == before, "a refused call waited"
        limiter.consume(1, timeout=2.5)
        assert clock() - before == pytest.approx(2), "refused calls were charged"

    def test_try_consume_never_waits(self, limiter: LimiterBase, clock: ManualClock) -> None:
        """True takes, False does not."""
        before = clock()
        assert limiter.try_consume(1) is True
        assert [limiter.try_consume(1) for _ in range(3)] == [False] * 3
        assert clock() == before
        clock.advance(1)
        assert limiter.try_consume(1) is True

    # ------------------------------------------------------------------ giving back

    def test_the_last_reservation_is_given_back(self, limiter: LimiterBase) -> None:
        """The next one does not wait for it, whether it had to wait or went at once."""
        limiter.release(reserve(limiter, 50))
        assert delays(limiter, [1]) == [0.0], "it went at once"
        limiter.release(reserve(limiter, 50))
        assert delays(limiter, [1]) == pytest.approx([1]), "it had to wait"

    @pytest.mark.parametrize(
        "order", ["0123456789", "9876543210", "5209461738"], ids=["forwards", "backwards", "mixed"]
    )
    def test_ten_cancelled_waiters_cost_nothing(self, limiter: LimiterBase, order: str) -> None:
        """At one a second, the next one waits one second and not eleven."""
        limiter.reserve(1)
        waiters = [reserve(limiter, 1) for _ in range(10)]
        for place in order:
            limiter.release(waiters[int(place)])
        assert delays(limiter, [1, 1]) == pytest.approx([1, 2])

    def test_a_place_in_the_middle_goes_to_the_next_that_fits(self, limiter: LimiterBase) -> None:
        """To one call only, and never to one that is too big for it."""
        waiters = [reserve(limiter, cost) for cost in (1, 3, 1)]
        limiter.release(waiters[1])
        if not self.reuses_gaps:
            assert min(delays(limiter, [4, 2, 1, 1])) >= 1
            return
        assert delays(limiter, [4]) == pytest.approx([5]), "it is too big for three"
        assert delays(limiter, [2, 2, 1, 1]) == pytest.approx([1, 9, 3, 11])

    def test_a_second_release_does_nothing(self, limiter: LimiterBase) -> None:
        """Also when another one has the place by now."""
        limiter.reserve(1)
        waiter = reserve(limiter, 1)
        limiter.release(waiter)
        assert delays(limiter, [1]) == pytest.approx([1])
        limiter.release(waiter)
        assert delays(limiter, [1]) == pytest.approx([2])

    def test_what_has_passed_is_lost(self, limiter: LimiterBase, clock: ManualClock) -> None:
        """A release that comes after its time frees nothing."""
        first = reserve(limiter, 1)
        clock.advance(1.5)
        assert delays(limiter, [1, 1]) == pytest.approx([0, 1])
        limiter.release(first)
        assert delays(limiter, [1]) == pytest.approx([2])

    @pytest.mark.parametrize("cause", [KeyboardInterrupt, SystemExit, RuntimeError])
    def test_an_interrupted_wait_gives_back(
        self, limiter: LimiterBase, monkeypatch: pytest.MonkeyPatch, cause: type[BaseException]
    ) -> None:
        """Ctrl-C while waiting: no caller waits for a place that will not be used."""
        limiter.consume(1)
        for sleep in ("_sleep", "_doze"):
            monkeypatch.setattr(limiter, sleep, Mock(side_effect=cause))
        with pytest.raises(cause):
            limiter.consume(50)
        assert delays(limiter, [1]) == pytest.approx([1])

    def test_a_cancelled_task_gives_back(self) -> None:
        """Ten tasks at a permit in a thousand seconds are cancelled: the next waits a thousand."""
        limiter = self.make(0.001, 1.0, time.monotonic)
        limiter.consume(1)
        asyncio.run(cancel_waiters(limiter, 10))
        until = time.monotonic() + 60
        found = reserve(limiter, 1)
        while limiter.blocking and found.delay > 1000 and time.monotonic() < until:
            limiter.release(found)  # threads are giving the others back
            found = reserve(limiter, 1)
        assert found.delay <= 1000
        limiter.close()

    def test_who_waits_moves_up(self, limiter: LimiterBase) -> None:
        """Where the limiter says that it wakes callers, time given back goes to those behind."""
        limiter.reserve(1)
        gone, behind, last = (reserve(limiter, 1) for _ in range(3))
        woken: list[Reservation] = []
        for one in (behind, last):
            if not limiter.wake_early(one, partial(woken.append, one)):
                pytest.skip("the limiter has no `wake_early`")
        assert not woken
        limiter.release(gone)
        assert behind in woken
        assert limiter.remaining(behind) == pytest.approx(1)
        assert delays(limiter, [1]) == pytest.approx([3]), "a later one is behind both"

    # ------------------------------------------------------------------ not before

    def test_a_reservation_that_must_not_begin_before(self, limiter: LimiterBase) -> None:
        """It begins when it may, and the time before stays free for other calls."""
        if not self.can_reserve_after:
            with pytest.raises(NotSupportedError):
                limiter.reserve_after(1, 1)
            return
        limiter.reserve(1)
        assert delay(limiter.reserve_after(2, 5)) == pytest.approx(5)
        assert delay(limiter.reserve_after(2, 5)) == pytest.approx(7)
        assert limiter.reserve_after(2, 5, max_wait=8) is None
        assert delays(limiter, [4, 1, 1]) == pytest.approx([1, 9, 10])
        with pytest.raises(CostError):
            limiter.reserve_after(101, 1)

    # ------------------------------------------------------------------ all at once

    def test_any_interleaving(self) -> None:
        """Reserve, release, settle and time in any order, against a model that tries every hole."""
        self._needs("injectable_clock")
        effort = settings(
            deadline=None,
            max_examples=self.examples,
            stateful_step_count=30,
            report_multiple_bugs=False,
        )
        run_state_machine_as_test(self.machine(), settings=effort)

    def machine(self) -> type[LimiterMachine]:
        """The state machine for this limiter."""
        attributes = {
            "make": staticmethod(self.make),
            "can_settle": self.can_settle,
            "reuses_gaps": self.reuses_gaps,
            "can_reserve_after": self.can_reserve_after,
        }
        return type("Machine", (LimiterMachine,), attributes)

    def test_threads_get_a_place_each(self, clock: ManualClock) -> None:
        """Twenty threads, two each, while time stands still: forty, and no two the same."""
        limiter = self.make(8.0, 1.0, clock)
        found: list[float] = []
        in_threads(20, lambda: found.extend(delays(limiter, [1, 1])))
        assert sorted(found) == pytest.approx([place / 8 for place in range(40)])
        limiter.close()

    def test_threads_never_go_before_their_time(self) -> None:
        """Twenty threads, two each, by the real clock: the n-th grant is not before n / rate."""

        def work(limiter: LimiterBase, times: list[float]) -> None:
            for _ in range(2):
                limiter.consume(1)
                times.append(time.monotonic())

        self._check_times(20, work, 40)

    def test_event_loops_share_one_queue(self) -> None:
        """Two loops in two threads, eight tasks each: the n-th grant is not before n / rate."""

        async def work(limiter: LimiterBase, times: list[float]) -> None:
            await limiter.consume_async(1)
            times.append(time.monotonic())

        async def tasks(limiter: LimiterBase, times: list[float]) -> None:
            await asyncio.gather(*(work(limiter, times) for _ in range(8)))

        self._check_times(2, lambda *given: asyncio.run(tasks(*given)), 16)

    def _check_times(
        self, threads: int, work: Callable[[LimiterBase, list[float]], object], number: int
    ) -> None:
        """Let threads note when each call was granted, and look at all of these times."""
        limiter = self.make(400.0, 1.0, time.monotonic)
        times: list[float] = []
        start = time.monotonic()
        in_threads(threads, lambda: work(limiter, times))
        check_times(times, start, 400.0, number)
        limiter.close()
