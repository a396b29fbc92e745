"""Rows that match a filter: all of them, in an order, or in pages."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, cast, get_args

from beautyspot.contracts import Order, Page, Selection, Totals
from beautyspot.contracts.selection import rank_of, size_of, source_of
from beautyspot.contracts.store import listed, totals_of
from beautyspot.errors import ConfigError
from beautyspot.messages import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterator

    from beautyspot.contracts import MetadataStoreBase, TaskRecord
    from beautyspot.contracts.selection import Rank
    from beautyspot.inspecting.filters import Filter


class Listing:
    """The rows of a store that a filter lets through, none with its data.

    Its methods raise a `MetadataError` where the store fails.
    """

    def __init__(self, metadata: MetadataStoreBase, wanted: Filter) -> None:
        self._metadata = metadata
        self._selection = wanted.selection
        self._newest_code = newest_code(metadata) if wanted.outdated else None

    def rows(
        self, order: Order = "key", limit: int | None = None, after: Rank | None = None
    ) -> Iterator[TaskRecord]:
        """At most `limit` of them, in an order, behind a rank."""
        outdated = None if self._newest_code is None else self._is_outdated
        where = self._selection
        return listed(self._metadata, where, order, after=after, limit=limit, wanted=outdated)

    def page(self, order: Order, following: str | None, limit: int) -> Page:
        """At most `limit` of them, in an order, and where the next page begins.

        Raises:
            ConfigError: `following` is no page's.
        """
        after = None if following is None else _rank_in(following, order)
        records = list(self.rows(order, limit, after))
        if len(records) < limit:
            return Page(records, None)
        last = records[-1]
        return Page(records, last.cache_key if order == "key" else json.dumps(rank_of(last, order)))

    def totals(self) -> Totals:
        """How many they are, and the bytes of their results."""
        function = self._selection.function
        if self._newest_code is None and self._selection == Selection(function=function):
            return totals_of(self._metadata, function)
        entries = size = 0
        for record in self.rows():
            entries, size = entries + 1, size + size_of(record)
        return Totals(entries, size)

    def _is_outdated(self, record: TaskRecord) -> bool:
        code, known = source_of(record.code), self._newest_code or {}
        return bool(code) and known.get(name_of(record), code) != code


def name_of(record: TaskRecord) -> str:
    """The function that a row is of; rows of 2.x have its bare name only."""
    return record.func_identifier or record.func_name


def newest_code(metadata: MetadataStoreBase) -> dict[str, str]:
    """The digest of the source of each function's newest row, where it is known."""
    found: dict[str, str] = {}
    for totals in metadata.function_totals():
        if code := source_of(totals.code):
            found[totals.func_identifier] = code
    return found


def _rank_in(following: str, order: Order) -> Rank:
    if order == "key":
        return False, 0.0, following
    try:
        found: Any = json.loads(following)
        unknown, value, key = found
        if isinstance(value, int | float) and isinstance(key, str):
            return bool(unknown), value, key
    except (TypeError, ValueError, RecursionError):
        pass
    raise ConfigError(
        f"following={following!r:.80} is nothing that a page of this order gave: begin without it"
    )


def check_order(order: object) -> Order:
    """`order`, if it is one.

    Raises:
        ConfigError: it is none; lists them.
    """
    known = get_args(Order)
    if isinstance(order, str) and order in known:
        return cast("Order", order)
    raise ConfigError(
        f"order={order!r:.80}: there is no such order.{did_you_mean(str(order), known)} "
        f"There are: {', '.join(known)}"
    )


def check_limit(limit: object) -> int:
    """`limit`, if it is a number of rows.

    Raises:
        ConfigError: it is none.
    """
    if isinstance(limit, int) and not isinstance(limit, bool) and limit > 0:
        return limit
    raise ConfigError(f"limit={limit!r:.80}: give a whole number of rows, 1 or more")
