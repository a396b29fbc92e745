"""The suite that every metadata store has to pass.

Subclass it in a test module, give the factory, and pytest finds the rest::

    class TestFooStore(MetadataStoreContract):
        def make(self, tmp_path):
            return FooStore(tmp_path / "foo")

`make` is called several times with one folder: all that it gives have one content. A store of four
operations passes `KeyValueStoreContract` as well (`beautyspot_testing.key_value`).
"""

from __future__ import annotations

import random
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, get_args

import pytest
from beautyspot.contracts import (
    DIRECT_BLOB,
    FILE,
    Counts,
    Invalidation,
    Order,
    Put,
    Rank,
    Selection,
    TaskRecord,
    entry_of,
    found_in,
    in_full,
    rank_of,
    totals_by_function,
)
from beautyspot.contracts.records import ALL, cover_of, covers_of
from beautyspot.contracts.store import listed
from beautyspot.errors import MetadataError, NotSupportedError
from hypothesis import HealthCheck, given, settings

from beautyspot_testing.records import KEYS, RECORDS, a_record

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from beautyspot.contracts import MetadataStoreBase

MINE, OTHER = "1" * 32, "2" * 32
"""Two tokens."""

ANY = float("inf")


def stored(
    store: MetadataStoreBase, *records: TaskRecord, token: str = "", since: int | None = None
) -> set[str]:
    """Put records, as runs would that began now; the keys of those that were refused."""
    number = store.begin([], MINE).since if since is None else since
    return store.put([Put(each, covers_of(each), number, token) for each in records])


