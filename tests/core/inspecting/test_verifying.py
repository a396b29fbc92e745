"""Every stored result is read to its end, and each fault is named."""

from __future__ import annotations

import dataclasses
from typing import Any

import beautyspot as bs
import pytest
from beautyspot.memory import MemoryMetadataStore, MemoryStorage
from rows import put_rows

SIGNED = "a-signing-key-0123456789"
RESULTS = {0: b"x" * 70_000, 1: {"a": 1}, 2: "text", 3: None}


@dataclasses.dataclass
class Place:
    """A store with four results, two of them blobs."""

    metadata: MemoryMetadataStore
    storage: MemoryStorage
    keys: list[str]

    def change(self, number: int, **fields: Any) -> None:
        put_rows(self.metadata, self.metadata.get(self.keys[number])._replace(**fields))

    def faults(self, **options: Any) -> list[bs.Fault]:
        store = bs.open_store(self.metadata, storage=self.storage, config=False, **options)
        return [*store.verify()]


def make(**options: Any) -> Place:
    metadata, storage = MemoryMetadataStore(), MemoryStorage()
    with bs.Spot("app", metadata=metadata, storage=storage, config=False, **options) as spot:

        @spot.mark(name="app:work", save_blob=True)
        def large(number: int) -> Any:
            return RESULTS[number]

        @spot.mark(name="app:more")
        def small(number: int) -> Any:
            return RESULTS[number]

        for number in RESULTS:
            (large if number < 2 else small)(number)
        keys = [spot.key(large if number < 2 else small, number) for number in RESULTS]
    return Place(metadata, storage, keys)


@pytest.fixture
def place() -> Place:
    return make()


def test_a_sound_store_has_no_faults(place):
    told: list[tuple[int, int]] = []
    store = bs.open_store(place.metadata, storage=place.storage)
    assert [*store.verify(progress=lambda *done: told.append(done))] == []
    assert [entries for entries, _ in told] == [1, 2, 3, 4]
    assert told[-1] == (4, store.total().size)


def other(data: bytes) -> bytes:
    return data[:-1] + bytes([data[-1] ^ 1])


FAULTS: dict[str, tuple[int, Any, str]] = {
    "damaged": (2, lambda row, _: row._replace(result_data=other(row.result_data)), "damaged"),
    "digest": (2, lambda row, _: row._replace(digest=None), "damaged"),
    "no data": (2, lambda row, _: row._replace(result_data=None), "damaged"),
    "damaged blob": (0, lambda row, s: blob(row, s, other(s.load(row.result_value))), "damaged"),
    "cut off": (0, lambda row, s: blob(row, s, s.load(row.result_value)[:-1]), "size"),
    "size": (2, lambda row, _: row._replace(size=7), "size"),
    "missing": (0, lambda row, s: s.delete(row.result_value) or row, "missing"),
    "elsewhere": (0, lambda row, _: row._replace(result_value="../x"), "unreadable"),
}


def blob(row: bs.TaskRecord, storage: MemoryStorage, data: bytes) -> bs.TaskRecord:
    return row._replace(result_value=storage.save(row.result_value, data))


@pytest.mark.parametrize("what", FAULTS)
def test_a_fault_is_named(place, what):
    number, change, kind = FAULTS[what]
    key = place.keys[number]
    put_rows(place.metadata, change(place.metadata.get(key), place.storage))
    (fault,) = place.faults()
    assert (fault.key, fault.kind) == (key, kind)
    assert fault.function == ("app:work" if number < 2 else "app:more")
    assert fault.problem
    assert fault.is_damage


def test_signatures_are_checked_where_there_is_a_key():
    place = make(signing_key=SIGNED)
    assert place.faults(signing_key=SIGNED) == []
    assert {fault.kind for fault in place.faults()} == {"signed"}
    assert "signing_key=" in place.faults()[0].problem
    assert {fault.kind for fault in place.faults(signing_key="k" * 20)} == {"damaged"}
    place.change(2, digest=b"x" * 16)
    assert [fault.key for fault in place.faults(signing_key=SIGNED)] == [place.keys[2]]


class Failing(MemoryMetadataStore):
    """Fails at the end of the rows, and when one is read."""

    def __init__(self, store: MemoryMetadataStore) -> None:
        super().__init__()
        self._real = store

    def rows(self, after: str = "", *args: Any, **options: Any) -> list[bs.TaskRecord]:
        if after:
            raise bs.MetadataError("malformed page")
        return self._real.rows()

    def get(self, key: str) -> bs.TaskRecord | None:
        raise bs.MetadataError("malformed row")

    def find_many(self, keys: Any) -> dict[str, bs.Entry]:
        raise bs.MetadataError("malformed row")


def test_a_damaged_database_is_read_as_far_as_it_can_be(place):
    store = bs.open_store(Failing(place.metadata), storage=place.storage)
    kinds = [fault.kind for fault in store.verify()]
    assert sorted(kinds[:-1]) == ["unreadable", "unreadable"]
    assert kinds[-1] == "database"
