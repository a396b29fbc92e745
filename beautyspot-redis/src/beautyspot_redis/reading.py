"""What can be asked of a store in the server without changing it, and a store that does no more."""

from __future__ import annotations

import math
import time
from bisect import bisect_right
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, ClassVar, Final, TypeVar

from beautyspot.contracts import MetadataStoreBase, OnlyLooking, Page, Selection
from beautyspot.errors import MetadataError

from beautyspot_redis import counts as counted
from beautyspot_redis import listing, store_scripts
from beautyspot_redis.asking import (
    beginnings_of,
    get,
    is_other_type,
    parts,
    string,
    unless_other_type,
)
from beautyspot_redis.names import key_bytes, key_text, namespace_of
from beautyspot_redis.rows import LARGE, UNSETTLED, missing, record_of
from beautyspot_redis.rows import found as found_in_row

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from beautyspot import Finding
    from beautyspot.contracts import Counts, Entry, Order, Plain, TaskRecord

    from beautyspot_redis.names import Names
    from beautyspot_redis.server import Server

T = TypeVar("T")

CLOSED: Final = "the store is closed: make a new one"

AHEAD: Final = 60.0
"""Seconds for which the names that are left of a listing serve its next page."""

_STRIDE: Final = 500
"""Rows that are looked at before a look at the clock."""


_LOOKED_THROUGH: Final = 100_000
"""Names of keys that are read, at the most, to tell which stores there are."""