class MetadataStoreContract:
    """What a metadata store must do."""

    shares = True
    """False if two stores that `make` gives for one folder have nothing in common, as in memory."""

    def make(self, tmp_path: Path) -> MetadataStoreBase:
        """A store; all those made for one folder have the same content."""
        raise NotImplementedError

    @pytest.fixture
    def store(self, tmp_path: Path) -> Iterator[MetadataStoreBase]:
        """A fresh store."""
        made = self.make(tmp_path)
        made.open()
        yield made
        made.close()

    @pytest.fixture
    def other(self, store: MetadataStoreBase, tmp_path: Path) -> Iterator[MetadataStoreBase]:
        """Another one with the same content, as another process has it."""
        if not self.shares:
            yield store
            return
        made = self.make(tmp_path)
        yield made
        made.close()

    # ------------------------------------------------------------------------------ one record

    @settings(
        max_examples=40,
        deadline=None,
        suppress_health_check=[
            HealthCheck.function_scoped_fixture,
            HealthCheck.differing_executors,
        ],
    )
    @given(record=RECORDS)
    def test_any_record_comes_back(self, store: MetadataStoreBase, record: TaskRecord) -> None:
        for before in filter(None, [store.get(record.cache_key)]):
            store.delete({record.cache_key: before.made_at})
        assert stored(store, record) == set()
        got = store.get(record.cache_key)
        assert type(got) is TaskRecord
        assert got._replace(used_at=None, began_at=None) == record._replace(
            used_at=None, began_at=None
        )
        assert record.began_at in (None, got.began_at)
        for _ in range(3):  # a store may remember what it found
            found = store.find(record.cache_key)
            kinds = entry_of(record), found_in(record)  # a bare tuple is what never expires
            assert found in kinds, "`find` is a part of `get`"

    def test_many_are_found_at_once(
        self, store: MetadataStoreBase, other: MetadataStoreBase
    ) -> None:
        assert store.rows() == []
        stored(other, *(a_record(key) for key in KEYS[:40]))
        found = store.find_many([*KEYS[:20], *KEYS[90:]])
        assert {key: in_full(each) for key, each in found.items()} == {
            key: entry_of(a_record(key)) for key in KEYS[:20]
        }

    def test_large_data_come_back(self, store: MetadataStoreBase) -> None:
        data = random.Random(7).randbytes(min(2**20, int(min(store.largest_data, 2**20))))  # noqa: S311
        stored(store, a_record(result_data=data, size=len(data)))
        found = store.get(KEYS[0])
        assert found is not None
        assert found.result_data == data

    def test_the_id_is_the_same_for_all(
        self, store: MetadataStoreBase, other: MetadataStoreBase
    ) -> None:
        assert len(store.store_id) >= 8
        assert set(store.store_id) <= set("0123456789abcdef")
        assert store.store_id == other.store_id == store.store_id

    def test_a_store_that_is_closed_says_so(self, tmp_path: Path) -> None:
        store = self.make(tmp_path)
        store.open()
        store.close()
        with pytest.raises(MetadataError):
            store.find(KEYS[0])
        with pytest.raises(MetadataError):
            stored(store, a_record(), since=0)

    # ------------------------------------------------------------------ which result stays

    @pytest.mark.parametrize(
        ("first", "second", "wins"),
        [  # seconds from now: when a run began, and when its result was made
            ((-5, -4), (-3, -2), True),
            ((-5, -4), (-6, -1), False),
            ((None, 0), (-1, 0), False),  # what is set by hand began in its put
            ((-1, 0), (None, 0), True),
            ((None, 0), (None, 0), True),
            ((3600, 3601), (0, 0), True),  # of a clock that is wrong
        ],
    )
    def test_an_older_result_never_replaces_a_newer_one(
        self, store: MetadataStoreBase, other: MetadataStoreBase, first: Any, second: Any, wins: Any
    ) -> None:
        now = store.now()
        one, two = (
            a_record(began_at=None if began is None else now + began, made_at=now + made)
            for began, made in (first, second)
        )
        two = two._replace(result_data=b"second")
        assert stored(store, one) == set()
        late = store.begin([KEYS[0]], MINE, rejected={KEYS[0]: ANY}).since
        for client, token, since in ((other, "", None), (store, MINE, late)):  # it had no lease
            refused = stored(client, two, token=token, since=since)
            assert refused == (set() if wins else {KEYS[0]})
            found = store.get(KEYS[0])
            assert found is not None
            assert found.result_data == (two if wins else one).result_data

    def test_a_record_takes_the_place_of_the_one_before(self, store: MetadataStoreBase) -> None:
        stored(store, a_record(began_at=store.now() - 1, used_at=None))
        bare = TaskRecord(KEYS[0], "g", "j", result_data=b"2", size=1, made_at=store.now())
        assert stored(store, bare) == set()
        found = store.get(KEYS[0])
        assert found is not None
        assert found._replace(began_at=None) == bare

    def test_what_was_seen_is_removed_and_nothing_else(
        self, store: MetadataStoreBase, other: MetadataStoreBase
    ) -> None:
        stored(store, *(a_record(key, made_at=float(n)) for n, key in enumerate(KEYS[:5])))
        seen = {KEYS[0]: 0.0, KEYS[1]: 7.0, KEYS[2]: 2.0, KEYS[9]: 1.0}
        assert other.delete(seen) == {KEYS[0], KEYS[2]}
        assert set(store.find_many(KEYS[:5])) == {KEYS[1], KEYS[3], KEYS[4]}
        assert store.find(KEYS[0]) is None

    # ------------------------------------------------------------------------------- leases

    def test_one_token_at_a_time_has_a_lease(
        self, store: MetadataStoreBase, other: MetadataStoreBase
    ) -> None:
        begun = store.begin(KEYS[:2], MINE)
        assert (dict(begun.found), set(begun.leased)) == ({}, set(KEYS[:2]))
        assert abs(begun.now - store.now()) < 60
        again = other.begin(KEYS[1:3], OTHER)
        assert set(again.leased) == {KEYS[2]}
        assert dict(again.found) == {}
        assert set(store.begin([KEYS[0]], MINE).leased) == {KEYS[0]}, "a holder keeps its lease"
        store.release(KEYS[:2], MINE)
        assert set(other.begin(KEYS[:2], OTHER).leased) == set(KEYS[:2])
        other.release(KEYS[:3], OTHER)

    def test_nobody_else_releases_a_lease(
        self, store: MetadataStoreBase, other: MetadataStoreBase
    ) -> None:
        store.begin([KEYS[0]], MINE)
        other.release([KEYS[0]], OTHER)
        stored(other, a_record(KEYS[1]), token=OTHER)
        assert not other.begin([KEYS[0]], OTHER).leased
        stored(other, a_record(KEYS[0]), token=OTHER)
        assert not other.begin([KEYS[0]], OTHER, rejected={KEYS[0]: ANY}).leased
        store.release([KEYS[0]], MINE)

    def test_a_put_releases_the_lease_of_its_token(
        self, store: MetadataStoreBase, other: MetadataStoreBase
    ) -> None:
        begun = store.begin(KEYS[:2], MINE)
        records = [a_record(key, made_at=begun.now, began_at=begun.now) for key in KEYS[:2]]
        assert stored(store, *records, token=MINE, since=begun.since) == set()
        found = other.begin(KEYS[:2], OTHER)
        assert set(found.found) == set(KEYS[:2])
        assert not found.leased
        rejected = other.begin(KEYS[:2], OTHER, rejected=dict.fromkeys(KEYS[:2], begun.now))
        assert set(rejected.leased) == set(KEYS[:2])
        other.release(KEYS[:2], OTHER)

    def test_a_row_is_rejected_as_it_was_seen(self, store: MetadataStoreBase) -> None:
        stored(store, *(a_record(key, made_at=100.0) for key in KEYS[:4]))
        seen = {KEYS[0]: 100.0, KEYS[1]: 99.0, KEYS[2]: ANY}
        begun = store.begin(KEYS[:5], MINE, rejected=seen)
        assert set(begun.found) == {KEYS[1], KEYS[3]}
        assert in_full(begun.found[KEYS[1]]) == entry_of(a_record(KEYS[1], made_at=100.0))
        assert set(begun.leased) == {KEYS[0], KEYS[2], KEYS[4]}
        store.release(KEYS[:5], MINE)

    def test_a_holder_is_told_what_it_has_lost(self, store: MetadataStoreBase) -> None:
        store.begin(KEYS[:2], MINE)
        assert store.renew(KEYS[:2], MINE) == set()
        store.release([KEYS[1]], MINE)
        if store.lease_time < ANY:
            assert store.renew(KEYS[:3], MINE) == {KEYS[1], KEYS[2]}
            assert store.renew([KEYS[0]], OTHER) == {KEYS[0]}
        store.release([KEYS[0]], MINE)

    def test_of_many_keys_each_has_one_holder(
        self, store: MetadataStoreBase, other: MetadataStoreBase
    ) -> None:
        keys = [f"{number:032x}" for number in range(min(store.most_leases, 200))]
        began = time.monotonic()
        with ThreadPoolExecutor(2) as pool:
            asked = [pool.submit(store.begin, keys, MINE), pool.submit(other.begin, keys, OTHER)]
        mine, others = (set(each.result().leased) for each in asked)
        if time.monotonic() - began < store.lease_time < ANY:  # else the first may have fallen
            assert not mine & others, "two tokens have a lease"
        assert mine | others == set(keys)
        store.release(keys, MINE)
        other.release(keys, OTHER)

    # -------------------------------------------------------------------------- invalidations

    @pytest.mark.parametrize(
        ("what", "concerns"),
        [
            (Invalidation(cache_key=KEYS[0]), True),
            (Invalidation(func_identifier="module:f"), True),
            (Invalidation(func_identifier="module:f", version="v1"), True),
            (Invalidation(tag="blue"), True),
            (Invalidation(tag="red", func_identifier="module:f"), True),
            (Invalidation(version="v1"), True),
            (Invalidation(cache_key=KEYS[1]), False),
            (Invalidation(func_identifier="module:g"), False),
            (Invalidation(func_identifier="module:f", version="v2"), False),
            (Invalidation(tag="green"), False),
        ],
    )
    def test_what_was_invalidated_while_it_ran_is_not_stored(
        self, store: MetadataStoreBase, other: MetadataStoreBase, what: Invalidation, concerns: Any
    ) -> None:
        begun = store.begin([KEYS[0]], MINE)
        other.note(cover_of(what))
        refused = stored(store, a_record(began_at=begun.now), token=MINE, since=begun.since)
        assert refused == ({KEYS[0]} if concerns else set())
        assert (store.find(KEYS[0]) is None) == concerns
        after = other.begin([KEYS[0]], OTHER, rejected={KEYS[0]: ANY})
        assert set(after.leased) == {KEYS[0]}, "a put that is refused releases its lease, too"
        assert after.since > begun.since
        assert stored(other, a_record(began_at=after.now), token=OTHER, since=after.since) == set()
        assert store.find(KEYS[0]) is not None

    @pytest.mark.parametrize("cover", [f"key:{KEYS[0]}", ALL])
    def test_what_is_set_by_hand_is_never_refused(
        self, store: MetadataStoreBase, other: MetadataStoreBase, cover: str
    ) -> None:
        """It is as if its run began in the put, after all that was noted, or made, by then."""
        begun, now = store.begin([KEYS[0]], MINE), store.now()
        other.note(cover)
        ahead = a_record(KEYS[1], began_at=now + 3600, made_at=now)
        after = other.begin([], OTHER).since
        assert stored(other, ahead, since=after) == set()
        rows = [a_record(key, began_at=None, made_at=now, result_data=b"set") for key in KEYS[:3]]
        assert stored(store, *rows, since=begun.since) == set()
        found = other.find_many(KEYS[:3])
        assert [in_full(found[key]).result_data for key in KEYS[:3]] == [b"set"] * 3
        other.note(cover)
        late = a_record(began_at=now, made_at=now)
        assert stored(store, late, since=begun.since) == {KEYS[0]}, "a run that began before that"

    def test_each_of_many_rows_is_looked_at(self, store: MetadataStoreBase) -> None:
        begun, now = store.begin(KEYS[:4], MINE), store.now()
        store.note(f"key:{KEYS[1]}")
        stored(store, a_record(KEYS[2], began_at=now, made_at=now))
        rows = [a_record(key, began_at=now - 1, made_at=now) for key in KEYS[:4]]
        assert stored(store, *rows, token=MINE, since=begun.since) == {KEYS[1], KEYS[2]}
        assert set(store.find_many(KEYS[:4])) == {KEYS[0], KEYS[2], KEYS[3]}

    def test_what_goes_with_its_invalidation_is_given(self, store: MetadataStoreBase) -> None:
        """Core removes what stays, and needs to know where the data of what went were."""
        record = a_record(
            result_data=None, result_type=FILE, result_value="a/b", began_at=5.0, used_at=None
        )
        for cover, key in ((f"key:{KEYS[0]}", KEYS[0]), (ALL, KEYS[1])):
            stored(store, record._replace(cache_key=key))
            gone = store.note(cover)
            assert (gone is None) == (store.get(key) is not None)
            assert gone is None or gone == record
            assert store.note(f"key:{KEYS[2]}") is None, "there was nothing"

    def test_a_run_stays_invalidated_though_its_token_begins_again(
        self, store: MetadataStoreBase, other: MetadataStoreBase
    ) -> None:
        """As where a call of the same process follows the invalidation."""
        before = store.begin([KEYS[0]], MINE)
        other.note(f"key:{KEYS[0]}")
        after = store.begin([KEYS[0]], MINE)
        assert set(after.leased) == {KEYS[0]}
        old = a_record(began_at=before.now, made_at=before.now)
        assert stored(store, old, token=MINE, since=before.since) == {KEYS[0]}
        assert store.find(KEYS[0]) is None
        new = a_record(began_at=after.now, made_at=after.now)
        assert stored(store, new, token=MINE, since=after.since) == set()
        assert other.delete({KEYS[0]: after.now}) == {KEYS[0]}
        assert stored(store, old, since=before.since) == {KEYS[0]}, (
            "also once the newer one is gone"
        )
        assert store.find(KEYS[0]) is None

    def test_an_invalidation_is_never_passed_by(
        self, store: MetadataStoreBase, other: MetadataStoreBase
    ) -> None:
        """Puts and invalidations at once: what began before a note is gone when both are over."""

        def invalidate(cover: str, ready: threading.Barrier) -> None:
            ready.wait()
            other.note(cover)
            for found in filter(None, [other.get(KEYS[0])]):  # as an invalidation goes on
                other.delete({KEYS[0]: found.made_at})

        for number in range(40):
            cover = f"key:{KEYS[0]}" if number % 2 else cover_of(Invalidation(tag="red"))
            since = store.begin([], MINE).since
            row = a_record(began_at=store.now(), made_at=store.now())
            ready = threading.Barrier(2)
            thread = threading.Thread(target=invalidate, args=(cover, ready))
            thread.start()
            ready.wait()
            stored(store, row, since=since)
            thread.join()
            assert store.find(KEYS[0]) is None, "an invalidated result came back"

    # ------------------------------------------------------------------------------- listing

    def test_rows_come_in_the_order_of_their_keys(
        self, store: MetadataStoreBase, other: MetadataStoreBase
    ) -> None:
        keys = random.Random(3).sample(KEYS, 37)  # noqa: S311
        stored(store, *(a_record(key) for key in keys))
        for limit in (1, 7, 37, 500):
            seen: list[str] = []
            while page := other.rows(seen[-1] if seen else "", limit):
                assert len(page) <= limit
                assert all(record.result_data is None for record in page)
                seen += [record.cache_key for record in page]
                assert len(seen) <= len(keys), f"pages of {limit} rows repeat some"
            assert seen == sorted(keys), f"pages of {limit} rows skip or repeat some"
        assert [each.result_data for each in store.rows(limit=2, data=True)] == [b"\xa1x"] * 2

    @pytest.mark.parametrize("order", get_args(Order))
    def test_a_listing_is_filtered_and_sorted(self, store: MetadataStoreBase, order: Order) -> None:
        stored(store, *_various())

        def rank(record: TaskRecord) -> Rank:
            return rank_of(record, order)

        bare = sorted((each._replace(result_data=None) for each in _various()), key=rank)
        selects = store.select(Selection(), order, None, 1) is not None
        for where in _SELECTIONS if selects else _SELECTIONS[:2]:  # else core selects
            for after in (None, rank(bare[20])):
                wanted = filter(where.covers, bare)
                expected = [each for each in wanted if after is None or rank(each) > after]
                assert [*listed(store, where, order, after=after)] == expected, where

    def test_the_sums_of_functions_are_right(self, store: MetadataStoreBase) -> None:
        stored(store, *_various())
        assert store.function_totals() == totals_by_function(iter(_various()))

    # ----------------------------------------------------------------------- looking, sweeping

    def test_looking_changes_nothing(self, store: MetadataStoreBase, tmp_path: Path) -> None:
        stored(store, a_record())
        if not self.shares:
            pytest.skip("another store has another content")
        looking = self.make(tmp_path)
        looking.open(look=True)
        assert looking.find(KEYS[0]) is not None
        assert [each.cache_key for each in looking.rows()] == [KEYS[0]]
        assert looking.store_id == store.store_id
        for change in (
            lambda: looking.delete({KEYS[0]: a_record().made_at}),
            lambda: stored(looking, a_record(KEYS[1]), since=0),
            lambda: looking.note(ALL),
        ):
            with pytest.raises(NotSupportedError):
                change()
        looking.close()
        assert store.find(KEYS[0]) is not None
        nowhere = self.make(tmp_path / "nothing")
        with pytest.raises(MetadataError):  # noqa: PT012 - one of the two
            nowhere.open(look=True)
            assert nowhere.store_id
        nowhere.close()

    def test_sweeping_leaves_what_is_needed(
        self, store: MetadataStoreBase, other: MetadataStoreBase
    ) -> None:
        stored(store, *(a_record(key) for key in KEYS[:3]))
        begun = store.begin([KEYS[4]], MINE)
        other.note(f"key:{KEYS[4]}")
        assert other.sweep(0.0, dry_run=True) == other.sweep(0.0)
        assert set(store.find_many(KEYS[:3])) == set(KEYS[:3])
        assert stored(store, a_record(KEYS[4], began_at=1.0), token=MINE, since=begun.since) == {
            KEYS[4]
        }

    # ------------------------------------------------------------------------- uses and counts

    def test_uses_are_kept_or_left_out(self, store: MetadataStoreBase) -> None:
        stored(store, a_record(KEYS[0], used_at=None), a_record(KEYS[1], used_at=None))
        stored(store, a_record(KEYS[2], used_at=3e9))  # as of a copy
        store.touch({KEYS[0]: 2e9, KEYS[9]: 1e9})
        used = {record.cache_key: record.used_at for record in store.rows()}
        assert [used[key] for key in KEYS[:3]] in ([2e9, None, 3e9], [None, None, None])
        found = store.find(KEYS[0])
        assert found is not None
        assert in_full(found) == entry_of(a_record(used_at=None)), "to touch changes nothing else"

    def test_counts_are_added_up(self, store: MetadataStoreBase, other: MetadataStoreBase) -> None:
        if not store.counters:
            assert list(store.counts()) == []
            return
        store.add_counts([Counts("f", 5, hits=1, seconds_saved=0.5), Counts("g", 5, runs=2)])
        other.add_counts([Counts("f", 5, hits=2, seconds_saved=0.25), Counts("f", 7, failures=1)])
        found = {(each.func_identifier, each.hour): each for each in store.counts()}
        assert found == {
            ("f", 5): Counts("f", 5, hits=3, seconds_saved=0.75),
            ("g", 5): Counts("g", 5, runs=2),
            ("f", 7): Counts("f", 7, failures=1),
        }
        assert [each.hour for each in other.counts(func_identifier="f", since=6)] == [7]

    def test_a_remark_takes_the_place_of_the_one_before(
        self, store: MetadataStoreBase, other: MetadataStoreBase
    ) -> None:
        store.remark({"price_unit": "$", "unstored m:f": "it is a socket"})
        other.remark({"price_unit": "€"})
        if store.counters:
            assert dict(store.remarks()) == {"price_unit": "€", "unstored m:f": "it is a socket"}

    def test_threads_may_use_it_at_once(self, store: MetadataStoreBase) -> None:
        def work(number: int) -> bytes | None:
            key = KEYS[number % 10]
            now = store.now()
            data = f"{number}".encode()
            stored(store, a_record(key, began_at=now, made_at=now, result_data=data))
            found = store.get(key)
            return None if found is None else found.result_data

        with ThreadPoolExecutor(8) as pool:
            found = list(pool.map(work, range(80)))
        assert all(data is not None and data.isdigit() for data in found), "a row was lost or torn"
        assert len(store.rows()) == 10


