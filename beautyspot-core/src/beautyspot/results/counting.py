"""`Counting`: what was counted since a Spot was made, by function."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from beautyspot.tasks.counted import Counted

if TYPE_CHECKING:
    from collections.abc import Iterator

LIMIT: Final = 10_000
"""Identifiers that are counted by themselves; further ones are counted together."""


class Counting:
    """The counts of one Spot.

    Attributes:
        bypassed: calls that ran uncached: no stable key, the Spot switched off, Trio.
    """

    __slots__ = ("_functions", "_others", "bypassed")

    def __init__(self) -> None:
        self._functions: dict[str, Counted] = {}
        self._others = Counted("")
        self.bypassed = 0

    def of(self, func_identifier: str) -> Counted:
        """The counts of all functions of an identifier."""
        if len(self._functions) >= LIMIT:
            return self._functions.get(func_identifier, self._others)
        return self._functions.setdefault(func_identifier, Counted(func_identifier))

    def __iter__(self) -> Iterator[Counted]:
        return iter([*list(self._functions.values()), self._others])

    def reset_after_fork(self) -> None:
        """Another process counts from the start."""
        self.bypassed = 0
        for counted in self:
            counted.reset_after_fork()
