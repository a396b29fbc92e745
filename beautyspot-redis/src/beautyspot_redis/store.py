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
from typing import TYPE_CHECKING, Any, ClassVar, Final

from beautyspot.contracts import (
    Begun,
    Counts,
    Invalidation,
    MetadataStoreBase,
    checked,
    found_in,
)
from beautyspot.contracts.records import KEY, cover_of
from beautyspot.errors import MetadataError, NotSupportedError, SchemaError
from beautyspot_local.remote.remade import Remade, remembered

from beautyspot_redis import scripts
from beautyspot_redis.address import SCHEMES
from beautyspot_redis.rows import record_of, time_bytes, written
from beautyspot_redis.server import Server, prefix_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
    from datetime import timedelta
    from pathlib import Path

    from beautyspot import Finding
    from beautyspot.contracts import Context, Entry, Order, Plain, Put, Selection, TaskRecord
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

FARTHEST: Final = 1e12
"""Unix time of what does not expire: in milliseconds, an exact number up to here."""

_FUNCTION: Final = "func:"
"""How the cover of a function begins; its digits follow."""

_NOTHING: Final = tuple(Counts._field_defaults.values())
"""Counts of nothing."""


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

    @classmethod
    def defaults(cls, context: Context) -> dict[str, Any]:
        """The Spot's name, as the namespace."""
        return {"namespace": context.name}

    @classmethod
    def options_from_url(cls, url: str) -> dict[str, Any]:
        """The URL itself."""
        return {"url": url}

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
        """Make what is not there of what the store says of itself, and of the index."""
        server, names = self._server, [self._prefix]
        given = "" if self._looks else self._store_id or secrets.token_hex(8)
        told = "demands_signing" if self.demands_signing and not self._looks else ""
        is_whole, facts = server.run(scripts.MAKE, names, given, FORM, told)
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
        cursor = b"0"
        pattern = re.sub(r"([\\*?\[\]])", r"\\\1", self._prefix) + "row:*"
        while is_whole is None and not self._looks:
            cursor = server.run(scripts.FILL, names, cursor, pattern)
            is_whole = cursor if cursor == b"0" else None

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
        if self._looks and script.changes:
            raise NotSupportedError("the store was opened to look at it, and is not changed")
        with self._server.failures:
            return self._server.run(script, [self._prefix], *values)

    def _surely(self, script: Script, *values: Any) -> Any:
        """The same of a script that gives nothing where the server has lost what it needs."""
        while (answer := self._run(script, *values)) is None:
            if self._looks:
                raise self._server.failures.refused(
                    "the server has evicted the list of its results",
                    "the next Spot that stores a result there makes it anew",
                )
            with self._server.failures:
                self._make()
        return answer

    def _in_parts(self, script: Script, values: Sequence[Any], *first: Any) -> set[str]:
        """The keys that a script gives for many values, which are sent in parts."""
        found: set[str] = set()
        for start in range(0, len(values), PART):
            answer = self._run(script, *first, *values[start : start + PART])
            found.update(key.decode() for key in answer or ())
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
        entries: dict[str, Plain | Entry] = {}
        left = [*dict.fromkeys(keys)]
        while left:
            asked = [value for key in left[: PART // 2] for value in (key, "")]
            *rows, _, told = self._surely(scripts.FIND, "", "", *asked)
            entries.update(_entries(rows))
            left = left[int(told.partition(b" ")[0]) :]
        return entries

    def begin(
        self, keys: Collection[str], token: str, *, rejected: Mapping[str, float] | None = None
    ) -> Begun:
        """In one trip; beyond 16 MiB of rows, a key is in neither answer; see the base class."""
        asked: list[Any] = []
        for key in keys:
            latest = (rejected or {}).get(key)
            asked += (key, "" if latest is None else time_bytes(latest))
        *rows, won, told = self._surely(scripts.BEGIN, token, self._milliseconds, *asked)
        _, number, *now = told.split()
        entries, leased = _entries(rows), won.decode().split()
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
            function = next((cover for cover in covers if cover.startswith(_FUNCTION)), _FUNCTION)
            row = written(record, function.removeprefix(_FUNCTION))
            asked += (record.cache_key, row, self._end(record.expires_at), since, token)
            asked.append(" ".join(covers))
        return {key.decode() for key in self._surely(scripts.PUT, *asked)}

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
        self._surely(scripts.NOTE, cover)

    # ------------------------------------------------------------------------------- listing

    def rows(self, after: str = "", limit: int = 500, *, data: bool = False) -> list[TaskRecord]:
        """By the index, without data in one trip; with data, 16 MiB of them at a time."""
        return self._page(KEY, "", after, limit, data=data)

    def select(
        self, where: Selection, order: Order, after: Rank | None, limit: int
    ) -> list[TaskRecord] | None:
        """By key, those of one function, or whose keys begin so; see the base class."""
        start, name = KEY, where.function
        if name is not None and not any(sign in name for sign in "*?["):
            start = cover_of(Invalidation(func_identifier=name))
        if order != "key" or (start == KEY and not where.key):
            return None
        return self._page(start, where.key or "", after[2] if after else "", limit)

    def _page(
        self, start: str, begins: str, after: str, limit: int, *, data: bool = False
    ) -> list[TaskRecord]:
        """Rows whose members of the index begin with `start`, and their keys with `begins`."""
        first: str | bytes = f"[{start}{begins}"
        if after and after >= begins:
            first = f"({start}{after}"
        listed: list[TaskRecord] = []
        while len(listed) < limit and not (data and listed):
            asked = first, f"({start}{begins}~", limit - len(listed), "1" if data else ""
            last, *found = self._surely(scripts.PAGE, *asked)
            records = (
                record_of(key.decode(), row, whole=data)
                for key, row in zip(found[::2], found[1::2], strict=True)
            )
            listed += filter(None, records)
            if not last:
                break
            first = b"(" + last
        return listed

    # ------------------------------------------------------------------------- uses and counts

    def touch(self, used: Mapping[str, float]) -> None:
        """In one trip for 600 keys; see the base class."""
        asked = [value for key, used_at in used.items() for value in (key, time_bytes(used_at))]
        self._in_parts(scripts.TOUCH, asked)

    def add_counts(self, counts: Iterable[Counts]) -> None:
        """A hash for each hour, in it a field for each number; see the base class."""
        asked = [
            value
            for name, hour, *numbers in counts
            for place, number in enumerate(numbers)
            if number or not place  # what was counted has a field at least
            for value in (hour, f"{place} {name}", number)
        ]
        self._in_parts(scripts.COUNT, asked)

    def counts(
        self, *, func_identifier: str | None = None, since: int | None = None
    ) -> Iterator[Counts]:
        """One trip for each hour; see the base class."""
        for hour in sorted(map(int, self._run(scripts.HOURS))):
            if since is not None and hour < since:
                continue
            found: dict[str, list[Any]] = {}
            fields = self._run(scripts.COUNTED, hour)
            for field, number in zip(fields[::2], fields[1::2], strict=True):
                place, _, name = field.decode().partition(" ")
                numbers = found.setdefault(name, [*_NOTHING])
                if int(place) < len(numbers):  # a later release counts more
                    numbers[int(place)] = type(_NOTHING[int(place)])(float(number))
            for name, numbers in found.items():
                if func_identifier in (None, name):
                    yield Counts(name, hour, *numbers)

    def remark(self, remarks: Mapping[str, str]) -> None:
        """See the base class."""
        if remarks:
            self._run(scripts.REMARK, *(text for pair in remarks.items() for text in pair))

    def remarks(self) -> dict[str, str]:
        """See the base class."""
        texts = [text.decode() for text in self._run(scripts.REMARKS)]
        return dict(zip(texts[::2], texts[1::2], strict=True))


def _entries(rows: list[bytes]) -> dict[str, Plain | Entry]:
    """What `find` gives of keys and rows, those aside that can't be read."""
    pairs = ((key.decode(), row) for key, row in zip(rows[::2], rows[1::2], strict=True))
    records = ((key, record_of(key, row)) for key, row in pairs)
    return {key: found_in(record) for key, record in records if record is not None}


def _seconds(whole: bytes, micros: bytes) -> float:
    """What TIME gives, in seconds."""
    return int(whole) + int(micros) / 1e6
