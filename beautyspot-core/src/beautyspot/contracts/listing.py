"""Listings: the rows of a store that match a selection, in an order, made of its primitives."""

from __future__ import annotations

from heapq import nsmallest
from itertools import islice
from typing import TYPE_CHECKING, Final

from beautyspot.contracts.selection import Totals, rank_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from beautyspot.contracts.records import TaskRecord
    from beautyspot.contracts.selection import Order, Rank, Selection
    from beautyspot.contracts.store import MetadataStoreBase

PAGE: Final = 500
"""Rows that are read at a time."""


def listed(
    store: MetadataStoreBase,
    where: Selection,
    order: Order = "key",
    *,
    after: Rank | None = None,
    limit: int | None = None,
    wanted: Callable[[TaskRecord], bool] | None = None,
) -> Iterator[TaskRecord]:
    """The records of a store that a selection covers, in an order, without their data.

    Args:
        store: the store.
        where: which.
        order: by what. Where the store can't sort, all are read, and `limit` of them are held.
        after: the rank of the last one before; None is the beginning.
        limit: at most so many; None is all.
        wanted: says of each whether it is listed; None: all are.

    Raises:
        MetadataError: the store failed.
    """

    def fits(record: TaskRecord) -> bool:
        return where.covers(record) and (wanted is None or wanted(record))

    def pages(page: list[TaskRecord] | None) -> Iterator[TaskRecord]:
        while page:
            yield from filter(fits, page)
            if len(page) < PAGE:
                return
            page = store.select(where, order, rank_of(page[-1], order), PAGE)

    first = store.select(where, order, after, PAGE)
    if first is not None:
        return islice(pages(first), limit)
    if order == "key":
        return islice(filter(fits, store.all_rows("" if after is None else after[2])), limit)
    found = (
        record
        for record in store.all_rows()
        if fits(record) and (after is None or rank_of(record, order) > after)
    )

    def rank(record: TaskRecord) -> Rank:
        return rank_of(record, order)

    return iter(sorted(found, key=rank) if limit is None else nsmallest(limit, found, key=rank))


def totals_of(store: MetadataStoreBase, function: str | None = None) -> Totals:
    """How many results a store holds, and their bytes.

    Args:
        store: the store.
        function: a pattern, as in `Selection`, for those that are meant; None: all.

    Raises:
        MetadataError: the store failed.
    """
    from fnmatch import fnmatchcase

    entries = size = 0
    for each in store.function_totals():
        if function is None or fnmatchcase(each.func_identifier, function):
            entries, size = entries + each.entries, size + each.size
    return Totals(entries, size)
