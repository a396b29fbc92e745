"""Several limits that their own class makes one of, as a limiter on a network may."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest
from beautyspot.contracts import LimiterBase
from beautyspot.errors import ConfigError, CostError, RateLimitError
from beautyspot.limits.combined import CombinedLimiter
from beautyspot.limits.joined import JoinedLimiter
from beautyspot_local import TokenBucket
from owned_clock import Clock

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from beautyspot.spot import Spot


class Joint(CombinedLimiter):
    """What `together` gives; it counts how often it is asked."""

    asked = 0

    def reserve_after(self, cost: Any, seconds: float, *, max_wait: float | None = None) -> Any:
        type(self).asked += 1
        return super().reserve_after(cost, seconds, max_wait=max_wait)


class Joining(TokenBucket):
    @classmethod
    def together(cls, limits: Mapping[str, LimiterBase]) -> LimiterBase | None:
        return Joint(limits)


def real(spot: Spot) -> Any:
    """The limiter, without what takes its place while it fails."""
    return getattr(spot.bucket, "real", spot.bucket)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def joined(clock: Clock) -> JoinedLimiter:
    limits = {"calls": Joining(1, 100, clock=clock), "words": Joining(10, 1000, clock=clock)}
    return JoinedLimiter(limits, Joint(limits, clock))


def test_a_spot_joins_limits_of_one_class_that_offers_it(make_spot: Callable[..., Spot]) -> None:
    def limits(*kinds: type[TokenBucket]) -> Any:
        return [{"name": name, "use": kind("1/h")} for name, kind in zip("ab", kinds, strict=True)]

    spot = make_spot(limiter=limits(Joining, Joining), strict=True)
    assert type(real(spot)) is JoinedLimiter
    Joint.asked = 0
    ask = spot.limiter(cost={"a": 1, "b": 1}, timeout=0)(str)
    assert ask(1) == "1"
    assert Joint.asked == 1
    with pytest.raises(RateLimitError):
        ask(2)
    for kinds in ((Joining, TokenBucket), (TokenBucket, TokenBucket)):
        assert type(real(make_spot(limiter=limits(*kinds)))) is CombinedLimiter


def test_both_are_away_where_the_joint_limiter_is(make_spot: Callable[..., Spot]) -> None:
    class Away(Joint):
        shared = True

        def reserve(self, cost: Any = 1, *, max_wait: float | None = None) -> Any:
            raise OSError("away")

    class Remote(Joining):
        @classmethod
        def together(cls, limits: Mapping[str, LimiterBase]) -> LimiterBase | None:
            return Away(limits)

    spot = make_spot(limiter=[{"name": name, "use": Remote("1/h")} for name in "ab"])
    assert [each.is_away for each in spot.activity().limits] == [False, False]
    ask = spot.limiter(cost={"a": 1, "b": 1}, timeout=0)(str)
    with suppress(RateLimitError):  # its share of the rate is used up
        for n in range(20):
            ask(n)
    found = [(each.name, each.kind, each.is_away) for each in spot.activity().limits]
    assert found == [("a", "gcra", True), ("b", "gcra", True)]


def test_it_does_what_the_joint_limiter_does(joined: JoinedLimiter, clock: Clock) -> None:
    both = {"calls": 1, "words": 50}
    first = joined.reserve(both)
    assert joined.wait_for({"calls": 1}) == 1
    assert joined.reserve(both, max_wait=4) is None
    later: Any = joined.reserve_after({"calls": 1}, 20)
    assert later.delay == 20
    joined.release(later)
    waiting: Any = joined.reserve(both)
    assert waiting.delay == joined.remaining(waiting) == 5
    assert first is not None
    woken: list[bool] = []
    assert joined.wake_early(waiting, lambda: woken.append(True))
    joined.settle(first, {"words": 0})
    assert woken
    joined.pause(7)
    assert joined.busy_for() > 7
    clock.now += 20
    joined.consume(both)  # type: ignore[arg-type]
    with pytest.raises(RateLimitError):
        joined.consume(both, timeout=1)  # type: ignore[arg-type]
    clock.now += 5
    asyncio.run(joined.consume_async({"calls": 0, "words": 1}, timeout=10))  # type: ignore[arg-type]


def test_costs_are_checked_before_the_joint_limiter_is_asked(joined: JoinedLimiter) -> None:
    Joint.asked = 0
    for wrong in (1, {}, {"word": 1}):
        with pytest.raises(CostError):
            joined.reserve(wrong)
        with pytest.raises(CostError):
            joined.wait_for(wrong)
    with pytest.raises(CostError, match="Did you mean 'words'"):
        joined.settle(joined.reserve({"words": 1}), {"word": 1})  # type: ignore[arg-type]
    assert Joint.asked == 1


def test_each_key_has_its_own(joined: JoinedLimiter) -> None:
    one, other = joined.for_key("a"), joined.for_key("b")
    one.reserve({"calls": 10})
    assert (one.busy_for(), other.busy_for(), joined.busy_for()) == (10, 0, 0)
    one.close()


def test_its_share_is_that_of_each(clock: Clock) -> None:
    class Shared(Joining):
        workers = 4

        def share(self) -> LimiterBase:
            return TokenBucket(self.rate / 4, self.max_cost, clock=clock)

    limits = {"calls": Shared(1, 100, clock=clock), "words": Joining(10, clock=clock)}
    joined = JoinedLimiter(limits, Joint(limits, clock))
    assert joined.workers == 4
    share: Any = joined.share()
    assert share.limits["words"] is limits["words"]
    share.reserve({"calls": 1, "words": 1})
    assert share.wait_for({"calls": 1}) == 4
    plain = {"calls": Joining(1, clock=clock)}
    assert JoinedLimiter(plain, Joint(plain)).share() is None


def test_a_limit_that_can_not_be_combined_is_refused() -> None:
    class Alone(TokenBucket):
        reserve_after = LimiterBase.reserve_after

    limits = {"calls": Alone(1)}
    with pytest.raises(ConfigError, match="can't be combined"):
        JoinedLimiter(limits, Alone(1))
