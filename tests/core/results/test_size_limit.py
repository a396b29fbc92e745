"""`Spot(max_size=)`: a store stays under a size, by a thread that removes what was used least."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING, Any

import pytest
from beautyspot.concurrency import deferred
from beautyspot.config.settings import SETTINGS
from beautyspot.errors import ConfigError, MetadataError
from beautyspot.memory import MemoryMetadataStore
from beautyspot.results import size_limit
from gates import DEADLINE

if TYPE_CHECKING:
    from collections.abc import Callable

    from beautyspot.contracts import TaskRecord, Totals
    from beautyspot.resilience.reporting import Trouble
    from beautyspot.spot import Spot

EACH = 1000
Make = Any


class Clock:
    """A wall clock that a test owns."""

    def __init__(self) -> None:
        self.now = 1_700_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def limited(make_spot: Make, clock: Clock) -> Make:
    """Makes strict Spots on the clock, for ten results."""

    def make(name: str = "app", **options: Any) -> Spot:
        options = {"strict": True, "max_size": 10 * EACH, **options}
        spot: Spot = make_spot(name, **options)
        spot._engine.cache.clock = clock
        return spot

    return make


def content(x: int, size: int = EACH) -> bytes:
    return bytes([x]) * (size - 3)  # three bytes say what it is


def stored(spot: Spot) -> set[int]:
    return {(record.result_data or b"???!")[-1] for record in spot.metadata.scan(with_data=True)}


def make_results(
    spot: Spot, clock: Clock, numbers: range, **options: Any
) -> Callable[[int], bytes]:
    marked = spot.mark(content, **options)
    for x in numbers:
        marked(x)
        clock.now += 60
        deferred.finish()
    return marked


def test_what_was_not_used_for_the_longest_time_goes(
    limited: Make, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    spot = limited(save="sync")
    marked = make_results(spot, clock, range(10))
    assert stored(spot) == {*range(10)}, "ten fit"
    marked(0)
    clock.now += 60
    make_results(spot, clock, range(10, 11))
    assert stored(spot) == {0, *range(3, 11)}, "down to nine tenths"
    make_results(spot, clock, range(11, 60))
    assert spot.stats()["bytes"] <= 10 * EACH
    assert 59 in stored(spot)
    assert caplog.records == []


def test_values_that_are_set_count(limited: Make, clock: Clock) -> None:
    spot = limited()
    marked = spot.mark(content)
    for x in range(12):
        spot.set_result(content(x), marked, x)
        clock.now += 60
        deferred.finish()
    assert stored(spot) == {*range(2, 12)}


@pytest.mark.parametrize("options", [{"save_blob": True}, {"save_blob": False}], ids=str)
@pytest.mark.parametrize("save", ["sync", "background"])
def test_blobs_go_with_their_rows(
    limited: Make, clock: Clock, save: str, options: dict[str, Any]
) -> None:
    spot = limited(save=save)
    marked = spot.mark(content, **options)
    for x in range(15):
        marked(x)
        assert spot.flush()
        clock.now += 60
        deferred.finish()
    assert 9 <= spot.stats()["entries"] <= 10
    blobs = sum(name.endswith(".bin") or "-" in name for name in _files(spot))
    assert blobs == (spot.stats()["entries"] if options["save_blob"] else 0)


def _files(spot: Spot) -> list[str]:
    return [blob.location for blob in spot.storage.list()]


def test_without_it_nothing_is_looked_at(make_spot: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[object] = []
    monkeypatch.setattr(deferred, "later", asked.append)
    spot = make_spot(strict=True)
    marked = spot.mark(content)
    for x in range(50):
        marked(x)
    assert asked == []
    assert spot.stats()["entries"] == 50


class Counting(MemoryMetadataStore):
    """Counts how often it is asked how much it holds."""

    asked = 0

    def totals(self) -> Totals:
        self.asked += 1
        return super().totals()


def test_it_is_looked_at_now_and_then_and_not_at_each_save(limited: Make, clock: Clock) -> None:
    store = Counting()
    spot = limited(metadata=store, max_size=100 * EACH)
    make_results(spot, clock, range(1))
    assert store.asked == 1, "others may have stored before"
    make_results(spot, clock, range(1, 6))
    assert store.asked == 1
    make_results(spot, clock, range(6, 7))
    assert store.asked == 2, "after a twentieth"


def test_a_while_after_the_last_look_too(
    limited: Make, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, now = Counting(), [5000.0]
    monkeypatch.setattr(size_limit, "monotonic", lambda: now[0])
    spot = limited(metadata=store, max_size=100 * EACH)
    make_results(spot, clock, range(2))
    now[0] += size_limit.INTERVAL
    make_results(spot, clock, range(2, 4))
    assert store.asked == 2


def test_what_other_processes_stored_counts(limited: Make, make_spot: Make, clock: Clock) -> None:
    other = make_spot(strict=True)
    other._engine.cache.clock = clock
    make_results(other, clock, range(40))
    make_results(limited(), clock, range(40, 41))
    assert stored(other) == {*range(32, 41)}


def test_what_was_just_stored_stays(
    limited: Make, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    spot = limited(strict=False)
    marked = spot.mark(content)
    for x in range(2):
        marked(x)
    clock.now += 60
    marked(2, size=20 * EACH)
    deferred.finish()
    marked(3)
    deferred.finish()
    assert stored(spot) == {2, 3}
    told = [record.message for record in caplog.records if record.levelname == "WARNING"]
    assert len(told) == 1
    assert "max_size=10000 is too small" in told[0]
    assert told[0].endswith("Raise max_size")
    # It is looked at again when that is older.
    clock.now += 60
    spot._engine.size_limit._due = 0.0  # type: ignore[union-attr]
    marked(4)
    deferred.finish()
    assert stored(spot) == {3, 4}


def test_what_is_being_computed_stays(limited: Make, clock: Clock) -> None:
    spot = limited()
    marked = make_results(spot, clock, range(10))
    lease = spot.metadata.try_lease(spot.key(marked, 0))
    assert lease is not None
    make_results(spot, clock, range(10, 11))
    assert stored(spot) == {0, *range(3, 11)}
    lease.release()


def test_one_process_removes_at_a_time(limited: Make, clock: Clock) -> None:
    spot = limited()
    make_results(spot, clock, range(10))
    lease = spot.metadata.try_lease(size_limit.LEASE)
    assert lease is not None
    make_results(spot, clock, range(10, 12))
    assert len(stored(spot)) == 12
    lease.release()
    make_results(spot, clock, range(12, 13))
    assert stored(spot) == {*range(4, 13)}


class NoLeases(MemoryMetadataStore):
    leases = False


def test_a_store_without_leases(limited: Make, clock: Clock) -> None:
    spot = limited(metadata=NoLeases())
    make_results(spot, clock, range(12))
    assert len(stored(spot)) <= 10


class Failing(MemoryMetadataStore):
    def totals(self) -> Totals:
        raise MetadataError("out of order")


@pytest.mark.parametrize("strict", [False, True])
def test_a_failure_is_told_and_never_raised(
    limited: Make,
    clock: Clock,
    troubles: list[Trouble],
    caplog: pytest.LogCaptureFixture,
    strict: bool,
) -> None:
    spot = limited(metadata=Failing(), strict=strict, on_error=troubles.append)
    make_results(spot, clock, range(3))
    assert len(stored(spot)) == 3
    assert "could not keep the store under max_size" in caplog.text
    assert "out of order" in caplog.text
    assert {trouble.operation for trouble in troubles} == (
        set() if strict else {"keep the store under max_size"}
    )


def test_a_failure_of_a_store_that_is_closed_is_none(
    limited: Make, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    store = Closing()
    spot = limited(metadata=store, strict=False)
    store.ends = spot.shutdown
    make_results(spot, clock, range(1))
    assert caplog.records == []


class Closing(MemoryMetadataStore):
    """Its Spot is shut down while it is asked, and it fails then."""

    ends: Callable[[], object] = bool

    def totals(self) -> Totals:
        self.ends()
        raise MetadataError("closed")


class Crowded(MemoryMetadataStore):
    """Other processes store as much as is removed."""

    def delete(self, key: str) -> bool:
        record = self.get(key)
        if record is not None:
            self.put(record._replace(cache_key=f"{len(list(self.scan())):032x}{key[:1]}"))
        return super().delete(key)


def test_what_others_store_meanwhile_is_no_reason_to_raise_it(
    limited: Make, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    spot = limited(metadata=Crowded())
    make_results(spot, clock, range(12))
    assert len(stored(spot)) > 9
    assert caplog.records == []


class Slow(MemoryMetadataStore):
    """Waits before it removes the first row."""

    def __init__(self) -> None:
        super().__init__()
        self.began, self.goes_on = threading.Event(), threading.Event()
        self.closed = 0

    def delete(self, key: str) -> bool:
        self.began.set()
        assert self.goes_on.wait(DEADLINE)
        return super().delete(key)

    def put(self, record: TaskRecord) -> None:
        super().put(record)


def test_a_spot_that_ends_meanwhile_stops_it(limited: Make, clock: Clock) -> None:
    store = Slow()
    spot = limited(metadata=store)
    marked = make_results(spot, clock, range(10))
    marked(10)
    assert store.began.wait(DEADLINE)
    spot.shutdown()
    store.goes_on.set()
    deferred.finish()
    assert len(list(store.scan())) == 10, "one was on its way"
    # And nothing begins after the end.
    limit = spot._engine.size_limit
    assert limit is not None
    limit.note(100 * EACH)
    deferred.finish()
    assert len(list(store.scan())) == 10


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
def test_a_child_looks_by_itself(limited: Make, clock: Clock) -> None:
    spot = limited()
    limit = spot._engine.size_limit
    assert limit is not None
    limit._checks = True  # a thread of the parent's is at it
    spot._engine.reset_after_fork()
    make_results(spot, clock, range(12))
    assert len(stored(spot)) <= 10


def test_an_adopted_result_counts(limited: Make, make_spot: Make, clock: Clock) -> None:
    other = make_spot(strict=True)
    other._engine.cache.clock = clock
    make_results(other, clock, range(10), name="old")
    spot = limited(max_size=12 * EACH)
    marked = spot.mark(content, name="new", renamed_from="old")
    for x in range(5):
        marked(x)
        clock.now += 60
        deferred.finish()
    assert spot.stats()["bytes"] <= 12 * EACH


@pytest.mark.parametrize("given", ["10GB", "10 gb", 10_000_000_000])
def test_the_setting(make_spot: Make, monkeypatch: pytest.MonkeyPatch, given: Any) -> None:
    assert make_spot(max_size=given).config["max_size"] == 10**10
    assert make_spot("none", max_size="none").config["max_size"] is None
    monkeypatch.setenv("BEAUTYSPOT_MAX_SIZE", str(given))
    assert make_spot("by environment").config["max_size"] == 10**10
    assert SETTINGS["max_size"].default is None


@pytest.mark.parametrize("given", ["much", -1, 1.5, True, "1 parsec"])
def test_a_wrong_setting_says_what_fits(make_spot: Make, given: Any) -> None:
    with pytest.raises(ConfigError, match="max_size takes a number of bytes"):
        make_spot(max_size=given)
