"""The options of `Spot.limiter` and `Spot.limit`, checked where they stand."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from beautyspot.contracts import LimiterBase
from beautyspot.errors import ConfigError, CostError
from beautyspot.limits.combined import LimitsTogether


def check_cost(cost: object, bucket: LimiterBase | None) -> None:
    """Refuse a cost that the limiter can never grant.

    Raises:
        ConfigError: says what fits.
    """
    if isinstance(bucket, LimitsTogether):
        _check_costs(cost, bucket)
    elif isinstance(cost, Mapping):
        raise ConfigError(
            f"limiter(cost={dict(cost)!r:.120}) does not fit: the Spot has one limit, without a "
            'name. Give a number, or name its limits: limiter=[{"name": "requests", ...}]'
        )
    elif cost is not None and not callable(cost) and not (_is_number(cost) and cost != 0):
        raise ConfigError(
            f"limiter(cost={cost!r}) does not fit: give a positive number, or a function of the "
            "call's arguments that returns one"
        )


def _check_costs(cost: object, limits: LimitsTogether) -> None:
    if callable(cost) and not isinstance(cost, Mapping):
        return
    example = ", ".join(f'"{name}": 1' for name in limits.limits)
    advice = f"say what a call costs of each limit: cost={{{example}}}"
    if not isinstance(cost, Mapping):
        raise ConfigError(f"limiter(cost={cost!r:.80}) does not fit several limits: {advice}")
    try:
        limits.check_names(cost)
    except CostError as error:
        raise ConfigError(f"limiter(cost=) does not fit: {error}") from None
    wrong = [name for name, part in cost.items() if not (callable(part) or _is_number(part))]
    if wrong or not any(callable(part) or part for part in cost.values()):
        raise ConfigError(
            f"limiter(cost={dict(cost)!r:.120}) does not fit: give numbers from 0 up, one of them "
            "above 0, or functions of the call's arguments"
        )


def check_largest(cost: object, bucket: LimiterBase | None) -> None:
    """Refuse a cost that is the same for all calls, and that no wait could grant.

    Raises:
        ConfigError: says the largest cost.
    """
    asked: list[tuple[Any, object, object]] = [(cost, bucket, cost)]
    if isinstance(bucket, LimitsTogether):
        parts = cost.items() if isinstance(cost, Mapping) else ()
        asked = [(part, bucket.limits[name], {name: part}) for name, part in parts]
    for part, limit, shown in asked:
        most: Any = getattr(limit, "max_cost", None)  # a stranger's may be anything
        if _is_number(part) and _is_number(most) and part > most:
            raise ConfigError(
                f"limiter(cost={shown!r:.120}) is above max_cost={most:g}, so no wait could grant "
                "it: give a smaller one, or raise the limiter's max_cost"
            )


def check_timeout(timeout: object) -> None:
    """Refuse a time-out that is none.

    Raises:
        ConfigError: says what fits.
    """
    number = isinstance(timeout, int | float) and not isinstance(timeout, bool)
    if timeout is not None and not (number and timeout >= 0):  # type: ignore[operator]  # `number` says so
        raise ConfigError(f"limiter(timeout={timeout!r}) does not fit: give seconds, 0 or more")


def check_key(key: object) -> str:
    """`key`, which has to be a text.

    Raises:
        ConfigError: it is none.
    """
    if not isinstance(key, str):
        raise ConfigError(f"the key of a limit is a text, not {key!r:.80}: return one from key=")
    return key


def check_callable(option: str, value: object, of: str) -> None:
    """Refuse what is to be a function and is none.

    Raises:
        ConfigError: says of what.
    """
    if value is not None and not callable(value):
        raise ConfigError(f"limiter({option}={value!r:.80}) does not fit: give a function of {of}")


def check_number(option: str, value: object) -> None:
    """Refuse what is to be a count and is none.

    Raises:
        ConfigError: says what fits.
    """
    whole = isinstance(value, int) and not isinstance(value, bool)
    if value is not None and not (whole and value > 0):  # type: ignore[operator]  # `whole` says so
        raise ConfigError(
            f"limiter({option}={value!r:.80}) does not fit: give a whole number from 1 up"
        )


def check_settle(settle: object, bucket: LimiterBase | None) -> None:
    """Refuse to correct costs where the limiter can't.

    Raises:
        ConfigError: says what to do.
    """
    if settle is not None and (bucket is None or type(bucket).settle is LimiterBase.settle):
        what = "there is no rate" if bucket is None else f"{bucket.name!r} can't correct a cost"
        raise ConfigError(
            f"limiter(settle=) does not fit: {what}; leave settle= out, or use a limiter such as "
            "'gcra'"
        )


def _is_number(value: object) -> bool:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return number and 0 <= value < math.inf  # type: ignore[operator]  # `number` says so
