"""`PostgresMetadataStore`: the metadata store that many machines share, for results that last.

A hit is one SELECT. A miss is three round trips: the look-up, `begin`, and `put_valid`, which also
releases the lease; the last two are functions in the database (`store_functions`,
`lease_functions`). A result is on the server's disk when it is put; a lease need not be.
"""

from __future__ import annotations

import re
import secrets
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, Final, cast

from beautyspot.contracts import Beginning, Invalidation, checked
from beautyspot.errors import ConfigError, MetadataError
from beautyspot_local.remote.remade import Remade, remembered

from beautyspot_postgres import arrays, invalidation_log, rows, schema, texts
from beautyspot_postgres import counts as counted
from beautyspot_postgres.address import SCHEMES
from beautyspot_postgres.leases import LeaseKeeper
from beautyspot_postgres.looking import LookingStore
from beautyspot_postgres.putting import Putter
from beautyspot_postgres.reading import CLOSED, PostgresReader
from beautyspot_postgres.server import Server

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping
    from datetime import timedelta
    from pathlib import Path

    from beautyspot.contracts import Context, Counts, Lease, MetadataStoreBase, TaskRecord

    from beautyspot_postgres.values import Row

LARGEST: Final = 256 * 2**20
"""Bytes: the server takes a gigabyte, and so do all that it is sent at once."""

_LONGEST_NAME: Final = 200

_OPEN: Final = "SELECT * FROM {schema}.open_store($1, $2, $3)"
_STORE: Final = (
    "SELECT store_id, generation, demands_signing FROM {schema}.stores WHERE namespace = $1"
)
_GENERATION: Final = "SELECT generation FROM {schema}.stores WHERE namespace = $1"
_NOTE: Final = "SELECT FROM {schema}.note($1, $2, $3, $4, $5, $6, $7, $8)"
_DELETE: Final = "DELETE FROM {schema}.results WHERE namespace = $1 AND cache_key = $2 RETURNING 1"
_TOUCH: Final = "SELECT FROM {schema}.touch($1, $2, $3)"
_COUNT: Final = (
    "SELECT FROM {schema}.count($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)"
)
_REMARK: Final = (
    "INSERT INTO {schema}.remarks (namespace, name, remark) SELECT $1, name, remark "
    "FROM unnest($2::text[], $3::text[]) AS given (name, remark) "
    "ON CONFLICT (namespace, md5(name)) DO UPDATE SET remark = excluded.remark"
)


