"""`LimiterContract`: what every rate limiter has to do, as tests.

Subclass it in a test file, and give `make`::

    class TestMyLimiter(LimiterContract):
        def make(self, rate_per_second, max_cost, clock):
            return MyLimiter(rate_per_second, max_cost, clock=clock)
"""

from __future__ import annotations

import asyncio
import math
import threading
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
from beautyspot_testing.shared import Switches

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from beautyspot.contracts import Reservation

__all__ = ["LimiterContract", "LimiterMachine", "ManualClock"]

NUMBERS: list[Any] = [math.nan, math.inf, -math.inf, 0, 0.0, -1]
OTHERS: list[Any] = [True, False, "1", b"1", None, [1], 1j]


def reserve(limiter: LimiterBase, cost: float) -> Reservation:
    """Reserve, without a limit to the wait."""
    reservation = limiter.reserve(cost)
    assert reservation is not None, "without max_wait every possible cost is reserved"
    return reservation


def delay(reservation: Reservation | None) -> float:
    """The delay of a reservation that must be there."""
    assert reservation is not None, "refused, though it could be granted in time"
    return reservation.delay


def delays(limiter: LimiterBase, costs: Iterable[float]) -> list[float]:
    """Reserve each cost in turn; how long each has to wait."""
    return [reserve(limiter, cost).delay for cost in costs]


def consume_async(limiter: LimiterBase) -> Callable[..., Reservation]:
    """`consume_async` as an ordinary function, in an event loop of its own."""

    def consume(cost: float, timeout: float | None = None) -> Reservation:
        return asyncio.run(limiter.consume_async(cost, timeout=timeout))

    return consume


async def cancel_waiters(limiter: LimiterBase, number: int) -> None:
    """Let so many tasks wait, and cancel them."""
    tasks = [asyncio.create_task(limiter.consume_async(1)) for _ in range(number)]
    await asyncio.sleep(0)  # each task now runs up to its wait
    for task in tasks:
        task.cancel()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert all(isinstance(result, asyncio.CancelledError) for result in results), results


def in_threads(number: int, work: Callable[[], object]) -> None:
    """Do `work` in so many threads at the same moment; what one raises is raised here."""
    barrier = threading.Barrier(number)
    failures: list[BaseException] = []

    def run() -> None:
        try:
            barrier.wait()
            work()
        except BaseException as failure:  # handed to the test below
            failures.append(failure)

    threads = [threading.Thread(target=run, daemon=True) for _ in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
        assert not thread.is_alive(), "a thread hangs"
    if failures:
        raise failures[0]


def check_times(times: list[float], start: float, rate: float, number: int) -> None:
    """The n-th grant (from 0) can't be earlier than n / rate after the start."""
    assert len(times) == number
    due = [start + place / rate for place in range(number)]
    early = [
        when for when, earliest in zip(sorted(times), due, strict=True) if when < earliest - 1e-6
    ]
    assert not early, f"granted before their time: {early}"


class LimiterContract(Switches):
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

    def make_several(
        self, rates_per_second: dict[str, float], max_cost: float, clock: Callable[[], float]
    ) -> Mapping[str, LimiterBase]:
        """Fresh limiters that `together` of their class takes; none where it takes no limiters."""
        del rates_per_second, max_cost, clock
        return {}

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

    # ------------------------------------------------------------------ settling

    def test_settle_is_there_or_says_that_it_is_not(self, limiter: LimiterBase) -> None:
        """A limiter without it answers with the error that callers expect."""
        reservation = reserve(limiter, 1)
        if self.can_settle:
            limiter.settle(reservation, 1)
            return
        with pytest.raises(NotSupportedError):
            limiter.settle(reservation, 1)

    def test_nothing_is_settled_after_a_release(self, limiter: LimiterBase) -> None:
        """What was given back has no cost."""
        self._needs("can_settle")
        first = reserve(limiter, 5)
        limiter.release(first)
        limiter.settle(first, 50)
        assert delays(limiter, [1]) == [0.0]

    @pytest.mark.parametrize("real_cost", [math.nan, math.inf, -1, True, "1", None], ids=repr)
    def test_a_real_cost_that_is_none(self, limiter: LimiterBase, real_cost: Any) -> None:
        """It is refused, and the reservation can still be settled."""
        self._needs("can_settle")
        first = reserve(limiter, 5)
        with pytest.raises(CostError):
            limiter.settle(first, real_cost)
        limiter.settle(first, 2)
        assert delays(limiter, [1]) == pytest.approx([2])

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

    @pytest.fixture
    def several(self, clock: ManualClock) -> LimiterBase:
        """A permit a second of `calls`, and four of `words`, at once; at most 100 in one call."""
        limits = self.make_several({"calls": 1.0, "words": 4.0}, 100.0, clock)
        if not limits:
            pytest.skip("the limiter is not asked for several limits at once")
        joint = type(limits["calls"]).together(limits)
        assert joint is not None, "make_several() gives limiters that together() takes"
        return joint

    # -------------------------------------------------------------------------- at once

    def test_several_limits_begin_at_one_moment(
        self, several: LimiterBase, clock: ManualClock
    ) -> None:
        """A call waits for the slowest, and counts in each from when it begins."""
        both: Any = {"calls": 1, "words": 12}
        assert delays(several, [both] * 3) == pytest.approx([0, 3, 6])
        calls: Any = {"calls": 1}
        assert delays(several, [calls, calls, calls, calls]) == pytest.approx([1, 2, 4, 5])
        clock.advance(7)
        assert delays(several, [both]) == pytest.approx([2])

    def test_several_limits_take_all_or_nothing(self, several: LimiterBase) -> None:
        """What one refuses takes nothing of another, and what is given back frees all."""
        both: Any = {"calls": 1, "words": 100}
        words: Any = {"words": 1}
        assert delays(several, [both]) == [0.0]
        assert several.reserve(both, max_wait=20) is None
        assert several.wait_for({"calls": 1, "words": 0}) == pytest.approx(1)  # type: ignore[arg-type]
        second = several.reserve(both)
        assert delay(second) == pytest.approx(25)
        assert second is not None
        several.release(second)
        assert delays(several, [words]) == pytest.approx([25])

    def test_several_limits_are_settled_each_by_itself(self, several: LimiterBase) -> None:
        """A limit that the table leaves out stays as it is."""
        both: Any = {"calls": 2, "words": 20}
        first = several.reserve(both)
        assert first is not None
        real: Any = {"words": 4}
        several.settle(first, real)
        words: Any = {"words": 1}
        calls: Any = {"calls": 1}
        assert delays(several, [words, calls]) == pytest.approx([1, 2])
