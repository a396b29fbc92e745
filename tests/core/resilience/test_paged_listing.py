"""Listings of a backend that may hang: a deadline a page, and one thread for all of them."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

import pytest
from beautyspot.concurrency import deadlines
from beautyspot.contracts import Totals
from beautyspot.errors import MetadataError, StorageError
from beautyspot.memory import MemoryMetadataStore, MemoryStorage
from beautyspot.resilience import guarded_backends, paged_listing
from beautyspot.resilience.paged_listing import listed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from beautyspot.spot import Spot

PATIENCE = 30.0


def test_every_item_comes_once_and_in_order() -> None:
    for count in (
        0,
        1,
        paged_listing.PAGE - 1,
        paged_listing.PAGE,
        paged_listing.PAGE + 1,
        3 * paged_listing.PAGE,
    ):
        assert list(listed(PATIENCE, lambda count=count: range(count))) == list(range(count))  # type: ignore[misc]


def test_an_error_comes_after_what_was_listed_before_it() -> None:
    def broken() -> Iterator[int]:
        yield from range(3)
        raise OSError("gone")

    items = listed(PATIENCE, broken)
    assert [next(items), next(items), next(items)] == [0, 1, 2]
    with pytest.raises(OSError, match="gone"):
        next(items)
    assert list(items) == []


def test_items_that_come_slowly_are_given_out_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paged_listing, "PAGE_TIME", 0.0)
    asked: list[int] = []

    def slow() -> Iterator[int]:
        for number in range(3):
            asked.append(number)
            yield number

    items = listed(PATIENCE, slow)
    for number in range(3):
        assert next(items) == number
        assert asked == list(range(number + 1))
    assert list(items) == []


def test_a_listing_keeps_to_one_thread_other_work_to_others() -> None:
    ended = threading.Event()
    seen: set[threading.Thread] = set()

    def threads() -> Iterator[threading.Thread]:
        try:
            for _ in range(2 * paged_listing.PAGE):
                seen.add(threading.current_thread())
                yield threading.current_thread()
        finally:
            seen.add(threading.current_thread())
            ended.set()

    items = listed(PATIENCE, threads)
    first = next(items)
    assert deadlines.within(PATIENCE, threading.current_thread) is not first
    for _ in range(paged_listing.PAGE):
        next(items)
    items.close()  # type: ignore[attr-defined]  # a generator
    assert ended.wait(PATIENCE)
    assert seen == {first}, "also where it is closed"


def test_where_no_thread_can_be_started_it_is_listed_in_place(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(thread: object) -> None:
        raise RuntimeError("can't start new thread at interpreter shutdown")

    monkeypatch.setattr(deadlines, "_idle", [])
    monkeypatch.setattr(threading.Thread, "start", refuse)
    here = threading.current_thread()
    assert list(listed(PATIENCE, lambda: iter([threading.current_thread()]))) == [here]


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


def give(spot: Spot, seconds: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """Give the Spot's backends so long for an answer."""
    monkeypatch.setattr(guarded_backends, "METADATA_DEADLINE", seconds)
    monkeypatch.setattr(guarded_backends, "BLOB_DEADLINE", seconds)
    for guarded in (spot._engine.cache.metadata, spot._engine.cache.storage()):
        assert guarded is not None
        if guarded.deadline is not None:
            guarded.deadline = seconds


QUESTIONS: dict[str, Callable[[Spot, Any], Any]] = {
    "prune": lambda spot, _: spot.prune(older_than=1),
    "prune to a size": lambda spot, _: spot.prune(max_size=0),
    "collect": lambda spot, _: spot.collect(),
    "invalidate_all": lambda spot, _: spot.invalidate_all("nothing"),
}


@pytest.mark.parametrize("question", QUESTIONS)
def test_a_store_that_hangs_while_it_lists(
    make_spot: Callable[..., Spot], monkeypatch: pytest.MonkeyPatch, question: str
) -> None:
    store = Store()
    spot = make_spot(metadata=store, storage="memory")
    marked = spot.mark(stored)
    assert marked(1) == 1
    give(spot, 0.02, monkeypatch)
    with pytest.raises(MetadataError, match="<Store> gave no answer within 0 s: check its server"):
        QUESTIONS[question](spot, marked)
    assert "can't be asked: <Store> gave no answer" in spot.explain(marked, 2).reason
    store.stuck.released.set()
    give(spot, PATIENCE, monkeypatch)
    QUESTIONS[question](spot, marked)


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


def test_a_storage_that_hangs_while_it_lists(
    make_spot: Callable[..., Spot], monkeypatch: pytest.MonkeyPatch
) -> None:
    storage = Storage()
    spot = make_spot(metadata="memory", storage=storage)
    storage.stuck.hangs = True
    give(spot, 0.02, monkeypatch)
    with pytest.raises(StorageError, match="<Storage> gave no answer within 0 s: check its server"):
        spot.collect()
    storage.stuck.released.set()
    give(spot, PATIENCE, monkeypatch)
    assert spot.collect().leftovers == 2


def test_a_storage_that_fails_to_list(make_spot: Callable[..., Spot]) -> None:
    storage = Storage()
    storage.error = StorageError("no route: mend the network")
    spot = make_spot(metadata="memory", storage=storage)
    for _ in range(5):
        with pytest.raises(StorageError, match=r"^no route: mend the network$"):
            spot.collect()
    storage.error = None
    assert spot.collect().leftovers == 2


def test_a_storage_that_hangs_while_it_sweeps(
    make_spot: Callable[..., Spot],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    released = threading.Event()

    class Sweeping(Storage):
        def sweep(self, older_than: float, prefix: str) -> int:
            del older_than, prefix
            assert released.wait(PATIENCE)
            return 0

    monkeypatch.setattr(guarded_backends, "BLOB_DEADLINE", 0.2)
    assert make_spot(metadata="memory", storage=Sweeping()).collect().leftovers == 0
    assert "gave no answer within 0 s" in caplog.text
    assert "They stay" in caplog.text
    released.set()


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
