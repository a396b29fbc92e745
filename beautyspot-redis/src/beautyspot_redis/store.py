"""`RedisMetadataStore`: the metadata store that many machines share.

A row is one string (see `rows`), a lease a hash that expires (see `leases`); the names of both are
in `names`. A hit is one round trip. A miss is three: the look-up, `begin`, and `put_valid`, which
also releases the lease. In a cluster, what was invalidated lies on another server than the row: to
ask for it after the row was put, and to make the row a result then, are two more.

Whatever the server drops, be it by eviction, by FLUSHALL or by a hand, is a miss, and so is what
stands in the place of a row and is none.
"""

from __future__ import annotations

import re
import secrets
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, Final, cast

from beautyspot.contracts import Beginning, Invalidation, checked
from beautyspot.errors import MetadataError, SchemaError
from beautyspot_local.remote.generations import known
from beautyspot_local.remote.remade import Remade, remembered

from beautyspot_redis import counts as counted
from beautyspot_redis import invalidation_log, store_scripts
from beautyspot_redis.address import SCHEMES
from beautyspot_redis.asking import each, is_other_type, parts
from beautyspot_redis.invalidation_log import LOGGED
from beautyspot_redis.leases import LeaseKeeper
from beautyspot_redis.names import Names, key_bytes
from beautyspot_redis.putting import Putter
from beautyspot_redis.reading import CLOSED, LookingStore, RedisReader
from beautyspot_redis.rows import LARGE, missing, time_bytes
from beautyspot_redis.rows import found as found_in_row
from beautyspot_redis.server import Server

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping
    from datetime import timedelta
    from pathlib import Path

    from beautyspot.contracts import Context, Counts, Lease, MetadataStoreBase, TaskRecord

WRITTEN_BY: Final = 1
"""The number of this release's form of a store."""

READABLE_FROM: Final = 1
"""The lowest number whose releases can read what this one writes."""

ROW: Final = 500 * 2**20
"""Bytes: a string in the server ends at 512 MiB."""


