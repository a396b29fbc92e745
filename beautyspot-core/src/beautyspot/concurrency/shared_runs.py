"""Runs under way that others may join, by key: of generators, which give more than one result."""

from __future__ import annotations

from typing import Generic, TypeVar

from beautyspot.concurrency import locks

Run = TypeVar("Run")


class SharedRuns(Generic[Run]):
    """The open runs of one Spot.

    Attributes:
        lock: guards them, and what several threads change of each.
        ended: how many have come to their end.
    """

    def __init__(self) -> None:
        self.reset_after_fork()

    def reset_after_fork(self) -> None:
        """Forget all: those that read them stayed in the parent."""
        self.lock = locks.reentrant()
        self.ended = 0
        self._open: dict[object, Run] = {}

    def get(self, key: object) -> Run | None:
        """The open run of a key."""
        return self._open.get(key)

    def all(self) -> list[Run]:
        """All that are open."""
        return list(self._open.values())

    def open(self, key: object, run: Run) -> None:
        """Let others join a run."""
        self._open[key] = run

    def withdraw(self, key: object, run: Run) -> None:
        """Let nobody join a run from now on."""
        with self.lock:
            if self._open.get(key) is run:
                del self._open[key]
