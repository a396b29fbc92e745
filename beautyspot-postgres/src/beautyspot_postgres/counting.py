"""`CountingStore`: last uses, what was counted, remarks, and the sums of functions."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, ClassVar, Final

from beautyspot.contracts import Counts, FunctionTotals

from beautyspot_postgres.opening import OpenedStore
from beautyspot_postgres.tables import COUNTED, NAME

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

PAGE: Final = 1000
"""Counts that are read at once."""


class CountingStore(OpenedStore):
    """The part of a store that people look at, beside its results."""

    counters: ClassVar[bool] = True

    def touch(self, used: Mapping[str, float]) -> None:
        """Set `used_at`; what was set within the hour stays. See the base class.

        So many clients that find one result write its last use once an hour, not each of them.
        """
        self._changed(
            "UPDATE {schema}.results AS one SET used_at = used.time::double precision "
            "FROM json_each_text(%s::json) AS used (key, time) "
            "WHERE one.namespace = %s AND one.cache_key = used.key AND "
            "(one.used_at IS NULL OR abs(one.used_at - used.time::double precision) >= 3600)",
            [json.dumps({**used}), self._namespace],
        )

    def add_counts(self, counts: Iterable[Counts]) -> None:
        """By one statement; see the base class."""
        sums = ", ".join(f"sum({name})" for name in COUNTED)
        added = ", ".join(f"{name} = old.{name} + excluded.{name}" for name in COUNTED)
        self._changed(
            "INSERT INTO {schema}.counts AS old (namespace, func_identifier, hour, "
            f"{', '.join(COUNTED)}) SELECT %s, func_identifier, hour, {sums} "
            "FROM json_populate_recordset(NULL::{schema}.counts, %s::json) "
            "GROUP BY func_identifier, hour ORDER BY func_identifier, hour "
            f"ON CONFLICT (namespace, hour, md5(func_identifier)) DO UPDATE SET {added}",
            [self._namespace, json.dumps([each._asdict() for each in counts])],
            twice=False,
        )

    def counts(
        self, *, func_identifier: str | None = None, since: int | None = None
    ) -> Iterator[Counts]:
        """By pages; see the base class."""
        after: tuple[int, str] | None = (-1, "")
        while after is not None:
            rows = self._asked(
                f"SELECT md5(func_identifier), func_identifier, hour, {', '.join(COUNTED)} "
                "FROM {schema}.counts WHERE namespace = %s AND (hour, md5(func_identifier)) > "
                "(%s, %s) AND hour >= %s AND (%s::text IS NULL OR func_identifier = %s) "
                f"ORDER BY hour, md5(func_identifier) LIMIT {PAGE}",
                (self._namespace, *after, since or 0, func_identifier, func_identifier),
            )
            for _, name, hour, *sums in rows:
                yield Counts(name, hour, **dict(zip(COUNTED, sums, strict=True)))
            after = (rows[-1][2], rows[-1][0]) if len(rows) == PAGE else None

    def remark(self, remarks: Mapping[str, str]) -> None:
        """By one statement; see the base class."""
        self._changed(
            "INSERT INTO {schema}.remarks SELECT %s, key, value FROM json_each_text(%s::json) "
            "ON CONFLICT (namespace, md5(name)) DO UPDATE SET remark = excluded.remark",
            [self._namespace, json.dumps({**remarks})],
        )

    def remarks(self) -> dict[str, str]:
        """See the base class."""
        query = "SELECT name, remark FROM {schema}.remarks WHERE namespace = %s"
        return dict(self._asked(query, [self._namespace]))

    def function_totals(self) -> list[FunctionTotals]:
        """By one statement; see the base class."""
        source = "nullif(split_part(code, ':', 1), '')"
        rows = self._asked(
            f"SELECT {NAME}, count(*), sum(greatest(size, 0)), min(made_at), max(made_at), "
            "(array_agg(code ORDER BY made_at DESC NULLS LAST, cache_key DESC))[1], "
            f"min({source}) <> max({source}) FROM {self._table} WHERE namespace = %s "
            "GROUP BY 1 ORDER BY 1",
            [self._namespace],
            prepare=False,
        )
        return [
            FunctionTotals(
                *(name, count, int(size or 0), oldest, newest, code),
                code_changed=differ if (code or "").partition(":")[0] else None,
            )
            for name, count, size, oldest, newest, code, differ in rows
        ]
