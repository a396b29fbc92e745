"""Warn where two functions have one identity: each gets the other's results; or one name.

A function is noted when its first key is made, if its name alone is its identity. What is kept of
it are its code objects, which refer to no function, module or Spot. There is no lock: each step is
one operation of a dict.
"""

from __future__ import annotations

import sys
from types import FunctionType
from typing import TYPE_CHECKING, Any

from beautyspot.errors import ConfigError
from beautyspot.functions.names import captured, chain, identifier_of, is_ours, unwrap_ours

if TYPE_CHECKING:
    from types import CodeType

    from beautyspot.calls.engine import Engine

    Key = tuple[str, str | None]
    Place = tuple[str, list[CodeType]]
    """Where a function stands, "file:line", and its code; its identifier where it is in C."""


class Duplicates:
    """Compares the functions of one Spot."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._first: dict[Key, Place] = {}  # of each identity, the first that was called
        self._reported: set[Key] = set()
        self._wrapped: dict[str, list[str]] = {}  # a wrapper -> the functions in its first one

    def note_wrapper(self, function: Any) -> None:
        """Say that functions share the name of a wrapper that does not carry theirs.

        Such a wrapper is a local function that captured others, and the decorator in which it
        stands has ended. What is marked where it stands is none, whatever it captured.
        """
        wrapper = unwrap_ours(function)
        if type(wrapper) is not FunctionType or "__wrapped__" in vars(wrapper):
            return
        inner = [each for each in captured(wrapper).values() if type(each) is FunctionType]
        frame = sys._getframe() if inner else None
        while frame is not None:
            if wrapper.__code__ in frame.f_code.co_consts:
                return
            frame = frame.f_back
        name, names = identifier_of(wrapper), [identifier_of(unwrap_ours(each)) for each in inner]
        for one, other in zip(self._wrapped.setdefault(name, names), names, strict=False):
            if one != other:
                self._engine.reporter.once(
                    f"bare {name}",
                    f"{name} is the name of both {one} and {other}, since their decorator does "
                    "not pass on names: they are counted, listed and invalidated as one. Write "
                    f"@functools.wraps(function) above the def of {wrapper.__name__} in the "
                    "decorator, or give each function a mark(name=)",
                )

    def note(self, named: Any, identifier: str, key: Key) -> None:
        """Remember a function by its identity, and report another one that has the same.

        Args:
            named: the function or class.
            identifier: the name that the message shows.
            key: the whole identity, and the version.

        Raises:
            ConfigError: there is another one, and the Spot is strict.
        """
        steps = [step for step in chain(named) if isinstance(step, FunctionType)]
        codes = [step.__code__ for step in steps if not is_ours(step)]
        place = f"{codes[-1].co_filename}:{codes[-1].co_firstlineno}" if codes else ""
        this = place or identifier_of(named), codes
        first, reported = self._first.setdefault(key, this), self._reported
        reporter = self._engine.reporter
        if (key not in reported or reporter.strict) and not _alike(first, this):
            reported.add(key)
            of = "" if key[1] is None else f" and version ({key[1]})"
            error = ConfigError(
                f"{first[0]} and {this[0]} have one identity{of}, so each gets the other's results"
            )
            advice = (
                'Give each a name of its own, mark(name="…"); where one is an edit of the other, '
                'raise its version=, or let version="auto" follow the code'
            )
            reporter.report("tell functions apart", identifier, error, advice)


def _alike(one: Place, other: Place) -> bool:
    """Whether both do the same, as far as their own bytecode goes, wherever it stands."""
    if one == other:
        return True
    from beautyspot.functions.code import bytecode

    return bool(one[1]) and [*map(bytecode, one[1])] == [*map(bytecode, other[1])]
