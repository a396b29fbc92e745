"""Numbers added up by threads, for little time."""

from __future__ import annotations

import os
from threading import Lock
from typing import Any, Generic, TypeVar
from weakref import WeakSet

Label = TypeVar("Label")


class Sums(Generic[Label]):
    """A sum for each label, which only grows."""

    def __init__(self) -> None:
        self._sums: dict[Label, float] = {}
        self._renew()
        _all.add(self)

    def _renew(self) -> None:
        """A lock that no thread holds: those of the parent are not in a child that was forked."""
        self._lock = Lock()

    def add(self, label: Label, amount: float) -> None:
        """Add to the sum of a label."""
        with self._lock:
            self._sums[label] = self._sums.get(label, 0) + amount

    def items(self) -> list[tuple[Label, float]]:
        """The labels and their sums."""
        with self._lock:
            return list(self._sums.items())


_all: WeakSet[Sums[Any]] = WeakSet()


def _after_fork() -> None:  # pragma: no cover - children are not measured
    for each in list(_all):
        each._renew()


if hasattr(os, "register_at_fork"):  # pragma: no branch - Windows has no fork
    os.register_at_fork(after_in_child=_after_fork)
