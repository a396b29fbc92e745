"""Several operations at once, in threads, for what waits for a network most of the time."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

T = TypeVar("T")
R = TypeVar("R")

AT_ONCE: Final = 16


def side_by_side(work: Callable[[T], R], items: Iterable[T]) -> list[R]:
    """What `work` makes of each, in their order.

    An error of one is raised, once those that were begun have ended; the others are not begun.
    """
    pool = ThreadPoolExecutor(AT_ONCE, "beautyspot-side-by-side")
    try:
        return list(pool.map(work, items))
    finally:
        pool.shutdown(cancel_futures=True)
