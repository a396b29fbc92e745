"""The part of `LimiterContract` about costs that are known only after the call."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import pytest
from beautyspot.errors import CostError, NotSupportedError

from beautyspot_testing.limiter_steps import delays, reserve
from beautyspot_testing.shared import Switches

if TYPE_CHECKING:
    from beautyspot.contracts import LimiterBase

BAD_REAL_COSTS: list[Any] = [math.nan, math.inf, -1, True, "1", None]


class SettleContract(Switches):
    """What `settle` has to do; see `LimiterContract` for the attributes."""

    can_settle = True
    reuses_gaps = True

    def test_settle_is_there_or_says_that_it_is_not(self, limiter: LimiterBase) -> None:
        """A limiter without it answers with the error that callers expect."""
        reservation = reserve(limiter, 1)
        if self.can_settle:
            limiter.settle(reservation, 1)
            return
        with pytest.raises(NotSupportedError):
            limiter.settle(reservation, 1)

    def test_too_much_reserved_is_given_back(self, limiter: LimiterBase) -> None:
        """For the last one and for one with others behind it; a call that failed may cost 0."""
        self._needs("can_settle")
        first = reserve(limiter, 10)
        limiter.settle(first, 4)
        (second,) = delays(limiter, [1])
        third = reserve(limiter, 3)
        assert (second, third.delay) == pytest.approx((4, 5))
        limiter.settle(third, 0)
        assert delays(limiter, [1]) == pytest.approx([5])

    def test_an_unused_end_goes_to_one_that_fits(self, limiter: LimiterBase) -> None:
        """Callers that wait behind it already keep their time."""
        self._needs("can_settle")
        first = reserve(limiter, 10)
        assert delays(limiter, [1]) == pytest.approx([10])
        limiter.settle(first, 7)
        expected = [11, 7, 15] if self.reuses_gaps else [11, 15, 18]
        assert delays(limiter, [4, 3, 1]) == pytest.approx(expected)

    def test_too_little_reserved_is_made_up_for(self, limiter: LimiterBase) -> None:
        """Behind the callers that wait already; the cost may be above the maximum."""
        self._needs("can_settle")
        first = reserve(limiter, 1)
        assert delays(limiter, [1]) == pytest.approx([1])
        limiter.settle(first, 201)
        assert delays(limiter, [1]) == pytest.approx([202])

    def test_only_the_first_settlement_counts(self, limiter: LimiterBase) -> None:
        """A second one, and a release after it, do nothing."""
        self._needs("can_settle")
        first = reserve(limiter, 5)
        limiter.settle(first, 7)
        limiter.settle(first, 50)
        limiter.settle(first, 0)
        limiter.release(first)
        assert delays(limiter, [1]) == pytest.approx([7])

    def test_nothing_is_settled_after_a_release(self, limiter: LimiterBase) -> None:
        """What was given back has no cost."""
        self._needs("can_settle")
        first = reserve(limiter, 5)
        limiter.release(first)
        limiter.settle(first, 50)
        assert delays(limiter, [1]) == [0.0]

    @pytest.mark.parametrize("real_cost", BAD_REAL_COSTS, ids=repr)
    def test_a_real_cost_that_is_none(self, limiter: LimiterBase, real_cost: Any) -> None:
        """It is refused, and the reservation can still be settled."""
        self._needs("can_settle")
        first = reserve(limiter, 5)
        with pytest.raises(CostError):
            limiter.settle(first, real_cost)
        limiter.settle(first, 2)
        assert delays(limiter, [1]) == pytest.approx([2])
