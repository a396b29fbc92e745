"""Blobs of another store in the storage: they are kept, unless its ID is named."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import beautyspot as bs
import pytest
from beautyspot.memory import MemoryMetadataStore, MemoryStorage

HOUR = 3600.0


class Aged(MemoryStorage):
    """A storage whose blobs can be made older, whose clock is behind, and that keeps a blob."""

    stays = ""
    behind = 0.0

    def save(self, key: str, data: Any, *, content_type: str | None = None) -> str:
        super().save(key, data)
        self.age(key, self.behind)
        return key

    def age(self, folder: str, seconds: float) -> None:
        for key, (data, saved) in list(self._blobs.items()):
            if key.startswith(folder):
                self._blobs[key] = (data, saved - seconds)

    def delete(self, location: str) -> None:
        if self.stays and self.stays in location:
            raise bs.StorageError("no")
        super().delete(location)


@pytest.fixture
def storage() -> Aged:
    return Aged()


def store_with(storage: MemoryStorage, results: int) -> tuple[bs.Store, str]:
    """A store that has so many blobs in the storage, and its ID."""
    metadata: Any = MemoryMetadataStore()
    options: Any = {"metadata": metadata, "storage": storage, "config": False}
    with bs.Spot("app", strict=True, **options) as spot:
        work = spot.mark(name="app:work", save_blob=True)(lambda number: f"{number}" * 100)
        for number in range(results):
            work(number)
    return bs.open_store(metadata, storage=storage, config=False), metadata.store_id


@pytest.fixture
def own(storage: Aged) -> Iterator[bs.Store]:
    store, _ = store_with(storage, 2)
    with store:
        yield store


@pytest.fixture
def gone(storage: Aged) -> str:
    """The ID of a store whose database is gone; it left three blobs."""
    _, store_id = store_with(storage, 3)
    storage.age(f"{store_id}/", 2 * HOUR)
    return store_id


def blobs(storage: MemoryStorage, store_id: str) -> int:
    return len(list(storage.list(f"{store_id}/")))


def test_what_is_collected_is_the_own_stores(storage: Aged, own: bs.Store, gone: str) -> None:
    storage.age("", 9 * HOUR)
    assert own.collect() == (0, 0, 0, 0)
    assert blobs(storage, gone) == 3
    own.remove(function="*")
    assert blobs(storage, gone) == 3


def test_a_store_that_is_named_is_removed_whole(storage: Aged, own: bs.Store, gone: str) -> None:
    storage.save(f"{gone}/notes.txt", b"of a person")
    storage.age(f"{gone}/notes.txt", 9 * HOUR)
    foreseen = own.collect(store_id=gone, dry_run=True)
    assert foreseen.blobs == 3
    assert blobs(storage, gone) == 4, "a dry run removes nothing"
    assert own.collect(store_id=gone) == foreseen
    assert [blob.location for blob in storage.list(f"{gone}/")] == [f"{gone}/notes.txt"]
    assert [*own.verify()] == []
    assert blobs(storage, own.metadata.store_id) == 2


def test_a_store_in_use_is_refused(storage: Aged, own: bs.Store) -> None:
    _, living = store_with(storage, 1)
    with pytest.raises(bs.ConfigError, match="seems to be in use"):
        own.collect(store_id=living)
    with pytest.raises(bs.ConfigError, match="seems to be in use"):
        own.collect(store_id=living, dry_run=True)
    assert blobs(storage, living) == 1
    storage.age(f"{living}/", 60)
    assert own.collect(30, store_id=living).blobs == 1


@pytest.mark.parametrize("wrong", ["", "ab", "../app", "f" * 16, "00"])
def test_an_id_that_the_storage_does_not_have_is_refused(
    own: bs.Store, gone: str, wrong: str
) -> None:
    for given in (wrong, gone[:6]):
        with pytest.raises(bs.ConfigError, match="no blobs of a store"):
            own.collect(0, store_id=given)


def test_its_own_id_is_refused(storage: Aged, own: bs.Store) -> None:
    storage.age("", 9 * HOUR)
    with pytest.raises(bs.ConfigError, match="this store itself"):
        own.collect(0, store_id=own.metadata.store_id)
    assert [*own.verify()] == []
