"""`S3Reader`: what can be asked of a store in a bucket without changing it."""

from __future__ import annotations

import math
import time
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, Final, NamedTuple, TypeVar

from beautyspot.contracts import MetadataStoreBase, Page, Selection, Totals
from beautyspot.errors import BeautyspotError, MetadataError

from beautyspot_s3 import counts as counted
from beautyspot_s3 import listing, rows
from beautyspot_s3.clock import clock_of
from beautyspot_s3.failures import metadata_failure
from beautyspot_s3.listing import CHUNK, Wanted, with_use
from beautyspot_s3.meta import Meta
from beautyspot_s3.objects import Objects
from beautyspot_s3.several import side_by_side
from beautyspot_s3.uses import Uses

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from beautyspot import Finding
    from beautyspot.contracts import Counts, Entry, Order, Plain, TaskRecord

    from beautyspot_s3.names import Names
    from beautyspot_s3.objects import Found
    from beautyspot_s3.place import Place

T = TypeVar("T")

CLOSED: Final = "the store is closed: make a new one"

RECENT: Final = 1000
"""Rows of which is kept what was found with them."""

LARGE: Final = 65_536
"""Bytes that are read of each of many rows; what is longer comes without its data."""


class Recent(NamedTuple):
    """What came with a row that was found.

    Attributes:
        etag: of its object.
        code: as `TaskRecord.code`.
    """

    etag: str
    code: Any


