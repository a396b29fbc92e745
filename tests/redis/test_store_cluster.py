"""In a cluster: a row and its lease lie in one slot, what was invalidated in another."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from beautyspot.contracts import Invalidation, in_full, lacks_data
from beautyspot.errors import MetadataError
from beautyspot_redis import RedisMetadataStore, putting, store_scripts
from beautyspot_redis.names import Names
from beautyspot_testing.metadata_counts import COUNTED
from beautyspot_testing.records import HOSTILE_KEYS, KEYS, a_record

if TYPE_CHECKING:
    from collections.abc import Iterator

    from servers.valkey import Cluster


@pytest.fixture
def store(redis_cluster: Cluster, namespace: str) -> Iterator[RedisMetadataStore]:
    store = RedisMetadataStore(redis_cluster.url, namespace=namespace)
    yield store
    store.close()


@pytest.fixture
def other(redis_cluster: Cluster, namespace: str) -> Iterator[RedisMetadataStore]:
    other = RedisMetadataStore(redis_cluster.url, namespace=namespace)
    yield other
    other.close()


def test_rows_of_all_servers_are_found_and_listed(store: RedisMetadataStore) -> None:
    large = a_record(KEYS[50], result_data=b"x" * 100_000)
    since = store.generation()
    assert store.put_many_valid([(a_record(key), since) for key in KEYS[:50]]) == set()
    store.put(large)
    found = store.find_many(KEYS)
    assert [*found] == KEYS[:51]
    assert lacks_data(in_full(found[KEYS[50]]))
    assert store.get(KEYS[50]) == large
    assert [record.cache_key for record in store.scan(with_data=True)] == KEYS[:51]
    assert store.totals().entries == 51
    assert store.page(limit=10).following == KEYS[9]
    store.touch(dict.fromkeys(KEYS[:60], 7.0))
    assert [record.used_at for record in store.scan()] == [7.0] * 51
    assert store.delete(KEYS[0])


def test_a_stranger_s_value_is_a_miss(
    store: RedisMetadataStore, redis_cluster: Cluster, namespace: str
) -> None:
    from redis.cluster import RedisCluster

    store.put(a_record(KEYS[1]))
    with RedisCluster.from_url(f"redis://{redis_cluster.nodes[0].host_and_port}") as raw:
        raw.rpush(Names(namespace).row(KEYS[0]), "a")
    assert store.find(KEYS[0]) is None
    assert [*store.find_many(KEYS[:3])] == KEYS[1:2]
    assert [record.cache_key for record in store.scan()] == KEYS[1:2]


def test_leases_of_many_keys(store: RedisMetadataStore, other: RedisMetadataStore) -> None:
    other.next_releases(0)
    begun = store.begin_many(KEYS[:30])
    assert [*begun] == KEYS[:30]
    assert {one.generation for one in begun.values()} == {store.generation()}
    assert other.begin_many(KEYS[:31]).keys() == {KEYS[30]}
    assert [*store.renew([one.lease for one in begun.values()])] == []
    since = store.generation()
    assert store.put_many_valid([(a_record(key), since) for key in KEYS[:20]]) == set()
    for one in begun.values():
        one.lease.release()
    heard: set[str] = set()
    while len(heard) < 30:
        heard |= other.next_releases(30) or set()
    assert heard == set(KEYS[:30])
    assert store.leased(KEYS) == {KEYS[30]}


def test_keys_of_any_kind_have_one_slot(store: RedisMetadataStore) -> None:
    for key in (*HOSTILE_KEYS, "a}b", "{a}", "a{b}c"):
        begun = store.begin(key)
        assert begun is not None
        assert store.put_valid(a_record(key), begun.generation)
        assert store.find(key) is not None
    assert store.totals().entries == len(HOSTILE_KEYS) + 3


def test_what_is_invalidated_before_the_log_is_asked_is_removed_again(
    store: RedisMetadataStore, other: RedisMetadataStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The row was put, since its server knows nothing of the log."""
    early, late = store.generation(), Invalidation(cache_key=KEYS[2])
    store.note_invalidation(Invalidation(cache_key=KEYS[0]))
    assert not store.put_valid(a_record(), early)
    assert store.find(KEYS[0]) is None
    now = store.generation()
    real = putting.each

    def each(*asked: Any) -> Any:
        answers = real(*asked)
        other.note_invalidation(late)
        return answers

    monkeypatch.setattr(putting, "each", each)
    rows = [(a_record(KEYS[0]), now), (a_record(KEYS[1]), early), (a_record(KEYS[2]), now)]
    assert store.put_many_valid([*rows, (a_record(KEYS[0]), early)]) == {KEYS[0], KEYS[2]}
    assert [record.cache_key for record in store.scan()] == [KEYS[1]]


