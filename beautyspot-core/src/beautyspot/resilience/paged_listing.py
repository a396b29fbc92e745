"""Listings of a backend that may hang: what they list comes in pages, each within a deadline."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final, TypeVar

from beautyspot.concurrency.deadlines import Helper

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

T = TypeVar("T")

PAGE: Final = 256
"""Items that are fetched at once: each page costs a change of threads."""

PAGE_TIME: Final = 0.1
"""Seconds after which a page that is not full is given out: items may come slowly."""


def listed(seconds: float, listing: Callable[[], Iterable[T]]) -> Iterator[T]:
    """The items of `listing()`, which is run in another thread, one and the same to its end.

    So a listing may hold on to what belongs to a thread, such as a cursor.

    Args:
        seconds: the deadline of each page.
        listing: makes the iterator.

    Raises:
        TimeoutError: no item came in time. The listing is left behind.
    """
    pages = _Pages(listing)
    helper = Helper()
    try:
        while True:
            found, end = helper.within(seconds, pages.fetch)
            yield from found
            if isinstance(end, StopIteration):
                return
            if end is not None:
                raise end
    finally:
        helper.dismiss(pages.close)


class _Pages:
    """One listing. Used by its own thread only."""

    def __init__(self, listing: Callable[[], Iterable[Any]]) -> None:
        self._listing = listing
        self._items: Iterator[Any] | None = None

    def fetch(self) -> tuple[list[Any], Exception | None]:
        """A page of items, and what ended the listing, if anything has."""
        found: list[Any] = []
        until = time.monotonic() + PAGE_TIME
        try:
            if self._items is None:
                self._items = iter(self._listing())
            while len(found) < PAGE and (not found or time.monotonic() < until):
                found.append(next(self._items))
        except Exception as error:  # StopIteration as well
            return found, error
        return found, None

    def close(self) -> None:
        """End the listing where it stands."""
        close = getattr(self._items, "close", None)
        if close is not None:
            close()
