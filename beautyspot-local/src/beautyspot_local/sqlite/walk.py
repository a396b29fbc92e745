"""`Walk`: the rows that a selection covers, from a place on, read by parts."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final

from beautyspot_local.sqlite import conditions, fork_guard, listing, schema

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from beautyspot.contracts import Order, Selection, TaskRecord

    from beautyspot_local.sqlite.conditions import Condition

    Found = Iterator[tuple[Any, TaskRecord]]

fork_guard.INSIDE.add(__name__)

PAGE: Final = 500
"""Rows that a listing reads at a time."""

_STRIDE: Final = 5_000
"""Rows that are looked at before a look at the clock, at first: some 10 ms."""


class Walk:
    """Reads rows in an order, each with its place.

    Attributes:
        looked_at: how many rows lie between the start and `stopped_at`.
        stopped_at: the last place that was looked at, where the time ended the walk; else None.
    """

    def __init__(
        self,
        ask: Callable[[str, tuple[Any, ...]], list[tuple[Any, ...]]],
        wanted: Selection,
        order: Order,
        place: Any,
        first: bool,
        size: int,
    ) -> None:
        self._ask, self._wanted = ask, wanted
        self._order: Order = order
        self._place, self._first, self._size = place, first, size
        self.looked_at = 0
        self.stopped_at: Any = None
        if wanted.key and order == "key" and place < listing.key_bytes(wanted.key):
            self._place, self._first = listing.key_bytes(wanted.key), True

    def all(self, more: Condition | None = None) -> Found:
        """The covered ones that fulfil one more condition."""
        found = conditions.conditions_of(self._wanted, self._order)
        if more is not None:
            found.append(more)
        texts = [condition.text for condition in found]
        values = [value for condition in found for value in condition.values]
        place, first, size = self._place, self._first, self._size
        while True:
            query = listing.page_query(self._order, texts, first=first)
            rows = self._ask(query, (place, *values, size))
            for place, *fields in rows:
                record = schema.to_record(tuple(fields))
                if self._wanted.covers(record):
                    yield place, record
            if len(rows) < size:
                return
            first, size = False, max(size, PAGE)

    def for_about(self, seconds: float) -> Found:
        """The covered ones among the rows that can be looked at in some time.

        A statement can't say how far it came before it was stopped. So each has a place where it
        ends, which is known before; places lie close together in an index, or are the rows' own.
        """
        over, stride = time.monotonic() + seconds, _STRIDE
        while True:
            began = time.monotonic()
            end = self._behind(stride)
            yield from self.all(None if end is None else listing.up_to(self._order, end))
            if end is None:
                return
            self.looked_at += stride
            self._place, self._first = end, False
            now = time.monotonic()
            if now >= over:
                self.stopped_at = end
                return
            if now - began < (over - now) / 4:
                stride *= 2

    def _behind(self, count: int) -> Any:
        """The place of the row so many rows further on; None where there are fewer."""
        query = listing.step_query(self._order, first=self._first)
        rows = self._ask(query, (self._place, count - 1))
        return rows[0][0] if rows else None
