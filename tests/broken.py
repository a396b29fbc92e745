"""Backends that fail on demand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from beautyspot.memory import MemoryMetadataStore, MemoryStorage

if TYPE_CHECKING:
    from beautyspot.contracts import Lease


class Broken(Exception):
    """What a broken backend raises."""


class BrokenStore(MemoryMetadataStore):
    """A store in memory, whose operations named in `broken` raise."""

    def __init__(self, *broken: str) -> None:
        super().__init__()
        self.broken = set(broken)

    def _may(self, operation: str) -> None:
        if operation in self.broken:
            raise Broken(operation)

    def open(self) -> None:
        self._may("open")
        super().open()

    def find(self, key: str) -> Any:
        self._may("find")
        return super().find(key)

    def put(self, record: Any) -> None:
        self._may("put")
        super().put(record)

    def put_many(self, records: Any) -> None:
        self._may("put_many")
        super().put_many(records)

    def delete(self, key: str) -> bool:
        self._may("delete")
        return super().delete(key)

    def try_lease(self, key: str) -> Lease | None:
        self._may("try_lease")
        lease = super().try_lease(key)
        return _BadLease(lease, self) if "release" in self.broken and lease else lease

    def close(self) -> None:
        self._may("close")
        super().close()


class _BadLease:
    def __init__(self, lease: Lease, store: BrokenStore) -> None:
        self._lease = lease

    def release(self) -> None:
        self._lease.release()
        raise Broken("release")


class BrokenStorage(MemoryStorage):
    """A storage in memory, whose operations named in `broken` raise."""

    def __init__(self, *broken: str) -> None:
        super().__init__()
        self.broken = set(broken)

    def save(self, key: str, data: Any, *, content_type: str | None = None) -> str:
        if "save" in self.broken:
            raise Broken("save")
        return super().save(key, data, content_type=content_type)

    def load(self, location: str) -> bytes:
        if "load" in self.broken:
            raise Broken("load")
        return super().load(location)

    def delete(self, location: str) -> None:
        if "delete" in self.broken:
            raise Broken("delete")
        super().delete(location)
