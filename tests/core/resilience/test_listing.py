"""Backends that fail to list: who asks is told each time, and calls go on."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest
from beautyspot.errors import MetadataError, StorageError
from beautyspot.memory import MemoryMetadataStore, MemoryStorage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from beautyspot.spot import Spot


class Store(MemoryMetadataStore):
    blocking = True
    error: Exception | None = None

    def rows(self, *args: Any, **options: Any) -> Any:
        if self.error is not None:
            raise self.error
        return super().rows(*args, **options)


class Storage(MemoryStorage):
    blocking = True
    error: Exception | None = None

    def list(self, prefix: str = "") -> Iterator[Any]:
        if self.error is not None:
            raise self.error
        return super().list(prefix)


QUESTIONS: dict[str, Callable[[Spot], Any]] = {
    "prune": lambda spot: spot.prune(older_than=1),
    "prune to a size": lambda spot: spot.prune(max_size=0),
    "collect": lambda spot: spot.collect(),
    "invalidate_all": lambda spot: spot.invalidate_all("nothing"),
}


@pytest.mark.parametrize("question", QUESTIONS)
def test_a_store_that_fails_to_list(make_spot: Callable[..., Spot], question: str) -> None:
    store = Store()
    store.error = MetadataError("no route: mend the network")
    spot = make_spot(metadata=store, storage="memory")
    marked = spot.mark(abs)
    for _ in range(5):  # no breaker comes between: each time the store is asked
        with pytest.raises(MetadataError, match=r"^no route: mend the network$"):
            QUESTIONS[question](spot)
        assert marked(-1) == 1
    store.error = None
    QUESTIONS[question](spot)


def test_a_storage_that_fails_to_list(make_spot: Callable[..., Spot]) -> None:
    storage = Storage()
    storage.error = StorageError("no route: mend the network")
    spot = make_spot(metadata="memory", storage=storage)
    for _ in range(5):
        with pytest.raises(StorageError, match=r"^no route: mend the network$"):
            spot.collect()
    storage.error = None
    assert spot.collect().blobs == 0


def test_blobs_that_can_not_be_deleted_stop_no_save(make_spot: Callable[..., Spot]) -> None:
    class Locked(MemoryStorage):
        blocking = True

        def delete(self, location: str) -> None:
            if "clock" in location:
                return super().delete(location)
            tried.append(location)
            raise StorageError("locked")

        def list(self, prefix: str = "") -> Iterator[Any]:
            age = 0.0 if "clock" in prefix else 1e5
            return (info._replace(modified_at=now - age) for info in super().list(prefix))

    now = time.time()
    tried: list[str] = []
    spot = make_spot(metadata="memory", storage=(storage := Locked()))
    part = spot.metadata.store_id
    for number in range(6):
        key = f"{number:032x}"
        storage.save(f"{part}/{key[:2]}/{key}-00000000.bin", b"orphan")
    assert spot.collect().failed == len(tried) == 6
    marked = spot.mark(save_blob=True)(abs)
    assert marked(-1) == marked(-1) == 1
    assert (spot.stats()["resting"], spot.stats()["hits"]) == (0, 1)
