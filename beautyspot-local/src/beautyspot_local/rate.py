"""Rates as people write them: `"600/min"`, `"10/s"`, `"5/2s"`, or a number per second.

Also what a limiter accepts as a cost and as a waiting time. Every refusal says what would be right.
"""

from __future__ import annotations

import math
import re
from typing import Any, Final, NamedTuple

from beautyspot.contracts import UNITS, seconds_per
from beautyspot.errors import ConfigError, CostError

FORMS: Final = '"10/s", "600/min", "1000/h", "5/2s", or a positive number per second'

_NUMBER: Final = r"[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?"
_RATE: Final = rf"(?i)\s*({_NUMBER})\s*/\s*({_NUMBER})?\s*([a-z]+)\s*"


class Rate(NamedTuple):
    """A rate, and the largest single cost that goes with it unless another is given."""

    per_second: float
    max_cost: float


def parse_rate(rate: object, max_cost: object = None) -> Rate:
    """Read `rate`, and `max_cost` where it is given.

    The default of `max_cost` is the number in the text (``"600/min"``: 600) or the number per
    second, and never under 1, so that a call of cost 1 is always possible.

    Args:
        rate: a text of the forms that `FORMS` shows, with the units of `UNITS`, or a number.
        max_cost: the largest single cost, in the unit of the costs; None for the default.

    Raises:
        ConfigError: `rate` or `max_cost` is nothing of that, or not positive and finite.
    """
    per_second, amount = _parse_text(rate) if isinstance(rate, str) else _per_second(rate)
    if not 0 < per_second < math.inf:
        raise _no_rate(rate)
    largest = max(1.0, amount) if max_cost is None else _largest(max_cost)
    if math.isinf(largest / per_second):
        raise ConfigError(
            f"max_cost={max_cost!r} at rate={rate!r} is a wait without an end: lower max_cost"
        )
    return Rate(per_second, largest)


def parse_burst(burst: object) -> float:
    """The extra cost that may go at once after idling.

    Raises:
        ConfigError: it is negative, or not a finite number.
    """
    number = as_number(burst)
    if number is None or not 0 <= number < math.inf:
        raise ConfigError(f"burst={burst!r:.80} is not a finite number from 0 up: 0 is no burst")
    return number


def checked_workers(workers: object) -> float:
    """How many processes share a limit, as a float.

    Raises:
        ConfigError: it is no finite number from 1 up.
    """
    number = as_number(workers)
    if number is None or not 1 <= number < math.inf:
        raise ConfigError(
            f"workers={workers!r:.80} is not a finite number from 1 up: give how many processes "
            "share the limit"
        )
    return number


def _parse_text(text: str) -> tuple[float, float]:
    match = re.fullmatch(_RATE, text)
    unit = match and seconds_per(match[3])
    if not match or not unit:
        raise _no_rate(text)
    amount, period = float(match[1]), float(match[2] or 1) * unit
    return (amount / period if period else math.inf), amount


def _per_second(rate: object) -> tuple[float, float]:
    number = as_number(rate)
    if number is None:
        raise _no_rate(rate)
    return number, number


def _no_rate(rate: object) -> ConfigError:
    return ConfigError(f"rate={rate!r:.80} is no rate: write {FORMS} (units: {UNITS})")


def _largest(max_cost: object) -> float:
    number = as_number(max_cost)
    if number is None or not 0 < number < math.inf:
        raise ConfigError(
            f"max_cost={max_cost!r:.80} is not a positive finite number: give the largest cost "
            "that one call may have, or leave it out"
        )
    return number


def as_number(value: object) -> float | None:
    """`value` as a float where it is a real number; a bool and a text are none, so None.

    NumPy's numbers and fractions count. A number too large for a float is infinite.
    """
    if isinstance(value, bool):
        return None
    if not isinstance(value, int | float):
        from numbers import Real  # only for numbers of other kinds

        if not isinstance(value, Real):
            return None
    number: Any = value  # numbers.Real has comparisons that no type checker knows
    try:
        return float(number)
    except OverflowError:
        return math.inf if number > 0 else -math.inf


def checked_cost(cost: object, max_cost: float) -> float:
    """`cost` as a float.

    Raises:
        CostError: it is not a positive finite number, or is above `max_cost`.
    """
    number = as_number(cost)
    if number is None or not 0 < number < math.inf:
        raise CostError(f"cost={cost!r:.80} is not a positive finite number: give one, such as 1")
    if number > max_cost:
        raise CostError(
            f"cost={cost!r:.80} is above max_cost={max_cost:g}, so no wait could grant it: ask for "
            "less at a time, or raise the limiter's max_cost"
        )
    return number


def checked_seconds(seconds: object) -> float:
    """`seconds` as a float; what is over already (below 0) counts as 0.

    Raises:
        ConfigError: it is not a number, or NaN.
    """
    number = as_number(seconds)
    if number is None or math.isnan(number):
        raise ConfigError(f"{seconds!r:.80} is no number of seconds: give one, such as 2.5")
    return max(0.0, number)


def real_length(real_cost: object, per_second: float) -> float:
    """The seconds that `real_cost` takes, which may be 0.

    Raises:
        CostError: it is negative, or not a finite number.
    """
    number = as_number(real_cost)
    length = math.nan if number is None else number / per_second
    if not 0 <= length < math.inf:
        raise CostError(
            f"real_cost={real_cost!r:.80} is no finite number from 0 up: give what the call used"
        )
    return length
