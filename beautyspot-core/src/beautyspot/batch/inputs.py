"""What `spot.map` is given: its options, checked when it is called and not when a result is asked
for, and its `Inputs`, read a page at a time and not before it has to.
"""

from __future__ import annotations

from collections.abc import AsyncIterable, Iterable
from dataclasses import dataclass
from itertools import islice
from time import monotonic
from typing import TYPE_CHECKING, Any, Final, TypedDict

from beautyspot.contracts import DURATION, seconds
from beautyspot.errors import ConfigError

if TYPE_CHECKING:
    import asyncio
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
                self.executor is None
                or (hasattr(self.executor, "submit") and not isinstance(self.executor, type)),
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


PATIENCE: Final = 0.01
"""Seconds after which a page ends whose inputs take long to read."""


def checked_inputs(method: str, inputs: tuple[object, ...], *, awaits: bool = False) -> None:
    """Refuse what can't be iterated over, and a text, which is hardly meant as its letters.

    Args:
        method: what the user called.
        inputs: all that he gave.
        awaits: whether asynchronous ones may be among them.

    Raises:
        ConfigError: says what to write.
    """
    if not inputs:
        raise ConfigError(f"{method} takes inputs: write spot.{method}(function, inputs)")
    for each in inputs:
        if isinstance(each, str | bytes | bytearray) or not (
            isinstance(each, Iterable)
            or hasattr(each, "__getitem__")
            or (awaits and isinstance(each, AsyncIterable))
        ):
            raise ConfigError(
                f"{method} can't read {each!r:.80} as inputs. Of a single one write [input]; what "
                "is the same for all calls goes into functools.partial(function, name=...); what "
                "only an event loop can read is for the map of a coroutine function, or read it "
                "into a list first, [each async for each in ...]"
            )


def total_of(inputs: tuple[Any, ...]) -> int | None:
    """How many inputs there are; None where that is not known."""
    try:
        return min(map(len, inputs))
    except Exception:  # a generator, a range too long for `len`, a data loader that can't tell
        return None


def shown(args: tuple[Any, ...]) -> Any:
    """An input as its user knows it: the item of a single iterable, or a tuple of one of each."""
    return args[0] if len(args) == 1 else args


class Inputs:
    """The inputs of a map over plain iterables; the shortest of several ends it.

    Attributes:
        has_ended: whether all were read.
        reader: the task that reads them, where that takes one.
        error: what an iterable raised, which ends the inputs too.
    """

    reader: asyncio.Task[None] | None = None

    def __init__(self, iterables: tuple[Any, ...]) -> None:
        self._tuples = zip(*iterables, strict=False)
        self.has_ended = False
        self.error: BaseException | None = None

    def page(self, size: int) -> list[tuple[Any, ...]]:
        """The arguments of the next calls: at most so many, fewer where they take long to read."""
        page: list[tuple[Any, ...]] = []
        ends = monotonic() + PATIENCE
        try:
            for args in islice(self._tuples, size):
                page.append(args)
                if monotonic() > ends:
                    return page
            self.has_ended = len(page) < size
        except Exception as error:
            self.error, self.has_ended = error, True
        return page