def wait_until(condition: Any, seconds: float = 30.0) -> None:
    """Ask again and again until something is true; a failure after so many seconds."""
    ends = time.monotonic() + seconds
    pause = threading.Event()
    while not condition():
        assert time.monotonic() < ends, "it did not come about"
        pause.wait(0.005)


class ShortLeaseContract(MetadataStoreContract):
    """What a store with leases of finite time must do; `make` gives one of a second or less."""

    def test_a_lease_that_is_renewed_stays_and_falls_then(
        self, store: MetadataStoreBase, other: MetadataStoreBase
    ) -> None:
        assert store.lease_time <= 1
        store.begin([KEYS[0]], MINE)
        ends, pause = time.monotonic() + 1.5 * store.lease_time, threading.Event()
        while time.monotonic() < ends:
            assert store.renew([KEYS[0]], MINE) == set()
            assert not other.begin([KEYS[0]], OTHER).leased
            pause.wait(store.lease_time / 10)
        patience = 20 * store.lease_time
        wait_until(lambda: KEYS[0] in other.begin([KEYS[0]], OTHER).leased, patience)
        assert store.renew([KEYS[0]], MINE) == {KEYS[0]}
        store.release([KEYS[0]], MINE)
        assert not store.begin([KEYS[0]], MINE).leased, "its last holder can't release another's"
        other.release([KEYS[0]], OTHER)


