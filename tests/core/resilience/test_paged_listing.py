"""Listings of a backend that may hang: a deadline a page, and one thread for all of them."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

import pytest
from beautyspot.contracts import Totals
from beautyspot.errors import MetadataError, StorageError
from beautyspot.memory import MemoryMetadataStore, MemoryStorage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from beautyspot.spot import Spot

PATIENCE = 30.0


# ------------------------------------------------------------------------------ a whole Spot


class Stuck:
    """Hangs in the middle of a listing, until it is released."""

    def __init__(self) -> None:
        self.released = threading.Event()
        self.hangs = True

    def through(self, items: Iterator[Any]) -> Iterator[Any]:
        yield from items
        if self.hangs:
            assert self.released.wait(PATIENCE)


class Store(MemoryMetadataStore):
    name = "stuck"
    blocking = True
    error: Exception | None = None

    def __init__(self) -> None:
        super().__init__()
        self.stuck = Stuck()

    def scan(self, **filters: Any) -> Iterator[Any]:
        if self.error is not None:
            raise self.error
        return self.stuck.through(super().scan(**filters))

    def totals(self) -> Totals:
        """Told without a listing."""
        return Totals(1, 1)


class Storage(MemoryStorage):
    name = "stuck"
    blocking = True
    error: Exception | None = None

    def __init__(self) -> None:
        super().__init__()
        self.stuck = Stuck()
        self.stuck.hangs = False

    def list(self, prefix: str = "") -> Iterator[Any]:
        if self.error is not None:
            raise self.error
        return self.stuck.through(super().list(prefix))

    def sweep(self, older_than: float, prefix: str) -> int:
        del older_than, prefix
        return len([*self.stuck.through(iter("ab"))])


def stored(x: int) -> int:
    return x


QUESTIONS: dict[str, Callable[[Spot, Any], Any]] = {
    "prune": lambda spot, _: spot.prune(older_than=1),
    "prune to a size": lambda spot, _: spot.prune(max_size=0),
    "collect": lambda spot, _: spot.collect(),
    "invalidate_all": lambda spot, _: spot.invalidate_all("nothing"),
}


@pytest.mark.parametrize("question", QUESTIONS)
def test_a_store_that_fails_to_list(make_spot: Callable[..., Spot], question: str) -> None:
    store = Store()
    store.stuck.hangs = False
    store.error = MetadataError("no route: mend the network")
    spot = make_spot(metadata=store, storage="memory")
    marked = spot.mark(stored)
    for _ in range(5):  # no breaker comes between: each time the store is asked
        with pytest.raises(MetadataError, match=r"^no route: mend the network$"):
            QUESTIONS[question](spot, marked)
        assert marked(1) == 1
    store.error = None
    QUESTIONS[question](spot, marked)


def test_a_storage_that_fails_to_list(make_spot: Callable[..., Spot]) -> None:
    storage = Storage()
    storage.error = StorageError("no route: mend the network")
    spot = make_spot(metadata="memory", storage=storage)
    for _ in range(5):
        with pytest.raises(StorageError, match=r"^no route: mend the network$"):
            spot.collect()
    storage.error = None
    assert spot.collect().leftovers == 2


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
    assert not spot._engine.cache.health.saves.is_open
