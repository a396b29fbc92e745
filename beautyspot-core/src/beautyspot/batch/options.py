"""The options of `spot.map`, checked when it is called and not when a result is asked for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypedDict

from beautyspot.contracts import DURATION, seconds
from beautyspot.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import timedelta

    from beautyspot.observing import Progress

CONCURRENCY: Final = 16
"""Calls at once, unless the user says otherwise."""


class MapKeywords(TypedDict, total=False):
    """The options of `Spot.map` without `errors`, as a user writes them; it documents each."""

    concurrency: int | None
    ordered: bool
    max_errors: int | None
    timeout: float | str | timedelta | None
    progress: bool | Callable[[Progress], object] | None
    executor: Any


@dataclass(slots=True, kw_only=True)
class MapOptions:
    """What a user said of a map; `Spot.map` documents each.

    Attributes:
        timeout: in seconds, or None.

    Raises:
        ConfigError: one is of the wrong type or out of its range; says which, and what fits.
    """

    concurrency: int | None
    ordered: bool
    errors: str
    max_errors: int | None
    timeout: Any
    progress: Any
    executor: Any

    def __post_init__(self) -> None:
        for option, fits, takes in (
            ("concurrency", _is_count(self.concurrency, 1), "a whole number of calls at once"),
            ("errors", self.errors in ("raise", "return", "skip"), '"raise", "return" or "skip"'),
            ("max_errors", _is_count(self.max_errors, 0), "how many failures may be, 0 or more"),
            ("timeout", _is_time(self.timeout), f"the time that a call may take: {DURATION}"),
            (
                "progress",
                isinstance(self.progress, bool | None) or callable(self.progress),
                "True for a line, a plain function that is called with a Progress, or None",
            ),
            (
                "executor",
                self.executor is None or hasattr(self.executor, "submit"),
                "an executor, as concurrent.futures.ProcessPoolExecutor(8) or Dask's",
            ),
        ):
            if not fits:
                given = getattr(self, option)
                raise ConfigError(f"map({option}={given!r:.80}) does not fit: give {takes}")
        if self.max_errors is not None and self.errors == "raise":
            raise ConfigError(
                f'map(max_errors={self.max_errors}) has no meaning with errors="raise", which the '
                'first failure ends: give errors="return" or errors="skip" too, or leave it out'
            )
        if self.timeout is not None:
            self.timeout = seconds(self.timeout)


def _is_count(value: object, least: int) -> bool:
    return value is None or (type(value) is int and value >= least)


def _is_time(value: object) -> bool:
    try:
        return value is None or seconds(value) > 0
    except (TypeError, ValueError):
        return False
