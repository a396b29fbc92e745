"""What look-ups that are gathered ask, with the first questions held until they are let go."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from beautyspot.results.gathering import AT_ONCE
from gates import DEADLINE

if TYPE_CHECKING:
    from collections.abc import Callable

PLACES = AT_ONCE


class HeldStore:
    """What is asked; the first questions, as many as may be under way, wait for a gate.

    Attributes:
        asked: the keys of each question.
        before: called with the keys of each question after these; what it raises is its failure.
    """

    def __init__(self, *, held: bool = False) -> None:
        self.held = held
        self.gates = [threading.Event() for _ in range(PLACES)]
        self.asked: list[list[str]] = []
        self.rows: dict[str, int] = {str(n): n for n in range(2000)}
        self.before: Callable[[list[str]], object] = lambda _keys: None

    def _ask(self, keys: list[str]) -> dict[str, int]:
        self.asked.append(keys)
        number = self.asked.index(keys)
        if self.held and number < PLACES:
            assert self.gates[number].wait(DEADLINE)
        else:
            self.before(keys)
        return {key: self.rows[key] for key in keys if key in self.rows}

    def find(self, key: str) -> int | None:
        return self._ask([key]).get(key)

    def find_many(self, keys: list[str]) -> dict[str, int]:
        return self._ask(sorted(keys))

    @property
    def asked_later(self) -> list[list[str]]:
        """The questions after those that wait for a gate."""
        return self.asked[PLACES:]

    def let_one(self) -> None:
        """Have one place be free."""
        self.gates[0].set()

    def let_all(self) -> None:
        for gate in self.gates:
            gate.set()
