"""The backends in memory keep their contracts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from beautyspot.errors import ConfigError
from beautyspot.memory import MemoryMetadataStore, MemoryStorage
from beautyspot_testing.key_value import KeyValueStoreContract
from beautyspot_testing.records import KEYS, a_record
from beautyspot_testing.storage import StorageContract
from beautyspot_testing.store import MetadataStoreContract
from core.inspecting.stored import DictStore
from rows import put_rows

if TYPE_CHECKING:
    from pathlib import Path


class TestMemoryMetadataStore(KeyValueStoreContract):
    shares = False

    def make(self, tmp_path: Path) -> MemoryMetadataStore:
        return MemoryMetadataStore()


class TestDictStore(MetadataStoreContract):
    """The store that tests use in the place of a stranger's."""

    shares = False

    def make(self, tmp_path: Path) -> DictStore:
        return DictStore()


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


def test_the_last_use_comes_with_the_row_or_later() -> None:
    store = MemoryMetadataStore()
    put_rows(store, a_record(KEYS[0], used_at=7.0), a_record(KEYS[1], used_at=None))
    assert [each.used_at for each in store.rows()] == [7.0, None]
    store.touch(dict.fromkeys(KEYS[:2], 8.0))
    assert [each.used_at for each in store.rows()] == [8.0, 8.0]
    assert [getattr(store.get(key), "used_at", None) for key in KEYS[:2]] == [8.0, 8.0]
