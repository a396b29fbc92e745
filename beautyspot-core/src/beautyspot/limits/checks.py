"""The options of `Spot.limiter` and `Spot.limit`, checked where they stand."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from beautyspot.contracts import DURATION, seconds
from beautyspot.errors import ConfigError, CostError
from beautyspot.functions.names import identifier_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from beautyspot.contracts import LimiterBase


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
        raise ConfigError(f"limiter(cost={cost!r:.120}) does not fit: {error}") from None


def checked_timeout(timeout: object) -> float | None:
    """A time-out in seconds; None where there is none.

    Raises:
        ConfigError: says what fits.
    """
    if timeout is None or timeout == math.inf:
        return None
    try:
        return seconds(timeout)
    except (TypeError, ValueError):
        raise ConfigError(
            f"limiter(timeout={timeout!r:.80}) does not fit: give {DURATION}"
        ) from None


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
    if value is not None and not callable(value):
        raise ConfigError(f"limiter({option}={value!r:.80}) does not fit: give a function of {of}")


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
    if value is not None and (type(value) is not int or value < 1):
        raise ConfigError(
            f"limiter(max_concurrent={value!r:.80}) does not fit: give a whole number from 1 up"
        )


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
