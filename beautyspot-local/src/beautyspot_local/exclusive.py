"""A timeline for one thread at a time, and for whoever interrupts that very thread.

The handler of a signal, or what a collector finds, may come to a thread in the midst of a change of
the timeline, and ask the same limiter. It can't wait for what it interrupts, so it is given a copy.
What it takes of that is charged once the interrupted change is made.
"""

from __future__ import annotations

import threading
from abc import abstractmethod
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from beautyspot_local.timeline import Timeline


class Exclusive:
    """Gives the timeline at the present time: ``with exclusive as line``.

    A subclass sets `_line`, calls `_renew`, and defines what is to be done before and after.

    Attributes:
        busy: whether a thread is at it.
        later: what was taken of copies, and how they pause.
    """

    _line: Timeline
    _lock: threading.RLock

    def _renew(self) -> None:
        """Begin with a lock that nobody holds."""
        self._lock = threading.RLock()
        self.busy = False
        self._copies: list[Timeline] = []
        self.later: list[tuple[float, float]] = []

    @abstractmethod
    def _begin(self) -> Timeline:
        """The timeline at the present time."""

    @abstractmethod
    def _end(self, *, failed: bool) -> None:
        """Keep what was changed."""

    def __enter__(self) -> Timeline:
        self._lock.__enter__()
        if self.busy:
            copy = self._line.copy()
            self._copies.append(copy)
            return copy
        self.busy = True
        try:
            line = self._begin()
            self._make_up()  # what came as the one before was through with that
            return line
        except BaseException:
            self._free()
            raise

    def __exit__(self, cause: type[BaseException] | None, *_: object) -> None:
        if self._copies:
            copy = self._copies.pop()
            self.later.append((copy.tat - self._line.tat, copy.pause_left()))
            self._lock.release()
            return
        try:
            self._make_up()
            self._end(failed=cause is not None)
        finally:
            self._free()

    def _make_up(self) -> None:
        while self.later:
            taken, pause = self.later.pop()
            self._line.charge(max(taken, 0.0))
            if pause > self._line.pause_left():
                self._line.pause(pause)

    def _free(self) -> None:
        self.busy = False
        self._lock.release()
