"""What limits refuse: the call, the error, and two words of what is said."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from beautyspot import ConfigError, CostError, Spot
from beautyspot_local import TokenBucket

REQUESTS = {"use": "gcra", "name": "requests", "rate": "500/h"}
TOKENS = {"use": "gcra", "name": "tokens", "rate": "30000/h", "max_cost": 60}


def stream() -> Iterator[int]:
    yield 1


def double(x: int) -> int:
    return 2 * x


class Methods:
    def ask(self, prompt: str, n: int = 1) -> str:
        return prompt


def settled(spot: Spot, cost: Any) -> None:
    with spot.limit() as permit:
        permit.settle(cost)


def entered_twice(spot: Spot) -> None:
    with spot.limit() as permit:
        pass
    with permit:
        pass


LIMITERS: list[Any] = [
    [],
    ["5/s"],
    [{"use": "5/s"}],
    [{"name": "x"}],
    [REQUESTS, REQUESTS],
    [{**REQUESTS, "name": "a/b"}],
    [{**REQUESTS, "name": 3}],
    [{**REQUESTS, "rat": 3}],
    [{"use": TokenBucket(1), "name": "x", "rate": 3}],
]


@pytest.mark.parametrize("limiter", LIMITERS, ids=range(len(LIMITERS)))
def test_limits_that_are_none(make_spot: Callable[..., Spot], limiter: Any) -> None:
    with pytest.raises(ConfigError):
        make_spot(limiter=limiter)


FITS, NAMED, NONE = "limiter(", "does not say of which limit", "no finite number from 0"
SEVERAL, NO_RATE = [REQUESTS, TOKENS], None

CALLS: list[tuple[Any, Callable[[Spot], object], type[Exception], str]] = [
    *[
        ("60/min", lambda s, o=option: s.limiter(**o), ConfigError, FITS)
        for option in (
            *[{"cost": cost} for cost in (0, -1, math.nan, math.inf, True, "1", 61)],
            *[{"timeout": timeout} for timeout in (-1, "1 month", True)],
            *[{"max_concurrent": most} for most in (0, True, 1.5)],
            {"key": "host"},
            {"settle": 3},
        )
    ],
    ("60/min", lambda s: s.limit(cost=61), ConfigError, "above max_cost=60"),
    ("60/min", lambda s: s.limit(3), ConfigError, "by name: cost="),
    ("60/min", lambda s: s.limiter(3), ConfigError, "takes a function"),
    ("60/min", lambda s: s.limiter(cost={"requests": 1}), ConfigError, "names the limit"),
    ("60/min", lambda s: s.limiter(settle=len)(stream), ConfigError, "does not fit a generator"),
    ("60/min", lambda s: s.limit(cost=len), ConfigError, "call the function yourself"),
    ("60/min", lambda s: s.limit(key=3), ConfigError, "of type int: return one"),
    ("60/min", lambda s: s.limiter(key=lambda: None)(pytest.fail)(), ConfigError, "NoneType"),
    ("60/min", lambda s: s.limiter(cost=lambda: 1)(double), ConfigError, "it takes ()"),
    ("60/min", lambda s: s.limiter(cost=lambda x, y: 1)(double), ConfigError, "takes (x, y)"),
    ("60/min", lambda s: s.limiter(key=lambda *, y: 1)(double), ConfigError, "limiter(key=) does"),
    ("60/min", lambda s: s.limiter(cost=lambda n: 1)(Methods.ask), ConfigError, "(self, prompt"),
    ("60/min", lambda s: settled(s, -1), CostError, "-1"),
    ("60/min", entered_twice, ConfigError, "for one call"),
    (SEVERAL, lambda s: s.limiter(), ConfigError, NAMED),
    (SEVERAL, lambda s: s.limit(cost=3), ConfigError, NAMED),
    (SEVERAL, lambda s: s.limiter(cost={"request": 1}), ConfigError, "Did you mean 'requests'"),
    (SEVERAL, lambda s: s.limiter(cost={}), ConfigError, "asks no limit"),
    (SEVERAL, lambda s: s.limit(cost={"tokens": 0}), ConfigError, "asks no limit"),
    (SEVERAL, lambda s: s.limiter(cost={"tokens": -1}), ConfigError, NONE),
    (SEVERAL, lambda s: s.limit(cost={"tokens": "1"}), ConfigError, NONE),
    (SEVERAL, lambda s: s.limiter(cost={"tokens": 61}), ConfigError, "61 is above max_cost=60"),
    (
        SEVERAL,
        lambda s: s.limiter(cost=lambda: {"token": 3})(pytest.fail)(),
        CostError,
        "Did you mean 'tokens'",
    ),
    (NO_RATE, lambda s: s.limiter(double), ConfigError, 'limiter="600/min"'),
    (NO_RATE, lambda s: s.limit(), ConfigError, 'limiter="600/min"'),
    (NO_RATE, lambda s: s.bucket, ConfigError, 'limiter="600/min"'),
    (NO_RATE, lambda s: s.limiter(settle=len, max_concurrent=3), ConfigError, "there is no rate"),
]


@pytest.mark.parametrize(("limiter", "call", "error", "words"), CALLS, ids=range(len(CALLS)))
def test_a_limit_that_does_not_fit(
    make_spot: Callable[..., Spot],
    limiter: Any,
    call: Callable[[Spot], object],
    error: type[Exception],
    words: str,
) -> None:
    spot = make_spot(strict=True, limiter=limiter)
    with pytest.raises(error) as caught:
        call(spot)
    assert words in str(caught.value)
