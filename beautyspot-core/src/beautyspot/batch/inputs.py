"""`Inputs`: what a map reads, a page at a time and not before it has to."""

from __future__ import annotations

from collections.abc import AsyncIterable, Iterable
from itertools import islice
from time import monotonic
from typing import TYPE_CHECKING, Any, Final

from beautyspot.errors import ConfigError

if TYPE_CHECKING:
    import asyncio

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
