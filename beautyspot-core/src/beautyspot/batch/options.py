"""The options of `spot.map`, checked when it is called and not when a result is asked for."""

from __future__ import annotations

from dataclasses import dataclass
from inspect import iscoroutinefunction
from typing import TYPE_CHECKING, Any, Final, Literal, TypedDict

from beautyspot.contracts import DURATION, seconds
from beautyspot.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import timedelta

    from beautyspot.observing import Progress

ERRORS: Final = ("raise", "return", "skip")

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


Errors = Literal["raise", "return", "skip"]


@dataclass(frozen=True, slots=True, kw_only=True)
class MapOptions:
    """What a user said of a map; `Spot.map` documents each.

    Attributes:
        timeout: in seconds, or None.

    Raises:
        ConfigError: one is of the wrong type or out of its range; says which, and what fits.
    """

    concurrency: int | None = None
    ordered: bool = True
    errors: str = "raise"
    max_errors: int | None = None
    timeout: float | None = None
    progress: Any = None
    executor: Any = None

    def __post_init__(self) -> None:
        for option, (fits, takes) in _CHECKS.items():
            value = getattr(self, option)
            if not fits(value):
                raise ConfigError(f"map({option}={value!r:.80}) does not fit: give {takes}")
        if self.max_errors is not None and self.errors == "raise":
            raise ConfigError(
                f'map(max_errors={self.max_errors}) has no meaning with errors="raise", which the '
                'first failure ends: give errors="return" or errors="skip" too, or leave it out'
            )

    @classmethod
    def from_keywords(cls, options: Mapping[str, Any]) -> MapOptions:
        """The options that a user wrote, with the time-out in seconds."""
        given = cls(**options)
        if given.timeout is None:
            return given
        return cls(**{**options, "timeout": seconds(given.timeout)})

    @property
    def most_failures(self) -> int | None:
        """So many inputs may fail; None is any number."""
        return 0 if self.errors == "raise" else self.max_errors


def _is_count(value: object, least: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= least


def _is_timeout(value: object) -> bool:
    try:
        return value is None or seconds(value) > 0
    except (TypeError, ValueError):
        return False


def _is_told(value: object) -> bool:
    return callable(value) and not isinstance(value, type) and not iscoroutinefunction(value)


def _runs_calls(executor: object) -> bool:
    return not isinstance(executor, type) and callable(getattr(executor, "submit", None))


_CHECKS: Final[dict[str, tuple[Callable[[Any], bool], str]]] = {
    "concurrency": (
        lambda value: value is None or _is_count(value, 1),
        "a whole number of calls at once, 1 or more",
    ),
    "ordered": (lambda value: isinstance(value, bool), "True or False"),
    "errors": (
        lambda value: isinstance(value, str) and value in ERRORS,
        '"raise", "return" or "skip"',
    ),
    "max_errors": (
        lambda value: value is None or _is_count(value, 0),
        "the number of failures that may be, 0 or more",
    ),
    "timeout": (_is_timeout, f"the time that a call may take, over 0: {DURATION}"),
    "progress": (
        lambda value: value is None or isinstance(value, bool) or _is_told(value),
        "True for a line, a plain function that is called with a Progress now and then, or None",
    ),
    "executor": (
        lambda value: value is None or _runs_calls(value),
        "an executor, such as concurrent.futures.ProcessPoolExecutor(8) or client.get_executor()",
    ),
}
