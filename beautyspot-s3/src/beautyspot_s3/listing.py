"""Lists what is stored: names by pages, in the order of keys, and rows side by side.

At no time there is more in memory than one page of names and a chunk of rows.
"""

from __future__ import annotations

from heapq import merge
from typing import TYPE_CHECKING, Final

from beautyspot_s3 import rows
from beautyspot_s3.several import side_by_side

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from beautyspot.contracts import TaskRecord

    from beautyspot_s3.names import Names
    from beautyspot_s3.objects import Found, Listed, Objects
    from beautyspot_s3.uses import Batch

CHUNK: Final = 256
"""Rows that are read before the first of them is given."""

LARGEST: Final = 32 * 2**20
"""Bytes of rows that are read so with their data."""

PAGE: Final = 1000
"""Names a request: the most that S3 gives."""


class Wanted:
    """What is listed.

    Args:
        behind: a key: only those behind it.
        prefix: how keys begin.
        with_data: whether the records have their data.
        chunk: rows that are read at a time.
    """

    def __init__(
        self, behind: str = "", prefix: str = "", *, with_data: bool = False, chunk: int = CHUNK
    ) -> None:
        self.behind, self.prefix, self.with_data = behind, prefix, with_data
        self.chunk = chunk

    def takes(self, key: str) -> bool:
        """Whether a key is behind the one; the prefix is that of the listing."""
        return not self.behind or key > self.behind


def records(objects: Objects, names: Names, used: Batch, wanted: Wanted) -> Iterator[TaskRecord]:
    """Records in the order of their keys; `used` has when they were last used."""
    reader = _Reader(objects, names, used, wanted)
    long = sorted(reader.long_ones(), key=lambda record: record.cache_key)
    short = reader.short_ones()
    return merge(short, long, key=lambda record: record.cache_key) if long else short


class _Reader:
    def __init__(self, objects: Objects, names: Names, used: Batch, wanted: Wanted) -> None:
        self._objects, self._names, self._used, self._wanted = objects, names, used, wanted

    def short_ones(self) -> Iterator[TaskRecord]:
        """Those whose names come in the order of their keys."""
        names, wanted = self._names, self._wanted
        after = names.behind(wanted.behind) if wanted.behind else ""
        beginning = names.beginning(wanted.prefix)
        size = PAGE if wanted.chunk >= CHUNK else wanted.chunk
        pages = self._objects.list(beginning, after=after, page=size)
        return self._read(one for page in pages for one in page)

    def long_ones(self) -> Iterator[TaskRecord]:
        """The others."""
        pages = self._objects.list(self._names.long_rows)
        return self._read(one for page in pages for one in page)

    def _read(self, listed: Iterable[Listed]) -> Iterator[TaskRecord]:
        for chunk in self._chunks(listed):
            for record in side_by_side(self._record, chunk):
                if record is not None and self._wanted.takes(record.cache_key):
                    yield record

    def _chunks(self, listed: Iterable[Listed]) -> Iterator[list[Listed]]:
        chunk: list[Listed] = []
        size = 0
        for one in listed:
            if one.size <= rows.TOMBSTONE:  # or what a stranger put there
                continue
            more = one.size if self._wanted.with_data else 0
            if chunk and (len(chunk) == self._wanted.chunk or size + more > LARGEST):
                yield chunk
                chunk, size = [], 0
            chunk.append(one)
            size += more
        if chunk:
            yield chunk

    def _record(self, listed: Listed) -> TaskRecord | None:
        """The record of an object; None where it is gone by now, or is no row of ours."""
        first = None if self._wanted.with_data else rows.FIRST
        row = beginning(self._objects, listed.name, first)
        if row is None or not isinstance(row.key, str):
            return None
        if self._names.row(row.key) != listed.name:
            return None  # a copy of another row
        record = rows.record_of(row)
        if record is None:
            return None
        record = with_use(record, self._used, listed.modified)
        return record if self._wanted.with_data else record._replace(result_data=None)


def beginning(objects: Objects, name: str, first: int | None) -> rows.Row | None:
    """A row, with its data or not; None where there is none.

    Args:
        objects: the objects of the bucket.
        name: of the row.
        first: bytes that are read, and more where its fields are longer; None is all.
    """
    found = objects.get(name) if first is None else beginning_of(objects, name, first)
    return None if found is None else rows.read(found.body, found.size)


def beginning_of(objects: Objects, name: str, first: int) -> Found | None:
    """The object in the place of a row, up to the data at least."""
    found = objects.get(name, first=first)
    if found is not None and (more := rows.missing(found.body)):
        return objects.get(name, first=more)
    return found


def with_use(record: TaskRecord, used: Batch, modified: float) -> TaskRecord:
    """A record with its last use, unless that is of a row before it."""
    use = used.get(record.cache_key)
    if use is None or int(use.noted) < int(modified):
        return record
    return record._replace(used_at=use.when)
