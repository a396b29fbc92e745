"""`Inputs`: what a map reads, a page at a time and not before it has to."""

from __future__ import annotations

from collections.abc import AsyncIterable, Iterable, Sized
from itertools import islice
from time import monotonic
from typing import TYPE_CHECKING, Any, Final

from beautyspot.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator

PATIENCE: Final = 0.01
"""Seconds after which a page ends whose inputs take long to read."""


def checked_inputs(method: str, function: object, inputs: tuple[object, ...]) -> None:
    """Refuse what can't be iterated over, and a text, which is hardly meant as its letters.

    Raises:
        ConfigError: says what to write; `method` is what the user called.
    """
    if not inputs:
        raise ConfigError(f"{method} takes inputs: write spot.{method}(function, inputs)")
    for place, each in enumerate(inputs):
        iterable = isinstance(each, Iterable | AsyncIterable) or hasattr(each, "__getitem__")
        if iterable and not isinstance(each, str | bytes | bytearray):
            continue
        said = f"{method} takes inputs that are iterated over, and {each!r:.80} is a single one"
        raise ConfigError(f"{said}: {_instead(method, function, inputs, place)}")


def check_plain(message: str, inputs: tuple[object, ...]) -> None:
    """Refuse asynchronous iterables, where they can't be read.

    Raises:
        ConfigError: one is; `message` says what to write, with braces for the iterable.
    """
    for each in inputs:
        if not hasattr(each, "__iter__") and not hasattr(each, "__getitem__"):
            raise ConfigError(message.format(f"{each!r:.80}"))


def _instead(method: str, function: object, inputs: tuple[object, ...], place: int) -> str:
    """What to write for an input that is none."""
    given = inputs[place]
    if len(inputs) > 1:
        name = getattr(function, "__name__", "function")
        return (
            "what is the same for all calls is given to the function by functools.partial: write "
            f"spot.{method}(partial({name}, name={given!r:.40}), inputs), with the name of its "
            "parameter"
        )
    if callable(given):
        return "call it, if that gives the inputs"
    if isinstance(given, str | bytes | bytearray):
        return "write [text], or list(text) if each of its letters is an input"
    return f"write [{given!r:.20}]"


def total_of(inputs: tuple[object, ...]) -> int | None:
    """How many inputs there are; None where that is not known."""
    lengths = [length for each in inputs if (length := _length(each)) is not None]
    return min(lengths) if len(lengths) == len(inputs) else None


def _length(each: object) -> int | None:
    try:
        return len(each) if isinstance(each, Sized) else None
    except Exception:  # a range that is too long for `len`, a data loader that can't tell
        return None


def shown(args: tuple[Any, ...]) -> Any:
    """An input as its user knows it: the item of a single iterable, or a tuple of one of each."""
    return args[0] if len(args) == 1 else args


class Inputs:
    """The inputs of a map over plain iterables; the shortest of several ends it.

    Attributes:
        has_ended: whether all were read.
        error: what an iterable raised, which ends the inputs too.
    """

    def __init__(self, iterables: tuple[Any, ...]) -> None:
        self._iterables = iterables
        self._tuples: Iterator[tuple[Any, ...]] | None = None
        self.has_ended = False
        self.error: BaseException | None = None

    def page(self, size: int) -> list[tuple[Any, ...]]:
        """The arguments of the next calls: at most so many, fewer where they take long to read."""
        page: list[tuple[Any, ...]] = []
        ends = monotonic() + PATIENCE
        try:
            if self._tuples is None:
                self._tuples = zip(*self._iterables, strict=False)
                self._iterables = ()
            for args in islice(self._tuples, size):
                page.append(args)
                if monotonic() > ends:
                    return page
            self.has_ended = len(page) < size
        except Exception as error:
            self.error, self.has_ended = error, True
        return page
