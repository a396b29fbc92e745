"""What may block, done by threads for asynchronous code, and undone where its task is gone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Generic, TypeVar

from beautyspot.concurrency import deferred, holders
from beautyspot.concurrency.forks import reset_in_children
from beautyspot.concurrency.waiting import Job, SpotExecutor

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Executor

T = TypeVar("T")

THREADS: Final = SpotExecutor(None)
"""Where there is no Spot, whose executor it would be."""

reset_in_children(THREADS)


class Making(Generic[T]):
    """Something that a thread makes for a task, such as a reservation.

    Args:
        make: makes it.
        undo: gives it back, and raises nothing.
        executor: gives the executor whose threads make it.
    """

    def __init__(
        self,
        make: Callable[[], T],
        undo: Callable[[T], object],
        executor: Callable[[], Executor],
    ) -> None:
        self._make = make
        self._undo = undo
        self._executor = executor
        self._is_gone = False
        self._made: list[T] = []

    async def run(self) -> T:
        """Make it; where the task is cancelled meanwhile, or its loop closed, it is given back."""
        holders.hold(self, self.give_back)
        try:
            made: T = await Job(self._do).run_in(self._executor)
            return made
        except BaseException:
            self.give_back()
            raise
        finally:
            holders.let_go(self)

    def give_back(self) -> None:
        """Have a thread undo it, now or when it is made. A second call does nothing."""
        self._is_gone = True
        if self._made:
            deferred.later(self._undo_made)

    def _do(self) -> T:
        made = self._make()
        self._made.append(made)
        if self._is_gone:  # looked at after the other: one of the two undoes it
            self._undo_made()
        return made

    def _undo_made(self) -> None:
        try:
            made = self._made.pop()
        except IndexError:  # that is done
            return
        self._undo(made)
