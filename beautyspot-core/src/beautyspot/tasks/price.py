"""What an execution cost, as the function given as `mark(price=)` says."""

from __future__ import annotations

import math

from beautyspot.errors import ConfigError


def checked_price(answer: object) -> float:
    """A price as it is stored.

    Raises:
        ConfigError: it is no finite number, or negative; says what to return.
    """
    price = _number(answer)
    if price is None or not 0 <= price < math.inf:
        shown = repr(price) if price is not None else f"an object of type {type(answer).__name__}"
        raise ConfigError(
            f"the function given as price= returned {shown}: return what the call cost, as a "
            "finite number that is 0 or more, such as result.usage.total_tokens * 2e-6"
        )
    return price


def _number(answer: object) -> float | None:
    if isinstance(answer, bool):
        return None
    if not isinstance(answer, int | float):
        from decimal import Decimal  # few functions give one
        from numbers import Real  # the numbers of NumPy, and fractions

        if not isinstance(answer, Decimal | Real):
            return None
    try:
        return float(answer)
    except (OverflowError, ValueError):  # a huge integer, a signalling NaN
        return math.nan
