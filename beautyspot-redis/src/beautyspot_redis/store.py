"""`RedisMetadataStore`: the metadata store that many machines share.

A row is one string (see `rows`), and what is done with it one command or one script (see
`scripts`). A hit is one round trip. A miss is three: `find`, `begin`, and `put`, which releases the
lease, too. Whatever the server drops, be it by eviction, by FLUSHALL or by a hand, is a miss.
"""

from __future__ import annotations

import math
import re
import secrets
import time
from time import monotonic
from typing import TYPE_CHECKING, Any, ClassVar, Final

from beautyspot.contracts import (
    Begun,
    Counts,
    Invalidation,
    MetadataStoreBase,
    checked,
    found_in,
)
from beautyspot.contracts.records import ALL, cover_of
from beautyspot.contracts.row_bytes import object_in, packed
from beautyspot.errors import MetadataError, NotSupportedError, SchemaError
from beautyspot_local.remote.remade import Remade, remembered

from beautyspot_redis import scripts
from beautyspot_redis.address import SCHEMES
from beautyspot_redis.rows import DIGITS, record_of, time_bytes, written
from beautyspot_redis.server import Server, prefix_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
    from datetime import timedelta
    from pathlib import Path

    from beautyspot import Finding
    from beautyspot.contracts import Entry, Order, Plain, Put, Selection, TaskRecord
    from beautyspot.contracts.selection import Rank

    from beautyspot_redis.server import Script

FORM: Final = 1
"""The number of this release's form of a store, and the lowest whose releases can read it."""

ROW: Final = 500 * 2**20
"""Bytes: a string in the server ends at 512 MiB."""

LARGEST: Final = 8 * 2**20
"""Bytes of data that are sent at a time; larger ones go alone."""

PART: Final = 1200
"""Values that are sent at a time, two or three for each key: the server answers nobody else
meanwhile."""

KEPT: Final = 60.0
"""Seconds within which a listing goes on with the keys that it began with."""

FARTHEST: Final = 1e12
"""Unix time of what does not expire: in milliseconds, an exact number up to here."""


