"""Many requests side by side: their answers are waited for at once."""

from __future__ import annotations

import threading
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING, Final, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

T = TypeVar("T")
R = TypeVar("R")

AT_ONCE: Final = 32
"""Requests at a time, the caller's own included. A client keeps as many connections, and more."""


def side_by_side(work: Callable[[T], R], items: Iterable[T]) -> list[R]:
    """What `work` returns for each item, in their order; some are worked on at a time.

    The threads are made for it and end with it: none is left to a fork, nor holds up the end of
    the program. One takes a tenth of a millisecond to start, and a request to S3 takes ten.

    Raises:
        Exception: what `work` raised first. Items that were not begun then are left out.
    """
    waiting = deque(enumerate(items))
    results: dict[int, R] = {}
    failed: list[Exception] = []

    def work_off() -> None:
        while waiting and not failed:
            try:
                number, item = waiting.popleft()
            except IndexError:  # another thread was quicker
                return
            try:
                results[number] = work(item)
            except Exception as error:
                failed.append(error)

    try:
        threads = _started(work_off, min(AT_ONCE, len(waiting)) - 1)
        work_off()
        for thread in threads:
            thread.join()
    except BaseException:
        waiting.clear()
        raise
    if failed:
        raise failed[0]
    return [results[number] for number in sorted(results)]


def _started(work: Callable[[], None], number: int) -> list[threading.Thread]:
    """So many threads, or fewer where the interpreter ends, or the system has no more."""
    started: list[threading.Thread] = []
    with suppress(RuntimeError):
        for _ in range(number):
            thread = threading.Thread(target=work, daemon=True, name="beautyspot-s3")
            thread.start()
            started.append(thread)
    return started
