"""Many requests side by side: their answers are waited for at once."""

from __future__ import annotations

import threading
from collections import deque
from typing import TYPE_CHECKING, Final, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

T = TypeVar("T")
R = TypeVar("R")

AT_ONCE: Final = 32
"""Requests at a time, the caller's own included. A client keeps as many connections, and more."""


def side_by_side(work: Callable[[T], R], items: Iterable[T], most: int = AT_ONCE) -> list[R]:
    """What `work` returns for each item, in their order; some are worked on at a time.

    The threads are made for it and end with it: none is left to a fork, nor holds up the end of
    the program. One takes a tenth of a millisecond to start, and a request to S3 takes ten.

    Raises:
        Exception: what `work` raised first. Items that were not begun then are left out.
    """
    waiting = deque(enumerate(items))
    if len(waiting) == 1:
        return [work(waiting[0][1])]
    run = _Run(work, waiting)
    threads = [
        threading.Thread(target=run.work_off, daemon=True, name="beautyspot-s3")
        for _ in range(min(most, len(waiting)) - 1)
    ]
    try:
        for thread in threads:
            try:
                thread.start()
            except RuntimeError:  # the interpreter ends, or the system has no more
                break
        run.work_off()
        for thread in threads:
            if thread.ident is not None:
                thread.join()
    except BaseException:
        waiting.clear()
        raise
    if run.failed:
        raise run.failed[0]
    return [run.results[number] for number in sorted(run.results)]


class _Run(Generic[T, R]):
    """What the threads of one call share."""

    def __init__(self, work: Callable[[T], R], waiting: deque[tuple[int, T]]) -> None:
        self.results: dict[int, R] = {}
        self.failed: list[Exception] = []
        self._work, self._waiting = work, waiting

    def work_off(self) -> None:
        while True:
            try:
                number, item = self._waiting.popleft()
            except IndexError:
                return
            try:
                self.results[number] = self._work(item)
            except Exception as error:
                self.failed.append(error)
                self._waiting.clear()
