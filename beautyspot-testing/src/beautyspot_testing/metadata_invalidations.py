"""The part of the suite of metadata stores that is about what was invalidated."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
from beautyspot.contracts import Invalidation, TaskRecord

from beautyspot_testing.metadata_falling import FallingContract
from beautyspot_testing.records import HOSTILE_KEYS, KEYS, a_record

if TYPE_CHECKING:
    from pathlib import Path

    from beautyspot.contracts import MetadataStoreBase

NOTED = Invalidation(cache_key=KEYS[0])

COVERING = [
    Invalidation(),
    NOTED,
    Invalidation(func_identifier="m:f"),
    Invalidation(version="v1"),
    Invalidation(tag="b"),
    Invalidation(KEYS[0], "m:f", "v1", "a"),
    *[Invalidation(func_identifier=name) for name in HOSTILE_KEYS],
]
OTHERS = [
    Invalidation(cache_key=KEYS[1]),
    Invalidation(func_identifier="m:g"),
    Invalidation(version=""),
    Invalidation(tag="A"),
    Invalidation(KEYS[0], "m:f", "v2"),
]


class InvalidationContract(FallingContract):
    """What a store must do that notes what was invalidated; others are not asked.

    Part of `MetadataStoreContract`.
    """

    @pytest.fixture
    def log(self, store: MetadataStoreBase) -> MetadataStoreBase:
        """The store, if it notes what was invalidated."""
        if not store.invalidations:
            pytest.skip("the store says so: invalidations = False")
        return store

    def test_each_note_raises_the_generation(self, log: MetadataStoreBase) -> None:
        numbers = [log.generation()]
        for what in (NOTED, NOTED, Invalidation()):
            log.note_invalidation(what)
            numbers.append(log.generation())
        assert numbers == sorted(set(numbers)), "each number is above those before"
        assert min(numbers) >= 0
        assert log.invalidated_since(numbers[0]) == [NOTED, NOTED, Invalidation()]
        assert log.invalidated_since(numbers[2]) == [Invalidation()]
        assert log.invalidated_since(numbers[3]) == []

    @pytest.mark.parametrize("what", COVERING, ids=range(len(COVERING)))
    def test_what_was_invalidated_since_is_not_put(
        self, log: MetadataStoreBase, what: Invalidation
    ) -> None:
        name = what.func_identifier or "m:f"
        record = a_record(version="v1", tags=("a", "b"), func_identifier=name)
        other = a_record(KEYS[2], version="v9", tags=(), func_identifier="m:other")
        since = log.generation()
        log.note_invalidation(what)
        assert not log.put_at_once(record, since)
        assert not log.put_valid(record, since)
        refused = log.put_many_valid([(record, since), (other, log.generation())])
        assert refused == {record.cache_key}
        assert _keys(log) == [KEYS[2]]
        assert log.put_valid(record, log.generation()), "a call that begins later stores its result"
        assert log.get(record.cache_key) == record

    @pytest.mark.parametrize("what", OTHERS, ids=range(len(OTHERS)))
    def test_other_results_are_put(self, log: MetadataStoreBase, what: Invalidation) -> None:
        record = a_record(version="v1", tags=("a", "b"), func_identifier="m:f")
        since = log.generation()
        log.note_invalidation(what)
        assert log.put_valid(record, since)
        assert log.put_many_valid([(record._replace(took=5.0), since)]) == set()
        assert log.get(record.cache_key) == record._replace(took=5.0)
        assert log.put_many_valid([]) == set()

    def test_what_is_put_at_once_is_there_or_is_left_to_put_valid(
        self, log: MetadataStoreBase
    ) -> None:
        since = log.generation()
        for number in range(4):  # the first one may have to wait for a disk
            record = a_record(KEYS[2], took=float(number))
            if log.put_at_once(record, since):
                assert log.get(KEYS[2]) == record
            else:
                assert log.put_valid(record, since)

    def test_a_note_removes_nothing(self, log: MetadataStoreBase) -> None:
        log.put(a_record())
        log.note_invalidation(Invalidation())
        assert _keys(log) == [KEYS[0]]

    def test_many_threads_note(self, log: MetadataStoreBase) -> None:
        since = log.generation()
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(log.note_invalidation, [NOTED] * 40))
        assert log.invalidated_since(since) == [NOTED] * 40

    def test_other_instances_note(self, log: MetadataStoreBase, tmp_path: Path) -> None:
        self._needs("persistent")
        other = self.make(tmp_path)
        since = log.generation()
        other.note_invalidation(NOTED)
        assert log.generation() == other.generation() > since
        assert not log.put_valid(a_record(), since)
        other.close()

    def test_other_processes_note(self, log: MetadataStoreBase, tmp_path: Path) -> None:
        self._needs("shared_between_processes")
        since = log.generation()
        code = (
            "from beautyspot.contracts import Invalidation\n"
            f"store.note_invalidation(Invalidation(cache_key={KEYS[0]!r})); store.close()"
        )
        with self.process(tmp_path, code) as child:
            child.expect_success()
        assert log.invalidated_since(since) == [NOTED]
        assert not log.put_valid(a_record(), since)


def _keys(store: MetadataStoreBase) -> list[str]:
    records: list[TaskRecord] = list(store.scan())
    return [record.cache_key for record in records]
