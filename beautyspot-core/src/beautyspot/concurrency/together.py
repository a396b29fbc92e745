"""The same work for many items, several of them at a time: for what waits for a network."""

from __future__ import annotations

import threading
from collections import deque
from contextvars import copy_context
from itertools import islice
from typing import TYPE_CHECKING, Final, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

T = TypeVar("T")
R = TypeVar("R")

AT_ONCE: Final = 16
"""So many requests of a storage are worth their threads; a metadata store says it itself."""


def together(work: Callable[[T], R], items: Iterable[T], at_once: int) -> Iterator[tuple[T, R]]:
    """Each item with what `work` returns for it, in their order.

    The threads end with their part of the items, and hold up no end of a program. There are none
    within a lock of this thread: another one might wait for it.

    Args:
        work: done in the context of the caller.
        items: taken by the caller's thread, so many at a time.
        at_once: how many are worked on at a time; with 1 there are no threads.

    Raises:
        Exception: what `work` raised first, behind those items with which it was begun, and of
            which it raised nothing. No others are begun.
    """
    waiting = iter(items)
    while part := list(islice(waiting, at_once)):
        if len(part) == 1:
            for item in part:
                yield item, work(item)
            continue
        done = _Part(work, part)
        done.run()
        yield from ((part[number], done.results[number]) for number in sorted(done.results))
        if done.failed:
            raise done.failed[0]


class _Part(Generic[T, R]):
    """Some items, each with a thread of its own; the first one with the caller's."""

    def __init__(self, work: Callable[[T], R], items: list[T]) -> None:
        self.results: dict[int, R] = {}
        self.failed: list[Exception] = []
        self._work, self._waiting, self._number = work, deque(enumerate(items)), len(items)

    def run(self) -> None:
        threads = [
            threading.Thread(
                target=copy_context().run, args=(self._work_off,), daemon=True, name="beautyspot"
            )
            for _ in range(self._number - 1)
        ]
        for thread in threads:
            try:
                thread.start()
            except RuntimeError:  # the interpreter ends, or the system has no more
                break
        self._work_off()
        for thread in threads:
            if thread.ident is not None:
                thread.join()

    def _work_off(self) -> None:
        while self._waiting and not self.failed:
            try:
                number, item = self._waiting.popleft()
            except IndexError:
                return
            try:
                self.results[number] = self._work(item)
            except Exception as error:
                self.failed.append(error)
