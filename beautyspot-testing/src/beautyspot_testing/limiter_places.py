"""The part of `LimiterContract` about what many processes share: places, and limits at once."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import pytest
from beautyspot.errors import NotSupportedError

from beautyspot_testing.limiter_steps import delay, delays
from beautyspot_testing.shared import Switches

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from beautyspot.contracts import Lease, LimiterBase

    from beautyspot_testing.limiter_model import ManualClock


def _slots(limiter: LimiterBase, number: int, size: int, name: str = "work") -> list[Lease]:
    """Take so many places, all of which have to be there."""
    found = [limiter.try_slot(name, size) for _ in range(number)]
    taken = [slot for slot in found if slot is not None]
    assert len(taken) == number, "refused, though one was free"
    return taken


class PlacesContract(Switches):
    """What `try_slot` and `together` have to do, where a limiter has them."""

    def make_several(
        self, rates_per_second: dict[str, float], max_cost: float, clock: Callable[[], float]
    ) -> Mapping[str, LimiterBase]:
        """Fresh limiters that `together` of their class takes; none where it takes no limiters."""
        del rates_per_second, max_cost, clock
        return {}

    @pytest.fixture
    def placing(self, limiter: LimiterBase) -> LimiterBase:
        """The limiter, if it keeps places."""
        if not limiter.slots:
            pytest.skip("the limiter keeps no places")
        return limiter

    @pytest.fixture
    def several(self, clock: ManualClock) -> LimiterBase:
        """A permit a second of `calls`, and four of `words`, at once; at most 100 in one call."""
        limits = self.make_several({"calls": 1.0, "words": 4.0}, 100.0, clock)
        if not limits:
            pytest.skip("the limiter is not asked for several limits at once")
        joint = type(limits["calls"]).together(limits)
        assert joint is not None, "make_several() gives limiters that together() takes"
        return joint

    # ------------------------------------------------------------------------------ places

    def test_places_are_there_or_it_says_that_they_are_not(self, limiter: LimiterBase) -> None:
        """A limiter without them answers with the error that callers expect."""
        if limiter.slots:
            assert 0 < limiter.lease_time <= math.inf
            return
        with pytest.raises(NotSupportedError):
            limiter.try_slot("work", 1)

    def test_no_more_places_than_there_are(self, placing: LimiterBase) -> None:
        """Those of other names are others; a freed one goes to the next who asks."""
        first, _ = _slots(placing, 2, size=2)
        assert placing.try_slot("work", 2) is None
        _slots(placing, 1, size=1, name="other work")
        first.release()
        _slots(placing, 1, size=2)
        assert placing.try_slot("work", 2) is None

    def test_a_place_is_given_back_once(self, placing: LimiterBase) -> None:
        """A second release frees nobody else's."""
        (first,) = _slots(placing, 1, size=1)
        first.release()
        _slots(placing, 1, size=1)
        first.release()
        assert placing.try_slot("work", 1) is None

    def test_a_place_falls_unless_it_is_renewed(
        self, placing: LimiterBase, clock: ManualClock
    ) -> None:
        """Within its time; who comes later has lost it, if another one has it by then."""
        if placing.lease_time == math.inf:
            pytest.skip("its places never fall")
        kept, fallen = _slots(placing, 2, size=2)
        clock.advance(placing.lease_time * 0.75)
        assert list(placing.renew([kept])) == []
        assert placing.try_slot("work", 2) is None
        clock.advance(placing.lease_time * 0.75)
        (taken,) = _slots(placing, 1, size=2)
        assert list(placing.renew([kept, fallen, taken])) == [fallen]
        fallen.release()
        assert placing.try_slot("work", 2) is None, "it freed a later holder's"
        assert list(placing.renew([])) == []

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
