"""What a store of a SQLite file does that only reads it, whatever way it reads."""

from __future__ import annotations

import sqlite3
from abc import abstractmethod
from typing import TYPE_CHECKING, Any, Final

from beautyspot.contracts import MetadataStoreBase, Page, Selection, TaskRecord, Totals
from beautyspot.errors import ConfigError

from beautyspot_local.sqlite import conditions, connections, fork_guard, listing, ranking, schema
from beautyspot_local.sqlite import counts as counted
from beautyspot_local.sqlite.walk import PAGE, Walk

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from beautyspot.contracts import Counts, Entry, FunctionTotals, Order, Plain

    from beautyspot_local.sqlite.connections import Handle

fork_guard.INSIDE.add(__name__)

PAGE_WITH_DATA: Final = 20
"""Rows that a listing with data reads at a time: a row may hold megabytes."""

_FIRST_HOUR: Final = -(2**63)


class SqliteReader(MetadataStoreBase):
    """Answers out of the rows of statements. Nothing is held or locked between two of them."""

    orders = (*MetadataStoreBase.orders, *ranking.ORDERS)

    @abstractmethod
    def _rows(self, query: str, values: tuple[Any, ...]) -> list[tuple[Any, ...]]:
        """All rows of a `SELECT`.

        Raises:
            MetadataError: it can't be read.
        """

    def find_many(self, keys: Iterable[str]) -> Mapping[str, Plain | Entry]:
        """One or two statements for some hundred keys, without large data; see the base class."""
        found: dict[str, Plain | Entry] = {}
        wanted = list(keys)
        for start in range(0, len(wanted), PAGE):
            page = wanted[start : start + PAGE]
            rows = self._rows(schema.find_many_query(len(page), in_full=False), tuple(page))
            plain: dict[str, Plain | Entry] = {
                row[0]: row[1:7] for row in rows if row[7] is None and row[1] is not None
            }
            found = {**found, **plain} if found else plain
            if len(plain) < len(rows):
                found.update(self._entries([row[0] for row in rows if row[0] not in plain]))
        return found

    def _entries(self, keys: list[str]) -> dict[str, Entry]:
        rows = self._rows(schema.find_many_query(len(keys), in_full=True), tuple(keys))
        return {key: schema.to_entry(row) for key, *row in rows}

    def get(self, key: str) -> TaskRecord | None:
        """The whole record; see the base class."""
        rows = self._rows(schema.GET, (key,))
        return schema.to_record(rows[0]) if rows else None

    def scan(
        self,
        *,
        func_identifier: str | None = None,
        version: str | None = None,
        tag: str | None = None,
        with_data: bool = False,
    ) -> Iterator[TaskRecord]:
        """List; see the base class. Nothing is held or locked between two records."""
        given = {"func_identifier": func_identifier, "version": version}
        if tag is not None and conditions.is_plain(tag):
            given["tag"] = tag
        filters = {
            name: schema.storable(value) for name, value in given.items() if value is not None
        }
        size = PAGE_WITH_DATA if with_data else PAGE
        texts = [conditions.FILTERS[name] for name in filters]
        last, first = b"", True
        while True:
            query = listing.page_query("key", texts, first=first, with_data=with_data)
            rows = self._rows(query, (last, *filters.values(), size))
            records = (schema.to_record(row[1:]) for row in rows)
            yield from (each for each in records if tag is None or tag in each.tags)
            if len(rows) < size:
                return
            last, first = rows[-1][0], False

    def page(
        self,
        selection: Selection | None = None,
        *,
        order: Order = "key",
        following: str | None = None,
        limit: int = 100,
        seconds: float | None = None,
    ) -> Page:
        """Filtered by SQL as far as that goes; the newest is what was written last."""
        if limit < 1:
            raise ConfigError(f"limit={limit!r} is no number of records: give 1 or more")
        wanted = conditions.storable(selection or Selection())
        if order in ranking.ORDERS:
            return ranking.page(self._rows, wanted, order, following, limit)
        start, found = listing.place_of(order, following), list[TaskRecord]()
        walk = Walk(self._rows, wanted, order, start, following is None, limit)
        for place, record in walk.all() if seconds is None else walk.for_about(seconds):
            found.append(record)
            if len(found) == limit:
                return Page(found, listing.cursor_of(place))
        if walk.stopped_at is None:
            return Page(found, None)
        return Page(found, listing.cursor_of(walk.stopped_at), walk.looked_at)

    def function_totals(self) -> list[FunctionTotals]:
        """In one statement, which reads every row, but none's data."""
        rows = self._rows(listing.FUNCTIONS, ())
        codes = [] if listing.written_as_made(rows) else self._rows(listing.CODES, ())
        return listing.totals_of(rows, codes)

    def totals(self, *, selection: Selection | None = None) -> Totals:
        """How much is stored; reads every row, but none's data."""
        if selection is None or selection == Selection():
            (row,) = self._rows(schema.TOTALS, ())
            return Totals(row[0], int(row[1]))
        wanted = conditions.storable(selection)
        found = conditions.conditions_of(wanted, "newest")
        doubt = conditions.doubt_of(found)
        texts = [each.text for each in found] + ([] if doubt is None else [f"NOT {doubt.text}"])
        values = tuple(value for each in found for value in each.values)
        ((entries, size),) = self._rows(listing.totals_query(texts), values)
        if doubt is None:
            return Totals(entries, int(size))
        walk = Walk(self._rows, wanted, "newest", listing.place_of("newest", None), True, PAGE)
        sizes = [max(0, record.size or 0) for _, record in walk.all(doubt)]
        return Totals(entries + len(sizes), int(size) + sum(sizes))

    def counts_by_function(self, *, since: int | None = None) -> list[Counts]:
        """By SQL; see the base class."""
        least = _FIRST_HOUR if since is None else since
        found = [counted.read(row) for row in self._rows(counted.SUMS, (least,))]
        return sorted(found, key=lambda counts: counts.func_identifier)

    def counts(
        self, *, func_identifier: str | None = None, since: int | None = None
    ) -> Iterator[Counts]:
        """By function and hour; see the base class."""
        least = _FIRST_HOUR if since is None else since
        one = () if func_identifier is None else (schema.storable(func_identifier),)
        last: tuple[Any, ...] = ("", _FIRST_HOUR)
        first = True
        while True:
            query = counted.page_query(first=first, function=bool(one))
            rows = self._rows(query, (*last, least, *one, PAGE))
            yield from map(counted.read, rows)
            if len(rows) < PAGE:
                return
            last, first = rows[-1][:2], False

    def remarks(self) -> dict[str, str]:
        """See the base class."""
        rows = self._rows(counted.REMARKS, ())
        return {name.removeprefix("remark "): str(text) for name, text in rows}


def tolerant(handle: Handle, query: str, values: tuple[Any, ...]) -> list[tuple[Any, ...]]:
    """The rows of a query; one with a text that is no UTF-8 must not hide all others."""
    try:
        return handle.execute(query, values).fetchall()
    except sqlite3.OperationalError as error:
        if connections.code_of(error):  # SQLite's own; else Python's, of decoding
            raise
    connection = handle.connection
    connection.text_factory = decoded
    try:
        return connection.execute(query, values).fetchall()
    finally:
        connection.text_factory = str


def decoded(text: bytes) -> str:
    """A stored text, also one that is no UTF-8."""
    return text.decode("utf-8", "backslashreplace")
