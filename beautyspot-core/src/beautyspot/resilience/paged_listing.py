"""Listings of a backend that may hang: the items come in pages, each within a deadline."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final, TypeVar

from beautyspot.concurrency.deadlines import Helper

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator

T = TypeVar("T")

PAGE: Final = 256
"""Items that are fetched at once: each page costs a change of threads."""

PAGE_TIME: Final = 0.1
"""Seconds after which a page that is not full is given out: items may come slowly."""


def listed(seconds: float, listing: Callable[[], Iterable[T]]) -> Iterator[T]:
    """The items of `listing()`, which runs in another thread, the same one to its end.

    So a listing may hold on to what belongs to a thread, such as a cursor.

    Args:
        seconds: the deadline of each page.
        listing: makes the iterator.

    Raises:
        TimeoutError: no item came in time. The listing is left behind.
    """
    pages = _pages(listing)
    helper = Helper()
    try:
        while page := helper.within(seconds, lambda: next(pages, [])):
            yield from page
    finally:
        helper.dismiss(pages.close)


def _pages(listing: Callable[[], Iterable[T]]) -> Generator[list[T], None, None]:
    """Pages of one or more items. Used by one thread only."""
    page: list[T] = []
    until = time.monotonic() + PAGE_TIME
    try:
        for item in listing():
            page.append(item)
            if len(page) >= PAGE or time.monotonic() >= until:
                yield page
                page, until = [], time.monotonic() + PAGE_TIME
    except Exception:
        if page:
            yield page  # what was listed before the error comes before it
        raise
    if page:
        yield page
