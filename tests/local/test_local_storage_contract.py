"""LocalStorage by the contract that every storage has to keep."""

from __future__ import annotations

from pathlib import Path

from beautyspot_local import LocalStorage
from beautyspot_testing.storage import StorageContract


class TestLocalStorage(StorageContract):
    def make(self, tmp_path: Path) -> LocalStorage:
        return LocalStorage(tmp_path / "blobs")

    def source(self, tmp_path: Path) -> str:
        place = str(tmp_path / "blobs")
        return f"from beautyspot_local import LocalStorage; storage = LocalStorage({place!r})"
