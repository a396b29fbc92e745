"""The metadata store in memory keeps the contract."""

from __future__ import annotations

import pytest

from beautyspot.errors import ConfigError
from beautyspot.testing.memory import MemoryMetadataStore
from beautyspot.testing.metadata import MetadataStoreContract


class TestMemoryMetadataStore(MetadataStoreContract):
    persistent = False
    shared_between_processes = False

    def make(self, tmp_path):
        return MemoryMetadataStore()


def test_the_url_names_no_place():
    assert MemoryMetadataStore.options_from_url("memory://") == {}
    with pytest.raises(ConfigError, match="write memory://"):
        MemoryMetadataStore.options_from_url("memory://somewhere")
