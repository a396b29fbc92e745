"""`PostgresMetadataStore`: the metadata store that many machines share, for results that last.

A hit is one SELECT. A miss is three round trips: the look-up, `begin` and `put`, which also
releases the lease; the last two are functions in the database (`functions`). Nothing that is asked
needs the session of the question before. A result is on the server's disk when it is put; a lease
need not be.
"""

from __future__ import annotations

import json
from itertools import accumulate, chain, groupby
from operator import attrgetter
from typing import TYPE_CHECKING, Any, ClassVar, Final

from beautyspot.contracts import DIRECT_BLOB, Begun, Entry, TaskRecord, checked, in_full
from beautyspot.contracts.sql import select_statement
from beautyspot.contracts.store import REMEMBERED
from beautyspot_local.remote.remade import remembered

from beautyspot_postgres.address import SCHEMES
from beautyspot_postgres.counting import CountingStore
from beautyspot_postgres.functions import FOUND, LOCK, MICROS, NOW, SMALL
from beautyspot_postgres.server import Server
from beautyspot_postgres.tables import COLUMNS

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
    from datetime import timedelta
    from pathlib import Path

    from beautyspot.contracts import Order, Plain, Put, Rank, Selection

    from beautyspot_postgres.server import Row

LARGEST: Final = 256 * 2**20
"""Bytes: the server takes a gigabyte, and so do all that it is sent at once."""

KEYS: Final = 1000
"""Keys that are asked for at once."""

AT_ONCE: Final = 4 * 2**20
"""Bytes of rows, about, that go over the network at once unless one alone is larger: each time has
the time-out for itself."""

_ROW: Final = 8192
"""Bytes that a row counts beside its data; so there are few enough parameters as well."""

_FOUND: Final = ", ".join(FOUND)
_KIND: Final = FOUND.index("result_type")
_ALL: Final = ", ".join(COLUMNS)
_BARE: Final = _ALL.replace("result_data", "NULL::bytea AS result_data")
_SIZE: Final = "coalesce(octet_length(result_data), 0)"
_PAGE: Final = "WHERE namespace = %s AND cache_key > %s ORDER BY cache_key LIMIT %s"

_NAMES: Final = tuple(COLUMNS)[:-1]  # all but the tags
_fields: Final = attrgetter(*_NAMES)

_PUT: Final = f"({{schema}}.put({', '.join(['%s'] * (5 + len(COLUMNS)))}))"

# A lease may be lost with the last moments before a crash of the server: nobody waits for its disk.
_QUICK: Final = "WITH quick AS MATERIALIZED (SELECT set_config('synchronous_commit', 'off', true))"