class RedisMetadataStore(Remade, MetadataStoreBase):
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
        connections: how many of them this process opens at most; whoever else asks waits for one.
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

    name = "redis"
    schemes = SCHEMES
    remote = True
    counters: ClassVar[bool] = True
    most_leases = PART // 2

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
        connections: int = 10,
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
        self._server = Server(
            url,
            timeout=timeout,
            retries=retries,
            connections=connections,
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
        self._prefix = prefix_of(checked.name("namespace", namespace))
        self._namespace = namespace
        self.lease_time = checked.lease_time(lease_time)
        self._milliseconds = b"%d" % (self.lease_time * 1000)
        self._keep = (
            None if keep_expired is None else checked.duration("keep_expired", keep_expired)
        )
        self.largest_data = checked.size("largest_data", largest_data, most=ROW)
        self.demands_signing = checked.switch("demands_signing", demands_signing)
        self._store_id: str | None = None
        self._is_open = self._looks = self._closed = False
        self._ahead: dict[tuple[str, str, str], tuple[float, list[str]]] = {}

    # ------------------------------------------------------------------------------ the store

    def open(self, *, look: bool = False) -> None:
        """Reach the server, and make there what is not there yet; see the base class.

        Raises:
            SchemaError: a newer release wrote what this one can't read.
            MetadataError: with `look`, where no Spot has used the store yet.
        """
        if self._closed:
            raise MetadataError("the store is closed: make a new one")
        self._looks = look
        with self._server.failures:
            self._make()
        self._is_open = True

    def _make(self) -> None:
        """Make what is not there of what the store says of itself."""
        server, names = self._server, [self._prefix]
        told = "demands_signing" if self.demands_signing and not self._looks else ""
        facts = server.run(scripts.MAKE, names, "", FORM, told, "")
        if not facts and not self._looks:
            given, noted = self._store_id or secrets.token_hex(8), ALL if self._keys() else ""
            facts = server.run(scripts.MAKE, names, given, FORM, told, noted)
        said = dict(fact.decode("ascii", "replace").partition(":")[::2] for fact in facts)
        if not said:
            raise MetadataError(
                f"the store {self._namespace!r} has no ID yet: a Spot that uses it gives it one; "
                "or correct the namespace (redis-cli --scan --pattern '{beautyspot:*}:store' lists "
                "those that are there)"
            )
        if said.get("form") != str(FORM):
            raise SchemaError(
                f"a newer release wrote the store (form {said.get('form')}), and this one knows "
                f"form {FORM}: upgrade beautyspot, or set another namespace"
            )
        if not re.fullmatch("[0-9a-f]{8,64}", said.get("id", "")):  # it becomes a part of paths
            raise server.failures.refused(
                "another program has changed what the store says of itself",
                f"remove the key {self._prefix}store, or set another namespace",
            )
        self._store_id = said["id"]
        self.demands_signing = self.demands_signing or "demands_signing" in said

    def _keys(self, function: str = "", begins: str = "") -> list[str]:
        """The keys of all rows, or of a function's, that begin so."""
        pattern = re.sub(r"([\\*?\[\]])", r"\\\1", f"{self._prefix}row:{begins}") + "*"
        cursor, found = None, set[str]()
        while cursor != b"0":
            asked = cursor or 0, pattern, function
            cursor, keys = self._server.run(scripts.KEYS, [self._prefix], *asked)
            found.update(keys.decode().split())
        return sorted(found)

    @property
    def store_id(self) -> str:
        """16 hex digits; another one after the server has dropped everything."""
        if not self._is_open:
            self.open(look=self._looks)
        return self._store_id or ""

    def now(self) -> float:
        """The server's clock; see the base class."""
        return _seconds(*self._run(scripts.NOW))

    def examine(self) -> Iterator[Finding]:
        """Memory, eviction, persistence, replicas; see the base class."""
        from beautyspot_redis.examination import of_server  # rarely asked for

        yield from of_server(self._run(scripts.INFO), f"metadata {self.name}")

    def close(self) -> None:
        """Close its connections. Leases that are held stay so until they expire."""
        self._closed, self._is_open = True, False
        self._server.close()

    # ----------------------------------------------------------------------------- asking

    def _run(self, script: Script, *values: Any) -> Any:
        """What a script gives for the namespace."""
        if not self._is_open:
            self.open(look=self._looks)
        with self._server.failures:
            return self._server.run(script, [self._prefix], *values)

    def _changed(self, script: Script, *values: Any) -> Any:
        """The same of one that changes something; what it needs is made where it is missing."""
        if self._looks:
            raise NotSupportedError("the store was opened to look at it, and is not changed")
        while (answer := self._run(script, *values)) is None:
            with self._server.failures:
                self._make()
        return answer

    def _in_parts(self, script: Script, values: Sequence[Any], *first: Any) -> set[str]:
        """The keys that a script gives for many values, which are sent in parts."""
        found: set[str] = set()
        for start in range(0, len(values), PART):
            answer = self._changed(script, *first, *values[start : start + PART])
            found.update(key.decode() for key in answer)
        return found

    # ---------------------------------------------------------------------------- the results

    def find(self, key: str) -> Plain | Entry | None:
        """What a hit needs, by one GET; see the base class."""
        record = self.get(key)
        return None if record is None else found_in(record)

    def get(self, key: str) -> TaskRecord | None:
        """By one GET; see the base class."""
        if not self._is_open:
            self.open(look=self._looks)
        with self._server.failures:
            row: bytes | None = self._server.ask("GET", f"{self._prefix}row:{key}")
        return None if row is None else record_of(key, row)

    def find_many(self, keys: Collection[str]) -> dict[str, Plain | Entry]:
        """In one trip for 600 keys, or 16 MiB of rows; see the base class."""
        found, _ = self._some_of([*dict.fromkeys(keys)], len(keys))
        return {record.cache_key: found_in(record) for record in found}

    def _some_of(
        self, keys: list[str], limit: int, *, data: bool = True, once: bool = False
    ) -> tuple[list[TaskRecord], list[str]]:
        """Records of some of these keys, or of those of one trip, and the keys behind them."""
        found: list[TaskRecord] = []
        while keys and len(found) < limit and not (once and found):
            wanted = keys[: min(limit - len(found), PART // 2)]
            asked = [value for key in wanted for value in (key, "")]
            *rows, _, told = self._run(scripts.BEGIN, "", "whole" if data else "", *asked)
            found += _records(rows, whole=data)
            keys = keys[int(told.partition(b" ")[0]) :]
        return found, keys

    def begin(
        self, keys: Collection[str], token: str, *, rejected: Mapping[str, float] | None = None
    ) -> Begun:
        """In one trip; beyond 16 MiB of rows, a key is in neither answer; see the base class."""
        asked: list[Any] = []
        for key in keys:
            latest = (rejected or {}).get(key)
            asked += (key, "" if latest is None else time_bytes(latest))
        *rows, won, told = self._changed(scripts.BEGIN, token, self._milliseconds, *asked)
        _, number, *now = told.split()
        entries = {record.cache_key: found_in(record) for record in _records(rows)}
        leased = won.decode().split()
        if len(entries) < len(rows) // 2:  # some can't be read
            bad = {key.decode(): math.inf for key in rows[::2] if key.decode() not in entries}
            leased += self.begin(bad, token, rejected=bad).leased
        return Begun(entries, leased, int(number), _seconds(*now))

    def put(self, rows: Sequence[Put]) -> set[str]:
        """In one trip for 8 MiB of data; see the base class."""
        if len(rows) > 1 and sum(len(row.record.result_data or b"") for row in rows) > LARGEST:
            return self.put(rows[: len(rows) // 2]) | self.put(rows[len(rows) // 2 :])
        asked: list[Any] = []
        for record, covers, since, token in rows:
            asked += (record.cache_key, written(record), self._end(record.expires_at), since, token)
            asked.append(" ".join(covers))
        return {key.decode() for key in self._changed(scripts.PUT, *asked)}

    def _end(self, expires_at: float | None) -> str:
        """When the server removes a row, in milliseconds; nothing for never."""
        if expires_at is None or self._keep is None:
            return ""
        ends = max(expires_at, time.time()) + self._keep  # where it has expired, from now on
        return f"{ends * 1000:.0f}" if ends < FARTHEST else ""

    def delete(self, rows: Mapping[str, float | None]) -> set[str]:
        """In one trip for 600 keys; see the base class."""
        seen = [value for key, made_at in rows.items() for value in (key, time_bytes(made_at))]
        return self._in_parts(scripts.DELETE, seen)

    # ------------------------------------------------------------------- leases and invalidations

    def renew(self, keys: Collection[str], token: str) -> set[str]:
        """In one trip for 1200 keys; see the base class."""
        return self._in_parts(scripts.HOLD, [*keys], token, self._milliseconds)

    def release(self, keys: Collection[str], token: str) -> None:
        """In one trip for 1200 keys; see the base class."""
        self._in_parts(scripts.HOLD, [*keys], token, 0)

    def note(self, cover: str) -> None:
        """See the base class."""
        self._changed(scripts.NOTE, cover)

    # ------------------------------------------------------------------------------- listing

    def rows(self, after: str = "", limit: int = 500, *, data: bool = False) -> list[TaskRecord]:
        """By the names of all keys, which the first page asks for; with data, 16 MiB at a time."""
        return self._page("", "", after, limit, data=data)

    def select(
        self, where: Selection, order: Order, after: Rank | None, limit: int
    ) -> list[TaskRecord] | None:
        """By key, those of one function, or whose keys begin so; see the base class."""
        name, function = where.function, ""
        if name is not None and not any(sign in name for sign in "*?["):
            function = cover_of(Invalidation(func_identifier=name))[-DIGITS:]
        if order != "key" or not (function or where.key):
            return None
        return self._page(function, where.key or "", after[2] if after else "", limit)

    def _page(
        self, function: str, begins: str, after: str, limit: int, *, data: bool = False
    ) -> list[TaskRecord]:
        """The next rows of a function, or of any, whose keys begin so.

        The keys of those that follow are kept for the next page, if that is asked for soon; a row
        that is put meanwhile may not be among them.
        """
        until, keys = self._ahead.pop((function, begins, after), (0.0, []))
        if monotonic() > until:
            with self._server.failures:
                keys = [key for key in self._keys(function, begins) if key > after]
        found, left = self._some_of(keys, limit, data=data, once=data)
        if found:
            self._ahead = {(function, begins, found[-1].cache_key): (monotonic() + KEPT, left)}
        return found

    # ------------------------------------------------------------------------- uses and counts

    def touch(self, used: Mapping[str, float]) -> None:
        """In one trip for 600 keys; see the base class."""
        asked = [value for key, used_at in used.items() for value in (key, time_bytes(used_at))]
        self._in_parts(scripts.TOUCH, asked)

    def add_counts(self, counts: Iterable[Counts]) -> None:
        """A hash for each hour, in it a field for each function; see the base class."""
        asked = [
            value for name, hour, *numbers in counts for value in (hour, name, packed(numbers))
        ]
        self._in_parts(scripts.COUNT, asked)

    def counts(
        self, *, func_identifier: str | None = None, since: int | None = None
    ) -> Iterator[Counts]:
        """One trip for each hour; see the base class."""
        for hour in sorted(map(int, self._run(scripts.HOURS))):
            if since is None or hour >= since:
                fields = self._run(scripts.COUNTED, hour)
                for field, sums in zip(fields[::2], fields[1::2], strict=True):
                    if func_identifier in (None, name := field.decode()):
                        yield Counts(name, hour, *object_in(sums, [])[: len(Counts._fields) - 2])

    def remark(self, remarks: Mapping[str, str]) -> None:
        """See the base class."""
        if remarks:
            self._changed(scripts.REMARK, *(text for pair in remarks.items() for text in pair))

    def remarks(self) -> dict[str, str]:
        """See the base class."""
        texts = [text.decode() for text in self._run(scripts.REMARKS)]
        return dict(zip(texts[::2], texts[1::2], strict=True))


def _records(rows: list[bytes], *, whole: bool = True) -> list[TaskRecord]:
    """The records of keys and rows, but for those that can't be read."""
    pairs = zip(rows[::2], rows[1::2], strict=True)
    return [*filter(None, (record_of(key.decode(), row, whole=whole) for key, row in pairs))]


def _seconds(whole: bytes, micros: bytes) -> float:
    """What TIME gives, in seconds."""
    return int(whole) + int(micros) / 1e6
