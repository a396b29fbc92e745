"""Rows that match a filter: all of them, in an order, or in pages."""

from __future__ import annotations

import json
import time
from heapq import nsmallest
from itertools import chain, islice
from typing import TYPE_CHECKING, Any, Final, Literal, cast, get_args

from beautyspot.contracts import MetadataStoreBase, Order, Page, Totals
from beautyspot.contracts.calling import hints
from beautyspot.errors import ConfigError
from beautyspot.messages import did_you_mean
from beautyspot.results.pruning import last_use, size_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from beautyspot.contracts import TaskRecord
    from beautyspot.inspecting.filters import Filter

RowOrder = Literal["key", "newest", "oldest", "largest", "smallest", "slowest", "dearest", "unused"]
"""By key; written last first; made first; by size, time or price; not used for longest first."""

PAGE: Final = 500
"""Rows that are read at a time."""

MOST_SORTED: Final = 100_000
"""Rows that are held to be sorted: some 150 MB."""

_Rank = tuple[bool, float, str]


_RANKS: Final[dict[str, tuple[Callable[[TaskRecord], float | None], int]]] = {
    "newest": (lambda record: record.made_at, -1),
    "oldest": (lambda record: record.made_at, 1),
    "largest": (lambda record: record.size, -1),
    "smallest": (lambda record: record.size, 1),
    "slowest": (lambda record: record.took, -1),
    "dearest": (lambda record: record.price, -1),
    "unused": (last_use, 1),
}
"""What an order goes by, and whether the least or the greatest comes first."""


class Listing:
    """The rows of a store that a filter lets through, none with its data."""

    def __init__(self, metadata: MetadataStoreBase, wanted: Filter) -> None:
        self._metadata = metadata
        self._selection = wanted.selection
        self._newest_code = newest_code(metadata) if wanted.outdated else None
        # The base class reads every row for each page.
        self._has_pages = type(metadata).page is not MetadataStoreBase.page
        self._has_newest = self._has_pages and "newest" in metadata.paged_orders

    def all(self, order: Order | None = None) -> Iterator[TaskRecord]:
        """All of them, in any order: the fastest, which is that of writing mostly.

        A store without pages gives them in the order of their keys, whatever is asked for.

        Raises:
            MetadataError: the store failed.
        """
        if not self._has_pages:
            yield from filter(self._covers, self._metadata.scan())
            return
        is_quick = self._has_newest and self._selection.key is None
        order = order or ("newest" if is_quick else "key")
        following: str | None = None
        while True:
            page = self._page(order, following, PAGE)
            yield from page.records
            following = page.following
            if following is None:
                return

    def as_written(self) -> tuple[int, Iterator[TaskRecord]]:
        """How many there are at least, and all of them, what was written first, first.

        Pages go the other way, so the places where they begin are noted on a first pass. Without
        such pages they come in the order of their times, and those that are too many to be held in
        memory in the order of their keys; to count them would read all of them twice.

        Raises:
            MetadataError: the store failed.
        """
        if not self._has_newest:
            records = self.all()
            first = list(islice(records, MOST_SORTED + 1))
            if len(first) > MOST_SORTED:
                return len(first), chain(first, records)
            return len(first), iter(sorted(first, key=_ranking("oldest")))
        count, starts = 0, list[str | None]([None])
        while True:
            page = self._page("newest", starts[-1], PAGE)
            count += len(page.records)
            if page.following is None:
                return count, self._backwards(starts)
            starts.append(page.following)

    def _backwards(self, starts: list[str | None]) -> Iterator[TaskRecord]:
        for start in reversed(starts):
            yield from reversed(self._page("newest", start, PAGE).records)

    def rows(self, order: str, limit: int | None) -> Iterator[TaskRecord]:
        """At most `limit` of them, in an order.

        Raises:
            MetadataError: the store failed.
        """
        if order == "key" or (order == "newest" and self._has_newest):
            yield from islice(self.all(cast("Order", order)), limit)
        elif limit is not None and limit <= PAGE and self._can_sort(order):
            yield from self.page(order, None, limit).records
        elif limit is not None:
            yield from nsmallest(limit, self.all(), key=_ranking(order))
        else:
            yield from sorted(self.all(), key=_ranking(order))

    def page(
        self, order: str, following: str | None, limit: int, seconds: float | None = None
    ) -> Page:
        """At most `limit` of them, in an order, and where the next page begins.

        It ends after some seconds, where the store can do that.

        Raises:
            ConfigError: `following` is no page's of this order.
            MetadataError: the store failed.
        """
        if order in get_args(Order):
            return self._first_with_rows(cast("Order", order), following, limit, seconds)
        if self._can_sort(order):
            return self._page(cast("Order", order), following, limit)
        rank = _ranking(order)
        last = None if following is None else _rank_in(following)
        records = (each for each in self.all() if last is None or rank(each) > last)
        page_records = nsmallest(limit, records, key=rank)
        is_full = len(page_records) == limit
        return Page(page_records, json.dumps(rank(page_records[-1])) if is_full else None)

    def _can_sort(self, order: str) -> bool:
        """Whether the store sorts, and not we: of what is outdated it knows nothing."""
        return order in self._metadata.orders and self._newest_code is None

    def _first_with_rows(
        self, order: Order, following: str | None, limit: int, seconds: float | None
    ) -> Page:
        """The first page that holds a row, or the one at which the time is over."""
        end = None if seconds is None else time.monotonic() + seconds
        looked_at = 0
        while True:
            page = self._page(order, following, limit, end)
            looked_at += page.looked_at or 0
            is_over = end is not None and time.monotonic() >= end
            if page.records or page.following is None or is_over:
                is_cut = is_over and page.following is not None and page.looked_at is not None
                return page._replace(looked_at=looked_at if is_cut else None)
            following = page.following

    def _page(
        self, order: Order, following: str | None, limit: int, end: float | None = None
    ) -> Page:
        ask = self._metadata.page
        seconds = None if end is None else max(0.0, end - time.monotonic())
        more = hints(ask, seconds=seconds)
        page = ask(self._selection, order=order, following=following, limit=limit, **more)
        if self._newest_code is None:
            return page
        records = list(filter(self._is_outdated, page.records))
        looked_at = page.looked_at
        if looked_at is None and len(records) < len(page.records):
            looked_at = len(page.records)
        return Page(records, page.following, looked_at)

    def totals(self) -> Totals:
        """How many they are, and the bytes of their results.

        Raises:
            MetadataError: the store failed.
        """
        if self._newest_code is None:
            given = hints(self._metadata.totals, selection=self._selection)
            if given:  # a store of yesterday counts all only
                return self._metadata.totals(**given)
        entries = size = 0
        for record in self.all():
            entries, size = entries + 1, size + size_of(record)
        return Totals(entries, size)

    def _covers(self, record: TaskRecord) -> bool:
        return self._selection.covers(record) and self._is_outdated(record)

    def _is_outdated(self, record: TaskRecord) -> bool:
        if self._newest_code is None:
            return True
        code = source_of(record.code)
        return bool(code) and self._newest_code.get(name_of(record), code) != code


