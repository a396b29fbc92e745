"""The backends in memory keep their contracts."""

from __future__ import annotations

from pathlib import Path

import pytest
from beautyspot.errors import ConfigError
from beautyspot.memory import MemoryMetadataStore, MemoryStorage
from beautyspot_testing.key_value import KeyValueStoreContract
from beautyspot_testing.storage import StorageContract


class TestMemoryMetadataStore(KeyValueStoreContract):
    shares = False

    def make(self, tmp_path: Path) -> MemoryMetadataStore:
        return MemoryMetadataStore()


class TestMemoryStorage(StorageContract):
    persistent = False

    def make(self, tmp_path: Path) -> MemoryStorage:
        return MemoryStorage()


@pytest.mark.parametrize("backend", [MemoryMetadataStore, MemoryStorage])
def test_the_url_names_no_place(
    backend: type[MemoryMetadataStore] | type[MemoryStorage],
) -> None:
    assert backend.options_from_url("memory://") == {}
    assert backend.options_from_url("memory:?a=b") == {}
    with pytest.raises(ConfigError, match="write memory://"):
        backend.options_from_url("memory://somewhere")
