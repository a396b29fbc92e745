"""Rates as people write them: `"600/min"`, `"10/s"`, `"5/2s"`, or a number per second."""

from __future__ import annotations

import math
import re
from typing import Final

from beautyspot.contracts import UNITS, Rate, as_number, seconds_per
from beautyspot.errors import ConfigError

FORMS: Final = '"10/s", "600/min", "1000/h", "5/2s", or a positive number per second'

_NUMBER: Final = r"[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?"
_RATE: Final = rf"(?i)\s*({_NUMBER})\s*/\s*({_NUMBER})?\s*([a-z]+)\s*"


def parse_rate(rate: object, max_cost: object = None, burst: object = 0.0) -> Rate:
    """Read the options of a limit.

    The default of `max_cost` is the number in the text (``"600/min"``: 600) or the number per
    second, and never under 1, so that a call of cost 1 is always possible.

    Args:
        rate: a text of the forms that `FORMS` shows, with the units of `UNITS`, or a number.
        max_cost: the largest single cost, in the unit of the costs; None for the default.
        burst: how much may begin at once after idling, beyond the call that always may.

    Raises:
        ConfigError: one is nothing of that, or not positive and finite; `burst` may be 0.
    """
    per_second = amount = as_number(rate)
    if isinstance(rate, str):
        match = re.fullmatch(_RATE, rate)
        unit = seconds_per(match[3]) if match else None
        if match and unit:
            amount, period = float(match[1]), float(match[2] or 1) * unit
            per_second = amount / period if period else math.inf
    if per_second is None or amount is None or not 0 < per_second < math.inf:
        raise ConfigError(f"rate={rate!r:.80} is no rate: write {FORMS} (units: {UNITS})")
    largest = max(1.0, amount) if max_cost is None else as_number(max_cost)
    if largest is None or not 0 < largest < math.inf:
        raise ConfigError(
            f"max_cost={max_cost!r:.80} is not a positive finite number: give the largest cost "
            "that one call may have, or leave it out"
        )
    if math.isinf(largest / per_second):
        raise ConfigError(
            f"max_cost={max_cost!r} at rate={rate!r} is a wait without an end: lower max_cost"
        )
    more = as_number(burst)
    if more is None or not 0 <= more < math.inf:
        raise ConfigError(f"burst={burst!r:.80} is not a finite number from 0 up: 0 is no burst")
    return Rate(per_second, largest, more)


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
