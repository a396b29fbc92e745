"""`KeyValueStore`: what it makes of four operations where they fail, come late, or are many."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from beautyspot.contracts.records import ALL, covers_of
from beautyspot.contracts.store import Put
from beautyspot.errors import MetadataBusyError
from beautyspot_testing.records import KEYS, a_record
from beautyspot_testing.store import MINE, OTHER, stored
from testing.broken_stores import DictStore

LOST = OSError("no answer came")


class Place(DictStore):
    """A dict between which and the store things happen.

    Attributes:
        before: what is called before an operation, by its name and that of what it is about, such
            as "write r/"; it may raise.
        after: likewise, behind it.
        asked: the operations, so named.
    """

    lease_time = 30.0

    def __init__(self, place: dict[str, bytes]) -> None:
        super().__init__(place)
        self.before: dict[str, Callable[[], object]] = {}
        self.after: dict[str, Callable[[], object]] = {}
        self.asked: list[str] = []

    def _around(self, operation: str, name: str, work: Callable[[], Any]) -> Any:
        what = f"{operation} {name[:2]}"
        self.asked.append(what)
        if what in self.before:
            self.before[what]()
        answer = work()
        if what in self.after:
            self.after[what]()
        return answer

    def read(self, name: str) -> Any:
        return self._around("read", name, lambda: DictStore.read(self, name))

    def write(self, name: str, data: bytes, expected: Any) -> Any:
        return self._around("write", name, lambda: DictStore.write(self, name, data, expected))

    def remove(self, name: str, expected: Any) -> bool:
        removed: bool = self._around("remove", name, lambda: DictStore.remove(self, name, expected))
        return removed


@pytest.fixture
def place() -> dict[str, bytes]:
    return {}


@pytest.fixture
def store(place: dict[str, bytes]) -> Place:
    return Place(place)


@pytest.fixture
def other(place: dict[str, bytes]) -> DictStore:
    return DictStore(place)


def fail() -> None:
    raise LOST


def run(store: DictStore, key: str = KEYS[0]) -> Put:
    """A result of a run that begins now, under its lease."""
    begun = store.begin([key], MINE)
    assert key in begun.leased
    record = a_record(key, began_at=begun.now, made_at=begun.now, used_at=None)
    return Put(record, covers_of(record), begun.since, MINE)


# ----------------------------------------------------------------------------------- contention


def test_one_answer_that_comes_late_ends_no_change(
    store: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As of a server that has those wait who write one object at the same time."""
    store.patience = 0.0
    real, refused = store.write, list[str]()

    def write(name: str, data: bytes, expected: Any) -> Any:
        if len(refused) < 2:
            return refused.append(name)
        return real(name, data, expected)

    monkeypatch.setattr(store, "write", write)
    store.note(ALL)
    assert refused == ["covers", "covers"]


