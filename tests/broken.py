"""Backends that fail on demand."""

from __future__ import annotations

from typing import Any

from beautyspot.memory import MemoryMetadataStore, MemoryStorage


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

    def open(self, *, look: bool = False) -> None:
        self._may("open")
        super().open(look=look)

    def find(self, key: str) -> Any:
        self._may("find")
        return super().find(key)

    def get(self, key: str) -> Any:
        self._may("find")  # the first look-ups of a function read whole rows
        return super().get(key)

    def begin(self, *args: Any, **options: Any) -> Any:
        self._may("begin")
        return super().begin(*args, **options)

    def put(self, rows: Any) -> set[str]:
        self._may("put")
        return super().put(rows)

    def delete(self, rows: Any) -> set[str]:
        self._may("delete")
        return super().delete(rows)

    def release(self, keys: Any, token: str) -> None:
        super().release(keys, token)
        self._may("release")

    def close(self) -> None:
        self._may("close")
        super().close()


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