class S3Reader(MetadataStoreBase):
    """What can be asked of a store in a bucket without changing it.

    Args:
        place: where it is.
        names: of its objects.
        timeout: seconds within which a request has to succeed.
    """

    name: ClassVar[str] = "s3"
    blocking = True
    remote = True
    counters: ClassVar[bool] = True
    paged_orders: ClassVar[tuple[str, ...]] = ("key",)
    at_once: ClassVar[int] = 16

    def __init__(self, place: Place, names: Names, timeout: float) -> None:
        self._place, self._names = place, names
        self._clock = clock_of(place.server)
        self._objects = Objects(place, timeout, self._clock)
        self._meta = Meta(self._objects, names, self.now)
        self._uses = Uses(self._objects, names)
        self._recent: dict[str, Recent] = {}
        self._where: Final = f"s3://{place.bucket}/{names.root}"
        self._is_open = self._closed = False

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._place.root} {self._names.namespace!r}>"

    def close(self) -> None:
        """Close its connections; nothing can be asked after that."""
        self._closed, self._is_open = True, False
        self._place.close()

    def now(self) -> float:
        """The server's clock, by the dates of its answers; see the base class.

        Where they have none, it is this machine's.
        """
        if self._clock.is_due():
            self._translated(lambda: self._objects.head(self._names.meta))
        told = self._clock.now()
        return time.time() if told is None else told

    def examine(self) -> Iterator[Finding]:
        """Conditions, versions, rules of the bucket; see the base class."""
        from beautyspot_s3.examination import of_bucket  # rarely asked for

        return iter(self._asked(lambda: list(of_bucket(self._objects, self._names))))

    # ------------------------------------------------------------------------------ single rows

    def find(self, key: str) -> Plain | Entry | None:
        """What a hit needs, by one GET; see the base class."""
        return self._shown(key, self._found(key))

    def _shown(self, key: str, found: Found | None) -> Plain | Entry | None:
        """What a hit needs. What else came with it is kept a while: core may ask for it next."""
        row = self._read(key, found)
        if found is None or row is None:
            return None
        if len(self._recent) >= RECENT:
            self._recent.clear()
        self._recent[key] = Recent(found.etag, row.fields.get("code"))
        return rows.found(row)

    def get(self, key: str) -> TaskRecord | None:
        """See the base class. When it was last used is asked for as well."""
        found = self._found(key)
        row = self._read(key, found)
        record = None if row is None else rows.record_of(row)
        if found is None or record is None:
            return None
        return with_use(record, self._asked(self._uses.look), found.modified)

    def find_code(self, key: str) -> str | None:
        """That of the row that was found just now, else read up to its data; see the base class."""
        self._ensure_open()
        recent = self._recent.pop(key, None)
        if recent is not None:
            code = recent.code
        else:
            row = self._read(key, self._asked(lambda: self._beginning(key, rows.FIRST)))
            code = None if row is None else row.fields.get("code")
        return code if isinstance(code, str) else None

    def find_many(self, keys: Iterable[str]) -> dict[str, Plain | Entry]:
        """Side by side, without data of rows larger than `LARGE`; see the base class."""
        wanted = list(dict.fromkeys(keys))
        found = self._asked(
            lambda: side_by_side(lambda key: self._beginning(key, LARGE), wanted),
        )
        shown = {key: self._shown(key, one) for key, one in zip(wanted, found, strict=True)}
        return {key: one for key, one in shown.items() if one is not None}

    def _beginning(self, key: str, first: int) -> Found | None:
        """The object in the place of a row, up to its data at least."""
        return listing.beginning_of(self._objects, self._names.row(key), first)

    def _found(self, key: str) -> Found | None:
        """The object in the place of a row."""
        if not self._is_open:
            self._ensure_open()
        try:
            return self._objects.get(self._names.row(key))
        except Exception as error:
            raise self._failure(error) from error

    def _read(self, key: str, found: Found | None) -> rows.Row | None:
        """The row of a key in an object; None where that is another's, a tombstone, or damaged."""
        row = None if found is None else rows.read(found.body, found.size)
        return row if row is not None and row.key == key else None

    # ---------------------------------------------------------------------------------- listing

    def scan(
        self,
        *,
        func_identifier: str | None = None,
        version: str | None = None,
        tag: str | None = None,
        with_data: bool = False,
    ) -> Iterator[TaskRecord]:
        """Read all rows, some hundreds at a time; see the base class."""
        for record in self._records(Wanted(with_data=with_data)):
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
        """In the order of keys, read no more than the page needs; see the base class."""
        if order != "key" or limit < 1:
            return super().page(selection, order=order, following=following, limit=limit)
        covers, prefix = (selection or Selection()).covers, (selection and selection.key) or ""
        over = math.inf if seconds is None else time.monotonic() + seconds
        chunk = CHUNK if selection else min(CHUNK, limit)
        found: list[TaskRecord] = []
        wanted = Wanted(following or "", prefix, chunk=chunk)
        for count, record in enumerate(self._records(wanted), 1):
            if covers(record):
                found.append(record)
            if len(found) == limit:
                return Page(found, record.cache_key)
            if count % chunk == 0 and time.monotonic() >= over:
                return Page(found, record.cache_key, count)
        return Page(found, None)

    def totals(self, *, selection: Selection | None = None) -> Totals:
        """Read all rows up to their data; see the base class."""
        wanted = selection or Selection()
        entries = size = 0
        for record in self._records(Wanted(prefix=wanted.key or "")):
            if wanted.covers(record):
                entries, size = entries + 1, size + max(0, record.size or 0)
        return Totals(entries, size)

    def _records(self, wanted: Wanted) -> Iterator[TaskRecord]:
        used = self._asked(self._uses.look)
        found = self._asked(lambda: listing.records(self._objects, self._names, used, wanted))
        while (record := self._asked(partial(next, found, None))) is not None:
            yield record

    def counts(
        self, *, func_identifier: str | None = None, since: int | None = None
    ) -> Iterator[Counts]:
        """See the base class."""
        for count in counted.summed(self._asked(lambda: self._counts(since))):
            if func_identifier in (None, count.func_identifier) and count.hour >= (since or 0):
                yield count

    def _counts(self, since: int | None) -> list[Counts]:
        found = counted.listed(self._objects, self._names, since)
        loaded = counted.load(self._objects, self._names, found)
        return [count for one in loaded.values() for count in one.counts]

    def remarks(self) -> Mapping[str, str]:
        """See the base class."""
        table = self._asked(self._meta.look)
        return {} if table is None else table.remarks

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
        try:
            return work()
        except BeautyspotError:
            raise
        except Exception as error:
            raise self._failure(error) from error

    def _failure(self, error: Exception) -> Exception:
        return metadata_failure(self._where, error)
