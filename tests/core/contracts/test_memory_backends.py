"""The backends in memory keep their contracts."""

from __future__ import annotations

import pytest
from beautyspot.contracts import MetadataStoreBase
from beautyspot.errors import ConfigError, MetadataBusyError, MetadataError
from beautyspot.memory import MemoryMetadataStore, MemoryStorage
from beautyspot_testing.metadata import MetadataStoreContract
from beautyspot_testing.records import KEYS, a_record
from beautyspot_testing.storage import StorageContract


class TestMemoryMetadataStore(MetadataStoreContract):
    persistent = False
    shared_between_processes = False

    def make(self, tmp_path):
        return MemoryMetadataStore()


class WithoutLeases(MemoryMetadataStore):
    leases = False
    try_lease = MetadataStoreBase.try_lease


class TestWithoutLeases(TestMemoryMetadataStore):
    """The suite for a store that has none."""

    leases = False

    def make(self, tmp_path):
        return WithoutLeases()


class TestMemoryStorage(StorageContract):
    persistent = False

    def make(self, tmp_path):
        return MemoryStorage()


@pytest.mark.parametrize("backend", [MemoryMetadataStore, MemoryStorage])
def test_the_url_names_no_place(backend):
    assert backend.options_from_url("memory://") == {}
    assert backend.options_from_url("memory:?a=b") == {}
    with pytest.raises(ConfigError, match="write memory://"):
        backend.options_from_url("memory://somewhere")


def test_the_code_is_kept():
    store = MemoryMetadataStore()
    store.put(a_record(code="0f" * 16))
    assert store.get(KEYS[0]).code == store.find_code(KEYS[0]) == "0f" * 16


def test_a_record_that_goes_while_it_is_listed():
    store = MemoryMetadataStore()
    store.put_many([a_record(KEYS[0]), a_record(KEYS[1])])
    scan = store.scan()
    next(scan)
    store.delete(KEYS[1])
    assert list(scan) == []


def test_the_suite_lets_a_store_be_busy():
    class Busy(MemoryMetadataStore):
        """Is busy at every second look-up."""

        asked = 0

        def find(self, key):
            self.asked += 1
            if self.asked % 2:
                raise MetadataBusyError("a moment")
            return super().find(key)

    MetadataStoreContract().test_threads(Busy())


def test_the_suite_asks_for_its_factories(tmp_path):
    suite = MetadataStoreContract()
    with pytest.raises(NotImplementedError, match="return the store"):
        suite.make(tmp_path)
    with pytest.raises(NotImplementedError, match="return the source"):
        suite.source(tmp_path)


def test_who_can_not_begin_all_keeps_no_lease_of_some():
    class Failing(MemoryMetadataStore):
        def find(self, key):
            if key == KEYS[1]:
                raise MetadataError("not now")
            return super().find(key)

    store = Failing()
    with pytest.raises(MetadataError, match="not now"):
        store.begin_many(KEYS[:2])
    assert [store.try_lease(key) is None for key in KEYS[:2]] == [False, False]
