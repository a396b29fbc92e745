"""Leases in the server: told, renewed, lost, and released with the row."""

from __future__ import annotations

import os
import secrets
import socket
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
from beautyspot.contracts import in_full
from beautyspot.errors import MetadataError
from beautyspot_redis import RedisMetadataStore, leases, putting, store_scripts
from beautyspot_testing.records import KEYS, a_record
from beautyspot_testing.shared import in_forked_child
from redis import exceptions
from servers.valkey import until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from beautyspot_redis.names import Names
    from servers.valkey import Valkey


@pytest.fixture
def other(redis_server: Valkey, namespace: str) -> Iterator[RedisMetadataStore]:
    """Another machine, as it were."""
    other = RedisMetadataStore(redis_server.url, namespace=namespace)
    yield other
    other.close()


def test_a_release_that_fails_says_what_to_do(
    store: RedisMetadataStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise exceptions.ConnectionError("Error 111 connecting to h:1. Connection refused.")

    lease = store.try_lease(KEYS[0])
    assert lease is not None
    monkeypatch.setattr(leases, "each", broken)
    with pytest.raises(MetadataError, match="start the server"):
        lease.release()


def trips(raw: Any) -> int:
    """How many commands stores have sent, one for each round trip; those in scripts are others."""
    said = raw.info("commandstats")
    sent = ("cmdstat_get", "cmdstat_evalsha", "cmdstat_eval", "cmdstat_unlink")
    return sum(said[name]["calls"] for name in sent if name in said)


def test_a_hit_is_one_round_trip_and_a_miss_three(store: RedisMetadataStore, raw: Any) -> None:
    for _ in range(2):  # the first one sends the scripts
        before = trips(raw)
        assert store.find(KEYS[0]) is None
        begun = store.begin(KEYS[0])
        assert begun is not None
        assert store.put_valid(a_record(began_at=begun.now), begun.generation)
        begun.lease.release()
        miss, between = trips(raw) - before, trips(raw)
        assert store.find(KEYS[0]) is not None
        hit = trips(raw) - between
        store.delete(KEYS[0])
    assert (hit, miss) == (1, 3)


def test_what_begins_a_call_is_read_when_the_lease_is_held(store: RedisMetadataStore) -> None:
    store.put(a_record())
    begun = store.begin(KEYS[0])
    assert begun is not None
    assert begun.found is not None
    assert in_full(begun.found).digest == a_record().digest
    assert begun.generation == store.generation()
    assert begun.now <= store.now()
    assert store.begin(KEYS[0]) is None
    assert [*store.begin_many(KEYS[:3])] == KEYS[1:3]


def test_a_put_releases_its_own_lease_and_no_others(
    store: RedisMetadataStore, other: RedisMetadataStore
) -> None:
    lease, theirs = store.try_lease(KEYS[0]), other.try_lease(KEYS[1])
    assert lease is not None
    assert theirs is not None
    store.put(a_record())
    assert store.leased(KEYS[:3]) == set(KEYS[:2]), "`put` is for what no call has made"
    since = store.generation()
    assert store.put_many_valid([(a_record(key), since) for key in KEYS[:3]]) == set()
    assert store.leased(KEYS[:3]) == {KEYS[1]}
    taken = other.try_lease(KEYS[0])
    assert taken is not None
    lease.release()
    assert store.leased(KEYS[:1]) == {KEYS[0]}, "which was released before"
    assert store.put_valid(a_record(), since), "nor does a lease that was lost keep a result out"
    assert store.leased(KEYS[:1]) == {KEYS[0]}


def test_a_result_that_is_refused_ends_its_lease_too(store: RedisMetadataStore) -> None:
    begun = store.begin(KEYS[0])
    assert begun is not None
    store.put(a_record(made_at=begun.now, took=0.0))
    old = a_record(began_at=begun.now - 5)
    assert not store.put_valid(old, begun.generation)
    assert store.leased(KEYS[:1]) == set()


def test_a_lease_of_which_no_answer_came_ends_with_its_row(
    store: RedisMetadataStore, other: RedisMetadataStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else the same call of others would wait for a lease that nobody knows of."""
    from redis.exceptions import TimeoutError as NoAnswer

    since, real = store.generation(), store._keeper._answers

    def answers(*asked: Any, **how: Any) -> Any:
        real(*asked, **how)
        raise NoAnswer

    with monkeypatch.context() as patch:
        patch.setattr(store._keeper, "_answers", answers)
        with pytest.raises(MetadataError):
            store.begin_many(KEYS[:2])
    assert other.leased(KEYS) == {*KEYS[:2]}
    assert store.put_valid(a_record(), since)
    assert other.leased(KEYS) == {KEYS[1]}


def test_a_lease_that_ends_with_its_row_just_now_is_not_lost(
    store: RedisMetadataStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = store.begin(KEYS[0])
    assert begun is not None
    real, lost = putting.each, list[Any]()

    def each(*asked: Any) -> Any:
        answers = real(*asked)
        lost.extend(store.renew([begun.lease]))  # before the one who stores has the answer
        return answers

    monkeypatch.setattr(putting, "each", each)
    assert store.put_valid(a_record(), begun.generation)
    assert lost == []


def test_a_lease_that_another_has_by_now_is_lost(
    store: RedisMetadataStore, other: RedisMetadataStore, raw: Any, names: Names
) -> None:
    leases = [lease for key in KEYS[:3] if (lease := store.try_lease(key)) is not None]
    assert len({lease.token for lease in leases} - {""}) == 3
    assert [*store.renew(leases)] == []
    raw.delete(names.lease(KEYS[0]), names.lease(KEYS[2]))  # as when its time is over
    taken = other.try_lease(KEYS[0])
    assert taken is not None
    leases[1].release()
    assert {*store.renew(leases)} == {leases[0], leases[2]}, "one that was released is not lost"
    leases[0].release()
    assert [*other.renew([taken])] == [], "the lease of a later holder stays"


def test_a_lease_holds_for_its_time_from_each_renewal(
    redis_server: Valkey, namespace: str, raw: Any, names: Names
) -> None:
    store = RedisMetadataStore(redis_server.url, namespace=namespace, lease_time="1 min")
    lease = store.try_lease(KEYS[0])
    assert lease is not None
    assert store.lease_time == 60
    raw.pexpire(names.lease(KEYS[0]), 5000)
    store.share_waits({KEYS[0]: [KEYS[1]]})
    raw.pexpire(names.waits, 5000)
    store.renew([lease])
    assert 55_000 < raw.pttl(names.lease(KEYS[0])) <= 60_000
    assert 55_000 < raw.pttl(names.waits) <= 60_000, "so does what is told of waits"
    store.close()


def test_a_beginning_that_is_sent_twice_is_one(
    store: RedisMetadataStore, raw: Any, names: Names
) -> None:
    """As where the connection broke before the answer came."""
    lease, values = [names.lease(KEYS[0])], ("token", "who", 1000, -1)
    assert store_scripts.BEGIN.run(raw, lease, *values) == 1
    assert store_scripts.BEGIN.run(raw, lease, *values) == 1
    assert store_scripts.BEGIN.run(raw, lease, "another", *values[1:]) is None


def test_who_holds_a_lease_is_said(store: RedisMetadataStore, other: RedisMetadataStore) -> None:
    assert store.try_lease(KEYS[0]) is not None
    assert other.lease_holder(KEYS[0]) == f"process {os.getpid()} on {socket.gethostname()}"
    assert other.lease_holder(KEYS[1]) == ""


def test_releases_are_told_where_somebody_waits(
    store: RedisMetadataStore, other: RedisMetadataStore
) -> None:
    assert other.next_releases(0) == set(), "it listens from now on"
    leases = {key: store.try_lease(key) for key in KEYS[:4]}
    assert None not in leases.values()
    for key in KEYS[:2]:
        assert other.try_lease(key) is None, "so other waits"
    since = store.generation()
    leases[KEYS[0]].release()  # type: ignore[union-attr]  # above
    assert other.next_releases(30) == {KEYS[0]}
    assert store.put_valid(a_record(KEYS[1]), since)
    assert other.next_releases(30) == {KEYS[1]}
    assert store.put_valid(a_record(KEYS[2]), since), "for which nobody waits"
    leases[KEYS[3]].release()  # type: ignore[union-attr]  # above
    assert other.next_releases(0) == set()
    other.stop_listening()
    other.stop_listening()
    assert other.next_releases(0) == set()


def test_releases_in_a_row_are_told_together(
    store: RedisMetadataStore, other: RedisMetadataStore
) -> None:
    other.next_releases(0)
    begun = store.begin_many(KEYS[:20])
    assert other.begin_many(KEYS[:20]) == {}
    for one in begun.values():
        one.lease.release()
    heard: set[str] = set()
    while len(heard) < 20:
        heard |= other.next_releases(30) or set()
    assert heard == set(KEYS[:20])


def test_closing_the_store_ends_the_listening(
    store: RedisMetadataStore, raw: Any, names: Names, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("beautyspot_redis.leases.SLICE", 0.05)
    store.next_releases(0)
    with ThreadPoolExecutor(1) as pool:
        listening = pool.submit(store.next_releases, 30)
        while not listening.running():
            pass
        store.close()
        with pytest.raises(MetadataError, match="closed"):
            listening.result(15)
    assert until(lambda: not raw.pubsub_channels(names.released))


def test_a_store_that_may_not_listen_says_so(
    store: RedisMetadataStore, redis_server: Valkey, namespace: str, raw: Any
) -> None:
    user = secrets.token_hex(4)
    raw.execute_command("ACL", "SETUSER", user, "on", ">pw", "~*", "+@all", "resetchannels")
    deaf = RedisMetadataStore(redis_server.url, namespace=namespace, username=user, password="pw")
    assert deaf.next_releases(0) is None
    lease = deaf.try_lease(KEYS[0])
    assert lease is not None
    assert store.try_lease(KEYS[0]) is None
    lease.release()
    assert deaf.leased(KEYS[:1]) == set(), "nor tell, but its leases end"
    deaf.close()


def test_a_forked_child_does_not_end_what_its_parent_holds(
    store: RedisMetadataStore, raw: Any, names: Names
) -> None:
    lease = store.try_lease(KEYS[0])
    assert lease is not None
    store.next_releases(0)
    raw.publish(names.released, KEYS[9])

    def child() -> str:
        lease.release()
        assert store.put_valid(a_record(), store.generation())
        assert [*store.renew([lease])] == []
        assert store.try_lease(KEYS[0]) is None
        assert store.next_releases(0) == set()
        store.close()
        return "still held"

    assert in_forked_child(child) == "still held"
    assert store.leased(KEYS[:1]) == {KEYS[0]}
    assert store.next_releases(30) == {KEYS[9]}, "and the child hears on a connection of its own"
    lease.release()
    assert store.leased(KEYS[:1]) == set()


def test_of_several_beginnings_one_fails(
    store: RedisMetadataStore, raw: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Then none of the leases stays: nobody would renew them, or release them."""
    from beautyspot_redis import leases
    from redis.exceptions import ResponseError

    real = leases.each

    def failing(server: Any, script: Any, runs: Any) -> Any:
        answers = real(server, script, runs)
        if script is store_scripts.BEGIN:
            raise ResponseError("OOM command not allowed")
        return answers

    monkeypatch.setattr(leases, "each", failing)
    with pytest.raises(MetadataError):
        store.begin_many(KEYS[:3])
    assert store.leased(KEYS[:3]) == set()


def test_what_others_wait_for_may_be_anything(
    store: RedisMetadataStore, other: RedisMetadataStore, raw: Any, names: Names
) -> None:
    other.share_waits({KEYS[0]: [KEYS[1]]})
    far = 10**15
    raw.hset(
        names.waits,
        mapping={
            "a": "junk",
            "b": f"{far}:junk",
            "c": f"{far}:[1]",
            "d": f'{far}:{{"x": 5}}',
            "e": "5:{}",
            "f": f'{far}:{{"y": ["z", 5]}}',
        },
    )
    assert store.share_waits({}) == {KEYS[0]: {KEYS[1]}, "y": {"z"}}
    left = {name for name in raw.hkeys(names.waits) if len(name) == 1}
    assert left == {b"b", b"c", b"d", b"f"}, "what is over goes"