class PostgresMetadataStore(PostgresReader, Remade):
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

    schemes = SCHEMES
    leases: ClassVar[bool] = True
    invalidations: ClassVar[bool] = True

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
        connections: int = 10,
        sslrootcert: str | Path | None = None,
        sslcert: str | Path | None = None,
        sslkey: str | Path | None = None,
        passfile: str | Path | None = None,
        **parameters: Any,
    ) -> None:
        self._again = partial(
            Server,
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
        super().__init__(self._again(), _checked_namespace(namespace))
        self.lease_time = checked.lease_time(lease_time)
        self.largest_data = checked.size("largest_data", largest_data, most=LARGEST)
        self.demands_signing = checked.switch("demands_signing", demands_signing)
        keep = (
            None
            if keep_expired is None
            else checked.duration("keep_expired", keep_expired, most=checked.LONGEST)
        )
        self._keeper = LeaseKeeper(self._server, self._namespace, self.lease_time)
        self._putter = Putter(self._server, self._keeper, self._namespace, keep)
        self._store_id: str | None = None

    @classmethod
    def defaults(cls, context: Context) -> dict[str, Any]:
        """The Spot's name, as the namespace."""
        return {"namespace": context.name}

    @classmethod
    def options_from_url(cls, url: str) -> dict[str, Any]:
        """The URL itself."""
        return {"url": url}

    # ------------------------------------------------------------------------------ the store

    def open(self) -> None:
        """Reach the server, and make there what is not there yet; see the base class.

        Raises:
            SchemaError: a newer release made what this one can't use.
        """
        if self._closed:
            raise MetadataError(CLOSED)
        schema.ensure(self._server)
        self._make()
        self._server.is_ready = True

    def _make(self) -> int:
        """Make what is not there of what the store says of itself; the present generation."""
        store_id, generation, demands = self._said()
        if not re.fullmatch("[0-9a-f]{8,64}", store_id):  # it becomes a part of paths
            raise MetadataError(
                f"another program has changed what the store says of itself: correct its store_id "
                f"in the table {self._server.schema}.stores, or set another namespace"
            )
        self._store_id = store_id
        self.demands_signing = self.demands_signing or demands
        return int(generation)

    def _said(self) -> Row:
        """What the store says of itself; asked first, since a role may not be let make it."""
        found = self._server.run(self._server.sql(_STORE), (self._namespace,))
        if found and (found[0][2] or not self.demands_signing):
            return found[0]
        given = self._namespace, secrets.token_hex(8), self.demands_signing
        return self._server.run(self._server.sql(_OPEN), given)[0]

    @property
    def store_id(self) -> str:
        """Random, 16 hex digits; made with the store."""
        self._ensure_open()
        return cast("str", self._store_id)

    def for_looking(self) -> MetadataStoreBase:
        """One that changes nothing; see the base class."""
        return LookingStore(self._again(), texts.restored(self._namespace))

    # ----------------------------------------------------------------------------- what changes

    def put(self, record: TaskRecord) -> None:
        """See the base class."""
        self._ensure_open()
        self._putter.put([record])

    def put_many(self, records: Iterable[TaskRecord]) -> None:
        """Some hundreds in one transaction; see the base class."""
        self._ensure_open()
        self._putter.put(records)

    def put_valid(self, record: TaskRecord, since: int) -> bool:
        """Look, put and release the lease of the key in one round trip; see the base class."""
        self._ensure_open()
        return not self._putter.put_valid([(record, since)])

    def put_many_valid(self, rows: Iterable[tuple[TaskRecord, int]]) -> set[str]:
        """The same for many, some hundreds at a time; see the base class."""
        self._ensure_open()
        return self._putter.put_valid(rows)

    def delete(self, key: str) -> bool:
        """See the base class."""
        return bool(self._asked(_DELETE, self._namespace, texts.short(key)))

    def touch(self, used: Mapping[str, float]) -> None:
        """Set `used_at`; what was set within the hour stays. See the base class."""
        if used:
            keys = arrays.texts(map(texts.short, used))
            self._asked(_TOUCH, self._namespace, keys, arrays.floats(used.values()))

    def add_counts(self, counts: Iterable[Counts]) -> None:
        """In one transaction; see the base class."""
        added = list(counts)
        if added:
            self._asked(_COUNT, self._namespace, *counted.written(added), twice=False)

    def remark(self, remarks: Mapping[str, str]) -> None:
        """In one transaction; see the base class."""
        told = [arrays.texts(map(texts.stored, each)) for each in (remarks, remarks.values())]
        self._asked(_REMARK, self._namespace, *told)

    # ---------------------------------------------------------------------------------- leases

    def try_lease(self, key: str) -> Lease | None:
        """A row with a time; see the base class and `beautyspot_postgres.leases`."""
        self._ensure_open()
        begun = self._keeper.begin([key], look=False, most=0)
        return begun[key][0] if key in begun else None

    def begin(self, key: str) -> Beginning | None:
        """In one round trip; see the base class."""
        return self._begun([key], LARGEST).get(key)

    def begin_many(self, keys: Collection[str]) -> dict[str, Beginning]:
        """In one round trip for a thousand; see the base class."""
        return self._begun(keys, rows.LARGE)

    def _begun(self, keys: Collection[str], most: int) -> dict[str, Beginning]:
        self._ensure_open()
        begun = self._keeper.begin(keys, look=True, most=most)
        try:
            return {key: self._beginning(lease, row) for key, (lease, row) in begun.items()}
        except BaseException:
            for lease, _ in begun.values():
                lease.release()
            raise

    def _beginning(self, lease: Lease, row: Row) -> Beginning:
        _, generation, now, *fields = row
        if generation is None:  # a hand has removed it
            generation = self._make()
        return Beginning(lease, rows.entry_of(fields), generation, now)

    def renew(self, leases: Collection[Lease]) -> Collection[Lease]:
        """Some hundreds in a round trip; see the base class."""
        self._ensure_open()
        return self._keeper.renew(leases)

    def leased(self, keys: Collection[str]) -> set[str]:
        """By one SELECT; see the base class."""
        self._ensure_open()
        return self._keeper.leased(keys)

    def share_waits(self, waits: Mapping[str, Collection[str]]) -> dict[str, set[str]]:
        """By a table whose rows have a time; see the base class."""
        self._ensure_open()
        return self._keeper.share_waits(waits)

    def lease_holder(self, key: str) -> str:
        """As "process 4711 on worker-3"; see the base class."""
        self._ensure_open()
        return self._keeper.holder(key)

    # ------------------------------------------------------------------------ what was invalidated

    def note_invalidation(self, what: Invalidation) -> None:
        """Write it into a table; see the base class."""
        self._asked(
            _NOTE,
            self._namespace,
            secrets.token_hex(8),
            *invalidation_log.noted(what),
            invalidation_log.LOGGED,
            invalidation_log.EVERY,
        )

    def generation(self) -> int:
        """The number of the last one; see the base class."""
        found = self._asked(_GENERATION, self._namespace)
        return int(found[0][0]) if found else self._make()

    def invalidated_since(self, generation: int) -> list[Invalidation]:
        """See the base class."""
        return invalidation_log.read(
            [*self._asked(invalidation_log.SINCE, self._namespace, generation)]
        )


def _checked_namespace(value: object) -> str:
    name = checked.name("namespace", value)
    if len(name) > _LONGEST_NAME:
        raise ConfigError(
            f"namespace={name[:40]!r}... is too long: give {_LONGEST_NAME} characters at most"
        )
    return name