def _various() -> list[TaskRecord]:
    """Records of several functions, sizes, times and texts; some lack values."""
    rng = random.Random(11)  # noqa: S311 - of a test
    found = []
    for key in rng.sample(KEYS, 40):
        made, size = float(rng.randrange(1, 30)), rng.choice([None, 0, 5, 10, 10**10])
        name = rng.choice(["m:f", "m:fetch", "n:F.g", "n:%_h"])
        found.append(
            TaskRecord(
                key,
                name.partition(":")[2],
                "i",
                version=rng.choice([None, "1", "2"]),
                result_type=DIRECT_BLOB,
                result_data=b"x",
                func_identifier=name,
                size=size,
                tags=rng.choice([(), ("red",), ("red", "blue%"), ('a"b',)]),
                made_at=made,
                took=rng.choice([None, 0.5, 2.0]),
                expires_at=rng.choice([None, made + 10.0]),
                code=rng.choice([None, "0fa1:b2", "0fb1:b3"]),
                arguments=rng.choice([None, "x=1", 'text="Straße"', "50%_off", "É"]),
                price=rng.choice([None, 0.25, 3.0]),
                began_at=made - 0.5,
            )
        )
    return found


_SELECTIONS = [
    Selection(),
    Selection(function="m:f"),
    Selection(function="m:*"),
    Selection(function="?:f*"),
    Selection(function="[mn]:[fF]*"),
    Selection(function="n:%_h"),
    Selection(version="1"),
    Selection(version=""),
    Selection(tag="red"),
    Selection(tag='a"b'),
    Selection(tag="re"),
    Selection(key=KEYS[3][:31]),
    Selection(made_since=10.0, made_before=20.0),
    Selection(unused_since=9.0),
    Selection(expired_by=15.0),
    Selection(smallest=1),
    Selection(largest=5),
    Selection(text="X="),
    Selection(text="%_"),
    Selection(text="é"),
    Selection(code="0fa"),
    Selection(function="m:f*", tag="red", smallest=1, made_since=5.0),
]
