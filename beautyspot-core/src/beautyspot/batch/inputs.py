"""What `spot.map` is given: its options, checked when it is called and not when a result is asked
for, and its `Inputs`, read a page at a time and not before it has to.
"""

from __future__ import annotations

from collections.abc import AsyncIterable, Iterable
from dataclasses import dataclass
from itertools import islice
from time import monotonic
from typing import TYPE_CHECKING, Any, Final, TypedDict

from beautyspot.config.settings import or_none
from beautyspot.contracts import DURATION, seconds
from beautyspot.contracts.checked import fitting, whole
from beautyspot.errors import ConfigError
from beautyspot.messages import checked

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


def _time(value: object) -> float:
    if (found := seconds(value)) > 0:
        return found
    raise ValueError("no time")


_OPTIONS: Final[dict[str, tuple[Callable[[object], Any], str]]] = {
    "concurrency": (
        or_none(fitting(lambda value: type(value) is int and value >= 1)),
        "a whole number of calls at once",
    ),
    "errors": (
        fitting(("raise", "return", "skip").__contains__),
        '"raise", "return" or "skip"',
    ),
    "max_errors": (or_none(whole), "how many failures may be, 0 or more"),
    "timeout": (or_none(_time), f"the time that a call may take: {DURATION}"),
    "progress": (
        or_none(fitting(lambda value: isinstance(value, bool) or callable(value))),
        "True for a line, a plain function that is called with a Progress, or None",
    ),
    "executor": (
        or_none(fitting(lambda value: hasattr(value, "submit") and not isinstance(value, type))),
        "an executor, as concurrent.futures.ProcessPoolExecutor(8) or Dask's",
    ),
}
"""Of each option what gives it in its form, and what it may be."""


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
        for option, (check, takes) in _OPTIONS.items():
            setattr(self, option, checked(option, getattr(self, option), check, takes, "map({})"))
        if self.max_errors is not None and self.errors == "raise":
            raise ConfigError(
                f'map(max_errors={self.max_errors}) has no meaning with errors="raise", which the '
                'first failure ends: give errors="return" or errors="skip" too, or leave it out'
            )


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