def test_a_row_is_no_result_before_the_log_was_asked(
    store: RedisMetadataStore, other: RedisMetadataStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its process may die at that moment, and the row may have been invalidated."""
    since = store.generation()
    store.note_invalidation(Invalidation(tag="other"))

    def since_of(*_: object) -> None:
        raise MetadataError("the log can't be reached")

    with monkeypatch.context() as patch:
        patch.setattr(putting.invalidation_log, "since", since_of)
        with pytest.raises(MetadataError):
            store.put_valid(a_record(), since)
    assert other.find(KEYS[0]) is None
    assert other.get(KEYS[0]) is None
    assert other.find_many([KEYS[0], KEYS[1]]) == {}
    assert [record.cache_key for record in other.scan()] == KEYS[:1], "to be removed"
    assert store.put_valid(a_record(), since), "as it is tried again"
    assert other.find(KEYS[0]) is not None


def test_what_is_invalidated_after_the_log_was_asked_is_not_stored(
    store: RedisMetadataStore, other: RedisMetadataStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = putting.invalidation_log.since

    def since_of(*asked: Any) -> Any:
        found = real(*asked)
        other.note_invalidation(Invalidation(cache_key=KEYS[0]))
        assert other.delete(KEYS[0]), "whoever invalidates meets the row"
        return found

    begun = store.begin(KEYS[0])
    assert begun is not None
    monkeypatch.setattr(putting.invalidation_log, "since", since_of)
    assert not store.put_valid(a_record(), begun.generation)
    assert other.find(KEYS[0]) is None
    assert not other.leased([KEYS[0]])


def test_a_note_of_the_last_use_does_not_lose_a_row_that_is_being_put(
    store: RedisMetadataStore, other: RedisMetadataStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Notes are written late: it is the row before that was used."""
    real = putting.invalidation_log.since

    def since_of(*asked: Any) -> Any:
        other.touch({KEYS[0]: 9.0})
        return real(*asked)

    monkeypatch.setattr(putting.invalidation_log, "since", since_of)
    assert store.put_valid(a_record(), store.generation())
    assert other.find(KEYS[0]) is not None


def test_what_another_call_has_put_since_is_not_removed(
    store: RedisMetadataStore, other: RedisMetadataStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It began after what was invalidated, and its result is good."""
    since, began = store.generation(), store.now()
    newer = a_record(began_at=began + 1, took=0.0)
    real = putting.each

    def each(server: Any, script: Any, runs: Any) -> Any:
        answers = real(server, script, runs)
        if server is store._server and script is store_scripts.PUT:
            other.note_invalidation(Invalidation(cache_key=KEYS[0]))
            assert other.put_valid(newer, other.generation())
        return answers

    monkeypatch.setattr(putting, "each", each)
    assert not store.put_valid(a_record(began_at=began, took=1.0), since)
    found = store.get(KEYS[0])
    assert found is not None
    assert found.took == 0.0


def test_what_belongs_to_no_row_lies_somewhere(
    store: RedisMetadataStore, other: RedisMetadataStore
) -> None:
    assert store.store_id == other.store_id
    store.add_counts([COUNTED, COUNTED._replace(hour=5)])
    assert [*other.counts()] == [COUNTED._replace(hour=5), COUNTED]
    store.share_waits({KEYS[0]: [KEYS[1]]})
    assert other.share_waits({}) == {KEYS[0]: {KEYS[1]}}
    assert [finding.state for finding in store.examine()] == ["ok"] * 3, "each server"
    assert store.now() <= other.now() + 1
