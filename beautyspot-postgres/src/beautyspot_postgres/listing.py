"""Rows in the order of their keys, by parts: each begins behind the last row of the one before.

A statement with filters looks at no more than some thousands of rows, so that none takes long, and
a page may end early.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final

from beautyspot.contracts import Page
from beautyspot.errors import ConfigError

from beautyspot_postgres import rows, texts
from beautyspot_postgres.conditions import Condition, Query, conditions_of
from beautyspot_postgres.ranking import ORDERS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from beautyspot.contracts import Selection, TaskRecord

    from beautyspot_postgres.server import Server

PART: Final = 500
"""Rows that are read at a time."""

WHOLE: Final = 50
"""Rows that are read at a time with their data."""

_LARGE_DATA: Final = 2**20
"""Bytes of data over which a row's are read by a statement of their own."""

_STRIDE: Final = 5_000
"""Rows that a statement with filters looks at, at first: some 10 ms."""

_LONGEST: Final = 80_000
_SHORT: Final = 0.5
"""Seconds within which it may look at twice as many the next time."""

_GREATEST: Final = "\U0010ffff" * 4
"""What comes after all texts, as far as there are any."""

_DATA: Final = f"CASE WHEN octet_length(result_data) <= {_LARGE_DATA} THEN result_data END"
_WITH_DATA: Final = ", ".join(
    {"cache_key": rows.KEY, "result_data": _DATA}.get(name, name) for name in rows.KEPT
)


class Walk:
    """Reads the rows of a namespace that fulfil conditions, in the order of their keys.

    Args:
        conditions: what they fulfil.
        behind: a key, as it stands in the index, that they come after.
        beginning: how the keys begin.

    Attributes:
        looked_at: how many rows lie between the start and `stopped_at`, where there are filters.
        stopped_at: the key that was looked at last, where the time ended the walk; else None.
    """

    def __init__(
        self,
        server: Server,
        namespace: str,
        conditions: Sequence[Condition],
        behind: str = "",
        beginning: str = "",
    ) -> None:
        self._server, self._namespace = server, namespace
        self._conditions, self._behind = conditions, behind
        first = texts.beginning(beginning)
        self._first, self._last = first, f"{first}{_GREATEST}"
        self.looked_at = 0
        self.stopped_at: str | None = None

    def records(
        self, size: int = PART, *, with_data: bool = False, seconds: float | None = None
    ) -> Iterator[TaskRecord]:
        """The records.

        Args:
            size: how many are read at a time, at first.
            with_data: whether with their data.
            seconds: how long the walk may take, about.
        """
        if not self._conditions:
            yield from self._between(self._behind, None, size, with_data=with_data)
            return
        over = None if seconds is None else time.monotonic() + seconds
        stride, behind = _STRIDE, self._behind
        while True:
            began = time.monotonic()
            end = self._key_after(behind, stride)
            yield from self._between(behind, end and end[0], size, with_data=with_data)
            if end is None:
                return
            self.looked_at += stride
            behind = end[0]
            now = time.monotonic()
            if over is not None and now >= over:
                self.stopped_at = texts.restored(end[1])
                return
            if now - began < (_SHORT if over is None else (over - now) / 4):
                stride = min(2 * stride, _LONGEST)

    def _range(self, behind: str) -> list[Condition]:
        """That rows stand behind a key, in words by which the server takes the index.

        Of a table that it has not analyzed yet it believes that few rows equal anything, and would
        sort them all for each part.
        """
        sign, start = (">", behind) if behind and behind >= self._first else (">=", self._first)
        found = [
            Condition(f"(namespace, cache_key) {sign} (%s, %s)", (self._namespace, start)),
            Condition("namespace <= %s", (self._namespace,)),
        ]
        if self._first:
            found.append(self._up_to(self._last))
        return found

    def _up_to(self, key: str) -> Condition:
        return Condition("(namespace, cache_key) <= (%s, %s)", (self._namespace, key))

    def _key_after(self, behind: str, count: int) -> tuple[str, str] | None:
        """The key so many rows further on, as in the index and whole; None: there are fewer."""
        query = Query()
        where = query.where(self._range(behind))
        text = (
            f"SELECT cache_key, {rows.KEY} FROM {{schema}}.results WHERE {where} "  # noqa: S608
            f"ORDER BY namespace, cache_key OFFSET {count - 1} LIMIT 1"
        )
        found = self._server.run(self._server.sql(text), query.values, is_long=True)
        return (found[0][0], found[0][1]) if found else None

    def _between(
        self, behind: str, end: str | None, size: int, *, with_data: bool
    ) -> Iterator[TaskRecord]:
        most = WHOLE if with_data else PART
        while True:
            size = min(size, most) if with_data else size
            found = self._part(behind, end, size, with_data=with_data)
            for behind, lacks_data, *fields in found:
                record = rows.record_of(fields)
                if record is not None and lacks_data and with_data:
                    record = self._whole(behind, record)
                if record is not None:
                    yield record
            if len(found) < size:
                return
            size = max(size, most)

    def _part(
        self, behind: str, end: str | None, size: int, *, with_data: bool
    ) -> list[tuple[Any, ...]]:
        query, conditions = Query(), [*self._range(behind), *self._conditions]
        if end is not None:
            conditions.append(self._up_to(end))
        fields = _WITH_DATA if with_data else rows.WITHOUT_DATA
        text = (
            f"SELECT cache_key, octet_length(result_data) > {_LARGE_DATA}, {fields} "  # noqa: S608
            f"FROM {{schema}}.results WHERE {query.where(conditions)} "
            f"ORDER BY namespace, cache_key LIMIT {size}"
        )
        return self._server.run(self._server.sql(text), query.values, is_long=True)

    def _whole(self, key: str, record: TaskRecord) -> TaskRecord | None:
        text = "SELECT result_data FROM {schema}.results WHERE namespace = $1 AND cache_key = $2"
        found = self._server.run(self._server.sql(text), (self._namespace, key))
        return record._replace(result_data=found[0][0]) if found else None


def page(
    server: Server,
    namespace: str,
    wanted: Selection,
    following: str | None,
    limit: int,
    seconds: float | None,
) -> Page:
    """See `MetadataStoreBase.page`, in the order of keys."""
    conditions = conditions_of(wanted)
    behind = texts.short(following) if following else ""
    walk = Walk(server, namespace, conditions, behind, wanted.key or "")
    found: list[TaskRecord] = []
    for record in walk.records(limit, seconds=seconds):
        if wanted.covers(record):
            found.append(record)
        if len(found) == limit:
            return Page(found, record.cache_key)
    if walk.stopped_at is not None:
        return Page(found, walk.stopped_at, walk.looked_at)
    return Page(found, None)


def check(order: str, limit: int) -> None:
    """Refuse a page of nothing, or in an order that there is not."""
    if limit < 1:
        raise ConfigError(f"limit={limit!r} is no number of records: give 1 or more")
    if order not in ORDERS:
        raise ConfigError(f"order={order!r:.80} is none: give one of {', '.join(ORDERS)}")
