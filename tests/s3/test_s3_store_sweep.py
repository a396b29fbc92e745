"""What nobody needs any more is removed: tombstones, leases; last uses and counts are merged."""

from __future__ import annotations

from typing import Any

import pytest
from beautyspot.contracts import Counts, Invalidation
from beautyspot.errors import MetadataError
from beautyspot_s3 import S3MetadataStore, sweeping
from beautyspot_testing.records import KEYS, a_record

FOLDER = "cache/store/app/"


DAY = 86_400.0


@pytest.fixture
def later(store: S3MetadataStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is two days later than when everything was written."""
    now = store.now
    monkeypatch.setattr(store, "now", lambda: now() + 2 * DAY)


def names(client: Any, part: str) -> list[str]:
    answer = client.list_objects_v2(Bucket="bucket", Prefix=FOLDER + part)
    return [one["Key"].removeprefix(FOLDER + part) for one in answer.get("Contents", ())]


def fill(store: S3MetadataStore, client: Any) -> int:
    """Rows, three tombstones (one of a long key), and a released lease: how much is removed."""
    store.put_many(a_record(key) for key in [*KEYS[:4], "long" * 100])
    for key in (KEYS[0], KEYS[1], "long" * 100):
        assert store.delete(key)
    lease = store.try_lease(KEYS[2])
    assert lease is not None
    lease.release()
    return 3 + len(names(client, "leases/"))  # one tried the conditions


def test_what_is_younger_than_a_day_stays(store: S3MetadataStore, mocked: Any) -> None:
    fill(store, mocked)
    assert store.sweep(0.0) == 0
    assert store.sweep(3600.0, dry_run=True) == 0
    assert names(mocked, "rows/") == KEYS[:4]


def test_tombstones_and_leases_of_long_ago_are_removed(
    store: S3MetadataStore, mocked: Any, later: None
) -> None:
    number = fill(store, mocked)
    assert store.sweep(DAY, dry_run=True) == number
    assert names(mocked, "rows/") == KEYS[:4], "nothing was removed"
    assert store.sweep(3 * DAY) == 0, "it is younger than that"
    assert store.sweep(DAY) == number
    assert names(mocked, "rows/") == KEYS[2:4]
    assert names(mocked, "rows!/") == names(mocked, "leases/") == []
    assert store.sweep(DAY) == 0
    assert [record.cache_key for record in store.scan()] == KEYS[2:4]


def test_a_row_that_takes_the_place_of_a_tombstone_stays(
    store: S3MetadataStore, mocked: Any, later: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.put(a_record())
    store.delete(KEYS[0])
    real = mocked._make_api_call

    def raced(operation: str, params: Any) -> Any:
        if operation == "DeleteObject":
            real("PutObject", {"Bucket": "bucket", "Key": params["Key"], "Body": b"a new row"})
        return real(operation, params)

    monkeypatch.setattr(mocked, "_make_api_call", raced)
    assert store.sweep(DAY) == 0
    assert names(mocked, "rows/") == [KEYS[0]]


def test_a_call_under_way_is_fenced_where_the_tombstone_is_swept(
    store: S3MetadataStore, later: None
) -> None:
    """The log knows it as well: a call may take longer than a day."""
    begun = store.begin(KEYS[0])
    assert begun is not None
    store.note_invalidation(Invalidation(cache_key=KEYS[0]))
    store.delete(KEYS[0])
    assert store.sweep(DAY) > 0
    assert not store.put_valid(a_record(began_at=begun.now), begun.generation)


def test_last_uses_are_merged_without_those_of_removed_rows(
    store: S3MetadataStore, mocked: Any, later: None
) -> None:
    store.put_many(a_record(key, used_at=None) for key in KEYS[:4])
    for number in range(3):
        store.touch({KEYS[0]: number + 0.5, KEYS[number + 1]: 9.5, KEYS[9]: 1.0})
    store.delete(KEYS[3])
    before = list(store.scan())
    assert store.sweep(DAY, dry_run=True) == 4
    assert len(names(mocked, "used/")) == 3
    assert store.sweep(DAY) == 4, "three of last uses, and a tombstone"
    assert len(names(mocked, "used/")) == 1
    assert list(store.scan()) == before
    assert [record.used_at for record in before] == [2.5, 9.5, 9.5]
    assert store._uses.look().keys() == set(KEYS[:3])
    assert store.sweep(DAY) == 0, "one is left alone"
    again = S3MetadataStore("bucket", "cache", namespace="app", client=mocked)
    assert list(again.scan()) == before


def test_many_last_uses_are_merged_by_parts(
    store: S3MetadataStore, mocked: Any, later: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweeping, "MOST", 4)
    store.put_many(a_record(key, used_at=None) for key in KEYS[:10])
    for key in KEYS[:10]:
        store.touch({key: 1.5})
    assert store.sweep(DAY) == 10
    assert len(names(mocked, "used/")) == 3
    assert {record.used_at for record in store.scan()} == {1.5}


HOUR = 480_000  # in October 2024


COUNTED = Counts("m:f", HOUR, 5, 3, 1, 2.5, 1.25, 0.5, 0.25)


def another(store: S3MetadataStore) -> S3MetadataStore:
    """A store at the same place, as another process has one."""
    client = store._made_by.keywords["client"]
    return S3MetadataStore("bucket", "cache", namespace="app", client=client)


def count(store: S3MetadataStore) -> list[Counts]:
    for number in range(5):
        store.add_counts([COUNTED, COUNTED._replace(hour=HOUR + number)])
    for each in (store, another(store)):  # each has an object of its own
        each.add_counts([COUNTED._replace(hour=HOUR + 24 * 40, func_identifier="m:g")])
    return list(store.counts())


def test_counts_of_an_hour_are_one_object_of_a_process(store: S3MetadataStore, mocked: Any) -> None:
    for _ in range(5):
        store.add_counts([COUNTED])
    assert len(names(mocked, "counts/")) == 1
    store.add_counts([COUNTED._replace(hour=HOUR + 1)])
    another(store).add_counts([COUNTED])
    assert len(names(mocked, "counts/")) == 3
    assert [each.runs for each in store.counts()] == [18, 3]


def test_counts_whose_object_was_not_written_are_not_in_the_next_one(
    store: S3MetadataStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever counts adds them again."""
    store.add_counts([COUNTED])

    def fail(*_: object) -> None:
        raise MetadataError("down")

    with monkeypatch.context() as broken:
        broken.setattr(type(store._objects), "put", fail)
        with pytest.raises(MetadataError):
            store.add_counts([COUNTED])
    store.add_counts([COUNTED])
    assert [each.runs for each in store.counts()] == [6]


def test_counts_of_a_month_are_merged(store: S3MetadataStore, mocked: Any, later: None) -> None:
    before = count(store)
    assert store.sweep(DAY, dry_run=True) == 7
    assert store.sweep(DAY) == 7
    assert len(names(mocked, "counts/")) == 2
    assert list(store.counts()) == before
    assert list(store.counts(since=HOUR + 24 * 40)) == before[-1:]
    assert list(store.counts(since=HOUR + 3)) == [before[3], before[4], before[5]]
    store.add_counts([COUNTED])
    leases = len(names(mocked, "leases/"))
    assert leases > 0, "of the one before"
    assert store.sweep(DAY) == 2 + leases
    more = before[0].hits + COUNTED.hits
    assert [each.hits for each in store.counts()] == [more, *(each.hits for each in before[1:])]


def test_nothing_counts_twice_where_the_merging_ends_halfway(
    store: S3MetadataStore, mocked: Any, later: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = count(store)
    with monkeypatch.context() as broken:
        broken.setattr(sweeping.Sweeper, "_remove", lambda *_: 0)
        store.sweep(DAY)
    assert len(names(mocked, "counts/")) == 9, "those that were merged are still there"
    assert list(store.counts()) == before
    assert store.sweep(DAY) > 0
    assert list(store.counts()) == before
    assert len(names(mocked, "counts/")) == 2


def test_one_process_at_a_time_merges_counts(
    store: S3MetadataStore, mocked: Any, later: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = count(store)
    asked_for: list[str] = []
    monkeypatch.setattr(store, "try_lease", asked_for.append)  # another process has it
    assert store.sweep(DAY) == 0
    assert asked_for == [sweeping.MERGING]
    assert len(names(mocked, "counts/")) == 7
    assert list(store.counts()) == before


def test_what_strangers_or_later_releases_wrote_stays(
    store: S3MetadataStore, mocked: Any, later: None
) -> None:
    strange = [*(f"used/{name}" for name in "abc"), *(f"counts/2024-10-{name}" for name in "abc")]
    for name in strange:
        for body in (b'{"later": 1}', b"strange"):
            mocked.put_object(Bucket="bucket", Key=FOLDER + name, Body=body)
    before = count(store)
    store.put(a_record())
    for used in (1.5, 2.5):
        store.touch({KEYS[0]: used})
    store.sweep(DAY)
    assert set(strange) <= {*names(mocked, "")}
    assert list(store.counts()) == before
    assert len(names(mocked, "used/")) == 4
    assert len(names(mocked, "counts/")) == 5


def test_what_is_young_is_not_merged(
    store: S3MetadataStore, mocked: Any, later: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = count(store)
    young = names(mocked, "counts/")[0]
    monkeypatch.setattr(
        sweeping.Sweeper, "_is_old", lambda _, listed: not listed.name.endswith(young)
    )
    assert store.sweep(DAY) > 0
    assert young in names(mocked, "counts/")
    assert list(store.counts()) == before


def test_what_was_merged_before_is_removed_without_being_counted_again(
    store: S3MetadataStore, mocked: Any, later: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = count(store)
    parts = set(names(mocked, "counts/"))
    with monkeypatch.context() as broken:
        broken.setattr(sweeping.Sweeper, "_remove", lambda *_: 0)
        store.sweep(DAY)
    merged = set(names(mocked, "counts/")) - parts
    monkeypatch.setattr(
        sweeping.Sweeper, "_is_old", lambda _, listed: listed.name.rpartition("/")[2] in parts
    )
    assert store.sweep(DAY) == len(parts)
    assert set(names(mocked, "counts/")) == merged
    assert list(store.counts()) == before