@pytest.mark.parametrize("name", ["covers", "r/", "u/"])
def test_a_change_that_is_refused_again_and_again_ends(
    store: Place, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """As of a place that changes all tags."""
    put = run(store)
    store.patience = 0.05
    with monkeypatch.context() as patched:
        patched.setattr(store, "write", lambda *_: None)
        work: dict[str, Callable[[], object]] = {
            "covers": lambda: store.note(ALL),
            "r/": lambda: store.put([put]),
            "u/": lambda: store.touch({KEYS[0]: 1.0}),
        }
        with pytest.raises(MetadataBusyError, match="beautyspot doctor"):
            work[name]()
    assert store.put([put]) == set()


def test_one_that_was_made_while_another_is_put_is_no_work_of_a_wrong_clock(
    store: Place, other: DictStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    time = [100.0]
    for one in (store, other):
        monkeypatch.setattr(one, "now", lambda: time[0])
    older = run(store)

    def put_newer() -> None:
        del store.before["write r/"]
        time[0] = 200.0
        stored(other, a_record(began_at=199.0, made_at=200.0, version="newer"))

    store.before["write r/"] = put_newer
    assert store.put([older]) == {KEYS[0]}
    found = other.get(KEYS[0])
    assert found is not None
    assert found.version == "newer"


# ------------------------------------------------------------------------- answers that are lost


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("request_", ["write l/", "write r/", "remove l/", "read r/", "read co"])
def test_after_an_outage_a_run_goes_on_under_its_lease(
    store: Place, other: DictStore, request_: str, when: str
) -> None:
    """It begins, renews, stores and ends, each again where it failed."""
    what = getattr(store, when)

    def again(work: Callable[[], Any]) -> Any:
        what[request_] = fail
        try:
            work()
        except OSError as error:
            assert error is LOST  # noqa: PT017 - some do not fail
        what.clear()
        return work()

    put = again(lambda: run(store))
    assert again(lambda: store.renew([KEYS[0]], MINE)) == set()
    assert not other.begin([KEYS[0]], OTHER).leased
    assert again(lambda: store.put([put])) == set()
    assert other.find(KEYS[0]) is not None
    store.release([KEYS[0]], MINE)
    assert other.begin([KEYS[0]], OTHER, rejected={KEYS[0]: float("inf")}).leased


def test_a_renewal_whose_answer_was_lost_is_no_loss(store: Place, other: DictStore) -> None:
    store.begin([KEYS[0]], MINE)
    store.after["write l/"] = fail
    with pytest.raises(OSError, match="no answer"):
        store.renew([KEYS[0]], MINE)
    store.after.clear()
    assert store.renew([KEYS[0]], MINE) == set()
    store.after["write l/"] = fail
    with pytest.raises(OSError, match="no answer"):
        store.renew([KEYS[0]], MINE)
    store.after.clear()
    store.release([KEYS[0]], MINE)
    assert other.begin([KEYS[0]], OTHER).leased


def test_a_result_is_stored_though_its_lease_can_t_be_released(
    store: Place, other: DictStore
) -> None:
    put = run(store)
    store.before["remove l/"] = fail
    assert store.put([put]) == set()
    assert other.find(KEYS[0]) is not None
    assert not other.begin([KEYS[0]], OTHER, rejected={KEYS[0]: float("inf")}).leased
    store.before.clear()
    store.release([KEYS[0]], MINE)
    assert other.begin([KEYS[0]], OTHER, rejected={KEYS[0]: float("inf")}).leased


def test_a_lease_that_nobody_needs_is_given_back_though_an_answer_was_lost(
    store: Place, other: DictStore
) -> None:
    """The row is there as the lease is had."""
    stored(other, a_record())
    store.after["remove l/"] = fail
    with pytest.raises(OSError, match="no answer"):
        store.begin([KEYS[0]], MINE)
    store.after.clear()
    refused = iter([False])

    def remove(name: str, expected: Any) -> bool:
        return next(refused, True) and DictStore.remove(store, name, expected)

    store.remove = remove  # type: ignore[method-assign]
    assert KEYS[0] in store.begin([KEYS[0]], MINE).found
    assert other.begin([KEYS[0]], OTHER, rejected={KEYS[0]: float("inf")}).leased


def test_what_a_put_left_that_failed_is_removed_by_the_next(store: Place, other: DictStore) -> None:
    """It has written the row, and could not ask whether that was invalidated at the same time."""
    put = run(store)

    def invalidated() -> None:
        other.note(ALL)
        store.before["read co"] = fail

    store.after["write r/"] = invalidated
    with pytest.raises(OSError, match="no answer"):
        store.put([put])
    store.before.clear()
    assert other.find(KEYS[0]) is not None, "nobody could see to it yet"
    assert store.put([put]) == {KEYS[0]}
    assert other.find(KEYS[0]) is None


def test_a_newer_result_that_is_removed_leaves_the_invalidation_before_it(
    store: Place, other: DictStore
) -> None:
    """It was put between the two writes of the invalidation, and then removed by a prune."""
    old = run(other)
    newer = list[Put]()

    def put_newer() -> None:
        store.before.clear()
        other.release([KEYS[0]], MINE)
        begun = store.begin([KEYS[0]], OTHER)
        record = a_record(began_at=begun.now, made_at=begun.now, used_at=None)
        newer.append(Put(record, covers_of(record), begun.since, OTHER))
        assert store.put(newer) == set()

    store.before["read r/"] = put_newer
    assert store.note(f"key:{KEYS[0]}") is None
    assert store.get(KEYS[0]) == newer[0].record
    assert store.delete({KEYS[0]: newer[0].record.made_at}) == {KEYS[0]}
    assert other.put([old]) == {KEYS[0]}
    assert store.get(KEYS[0]) is None


def test_a_row_of_another_run_stays_where_one_is_refused(store: Place, other: DictStore) -> None:
    put = run(store)
    other.note(ALL)
    stored(other, a_record(began_at=put.record.began_at, made_at=other.now()))
    assert store.put([put]) == {KEYS[0]}
    assert other.find(KEYS[0]) is not None


# --------------------------------------------------------------------------------- many at once


def test_the_covers_are_read_twice_for_all_rows_of_a_put(store: Place) -> None:
    puts = [run(store, key) for key in KEYS[:20]]
    store.asked.clear()
    assert store.put(puts) == set()
    assert Counter(store.asked) == {"read co": 2, "read r/": 20, "write r/": 20, "remove l/": 20}


# -------------------------------------------------------------------------------------- sweeping


def test_last_uses_are_forgotten_after_a_year(store: Place) -> None:
    stored(store, *(a_record(key, made_at=1.0, used_at=None) for key in KEYS[:3]))
    day, now = 86400.0, store.now()
    store.touch({KEYS[0]: now - 367 * day, KEYS[1]: now - 300 * day})
    store.touch({KEYS[2]: now})
    used = [row.used_at for row in store.rows()]
    assert used == [None, now - 300 * day, now]
    assert store.sweep(0.0) == 0


def test_the_use_of_an_earlier_result_is_none_of_the_next() -> None:
    store = Place({})
    store.open()
    now = store.now() - 60
    stored(store, a_record(made_at=now + 10, used_at=None))
    store.touch({KEYS[0]: now + 15})
    assert [record.used_at for record in store.rows()] == [now + 15]
    store.note(f"key:{KEYS[0]}")
    stored(store, a_record(made_at=now + 20, used_at=None))
    assert [record.used_at for record in store.rows()] == [None]
    store.touch({KEYS[0]: now + 25})
    assert [record.used_at for record in store.rows()] == [now + 25]
