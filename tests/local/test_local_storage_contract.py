"""LocalStorage by the contract that every storage has to keep."""

from __future__ import annotations

from pathlib import Path

from beautyspot_local import LocalStorage
from beautyspot_testing.storage import StorageContract


class TestLocalStorage(StorageContract):
    def make(self, tmp_path: Path) -> LocalStorage:
        return LocalStorage(tmp_path / "blobs")


class TestWithFsync(StorageContract):
    large = 2**20
    writes = 5

    def make(self, tmp_path: Path) -> LocalStorage:
        return LocalStorage(tmp_path / "blobs", fsync=True)
