"""Several limits that their own class makes one of, as a limiter on a network may."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from beautyspot.contracts import LimiterBase
from beautyspot.errors import RateLimitError
from beautyspot.limits.combined import CombinedLimiter
from beautyspot.limits.joined import JoinedLimiter
from beautyspot_local import TokenBucket

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
