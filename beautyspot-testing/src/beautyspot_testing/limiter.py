"""`LimiterContract`: what every rate limiter has to do, as tests.

Subclass it in a test file, and give `make`::

    class TestMyLimiter(LimiterContract):
        def make(self, limits, clock):
            return MyLimiter(limits, clock=clock)
"""

from __future__ import annotations

import asyncio
import math
import time
from concurrent.futures import ThreadPoolExecutor
from random import Random
from typing import TYPE_CHECKING, Any, Final

import pytest
from beautyspot.contracts import LimiterBase, Rate
from beautyspot.errors import CostError, RateLimitError
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import run_state_machine_as_test

from beautyspot_testing.limiter_model import (
    ONE,
    ROUNDING,
    SEVERAL,
    LimiterMachine,
    ManualClock,
    keep_promise,
    take,
)
from beautyspot_testing.shared import Switches

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from beautyspot.contracts import Grant

__all__ = ["LimiterContract", "LimiterMachine", "ManualClock"]

A_SECOND: Final = {"rate": Rate(1.0, 100.0)}
BURST: Final = {"rate": Rate(1.0, 100.0, burst=2.0)}
TWO: Final = {"calls": Rate(1.0, 100.0), "words": Rate(4.0, 100.0)}
BOTH: Final = {"calls": 1.0, "words": 12.0}

EXAMPLES: Final[dict[str, tuple[Mapping[str, Rate], list[tuple[Any, ...]]]]] = {
    "calls are evenly spaced": (A_SECOND, [
        ("take", [1, 1, 1], [0, 1]),
        ("pass", 0.5), ("take", [1], [0.5]),
        ("pass", 0.5), ("take", [100, 1], [0, 100]),
    ]),
    "time that was not used is lost": (A_SECOND, [
        ("take", [1], [0]), ("pass", 3600), ("take", [1, 1], [0, 1]),
    ]),
    "what may begin soon is granted, and what may later is not planned": ({"rate": Rate(50, 100)}, [
        ("take", [1] * 5, [0, 0.02, 0.04, 0.06]),
        ("pass", 0.02), ("take", [1, 1], [0.04, 0.06]),
    ]),
    "a burst is there after idling, and grows back at the rate": (BURST, [
        ("take", [1] * 4, [0, 0, 0, 1]),
        ("pass", 3), ("take", [1] * 4, [0, 0, 0, 1]),
        ("pass", 2), ("take", [1] * 3, [0, 0, 1]),
        ("pass", 3600), ("take", [1] * 4, [0, 0, 0, 1]),
    ]),
    "each key has the whole limit": (A_SECOND, [
        ("take", [1, 1], [0, 1], "one"), ("take", [1, 1], [0, 1], "a/../b:\n\ud800"),
        ("take", [1, 1], [0, 1]), ("take", [1], [1], "one"),
    ]),
    "a call begins in all limits at one moment": (TWO, [
        ("take", [BOTH, BOTH], [0, 3]),
        ("pass", 3), ("take", [BOTH, {"calls": 1}], [0, 1]), ("take", [{"words": 1}], [3]),
    ]),
    "a call takes of all limits or of none": (TWO, [
        ("take", [{"words": 100}], [0]), ("take", [BOTH], [25]), ("take", [{"calls": 1}], [0]),
    ]),
    "no call passes one that was asked for before": (TWO, [
        ("take", [{"words": 12}], [0]), ("take", [{"words": 1}, {"calls": 1}], [3]),
    ]),
    "what is given back counts at once": (A_SECOND, [
        ("take", [50], [0], "one"), ("pass", 1), ("give back", {"rate": 10}),
        ("take", [1], [9], "one"),
        ("take", [50], [0]), ("give back", {"rate": 0}), ("take", [1, 1], [0, 1]),
    ]),
    "time that has passed is not given back": (A_SECOND, [
        ("take", [5], [0]), ("pass", 3), ("give back", {"rate": 1}), ("take", [5, 1], [0, 5]),
        ("pass", 7), ("give back", {"rate": 1}), ("take", [1, 1], [0, 1]),
    ]),
    "what others have taken since is not given back": (A_SECOND, [
        ("take", [20], [0]), ("pass", 20), ("take", [20], [0]), ("give back", {"rate": 0}, 0),
        ("take", [1], [20]),
    ]),
    "nor what they have taken of a burst": ({"rate": Rate(1.0, 100.0, burst=10.0)}, [
        ("take", [10, 10], [0, 0]), ("give back", {"rate": 0}, 0),
        ("pass", 12), ("take", [10], [0]), ("give back", {"rate": 0}, 1),
        ("take", [10, 1], [0, 10]),
    ]),
    "a real cost above the estimate, and above the largest, is made up for": (A_SECOND, [
        ("take", [2], [0]), ("pass", 1), ("give back", {"rate": 200}), ("take", [1], [199]),
    ]),
    "each limit is corrected by itself": (TWO, [
        ("take", [{"calls": 2, "words": 20}], [0]), ("give back", {"words": 4}),
        ("take", [{"words": 1}], [1]), ("take", [{"calls": 1}], [2]),
    ]),
    "pauses of one key overlap, and hold no other": (A_SECOND, [
        ("hold", 5, "one"), ("hold", 7, "one"), ("hold", 6, "one"),
        ("take", [1], [7], "one"), ("take", [1], [0], "two"), ("take", [1], [0]),
        ("pass", 7), ("take", [1, 1], [0, 1], "one"),
    ]),
    "a pause of all holds every key, also those to come": (A_SECOND, [
        ("take", [6], [0], "one"), ("hold", 9, "two"), ("hold", 7),
        *(("take", [1], [left], key) for key, left in [("", 7), ("one", 7), ("two", 9), ("3", 7)]),
        ("pass", 9), *(("take", [1, 1], [0, 1], key) for key in ("", "one", "two", "3", "4")),
    ]),
    "a clock turned back neither freezes nor bursts": (A_SECOND, [
        ("take", [1], [0], "one"), ("take", [5], [0]), ("hold", 3), ("pass", -500),
        *(("take", [1], [left], key) for key, left in [("", 5), ("one", 3), ("two", 3)]),
        ("pass", 3), *(("take", [1], [left], key) for key, left in [("", 2), ("one", 0), ("3", 0)]),
    ]),
}  # fmt: skip
"""What happens one after the other: who asks for which costs, and which delays and wait he gets.

A cost that is a number is that of the limit "rate". A text at the end is the key. What is given
back is of the last grant, or of the one whose number stands behind it.
"""

