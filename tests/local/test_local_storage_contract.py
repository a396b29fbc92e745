"""LocalStorage by the contract that every storage has to keep."""

from __future__ import annotations

from pathlib import Path

import pytest
from beautyspot_local import LocalStorage
from beautyspot_testing.storage import StorageContract


class TestLocalStorage(StorageContract):
    def make(self, tmp_path: Path) -> LocalStorage:
        return LocalStorage(tmp_path / "blobs")

    def source(self, tmp_path: Path) -> str:
        place = str(tmp_path / "blobs")
        return f"from beautyspot_local import LocalStorage; storage = LocalStorage({place!r})"


class TestWithFsync(StorageContract):
    large = 2**20
    writes = 5

    def make(self, tmp_path: Path) -> LocalStorage:
        return LocalStorage(tmp_path / "blobs", fsync=True)


def test_the_contract_asks_for_a_storage(tmp_path: Path) -> None:
    with pytest.raises(NotImplementedError, match="return the storage"):
        StorageContract().make_again(tmp_path)
