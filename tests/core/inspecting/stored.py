"""Rows to look at, and the stores that hold them."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

from beautyspot.contracts import KEY_SCHEME, MetadataStoreBase, TaskRecord
from beautyspot.contracts.records import found_in, is_newer, is_rejected
from beautyspot.contracts.store import Begun
from beautyspot.errors import MetadataError
from beautyspot.memory import MemoryMetadataStore
from beautyspot_local import SqliteMetadataStore

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from pathlib import Path

    from beautyspot.contracts.store import Put

DAY = 86400.0
NOW = time.time()

NEW, OLD = "0f0f0f0f0f0f0f0f:aa", "a1a1a1a1a1a1a1a1:aa"


def row(number: int, name: str = "app:ask", **fields: Any) -> TaskRecord:
    """The row of a result that was made `number` days ago."""
    given: dict[str, Any] = {
        "input_id": f"{number}",
        "result_data": b"x" * number,
        "updated_at": "2026-11-19 12:00:00",
        "func_identifier": name,
        "key_scheme": KEY_SCHEME,
        "serializer": "msgpack",
        "size": number,
        "made_at": NOW - number * DAY,
        "took": number / 10,
        "code": NEW,
        **fields,
    }
    return TaskRecord(f"{number:06x}{'0' * 26}", name.partition(":")[2], **given)


ROWS = (
    row(1, arguments="prompt='Hello Alice', api_key=***", tags=("daily", "paid"), price=0.5),
    row(2, version="2", used_at=NOW),
    row(3, code=OLD, price=2.0, arguments="prompt='bye'"),
    row(4, code=None, expires_at=NOW - 1),
    row(5, "app:draw", tags=("daily",), took=None),
    row(6, "lib:load[1]", code=None),
)
"""Their sizes are 1 to 6 bytes, and they are so many days old."""


class DictStore(MetadataStoreBase):
    """A stranger's store, that implements what it must, and keeps last uses."""

    name = "dict"
    store_id = "0123456789abcdef"

    def __init__(self) -> None:
        self._content: dict[str, TaskRecord] | None = {}
        self._leases: dict[str, str] = {}
        self._numbers: dict[str, int] = {}
        self._last = 0
        self._lock = threading.RLock()

    @property
    def _records(self) -> dict[str, TaskRecord]:
        if self._content is None:
            raise MetadataError("the store is closed: make a new one")
        return self._content

    def close(self) -> None:
        self._content = None

    def get(self, key: str) -> TaskRecord | None:
        return self._records.get(key)

    def begin(
        self, keys: Collection[str], token: str, *, rejected: Mapping[str, float] | None = None
    ) -> Begun:
        with self._lock:
            found = {
                key: found_in(record)
                for key in keys
                if (record := self._records.get(key)) and not is_rejected(record, key, rejected)
            }
            missing = [key for key in keys if key not in found]
            leased = [key for key in missing if self._leases.setdefault(key, token) == token]
            return Begun(found, leased, self._last, self.now())

    def put(self, rows: Sequence[Put]) -> set[str]:
        with self._lock:
            return {row.record.cache_key for row in rows if not self._put(row)}

    def _put(self, row: Put) -> bool:
        record, now = row.record, self.now()
        self.release([record.cache_key], row.token)
        if record.began_at is None:
            record = record._replace(began_at=now)
        there = self._records.get(record.cache_key)
        if any(self._numbers.get(cover, 0) > row.since for cover in row.covers):
            return False
        if there is not None and is_newer(there, record, now):
            return False
        self._records[record.cache_key] = record
        return True

    def delete(self, rows: Mapping[str, float | None]) -> set[str]:
        with self._lock:
            there = {key: self._records.get(key) for key in rows}
            gone = {key for key, row in there.items() if row and row.made_at == rows[key]}
            for key in gone:
                del self._records[key]
            return gone

    def touch(self, used: Mapping[str, float]) -> None:
        with self._lock:
            for key in used.keys() & self._records.keys():
                self._records[key] = self._records[key]._replace(used_at=used[key])

    def renew(self, keys: Collection[str], token: str) -> set[str]:
        return {key for key in keys if self._leases.get(key) != token}

    def release(self, keys: Collection[str], token: str) -> None:
        with self._lock:
            for key in keys:
                if self._leases.get(key) == token:
                    del self._leases[key]

    def note(self, cover: str) -> None:
        with self._lock:
            self._last = self._numbers[cover] = max(self._last + 1, int(self.now() * 1e6))

    def rows(self, after: str = "", limit: int = 500, *, data: bool = False) -> list[TaskRecord]:
        with self._lock:
            page = [self._records[key] for key in sorted(self._records) if key > after][:limit]
        return page if data else [record._replace(result_data=None) for record in page]


def make(kind: str, folder: Path) -> MetadataStoreBase:
    """An empty store of a kind."""
    if kind == "sqlite":
        return SqliteMetadataStore(folder / "app.db")
    return MemoryMetadataStore() if kind == "memory" else DictStore()
