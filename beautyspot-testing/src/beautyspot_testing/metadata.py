"""The suite that every metadata store has to pass.

Subclass it in a test module, give the factory, and pytest finds the rest::

    class TestRedisStore(MetadataStoreContract):
        def make(self, tmp_path):
            return RedisMetadataStore(prefix=str(tmp_path))
"""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING, Any, cast

import pytest
from beautyspot.contracts import (
    FILE,
    Entry,
    MetadataStoreBase,
    TaskRecord,
    Totals,
    entry_of,
    found_in,
    in_full,
)
from beautyspot.errors import MetadataBusyError, MetadataError
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from beautyspot_testing.metadata_listing import ListingContract
from beautyspot_testing.records import HOSTILE_KEYS, KEYS, LATER, LATER_FIELDS, RECORDS, a_record

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path


class MetadataStoreContract(ListingContract):
    """What a metadata store must do; see `LeaseContract` for the switches of what it need not."""

    # ------------------------------------------------------------------------------ one record

    @settings(
        max_examples=40,
        deadline=None,
        suppress_health_check=[
            HealthCheck.function_scoped_fixture,  # one store for all examples is the point
            HealthCheck.differing_executors,  # each subclass runs it
        ],
    )
    @given(record=RECORDS)
    @example(record=a_record())
    def test_any_record_comes_back(self, store: MetadataStoreBase, record: TaskRecord) -> None:
        store.put(record)
        got = store.get(record.cache_key)
        assert type(got) is TaskRecord
        kept = record._replace(began_at=got.began_at)  # which a store need not keep
        assert got == kept, "`get` must give what `put` was given"
        assert _entry(store, record.cache_key) == entry_of(record), "`find` is a part of `get`"

    def test_what_is_found_says_which_kind_it_is(self, store: MetadataStoreBase) -> None:
        whole = {"result_data": None, "result_type": FILE, "result_value": "a/b.bin"}
        records = [
            a_record(KEYS[0], expires_at=None),
            a_record(KEYS[1]),
            a_record(KEYS[2], **whole),
            a_record(KEYS[3], **whole, expires_at=None),
            a_record(KEYS[4], result_data=None, expires_at=None),
        ]
        store.put_many(records)
        for _ in range(3):  # a store may remember what it found
            for record in records:
                found = store.find(record.cache_key)
                if type(found) is not Entry:
                    assert type(found) is tuple, "an `Entry`, or a bare tuple for `Plain`"
                    assert found == found_in(record), "`Plain` is for what never expires"
                else:
                    assert found == entry_of(record)
        assert store.find(KEYS[5]) is None

    @settings(
        max_examples=20,
        deadline=None,
        suppress_health_check=[
            HealthCheck.function_scoped_fixture,
            HealthCheck.differing_executors,
        ],
    )
    @given(later=st.fixed_dictionaries(LATER_FIELDS))
    def test_a_later_field_is_kept_or_left_out(
        self, store: MetadataStoreBase, later: dict[str, Any]
    ) -> None:
        store.put(a_record(**later))
        got = store.get(KEYS[0])
        assert got is not None
        kept = {name: getattr(got, name) for name in LATER}
        assert all(kept[name] in (None, later[name]) for name in LATER), "as it was, or not at all"
        assert got == a_record(**kept), "and all others as they were"
        assert _entry(store, KEYS[0]) == entry_of(got), "`find` is a part of `get`"

    def test_the_code_is_found_or_left_out(self, store: MetadataStoreBase) -> None:
        store.put_many([a_record(KEYS[0], code="0f" * 16), a_record(KEYS[1])])
        got = store.get(KEYS[0])
        assert got in (a_record(code="0f" * 16), a_record()), "a store may not know a later field"
        assert got is not None
        assert store.find_code(KEYS[0]) == got.code, "`find_code` is a part of `get`"
        assert store.find_code(KEYS[1]) is store.find_code(KEYS[2]) is None

    def test_find_many_finds_each(self, store: MetadataStoreBase) -> None:
        records = {key: a_record(key) for key in KEYS[:7]}
        records[KEYS[1]] = a_record(KEYS[1], expires_at=None)
        store.put_many(records.values())
        entries = {key: entry_of(record) for key, record in records.items()}
        assert _entries(store, iter(KEYS)) == entries, "a key without a record is left out"
        many = [*(f"{number:031x}x" for number in range(2000)), KEYS[0], KEYS[0]]
        assert _entries(store, many) == {KEYS[0]: entries[KEYS[0]]}, "any number, also twice"
        assert _entries(store, []) == {}

    def test_find_many_may_leave_out_large_data(self, store: MetadataStoreBase) -> None:
        large = a_record(KEYS[0], result_data=b"x" * 1_000_000)
        store.put_many([large, a_record(KEYS[1])])
        found = _entries(store, KEYS[:3])
        assert found.keys() == {*KEYS[:2]}
        assert found[KEYS[1]] == entry_of(a_record(KEYS[1]))
        entry = entry_of(large)
        assert found[KEYS[0]] in (entry, entry._replace(result_data=None))

    def test_the_greatest_age_of_an_answer_is_a_number(self, store: MetadataStoreBase) -> None:
        assert 0 <= store.memory_age < float("inf"), "seconds; 0 where `find` asks each time"

    def test_what_it_says_of_itself(self, store: MetadataStoreBase) -> None:
        assert store.largest_data >= 2**20, "a row holds what no blob_threshold keeps out of it"
        assert {store.remote, store.demands_signing} <= {True, False}

    def test_an_unknown_key_is_none(self, store: MetadataStoreBase) -> None:
        assert store.get(KEYS[0]) is None
        assert store.find(KEYS[0]) is None
        assert store.delete(KEYS[0]) is False, "`delete` tells that there was nothing"

    def test_put_replaces_the_whole_record(self, store: MetadataStoreBase) -> None:
        store.put(a_record())
        bare = TaskRecord(KEYS[0], "g", "j", result_type=FILE, result_value="a/b.bin")
        store.put(bare)
        assert store.get(KEYS[0]) == bare, "no field of the replaced record may remain"
        assert len(list(store.scan())) == 1

    def test_delete_removes(self, store: MetadataStoreBase) -> None:
        store.put_many([a_record(KEYS[0]), a_record(KEYS[1])])
        assert store.delete(KEYS[0]) is True
        assert store.get(KEYS[0]) is None
        assert store.get(KEYS[1]) is not None

    def test_the_data_is_copied(self, store: MetadataStoreBase) -> None:
        data = bytearray(b"before")
        store.put(a_record(result_data=cast("bytes", data)))
        data[:] = b"AFTER!"
        found = _entry(store, KEYS[0]).result_data
        assert found == b"before", "a store keeps no reference to what it was given"
        assert type(found) is bytes

    def test_large_data_comes_back(self, store: MetadataStoreBase) -> None:
        data = bytes(range(256)) * (5 * 4096)  # 5 MB
        store.put(a_record(result_data=data))
        assert _entry(store, KEYS[0]).result_data == data

    @pytest.mark.parametrize("key", HOSTILE_KEYS, ids=range(len(HOSTILE_KEYS)))
    def test_a_hostile_key_is_a_key(self, store: MetadataStoreBase, key: str) -> None:
        store.put(a_record(key))
        store.put(a_record(KEYS[1]))
        assert store.get(key) == a_record(key)
        assert [record.cache_key for record in store.scan()] == sorted([key, KEYS[1]])
        assert store.delete(key)

    @pytest.mark.parametrize("key", ["\0", "a\0b", "\ud800"], ids=["nul", "inner", "surrogate"])
    def test_a_key_that_has_no_text_is_kept_or_refused(
        self, store: MetadataStoreBase, key: str
    ) -> None:
        record = a_record(key)
        try:
            store.put(record)
            assert store.get(key) == record
        except MetadataError:
            assert list(store.scan()) == [], "a refused record must leave nothing"

    # ----------------------------------------------------------------------------- many records

    def test_put_many_puts_all(self, store: MetadataStoreBase) -> None:
        store.put_many(a_record(key) for key in reversed(KEYS))
        store.put_many([])
        assert [record.cache_key for record in store.scan()] == KEYS, "in the order of the keys"

    def test_touch_sets_used_at_and_nothing_else(self, store: MetadataStoreBase) -> None:
        store.put_many([a_record(KEYS[0]), a_record(KEYS[1])])
        store.touch({KEYS[0]: 5.5, KEYS[2]: 6.5})
        assert store.get(KEYS[0]) == a_record(KEYS[0], used_at=5.5)
        assert store.get(KEYS[1]) == a_record(KEYS[1])
        assert store.get(KEYS[2]) is None, "touching a key without a record makes none"

    def test_scan_leaves_the_data_out_unless_asked(self, store: MetadataStoreBase) -> None:
        store.put(a_record())
        assert list(store.scan()) == [a_record(result_data=None)]
        assert list(store.scan(with_data=True)) == [a_record()]

    def test_scan_filters(self, store: MetadataStoreBase) -> None:
        store.put(a_record(KEYS[0], func_identifier="m:a", version="1", tags=("x",)))
        store.put(a_record(KEYS[1], func_identifier="m:a", version="2", tags=("x", "y")))
        store.put(a_record(KEYS[2], func_identifier="m:b", version="1", tags=()))
        store.put(a_record(KEYS[3], func_identifier=None, version=None, tags=("xy",)))

        def keys(**filters: str) -> list[int]:
            return [int(record.cache_key, 16) for record in store.scan(**filters)]  # type: ignore[arg-type]  # by name

        assert keys(func_identifier="m:a") == [0, 1]
        assert keys(version="1") == [0, 2]
        assert keys(tag="x") == [0, 1], "a tag must match as a whole"
        assert keys(func_identifier="m:a", version="2", tag="y") == [1], "filters are joined by and"
        assert keys(func_identifier="m:%") == [], "a filter is no pattern"
        assert keys(tag="") == []

    @pytest.mark.parametrize("tag", ['"', "\\", ",", '","', "%", "_", "é", "[]", "'", "\n"])
    def test_a_tag_may_be_any_text(self, store: MetadataStoreBase, tag: str) -> None:
        store.put(a_record(KEYS[0], tags=("a", tag, "b")))
        store.put(a_record(KEYS[1], tags=("a", "b")))
        assert [record.cache_key for record in store.scan(tag=tag)] == KEYS[:1]

    def test_totals_count_entries_and_bytes(self, store: MetadataStoreBase) -> None:
        assert store.totals() == Totals(0, 0)
        store.put_many(
            [a_record(KEYS[0], size=2**40), a_record(KEYS[1]), a_record(KEYS[2], size=None)]
        )
        assert store.totals() == Totals(3, 2**40 + 2)

    def test_records_may_change_while_a_scan_runs(self, store: MetadataStoreBase) -> None:
        store.put_many(a_record(f"{number:032x}") for number in range(1200))
        seen = []
        for number, record in enumerate(store.scan()):
            seen.append(record.cache_key)
            if number % 100 == 0:
                store.delete(f"{number + 50:032x}")
                store.put(a_record(f"{number:032x}", version="changed"))
        steady = {f"{number:032x}" for number in range(1200) if number % 100 != 50}
        assert steady <= set(seen), "a scan must show every record that stays"
        assert len(seen) == len(set(seen)), "a scan must show no record twice"

    def test_a_scan_may_be_left(self, store: MetadataStoreBase) -> None:
        store.put_many(a_record(key) for key in KEYS)
        assert next(iter(store.scan())).cache_key == KEYS[0]
        store.put(a_record())

    # ------------------------------------------------------------------------------- life cycle

    def test_the_store_id_is_hex_and_stays(self, store: MetadataStoreBase) -> None:
        first = store.store_id
        assert re.fullmatch("[0-9a-f]{8,}", first)
        assert store.store_id == first

    def test_every_operation_opens_the_store(self, tmp_path: Path) -> None:
        operations: tuple[Callable[[MetadataStoreBase], object], ...] = (
            lambda store: store.find(KEYS[0]),
            lambda store: store.find_many(KEYS),
            lambda store: list(store.scan()),
            lambda store: store.put(a_record()),
            lambda store: store.delete(KEYS[0]),
            lambda store: store.store_id,
        )
        for number, operation in enumerate(operations):
            store = self.make(tmp_path / str(number))
            operation(store)
            store.open()
            store.close()

    def test_a_closed_store_says_so(self, tmp_path: Path) -> None:
        store = self.make(tmp_path)
        store.put(a_record())
        store.close()
        for operation in (store.find, store.get, store.delete):
            with pytest.raises(MetadataError):
                operation(KEYS[0])
        with pytest.raises(MetadataError):
            store.put(a_record())

    def test_two_places_are_two_stores(self, tmp_path: Path) -> None:
        one, two = self.make(tmp_path / "one"), self.make(tmp_path / "two")
        one.put(a_record())
        assert two.get(KEYS[0]) is None
        assert one.store_id != two.store_id
        one.close()
        two.close()

    def test_records_outlive_the_store(self, tmp_path: Path) -> None:
        self._needs("persistent")
        store = self.make(tmp_path)
        store.put(a_record())
        store_id = store.store_id
        store.close()
        again = self.make(tmp_path)
        assert again.get(KEYS[0]) == a_record()
        assert again.store_id == store_id
        again.close()

    def test_two_instances_see_each_other(self, store: MetadataStoreBase, tmp_path: Path) -> None:
        self._needs("persistent")
        other = self.make(tmp_path)
        other.put(a_record(KEYS[0]))
        assert store.find(KEYS[0]) is not None
        store.put(a_record(KEYS[0], version="2"))
        assert next(other.scan()).version == "2"
        assert other.delete(KEYS[0])
        assert store.find(KEYS[0]) is None
        other.close()

    def test_threads(self, store: MetadataStoreBase) -> None:
        def work(thread: int) -> int:
            found = 0
            for number in range(40):
                record = a_record(f"{thread:02x}{number:030x}")
                store.put(record)
                assert store.get(record.cache_key) == record
                with suppress(MetadataBusyError):  # `find` may be busy, it may not wait
                    found += store.find(KEYS[number]) is not None
                store.put(a_record(KEYS[number], version=str(thread)))
                if number % 4 == 3:
                    assert store.delete(record.cache_key)
                    assert all(len(seen.cache_key) == 32 for seen in store.scan(version="v1"))
            return found

        with ThreadPoolExecutor(8) as pool:
            assert sum(pool.map(work, range(1, 9))) > 0
        assert sum(1 for _ in store.scan()) == 8 * 30 + 40

    # -------------------------------------------------------------------------------- processes

    def test_another_process_sees_what_was_put(
        self, store: MetadataStoreBase, tmp_path: Path
    ) -> None:
        self._needs("shared_between_processes")
        store.put(a_record())
        code = f"say(store.get({KEYS[0]!r}).func_identifier); store.delete({KEYS[0]!r})"
        with self.process(tmp_path, code) as child:
            assert child.heard() == "module:f"
            child.expect_success()
        assert store.find(KEYS[0]) is None

    def test_processes_open_a_fresh_store_at_once(self, tmp_path: Path) -> None:
        self._needs("shared_between_processes")
        code = "say('ready'); wait(); store.put(TaskRecord(f'{number:032x}', 'f', 'i'))"
        numbered = [f"number = {number}\n{code}" for number in range(4)]
        children = [self.process(tmp_path, code) for code in numbered]
        assert [child.heard() for child in children] == ["ready"] * 4
        for child in children:
            child.go_on()
        for child in children:
            child.expect_success()
        store = self.make(tmp_path)
        assert [record.cache_key for record in store.scan()] == KEYS[:4]
        store.close()


def _entry(store: MetadataStoreBase, key: str) -> Entry:
    found = store.find(key)
    assert found is not None
    return in_full(found)


def _entries(store: MetadataStoreBase, keys: Iterable[str]) -> dict[str, Entry]:
    return {key: in_full(found) for key, found in store.find_many(keys).items()}