class RedisReader(MetadataStoreBase):
    """What can be asked of a store in the server without changing it.

    Args:
        server: that holds it.
        names: of its keys.
    """

    name = "redis"
    blocking = True
    remote = True
    counters: ClassVar[bool] = True
    paged_orders: ClassVar[tuple[str, ...]] = ("key",)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._server.url} {self._names.namespace!r}>"

    def __init__(self, server: Server, names: Names) -> None:
        self._server, self._names = server, names
        self._is_open = self._closed = False
        self._ahead: tuple[str, list[bytes], float] | None = None

    def close(self) -> None:
        """Close its connections; nothing can be asked after that."""
        self._closed, self._is_open, self._ahead = True, False, None
        self._server.close()

    def now(self) -> float:
        """The server's clock; see the base class."""
        seconds, micros = self._asked(
            lambda: store_scripts.NOW.run(self._server.client, [self._names.meta])
        )
        return int(seconds) + int(micros) / 1_000_000

    def examine(self) -> Iterator[Finding]:
        """Memory, eviction, persistence, replicas; see the base class."""
        from beautyspot_redis.examination import of_servers  # rarely asked for

        subject = f"metadata {self.name}"
        with self._server.translated:
            yield from of_servers(self._server.masters(), subject)

    # ------------------------------------------------------------------------------ single rows

    def find(self, key: str) -> Plain | Entry | None:
        """What a hit needs, by one GET; see the base class."""
        if not self._is_open:
            self._ensure_open()
        try:
            value = get(self._server, self._names.row(key))
        except Exception as error:
            self._check_type(error)
            return None
        return None if value is None else found_in_row(key, value)

    def get(self, key: str) -> TaskRecord | None:
        """See the base class."""
        self._ensure_open()
        try:
            value = string(get(self._server, self._names.row(key)))
        except Exception as error:
            self._check_type(error)
            return None
        return None if value.startswith(UNSETTLED) else record_of(key, value)

    def find_code(self, key: str) -> str | None:
        """Read the row up to its data; see the base class."""
        rows = [self._names.row(key)]
        [value] = self._asked(lambda: listing.beginnings(self._server, rows))
        record = record_of(key, value, cut=listing.BEGINNING)
        return None if record is None else record.code

    def find_many(self, keys: Iterable[str]) -> dict[str, Plain | Entry]:
        """Some hundreds in a round trip, without data larger than `LARGE`; see the base class."""
        found: dict[str, Plain | Entry] = {}
        for part in parts(dict.fromkeys(keys)):
            names = [*map(self._names.row, part)]
            values = self._asked(partial(beginnings_of, self._server, names, LARGE))
            for key, value in zip(part, values, strict=True):
                entry = found_in_row(key, value, cut=LARGE)
                if entry is None and missing(value):  # its other fields are large
                    entry = self.find(key)
                if entry is not None:
                    found[key] = entry
        return found

    def _field(self, name: str) -> bytes | None:
        """What the store says of itself."""
        client, meta = self._server.client, self._names.meta
        found: bytes | None = unless_other_type(lambda: client.hget(meta, name), None)
        return found

    def _check_type(self, error: Exception) -> None:
        """Pass where a stranger's value of another type stands in the place of a row.

        Raises:
            MetadataError: the server could not answer.
        """
        if not is_other_type(error):
            self._server.translated.leave(error)

    # ---------------------------------------------------------------------------------- listing

    def scan(
        self,
        *,
        func_identifier: str | None = None,
        version: str | None = None,
        tag: str | None = None,
        with_data: bool = False,
    ) -> Iterator[TaskRecord]:
        """Read all names, then the rows by parts; see the base class."""
        for record in self._records(self._keys(), with_data=with_data):
            if func_identifier is not None and record.func_identifier != func_identifier:
                continue
            if version is not None and record.version != version:
                continue
            if tag is None or tag in record.tags:
                yield record

    def page(
        self,
        selection: Selection | None = None,
        *,
        order: Order = "key",
        following: str | None = None,
        limit: int = 100,
        seconds: float | None = None,
    ) -> Page:
        """In the order of keys, the names are read once for all pages; see the base class."""
        if order != "key" or limit < 1:
            return super().page(selection, order=order, following=following, limit=limit)
        wanted = selection or Selection()
        keys = self._keys_behind(following or "")
        over = math.inf if seconds is None else time.monotonic() + seconds
        found: list[TaskRecord] = []
        for count, record in enumerate(self._records(keys, with_data=False), 1):
            if wanted.covers(record):
                found.append(record)
            if len(found) == limit:
                return Page(found, self._remember(record.cache_key, keys))
            if count % _STRIDE == 0 and time.monotonic() >= over:
                return Page(found, self._remember(record.cache_key, keys), count)
        return Page(found, None)

    def _keys_behind(self, key: str) -> list[bytes]:
        """The keys behind one, in their order; those that the page before has left, if it has."""
        ahead, self._ahead = self._ahead, None
        if ahead is not None and ahead[0] == key and time.monotonic() - ahead[2] < AHEAD:
            return ahead[1]
        keys = self._keys()
        return keys[bisect_right(keys, key_bytes(key)) :] if key else keys

    def _remember(self, key: str, keys: list[bytes]) -> str:
        self._ahead = key, keys[bisect_right(keys, key_bytes(key)) :], time.monotonic()
        return key

    def _keys(self) -> list[bytes]:
        return self._asked(lambda: listing.keys(self._server, self._names))

    def _records(self, keys: list[bytes], *, with_data: bool) -> Iterator[TaskRecord]:
        found = listing.records(self._server, self._names, keys, with_data=with_data)
        while (record := self._asked(lambda: next(found, None))) is not None:
            yield record

    def counts(
        self, *, func_identifier: str | None = None, since: int | None = None
    ) -> Iterator[Counts]:
        """See the base class."""
        yield from self._asked(
            lambda: list(counted.read(self._server, self._names, func_identifier, since))
        )

    def remarks(self) -> dict[str, str]:
        """See the base class."""
        client, name = self._server.client, self._names.remarks
        nothing: dict[bytes, bytes] = {}
        found = self._asked(lambda: unless_other_type(lambda: client.hgetall(name), nothing))
        return {key_text(name) or "": key_text(text) or "" for name, text in found.items()}

    # ----------------------------------------------------------------------- asking and failing

    def _ensure_open(self) -> None:
        if not self._is_open:
            if self._closed:
                raise MetadataError(CLOSED)
            self.open()

    def _asked(self, work: Callable[[], T]) -> T:
        """What `work` returns, its failures as ours."""
        self._ensure_open()
        return self._translated(work)

    def _translated(self, work: Callable[[], T]) -> T:
        with self._server.translated:
            return work()


class LookingStore(OnlyLooking, RedisReader):
    """Looks at what is in the server as it is, and changes nothing."""

    def open(self) -> None:
        """See whether the server answers."""
        self._translated(lambda: self._server.client.ping())
        self._is_open = True

    @property
    def store_id(self) -> str:
        """The ID in the server; there is none before a Spot has used the store."""
        found = self._asked(lambda: self._field("store_id"))
        if found is None:
            scan = self._server.client.scan_iter
            names = self._asked(lambda: list(islice(scan(count=1000), _LOOKED_THROUGH)))
            others = {name for name in map(namespace_of, names) if name is not None}
            raise self._has_no_id(sorted(others), self._names.namespace)
        return found.decode("ascii", "replace")