class RedisMetadataStore(RedisReader, Remade):
    """A metadata store in Redis or Valkey.

    Args:
        url: of the server, of Sentinels or of a cluster, as `beautyspot_redis.address` lists them.
            None is the environment's ``REDIS_URL``.
        namespace: what keeps the results of one team, or one program, apart from those of others;
            by default the name of the Spot.
        lease_time: for how long a lease holds when its process no longer renews it: seconds, or a
            text such as ``"1 min"``.
        keep_expired: for how long the server keeps a result that has expired, at least; ``None`` is
            for good.
        largest_data: of data that a row may hold, in bytes or as "4 MiB"; larger results go to the
            storage.
        demands_signing: whether a Spot without a `signing_key` is refused. True is kept in the
            server: each instance that opens the store later has it too, whatever it was given.
        timeout: seconds within which the server has to answer.
        retries: how often a command is sent again whose connection broke.
        db: the number of the database, where the URL has none.
        username, password: where the URL has none; else they are those of the environment,
            ``REDIS_USERNAME`` and ``REDIS_PASSWORD`` or ``REDISCLI_AUTH``.
        sentinel_username, sentinel_password: where the Sentinels have credentials of their own.
        ssl_ca_certs: a file of the authorities that vouch for the server, with ``rediss://``;
            default those of the system.
        ssl_certfile, ssl_keyfile: a certificate of the client, and its key.
        ssl_check_hostname: False takes a certificate of another host; it has to be valid still.

    Raises:
        ConfigError: an option is not what it has to be, or options contradict each other.
    """

    schemes = SCHEMES
    leases: ClassVar[bool] = True
    invalidations: ClassVar[bool] = True

    @remembered
    def __init__(
        self,
        url: str | None = None,
        *,
        namespace: str = "beautyspot",
        lease_time: float | str | timedelta = 30.0,
        keep_expired: float | str | timedelta | None = "1 day",
        largest_data: int | str = 16 * 2**20,
        demands_signing: bool = False,
        timeout: float | str | timedelta = 5.0,
        retries: int = 1,
        db: int | None = None,
        username: str | None = None,
        password: str | None = None,
        sentinel_username: str | None = None,
        sentinel_password: str | None = None,
        ssl_ca_certs: str | Path | None = None,
        ssl_certfile: str | Path | None = None,
        ssl_keyfile: str | Path | None = None,
        ssl_check_hostname: bool = True,
    ) -> None:
        self._again = partial(
            Server,
            url,
            timeout=timeout,
            retries=retries,
            db=db,
            username=username,
            password=password,
            sentinel_username=sentinel_username,
            sentinel_password=sentinel_password,
            ssl_ca_certs=ssl_ca_certs,
            ssl_certfile=ssl_certfile,
            ssl_keyfile=ssl_keyfile,
            ssl_check_hostname=ssl_check_hostname,
        )
        super().__init__(self._again(), Names(checked.name("namespace", namespace)))
        self.lease_time = checked.lease_time(lease_time)
        self.largest_data = checked.size("largest_data", largest_data, most=ROW)
        self.demands_signing = checked.switch("demands_signing", demands_signing)
        self._keeper = LeaseKeeper(self._server, self._names, self.lease_time)
        kept = b""  # for good
        if keep_expired is not None:
            kept = b"%d" % (checked.duration("keep_expired", keep_expired) * 1000)
        self._putter = Putter(self._keeper, kept)
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
            SchemaError: a newer release wrote what this one can't read.
        """
        if self._closed:
            raise MetadataError(CLOSED)
        self._translated(self._make)
        self._is_open = True

    def _make(self) -> int:
        """Make what is not there of what the store says of itself; the present generation."""
        table = self._said()
        if _whole(table.get(b"readable_from")) > WRITTEN_BY:
            by = _whole(table.get(b"written_by"))
            raise SchemaError(
                f"a newer release wrote the store (form {by}), and this one knows up to "
                f"{WRITTEN_BY}: upgrade beautyspot, or set another namespace"
            )
        store_id = table.get(b"store_id", b"").decode("ascii", "replace")
        if not re.fullmatch("[0-9a-f]{8,64}", store_id):  # it becomes a part of paths
            raise MetadataError(
                f"another program has changed what the store says of itself: remove the key "
                f"{self._names.meta.decode()!r}, or set another namespace"
            )
        self._store_id = store_id
        self.demands_signing = self.demands_signing or table.get(b"demands_signing") == b"1"
        return _whole(table.get(b"generation"))

    def _said(self) -> dict[bytes, bytes]:
        """What the store says of itself; where it can't be written, what stands there already."""
        from redis.exceptions import ResponseError

        client, keys = self._server.client, [self._names.meta, self._names.log]
        given = secrets.token_hex(8), WRITTEN_BY, READABLE_FROM, int(self.demands_signing)
        try:
            said = store_scripts.MAKE.run(client, keys, *given)
            return dict(zip(said[::2], said[1::2], strict=True))
        except ResponseError as error:
            if is_other_type(error):
                raise
            table: dict[bytes, bytes] = client.hgetall(self._names.meta)
            if b"store_id" not in table:
                raise
            return table

    @property
    def store_id(self) -> str:
        """Random, 16 hex digits; another one after the server has dropped everything."""
        self._ensure_open()
        return cast("str", self._store_id)

    def close(self) -> None:
        """Close its connections. Leases that are held stay so until they expire."""
        self._keeper.close()
        super().close()

    def for_looking(self) -> MetadataStoreBase:
        """One that changes nothing; see the base class."""
        return LookingStore(self._again(), self._names)

    # ----------------------------------------------------------------------------- what changes

    def put(self, record: TaskRecord) -> None:
        """See the base class."""
        self._put([(record, None)])

    def put_many(self, records: Iterable[TaskRecord]) -> None:
        """Each of them is put or not: there is no transaction; see the base class."""
        self._put((record, None) for record in records)

    def put_valid(self, record: TaskRecord, since: int) -> bool:
        """Look, put and release the lease of the key in one round trip; see the base class."""
        return not self._put([(record, known(record, since))])

    def put_many_valid(self, rows: Iterable[tuple[TaskRecord, int]]) -> set[str]:
        """The same for many, some hundreds at a time; see the base class."""
        return self._put((record, known(record, since)) for record, since in rows)

    def _put(self, rows: Iterable[tuple[TaskRecord, int | None]]) -> set[str]:
        put = list(rows)
        return self._asked(lambda: self._putter.put(put))

    def delete(self, key: str) -> bool:
        """Remove; the server frees the memory later. See the base class."""
        return bool(self._asked(lambda: self._server.client.unlink(self._names.row(key))))

    def touch(self, used: Mapping[str, float]) -> None:
        """Set `used_at`, where it stands in the row; see the base class."""
        runs = [([self._names.row(key)], (time_bytes(when),)) for key, when in used.items()]
        for part in parts(runs):
            self._asked(partial(each, self._server, store_scripts.TOUCH, part))

    def add_counts(self, counts: Iterable[Counts]) -> None:
        """Some hundreds in one step each time; see the base class."""
        added = list(counts)
        self._asked(lambda: counted.add(self._server, self._names, added))

    def remark(self, remarks: Mapping[str, str]) -> None:
        """In one step; see the base class."""
        fields = {key_bytes(name): key_bytes(text) for name, text in remarks.items()}
        self._asked(lambda: self._server.client.hset(self._names.remarks, mapping=fields))

    # ---------------------------------------------------------------------------------- leases

    def try_lease(self, key: str) -> Lease | None:
        """A hash that expires; see the base class and `beautyspot_redis.leases`."""
        begun = self._asked(lambda: self._keeper.begin([key]))
        return None if key not in begun else begun[key][0]

    def begin(self, key: str) -> Beginning | None:
        """In one round trip; see the base class."""
        return self.begin_many([key]).get(key)

    def begin_many(self, keys: Collection[str]) -> dict[str, Beginning]:
        """In one round trip for some hundreds; see the base class."""
        begun = self._asked(lambda: self._keeper.begin(keys, look=True))
        try:
            return {key: self._beginning(key, *parts) for key, parts in begun.items()}
        except BaseException:
            for lease, _ in begun.values():
                lease.release()
            raise

    def _beginning(self, key: str, lease: Lease, answer: Any) -> Beginning:
        value, generation, seconds, micros = answer
        found = found_in_row(key, value, cut=LARGE)
        if found is None and missing(value):  # its other fields are large
            found = self.find(key)
        number = _whole(generation) or self.generation()
        return Beginning(lease, found, number, int(seconds) + int(micros) / 1_000_000)

    def renew(self, leases: Collection[Lease]) -> Collection[Lease]:
        """Some hundreds in one round trip; see the base class."""
        return self._asked(lambda: self._keeper.renew(leases))

    def leased(self, keys: Collection[str]) -> set[str]:
        """The same; see the base class."""
        return self._asked(lambda: self._keeper.leased(keys))

    def next_releases(self, seconds: float) -> set[str] | None:
        """By a channel; see the base class."""
        try:
            return self._asked(lambda: self._keeper.next_releases(seconds))
        except Exception:
            if self._closed:  # by another thread, while this one was listening
                raise MetadataError(CLOSED) from None
            raise

    def stop_listening(self) -> None:
        """See the base class."""
        self._keeper.stop_listening()

    def share_waits(self, waits: Mapping[str, Collection[str]]) -> dict[str, set[str]]:
        """By a hash whose fields expire; see the base class."""
        return self._asked(lambda: self._keeper.share_waits(waits))

    def lease_holder(self, key: str) -> str:
        """As "process 4711 on worker-3"; see the base class."""
        return self._asked(lambda: self._keeper.holder(key))

    # ------------------------------------------------------------------------ what was invalidated

    def note_invalidation(self, what: Invalidation) -> None:
        """Write it into the log; see the base class."""
        keys = [self._names.meta, self._names.log]
        said = invalidation_log.text(what), LOGGED
        self._asked(lambda: store_scripts.NOTE.run(self._server.client, keys, *said))

    def generation(self) -> int:
        """The number of the last one; see the base class."""
        found = self._asked(lambda: self._field("generation"))
        return _whole(found) or self._translated(self._make)

    def invalidated_since(self, generation: int) -> list[Invalidation]:
        """See the base class."""
        found = self._asked(lambda: invalidation_log.since(self._server, self._names, generation))
        return [] if found is None else found.entries


def _whole(text: bytes | None) -> int:
    """A number of `meta`; 0 where there is none, or a stranger wrote something else."""
    return int(text) if text is not None and text.isdigit() else 0