BAD_COSTS: Final[list[Any]] = [
    *(math.nan, math.inf, -math.inf, 0, 0.0, -1, 100.5, 10**400),
    *(True, False, "1", b"1", None, [1], 1j, {}, {"rate": 0}, {"other": 1}),
]


class LimiterContract(Switches):
    """The suite. A subclass must define `make`.

    Attributes:
        several: a call may take from several limits at once. Without it, the one limit is "rate".
        injectable_clock: `make` uses its `clock`. Without it, the tests that need to control the
            time are skipped, and the rest shows little.
        examples: how many interleavings the state machine tries.
    """

    several = True
    injectable_clock = True
    examples = 100

    def make(self, limits: Mapping[str, Rate], clock: Callable[[], float]) -> LimiterBase:
        """A fresh limiter of these limits, by their names, that shares nothing with others."""
        raise NotImplementedError("define make() in your subclass of LimiterContract")

    @pytest.fixture
    def clock(self) -> ManualClock:
        """A clock that the test owns."""
        self._needs("injectable_clock")
        return ManualClock()

    def test_it_declares_itself(self) -> None:
        """Its name is in lower case, without a colon; its limits are those that it was given."""
        limiter = self.make(BURST, time.monotonic)
        assert limiter.name
        assert limiter.name == limiter.name.lower().replace(":", "")
        assert (type(limiter.blocking), type(limiter.shared)) == (bool, bool)
        assert limiter.workers >= 1
        assert dict(limiter.limits) == BURST
        limiter.close()

    @pytest.mark.parametrize("example", EXAMPLES)
    def test_example(self, example: str, clock: ManualClock) -> None:
        """See `EXAMPLES`."""
        limits, steps = EXAMPLES[example]
        self._needs(*["several"] * (len(limits) > 1))
        limiter = self.make(limits, clock)
        grants: list[Grant] = []
        for number, (what, *details) in enumerate(steps):
            if what == "take":
                costs, expected, *key = details
                asked = [each if isinstance(each, dict) else {"rate": each} for each in costs]
                new, answer = take(limiter, asked, *key)
                assert answer == pytest.approx(expected, abs=ROUNDING), f"step {number}: {details}"
                grants += new
            elif what == "give back":
                real, *which = details
                limiter.give_back(grants[which[0] if which else -1], real)
            else:
                (clock.advance if what == "pass" else limiter.hold)(*details)
        limiter.close()

    def test_together(self, clock: ManualClock) -> None:
        """Where its class joins limiters to one, that has the limits of all."""
        ones = {name: self.make({"rate": rate}, clock) for name, rate in TWO.items()}
        joint = type(ones["calls"]).together(ones)
        if joint is not None:
            assert dict(joint.limits) == TWO
            assert take(joint, [BOTH, BOTH])[1] == pytest.approx([0, 3], abs=ROUNDING)

    @pytest.mark.parametrize("cost", BAD_COSTS, ids=lambda cost: repr(cost)[:20])
    def test_a_bad_cost(self, cost: Any, clock: ManualClock) -> None:
        """Every method refuses it, and nothing is taken."""
        limiter = self.make(A_SECOND, clock)
        for method in (limiter.consume, limiter.try_consume, limiter.check_cost):
            with pytest.raises(CostError):
                method(cost)
        with pytest.raises(CostError):
            asyncio.run(limiter.consume_async(cost))
        assert take(limiter, [{"rate": 1}])[1] == [0]
        limiter.close()

    def test_who_can_not_begin_in_time_is_refused_at_once(self, clock: ManualClock) -> None:
        """He is told when to come again, and spends nothing."""
        limiter = self.make(A_SECOND, clock)
        limiter.consume(2, timeout=0)
        for timeout in (0, 1.5):
            with pytest.raises(RateLimitError):
                limiter.consume(1, timeout=timeout)
            with pytest.raises(RateLimitError) as caught:
                asyncio.run(limiter.consume_async(1, timeout=timeout))
            assert caught.value.retry_after == pytest.approx(2, abs=ROUNDING)
        clock.advance(2)
        assert [limiter.try_consume(1), limiter.try_consume(1)] == [True, False]
        clock.advance(1)
        assert asyncio.run(limiter.consume_async(1, timeout=0)).costs == {"rate": 1}
        limiter.close()

    # ----------------------------------------------------------------------- all at once

    def test_no_window_holds_too_much(self) -> None:
        """Of programs with random costs, corrections at whatever time, and calls that never run."""
        self._needs("injectable_clock")
        limits = SEVERAL if self.several else ONE

        @settings(deadline=None, max_examples=self.examples, report_multiple_bugs=False)
        @given(st.integers(0, 2**32))
        def run(seed: int) -> None:
            clock = ManualClock()
            limiter = self.make(limits, clock)
            keep_promise(limiter, limits, clock, Random(seed))  # noqa: S311 - a program
            limiter.close()

        run()

    def test_any_interleaving(self) -> None:
        """Take, give back, hold and time in any order are answered as `Schedule` does."""
        self._needs("injectable_clock")
        run_state_machine_as_test(
            self.machine(),
            settings=settings(
                deadline=None,
                max_examples=self.examples,
                stateful_step_count=30,
                report_multiple_bugs=False,
            ),
        )

    def machine(self) -> type[LimiterMachine]:
        """The state machine for this limiter."""
        limits = SEVERAL if self.several else ONE
        return type(
            "Machine", (LimiterMachine,), {"make": staticmethod(self.make), "limits": limits}
        )

    def test_threads_take_no_more_than_there_is(self, clock: ManualClock) -> None:
        """Eight threads ask eight times each, where forty may go at once."""
        limiter = self.make({"rate": Rate(1.0, 1.0, burst=39.0)}, clock)
        with ThreadPoolExecutor(8) as threads:
            found = list(threads.map(lambda _: take(limiter, [{"rate": 1}])[0], range(64)))
        assert len([grant for grants in found for grant in grants]) == 40
        limiter.close()

    def test_nobody_goes_before_his_time(self) -> None:
        """Threads and loops of their own, by the real clock: the n-th is not before n / rate."""
        limiter = self.make({"rate": Rate(400.0, 1.0)}, time.monotonic)

        def call(number: int) -> float:
            if number % 2:
                limiter.consume(1)
            else:
                asyncio.run(limiter.consume_async(1))
            return time.monotonic()

        start = time.monotonic()
        with ThreadPoolExecutor(20) as threads:
            times = sorted(threads.map(call, range(40)))
        early = [place for place, when in enumerate(times) if when < start + place / 400]
        assert not early, f"granted before their time: {early}"
        limiter.close()
