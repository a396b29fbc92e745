"""`PostgresReader`: what can be asked of a store without changing it, by a role that may SELECT."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Final

from beautyspot.contracts import MetadataStoreBase, Page, Selection, Totals
from beautyspot.errors import MetadataError

from beautyspot_postgres import (
    arrays,
    functions_totals,
    listing,
    look_functions,
    ranking,
    rows,
    texts,
)
from beautyspot_postgres import counts as counted
from beautyspot_postgres.conditions import Condition, Query, conditions_of, of_scan

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from beautyspot import Finding
    from beautyspot.contracts import Counts, Entry, FunctionTotals, Order, Plain, TaskRecord

    from beautyspot_postgres.server import Server
    from beautyspot_postgres.values import Row

CLOSED: Final = "the store is closed: make a new one"

PART: Final = 1000
"""Keys that are asked for at once."""

_OF_KEY: Final = "FROM {schema}.results WHERE namespace = $1 AND cache_key = $2"
_GET: Final = f"SELECT {rows.ALL} {_OF_KEY}"
_CODE: Final = f"SELECT code {_OF_KEY}"
_FIND_MANY: Final = (
    f"SELECT cache_key, {rows.SMALL_ENTRY} FROM {{schema}}.results "  # noqa: S608 - of constants
    "WHERE namespace = $1 AND cache_key = ANY ($2)"
)
_REMARKS: Final = "SELECT name, remark FROM {schema}.remarks WHERE namespace = $1"
_NOW: Final = b"SELECT date_part('epoch', clock_timestamp())"


class PostgresReader(MetadataStoreBase):
    """What can be asked of a store without changing it, by a role that may SELECT.

    Args:
        server: that holds it.
        namespace: whose rows.
    """

    name = "postgres"
    blocking = True
    remote = True
    counters: ClassVar[bool] = True
    orders = ranking.ORDERS
    paged_orders = ("key",)

    def __init__(self, server: Server, namespace: str) -> None:
        self._server = server
        self._namespace = texts.stored(namespace)
        self._closed = False
        self._find = server.sql(look_functions.FIND)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._server.url} {self._namespace!r}>"

    def close(self) -> None:
        """Close its connections; nothing can be asked after that."""
        self._closed, self._server.is_ready = True, False
        self._server.close()

    def now(self) -> float:
        """The server's clock; see the base class."""
        self._ensure_open()
        found: float = self._server.run(_NOW)[0][0]
        return found

    def examine(self) -> Iterator[Finding]:
        """Standby, durability, connections, dead rows; see the base class."""
        from beautyspot_postgres.examination import of_server  # rarely asked for

        yield from of_server(self._server, f"metadata {self.name}")

    # ------------------------------------------------------------------------------ single rows

    def find(self, key: str) -> Plain | Entry | None:
        """What a hit needs, by one function; see the base class."""
        if not self._server.is_ready:
            self._ensure_open()
        [[found]] = self._server.run(self._find, (self._namespace, texts.short(key)))
        if found is None:
            return None
        return rows.found_of(found)

    def get(self, key: str) -> TaskRecord | None:
        """See the base class."""
        found = self._of_key(_GET, key)
        return None if found is None else rows.record_of(found)

    def find_code(self, key: str) -> str | None:
        """The column `code`; see the base class."""
        found = self._of_key(_CODE, key)
        return None if found is None or found[0] is None else texts.restored(found[0])

    def find_many(self, keys: Iterable[str]) -> dict[str, Plain | Entry]:
        """A thousand by one statement, without data larger than `LARGE`; see the base class."""
        found: dict[str, Plain | Entry] = {}
        wanted = {texts.short(key): key for key in keys}
        asked = [*wanted]
        for start in range(0, len(asked), PART):
            part = arrays.texts(asked[start : start + PART])
            for key, *fields in self._asked(_FIND_MANY, self._namespace, part):
                entry = rows.entry_of(fields)
                if entry is not None:
                    found[wanted[key]] = entry
        return found

    def _of_key(self, query: str, key: str) -> Row | None:
        found = self._asked(query, self._namespace, texts.short(key))
        return found[0] if found else None

    # ---------------------------------------------------------------------------------- listing

    def scan(
        self,
        *,
        func_identifier: str | None = None,
        version: str | None = None,
        tag: str | None = None,
        with_data: bool = False,
    ) -> Iterator[TaskRecord]:
        """By parts, each behind the one before; see the base class."""
        self._ensure_open()
        conditions = of_scan(func_identifier, version, tag)
        walk = listing.Walk(self._server, self._namespace, conditions)
        yield from walk.records(with_data=with_data)

    def page(
        self,
        selection: Selection | None = None,
        *,
        order: Order = "key",
        following: str | None = None,
        limit: int = 100,
        seconds: float | None = None,
    ) -> Page:
        """In the order of keys along the index; in others SQL sorts. See the base class."""
        self._ensure_open()
        listing.check(order, limit)
        wanted = selection or Selection()
        if order == "key":
            return listing.page(self._server, self._namespace, wanted, following, limit, seconds)
        return ranking.page(self._server, self._namespace, wanted, order, following, limit)

    def totals(self, *, selection: Selection | None = None) -> Totals:
        """SQL sums up where it can decide; see the base class."""
        conditions = conditions_of(selection or Selection())
        if not all(condition.is_exact for condition in conditions):
            return self._totals_of(selection or Selection())
        query = Query()
        where = query.where([Condition("namespace = %s", (self._namespace,)), *conditions])
        text = (
            "SELECT count(*), sum(greatest(size, 0))::text "  # noqa: S608 - of constants
            f"FROM {{schema}}.results WHERE {where}"
        )
        [[entries, size]] = self._asked(text, *query.values, is_long=True)
        return Totals(entries, int(size or 0))

    def _totals_of(self, selection: Selection) -> Totals:
        """Read those rows of which SQL can't decide."""
        self._ensure_open()
        walk = listing.Walk(self._server, self._namespace, conditions_of(selection))
        sizes = [max(0, one.size or 0) for one in walk.records() if selection.covers(one)]
        return Totals(len(sizes), sum(sizes))

    def function_totals(self) -> list[FunctionTotals]:
        """By one statement; see the base class."""
        found = self._asked(functions_totals.QUERY, self._namespace, is_long=True)
        return functions_totals.of_rows(found)

    def counts(
        self, *, func_identifier: str | None = None, since: int | None = None
    ) -> Iterator[Counts]:
        """See the base class."""
        self._ensure_open()
        yield from counted.read(self._server, self._namespace, func_identifier, since)

    def counts_by_function(self, *, since: int | None = None) -> list[Counts]:
        """By one statement; see the base class."""
        self._ensure_open()
        return counted.by_function(self._server, self._namespace, since)

    def remarks(self) -> dict[str, str]:
        """See the base class."""
        rows = self._asked(_REMARKS, self._namespace)
        return {texts.restored(name): texts.restored(remark) for name, remark in rows}

    # ----------------------------------------------------------------------- asking and failing

    def _ensure_open(self) -> None:
        if not self._server.is_ready:
            if self._closed:
                raise MetadataError(CLOSED)
            self.open()

    def _asked(
        self, query: str, *params: Any, twice: bool = True, is_long: bool = False
    ) -> Sequence[Row]:
        self._ensure_open()
        return self._server.run(self._server.sql(query), params, twice=twice, is_long=is_long)
