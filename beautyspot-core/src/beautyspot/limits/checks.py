"""The options of `Spot.limiter` and `Spot.limit`, checked where they stand."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from beautyspot.contracts import DURATION, seconds
from beautyspot.contracts.checked import fitting
from beautyspot.errors import ConfigError, CostError
from beautyspot.functions.names import identifier_of
from beautyspot.messages import checked

if TYPE_CHECKING:
    from collections.abc import Callable

    from beautyspot.contracts import LimiterBase


_FROM_1: Final = fitting(lambda value: type(value) is int and value >= 1)


def check_cost(cost: object, bucket: LimiterBase | None) -> None:
    """Refuse a cost that the limiter can never grant. What a function returns is not known yet.

    Raises:
        ConfigError: says what fits.
    """
    if bucket is None or (callable(cost) and not isinstance(cost, Mapping)):
        return
    try:
        bucket.check_cost(1 if cost is None else cost)
    except CostError as error:
        raise ConfigError(f"limiter(cost={cost!r:.80}): {error}") from None


def checked_timeout(timeout: object) -> float | None:
    """A time-out in seconds; None where there is none.

    Raises:
        ConfigError: says what fits.
    """
    if timeout is None or timeout == math.inf:
        return None
    return checked("timeout", timeout, seconds, DURATION, "limiter({})")


def check_key(key: object) -> str:
    """Return `key`, which has to be a text.

    Raises:
        ConfigError: it is no text.
    """
    if not isinstance(key, str):
        raise ConfigError(
            f"the key of a limit is a text, and this is of type {type(key).__name__}: return one"
        )
    return key


def check_function(option: str, value: object, of: str) -> None:
    """Refuse an option that has to be a function and is none.

    Raises:
        ConfigError: says a function of what.
    """
    if value is not None:
        checked(option, value, fitting(callable), f"a function of {of}", "limiter({})")


def check_fits(option: str, given: object, function: Callable[..., Any]) -> None:
    """Refuse a function of a call's arguments, or a table of such, that can't take any call.

    Raises:
        ConfigError: says what both take.
    """
    from beautyspot.functions.annotations import (
        what_does_not_fit,  # imports `inspect`: takes a while
    )

    parts = given.values() if isinstance(given, Mapping) else [given]
    for part in parts:
        wrong = what_does_not_fit(part, function)
        if wrong is not None:
            raise ConfigError(
                f"limiter({option}=) does not fit {identifier_of(function)}: it is called with the "
                f"arguments of the call, but {wrong}: give it the same parameters"
            )


def check_max_concurrent(value: object) -> None:
    """Refuse a cap that is no whole number from 1 up.

    Raises:
        ConfigError: says what fits.
    """
    if value is not None:
        checked("max_concurrent", value, _FROM_1, "a whole number from 1 up", "limiter({})")


def check_settle(settle: object, bucket: LimiterBase | None) -> None:
    """Refuse to correct costs where there are none.

    Raises:
        ConfigError: says what to do.
    """
    if settle is not None and bucket is None:
        raise ConfigError(
            "limiter(settle=) does not fit: there is no rate; leave settle= out, or give the Spot "
            'one, such as limiter="600/min"'
        )
