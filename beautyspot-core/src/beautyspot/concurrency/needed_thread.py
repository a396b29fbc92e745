"""`NeededThread`: a daemon thread that runs as long as there is something for it to do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from beautyspot.concurrency import deferred

if TYPE_CHECKING:
    from collections.abc import Callable


class NeededThread:
    """One thread, which is begun where it is needed, and ends by itself.

    After a fork, make another one: the thread stayed in the parent.

    Args:
        name: of the thread.
        work: what the thread does; it returns where nothing is left to do.
        is_needed: whether there is something to do. It is asked at the thread's end, for what came
            after its last look.
    """

    def __init__(
        self, name: str, work: Callable[[], object], is_needed: Callable[[], object]
    ) -> None:
        self._name = name
        self._work = work
        self._is_needed = is_needed
        self._free = [True]  # taken by the thread, in one atomic step

    @property
    def runs(self) -> bool:
        """Whether it runs. It may be that none can be started."""
        return not self._free

    def begin(self) -> None:
        """Begin it, unless it runs; where no thread can be started, the next call tries again."""
        try:
            self._free.pop()
        except IndexError:
            return
        try:
            deferred.begin(self._run, self._name)
        except BaseException as error:  # an interrupt (Ctrl-C) too: a second thread does no harm
            self._free = [True]
            if not isinstance(error, RuntimeError):
                raise

    def _run(self) -> None:
        try:
            self._work()
        finally:
            self._free = [True]
            if self._is_needed():
                self.begin()