def name_of(record: TaskRecord) -> str:
    """The function that a row is of; rows of 2.x have its bare name only."""
    return record.func_identifier or record.func_name


def source_of(code: str | None) -> str:
    """The digest of the source in the field `code`; "" where there is none."""
    return (code or "").partition(":")[0]


def newest_code(metadata: MetadataStoreBase) -> dict[str, str]:
    """The digest of the source of each function's newest row, where it is known."""
    found: dict[str, str] = {}
    for totals in metadata.function_totals():
        if code := source_of(totals.code):
            found[totals.func_identifier] = code
    return found


def _ranking(order: str) -> Callable[[TaskRecord], _Rank]:
    """What to sort by; what is not known comes last."""
    by, sign = _RANKS[order]

    def rank(record: TaskRecord) -> _Rank:
        value = by(record)
        return value is None, sign * (value or 0.0), record.cache_key

    return rank


def _rank_in(following: str) -> _Rank:
    wrong = ConfigError(
        f"following={following!r:.80} is nothing that a page of this order gave: begin without it"
    )
    try:
        found: Any = json.loads(following)
        unknown, value, key = found
    except (TypeError, ValueError, RecursionError):
        raise wrong from None
    if not isinstance(value, int | float) or not isinstance(key, str):
        raise wrong
    return bool(unknown), value, key


def check_order(order: object) -> str:
    """`order`, if it is one.

    Raises:
        ConfigError: it is none; lists them.
    """
    known = get_args(RowOrder)
    if isinstance(order, str) and order in known:
        return order
    raise ConfigError(
        f"order={order!r:.80}: there is no such order.{did_you_mean(str(order), known)} "
        f"There are: {', '.join(known)}"
    )


def check_seconds(seconds: object) -> float | None:
    """`seconds`, if it is a time that a page may take.

    Raises:
        ConfigError: it is none.
    """
    is_number = isinstance(seconds, int | float) and not isinstance(seconds, bool)
    if seconds is None or (is_number and cast("float", seconds) >= 0):
        return cast("float | None", seconds)
    raise ConfigError(f"seconds={seconds!r:.80}: give a number of seconds, 0 or more")


def check_limit(limit: object) -> int:
    """`limit`, if it is a number of rows.

    Raises:
        ConfigError: it is none.
    """
    if isinstance(limit, int) and not isinstance(limit, bool) and limit > 0:
        return limit
    raise ConfigError(f"limit={limit!r:.80}: give a whole number of rows, 1 or more")
