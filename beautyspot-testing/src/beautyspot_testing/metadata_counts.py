"""The part of the suite of metadata stores that is about what was counted."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
from beautyspot.contracts import Counts
from beautyspot.errors import NotSupportedError

from beautyspot_testing.metadata_newer import NewerContract
from beautyspot_testing.records import HOSTILE_KEYS

if TYPE_CHECKING:
    from pathlib import Path

    from beautyspot.contracts import MetadataStoreBase

HOUR = 480_000
COUNTED = Counts("m:f", HOUR, 5, 3, 1, 2.5, 1.25, 0.5, 0.25)


class CountsContract(NewerContract):
    """What a store must do that keeps counts; others have to say that they keep none.

    Part of `MetadataStoreContract`.
    """

    @pytest.fixture
    def counting(self, store: MetadataStoreBase) -> MetadataStoreBase:
        """The store, if it keeps counts."""
        if not store.counters:
            pytest.skip("the store says so: counters = False")
        return store

    def test_a_store_without_counters_says_so(self, store: MetadataStoreBase) -> None:
        if not store.counters:
            with pytest.raises(NotSupportedError):
                store.add_counts([COUNTED])
            with pytest.raises(NotSupportedError):
                list(store.counts())

    def test_counts_are_summed_by_function_and_hour(self, counting: MetadataStoreBase) -> None:
        assert list(counting.counts()) == []
        others = [COUNTED._replace(hour=HOUR + 1), COUNTED._replace(func_identifier="m:g")]
        counting.add_counts(iter([COUNTED, *others]))
        counting.add_counts([COUNTED, COUNTED._replace(hits=1)])
        counting.add_counts([])
        summed = Counts("m:f", HOUR, 11, 9, 3, 7.5, 3.75, 1.5, 0.75)
        assert list(counting.counts()) == [summed, *others], "in the order of functions and hours"

    def test_what_limits_did_is_summed_or_left_out(self, counting: MetadataStoreBase) -> None:
        """A store of an earlier release has no place for it."""
        counted = COUNTED._replace(grants=4, waits=2, refusals=1, seconds_waited=0.5)
        limited = Counts("m:limited", HOUR, grants=3)
        counting.add_counts([counted, limited])
        counting.add_counts([counted])
        summed = Counts("m:f", HOUR, 10, 6, 2, 5.0, 2.5, 1.0, 0.5)
        found = list(counting.counts())
        whole = [summed._replace(grants=8, waits=4, refusals=2, seconds_waited=1.0), limited]
        assert found in (whole, [summed, Counts("m:limited", HOUR)], [summed])

    def test_counts_of_one_function_and_since_an_hour(self, counting: MetadataStoreBase) -> None:
        hours = [COUNTED._replace(hour=HOUR + number) for number in range(3)]
        others = [COUNTED._replace(func_identifier=name) for name in ("m:", "m:f2", "M:F", "%")]
        counting.add_counts([*hours, *others])
        assert list(counting.counts(func_identifier="m:f")) == hours
        assert list(counting.counts(func_identifier="m:f", since=HOUR + 1)) == hours[1:]
        assert list(counting.counts(since=HOUR + 1)) == hours[1:], "the hour itself belongs to it"
        assert list(counting.counts(since=HOUR + 3)) == []
        assert list(counting.counts(func_identifier="unknown")) == []
        summed = counting.counts_by_function(since=HOUR + 1)
        assert summed == [
            COUNTED._replace(
                hour=0,
                **{
                    name: 2 * value
                    for name, value in COUNTED._asdict().items()
                    if name not in ("func_identifier", "hour")
                },
            )
        ]
        named = [each.func_identifier for each in counting.counts_by_function()]
        assert named == sorted(named) == sorted({"m:f", *(each[0] for each in others)})
        assert counting.counts_by_function(since=HOUR + 3) == []
        assert list(counting.counts(since=0)) == list(counting.counts()), (
            "the hour itself belongs to it"
        )

    def test_many_counts(self, counting: MetadataStoreBase) -> None:
        many = [
            Counts(name, HOUR + number, hits=number)
            for name in ("m:f", "m:g")
            for number in range(700)
        ]
        counting.add_counts(reversed(many))
        assert list(counting.counts()) == many
        assert list(counting.counts(func_identifier="m:g", since=HOUR + 1)) == many[701:]

    @pytest.mark.parametrize("name", HOSTILE_KEYS, ids=range(len(HOSTILE_KEYS)))
    def test_a_function_may_have_any_name(self, counting: MetadataStoreBase, name: str) -> None:
        counted = COUNTED._replace(func_identifier=name)
        counting.add_counts([counted])
        counting.add_counts([COUNTED._replace(func_identifier="other")])
        assert list(counting.counts(func_identifier=name)) == [counted]

    def test_counts_outlive_their_records(self, counting: MetadataStoreBase) -> None:
        counting.add_counts([COUNTED])
        for record in list(counting.scan()):
            counting.delete(record.cache_key)
        assert list(counting.counts()) == [COUNTED]

    def test_counts_of_threads_are_summed(self, counting: MetadataStoreBase) -> None:
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda _: counting.add_counts([COUNTED]), range(40)))
        (summed,) = counting.counts()
        assert summed == Counts("m:f", HOUR, 200, 120, 40, 100.0, 50.0, 20.0, 10.0)

    def test_counts_of_two_processes_are_summed(
        self, counting: MetadataStoreBase, tmp_path: Path
    ) -> None:
        self._needs("shared_between_processes")
        code = (
            "from beautyspot.contracts import Counts\nsay('ready'); wait()\n"
            f"for _ in range(20): store.add_counts([{COUNTED!r}])"
        )
        with self.process(tmp_path, code) as child:
            assert child.heard() == "ready"
            child.go_on()
            for _ in range(20):
                counting.add_counts([COUNTED])
            child.expect_success()
        (summed,) = counting.counts()
        assert summed == Counts("m:f", HOUR, 200, 120, 40, 100.0, 50.0, 20.0, 10.0)

    def test_a_remark_takes_the_place_of_the_one_before(self, counting: MetadataStoreBase) -> None:
        assert counting.remarks() == {}
        told = {"price_unit": "EUR", "unstored m:f": "x" * 500}
        counting.remark(told)
        if not counting.remarks():
            pytest.skip("the store keeps no remarks, as the base class does")
        counting.remark({"price_unit": "€", "other": ""})
        assert dict(counting.remarks()) == {**told, "price_unit": "€", "other": ""}

    @pytest.mark.parametrize("name", HOSTILE_KEYS, ids=range(len(HOSTILE_KEYS)))
    def test_a_remark_may_be_of_any_name(self, counting: MetadataStoreBase, name: str) -> None:
        counting.remark({name: "one", f"{name}2": "two"})
        counting.remark({name: "three"})
        if counting.remarks():
            assert sorted(counting.remarks().values()) == ["three", "two"]

    def test_counts_outlive_the_store(self, tmp_path: Path) -> None:
        self._needs("persistent")
        store = self.make(tmp_path)
        if not store.counters:
            pytest.skip("the store says so: counters = False")
        store.add_counts([COUNTED])
        store.remark({"price_unit": "€"})
        remarks = dict(store.remarks())
        store.close()
        again = self.make(tmp_path)
        assert list(again.counts()) == [COUNTED]
        assert dict(again.remarks()) == remarks
        again.close()