class PostgresMetadataStore(CountingStore):
    """A metadata store in Postgres.

    Args:
        url: of the server, as `beautyspot_postgres.address` has them. None is the environment's
            ``DATABASE_URL``, else what libpq finds there (``PGHOST``, ...).
        namespace: what keeps the results of one team, or one program, apart from those of others;
            by default the name of the Spot.
        schema: of the database, in which all lies; made when first needed.
        lease_time: for how long a lease holds when its process no longer renews it: seconds, or a
            text such as ``"1 min"``.
        keep_expired: for how long the server keeps a result that has expired, at least; ``None`` is
            until it is pruned.
        largest_data: of data that a row may hold, in bytes or as "4 MiB"; larger results go to the
            storage.
        demands_signing: whether a Spot without a `signing_key` is refused. True is kept in the
            database: each instance that opens the store later has it too, whatever it was given.
        timeout: seconds within which the server has to answer.
        connections: how many a process has at most; further threads wait for one.
        sslrootcert: a file of the authorities that vouch for the server.
        sslcert, sslkey: a certificate of the client, and its key.
        passfile: a file of passwords.
        parameters: others of libpq, such as ``host``, ``user``, ``password`` or ``sslmode``.

    Raises:
        ConfigError: an option is not what it has to be, or options contradict each other.
    """

    name = "postgres"
    schemes = SCHEMES
    blocking: ClassVar[bool] = True
    remote = True
    most_leases = KEYS

    @remembered
    def __init__(
        self,
        /,
        url: str | None = None,
        *,
        namespace: str = "beautyspot",
        schema: str = "beautyspot",
        lease_time: float | str | timedelta = 30.0,
        keep_expired: float | str | timedelta | None = "1 day",
        largest_data: int | str = 16 * 2**20,
        demands_signing: bool = False,
        timeout: float | str | timedelta = 5.0,
        connections: int = 4,
        sslrootcert: str | Path | None = None,
        sslcert: str | Path | None = None,
        sslkey: str | Path | None = None,
        passfile: str | Path | None = None,
        **parameters: Any,
    ) -> None:
        server = Server(
            url,
            schema=schema,
            timeout=timeout,
            connections=connections,
            sslrootcert=sslrootcert,
            sslcert=sslcert,
            sslkey=sslkey,
            passfile=passfile,
            **parameters,
        )
        super().__init__(server, namespace, demands_signing=demands_signing)
        self.lease_time = checked.lease_time(lease_time)
        self.largest_data = checked.size("largest_data", largest_data, most=LARGEST)
        self._keep = (
            None
            if keep_expired is None
            else checked.duration("keep_expired", keep_expired, most=checked.LONGEST)
        )

    # ---------------------------------------------------------------------------- the results

    def find(self, key: str) -> Plain | Entry | None:
        """One SELECT; see the base class."""
        found = self._asked(
            f"SELECT {_FOUND} FROM {self._table} WHERE namespace = %s AND cache_key = %s",
            (self._namespace, key),
        )
        return _found(found[0]) if found else None

    def find_many(self, keys: Collection[str]) -> dict[str, Plain | Entry]:
        """A thousand in a round trip, large ones one by one; see the base class."""
        asked, found = [*keys], dict[str, "Plain | Entry"]()
        for start in range(0, len(asked), KEYS):
            rows = self._asked(
                f"SELECT {SMALL}, cache_key FROM {self._table} "
                "WHERE namespace = %s AND cache_key = ANY (%s)",
                (self._namespace, asked[start : start + KEYS]),
            )
            found |= self._whole(rows)
        return found

    def _whole(self, rows: Iterable[Row]) -> dict[str, Plain | Entry]:
        """Rows of an answer that leaves out large data, by their keys, with their data."""
        found: dict[str, Plain | Entry | None] = {}
        for *fields, key in rows:
            entry = _found(tuple(fields))
            whole = in_full(entry)
            is_left_out = whole.result_data is None and whole.result_type == DIRECT_BLOB
            found[key] = self.find(key) if is_left_out else entry
        return {key: entry for key, entry in found.items() if entry is not None}

    def get(self, key: str) -> TaskRecord | None:
        """See the base class."""
        found = self._asked(
            f"SELECT {_ALL} FROM {self._table} WHERE namespace = %s AND cache_key = %s",
            (self._namespace, key),
        )
        return _record(found[0]) if found else None

    def begin(
        self, keys: Collection[str], token: str, *, rejected: Mapping[str, float] | None = None
    ) -> Begun:
        """By one function, in one round trip; see the base class."""
        asked = sorted({*keys})
        times = [rejected.get(key) for key in asked] if rejected else None
        (*_, since, now), *rows = self._changed(
            f"SELECT {_FOUND}, key, number, now FROM {{schema}}.begin_calls("
            "%s, %s, %s, %s::text[], %s::double precision[])",
            (self._namespace, token, self.lease_time, asked, times),
        )
        if since is None:  # a hand has removed what the store says of itself
            self.open()
            return self.begin(keys, token, rejected=rejected)
        found = self._whole(row[:-2] for row in rows if row[_KIND] is not None)
        return Begun(found, [row[-3] for row in rows if row[_KIND] is None], since, now)

    def put(self, rows: Sequence[Put]) -> set[str]:
        """By one function, some hundreds in a round trip and a transaction; see the base class."""
        refused = set()
        for part in _parts(sorted(rows, key=lambda row: row.record.cache_key)):
            given = chain.from_iterable(map(self._given, part))
            # As many texts as there are numbers of rows are not worth to be prepared.
            answers = self._changed(
                f"VALUES {', '.join([_PUT] * len(part))}",
                [*given],
                prepare=None if len(part) == 1 else False,
            )
            for row, (is_stored,) in zip(part, answers, strict=True):
                if not is_stored:
                    refused.add(row.record.cache_key)
        return refused

    def _given(self, row: Put) -> tuple[Any, ...]:
        given = self._namespace, [*row.covers], row.since, row.token, self._keep
        return *given, *_fields(row.record), json.dumps(row.record.tags)

    def delete(self, rows: Mapping[str, float | None]) -> set[str]:
        """By one statement; see the base class."""
        gone = self._changed(
            "DELETE FROM {schema}.results AS one USING json_each_text(%s::json) AS seen (key, made)"
            " WHERE one.namespace = %s AND one.cache_key = seen.key AND "
            "one.made_at IS NOT DISTINCT FROM seen.made::double precision RETURNING one.cache_key",
            [json.dumps({**rows}), self._namespace],
        )
        return {key for (key,) in gone}

    # ------------------------------------------------------------- leases and invalidations

    def renew(self, keys: Collection[str], token: str) -> set[str]:
        """By one statement; see the base class."""
        renewed = self._changed(
            f"{_QUICK} UPDATE {{schema}}.leases SET ends_at = {NOW} + %s FROM quick "
            "WHERE namespace = %s AND token = %s AND cache_key = ANY (%s) RETURNING cache_key",
            [self.lease_time, self._namespace, token, [*keys]],
        )
        return {*keys} - {key for (key,) in renewed}

    def release(self, keys: Collection[str], token: str) -> None:
        """By one statement; see the base class."""
        self._changed(
            f"{_QUICK} DELETE FROM {{schema}}.leases USING quick "
            "WHERE namespace = %s AND token = %s AND cache_key = ANY (%s)",
            [self._namespace, token, [*keys]],
        )

    def note(self, cover: str) -> None:
        """By one statement, which waits for the puts under way; see the base class."""
        noted = self._changed(
            f"WITH alone AS MATERIALIZED (SELECT pg_advisory_xact_lock({LOCK})), next AS ("
            f"UPDATE {{schema}}.stores SET number = greatest(number + 1, {MICROS}) FROM alone "
            "WHERE namespace = %s RETURNING number) "
            "INSERT INTO {schema}.covers SELECT %s, %s, number FROM next "
            "ON CONFLICT (namespace, cover) DO UPDATE SET number = excluded.number RETURNING 1",
            [self._namespace, self._namespace, self._namespace, cover],
        )
        if not noted:  # a hand has removed what the store says of itself
            self.open()
            self.note(cover)

    # ------------------------------------------------------------------------------- listing

    def rows(self, after: str = "", limit: int = 500, *, data: bool = False) -> list[TaskRecord]:
        """Along the index; with data, some megabytes in a round trip. See the base class."""
        query = f"SELECT {_BARE} FROM {self._table} {_PAGE}"
        if data:
            query = (
                f"SELECT {_ALL} FROM (SELECT *, sum({_SIZE}) OVER (ORDER BY cache_key) - {_SIZE} "
                f"AS before FROM (SELECT * FROM {self._table} {_PAGE}) AS page) AS sized "
                f"WHERE before < {AT_ONCE} ORDER BY cache_key"
            )
        return [*map(_record, self._asked(query, (self._namespace, after, limit)))]

    def select(
        self, where: Selection, order: Order, after: Rank | None, limit: int
    ) -> list[TaskRecord]:
        """By one statement; see the base class."""
        table = f"(SELECT * FROM {self._table} WHERE namespace = %s) AS results"
        text, values = select_statement(_BARE, table, where, order, after, limit, mark="%s")
        found = self._asked(text, [self._namespace, *values], prepare=False)
        return [*map(_record, found)]

    def sweep(self, older_than: float, *, dry_run: bool = False) -> int:
        """Leases that are over, and covers of more than a month ago; see the base class."""
        verb, end = ("SELECT 1 FROM", "") if dry_run else ("DELETE FROM", "RETURNING 1")
        ask = self._asked if dry_run else self._changed
        [(swept,)] = ask(
            f"WITH one AS ({verb} {{schema}}.leases "
            f"WHERE namespace = %s AND ends_at < {NOW} - %s {end}), other AS ("
            f"{verb} {{schema}}.covers WHERE namespace = %s AND number < {MICROS} - %s {end}) "
            "SELECT (SELECT count(*) FROM one) + (SELECT count(*) FROM other)",
            [
                *(self._namespace, older_than),
                *(self._namespace, int(max(older_than, REMEMBERED) * 1e6)),
            ],
        )
        return int(swept)


def _found(row: tuple[Any, ...]) -> Plain | Entry:
    """What `find` gives for the columns of `FOUND`."""
    data, digest, took, made_at, serializer, price, expires_at, result_type, location = row
    if data is not None and expires_at is None:
        return data, digest, took, made_at, serializer, price
    return Entry(result_type, location, data, serializer, digest, made_at, expires_at, took, price)


def _record(row: Row) -> TaskRecord:
    *fields, tags = row
    return TaskRecord(
        tags=tuple(json.loads(tags or "[]")), **dict(zip(_NAMES, fields, strict=True))
    )


def _parts(rows: Sequence[Put]) -> Iterator[list[Put]]:
    """Rows that are put at once."""
    sizes = accumulate(_ROW + len(row.record.result_data or b"") for row in rows)
    for _, part in groupby(zip(rows, sizes, strict=True), lambda pair: pair[1] // AT_ONCE):
        yield [row for row, _ in part]
