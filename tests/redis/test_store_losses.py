"""Whatever the server drops is a miss, and makes nothing wrong: evictions, FLUSHALL, restarts."""

from __future__ import annotations

import math
from typing import Any

import pytest
from beautyspot.contracts import Counts, Selection
from beautyspot.contracts.records import ALL
from beautyspot.errors import MetadataError, SchemaError
from beautyspot_redis import RedisMetadataStore
from beautyspot_testing.records import KEYS, a_record
from beautyspot_testing.store import MINE, OTHER, stored
from servers.valkey import Valkey

FUNCTION = Selection(function="module:f")


def drop(raw: Any, prefix: str, word: str = "") -> None:
    """What FLUSHALL does, in one namespace; or the eviction of its keys of one word."""
    for name in list(raw.scan_iter(match=f"{prefix}{word}*", count=1000)):
        raw.delete(name)


def keys_of(records: Any) -> list[str]:
    return [record.cache_key for record in records]


@pytest.mark.parametrize("word", ["", "row", "lease", "counts", "hours"])
def test_what_is_dropped_is_a_miss_and_a_run_under_way_is_stored(
    store: RedisMetadataStore, raw: Any, prefix: str, word: str
) -> None:
    store.note(f"key:{KEYS[5]}")
    stored(store, a_record(KEYS[1]))
    store.add_counts([Counts("f", 5, hits=1)])
    begun = store.begin([KEYS[0]], MINE)
    identity = store.store_id
    drop(raw, prefix, word)
    assert (store.find(KEYS[1]) is None) is (word in ("", "row"))
    assert store.renew([KEYS[0]], MINE) == ({KEYS[0]} if word in ("", "lease") else set())
    assert stored(store, a_record(), token=MINE, since=begun.since) == set()
    assert store.find(KEYS[0]) is not None
    assert keys_of(store.rows()) == ([KEYS[0]] if word in ("", "row") else KEYS[:2])
    assert len(list(store.counts())) == (word not in ("", "counts", "hours"))
    assert store.store_id == identity


def test_what_was_noted_before_an_eviction_may_be_any(
    store: RedisMetadataStore, other: RedisMetadataStore, raw: Any, prefix: str
) -> None:
    """So results of runs that began before are not stored, and later ones are."""
    stored(store, a_record(KEYS[9]))
    begun = store.begin(KEYS[:2], MINE)
    other.note(f"key:{KEYS[0]}")
    raw.delete(f"{prefix}store")
    refused = stored(
        store, *[a_record(key, began_at=1.0) for key in KEYS[:2]], token=MINE, since=begun.since
    )
    assert refused == set(KEYS[:2])
    after = store.begin(KEYS[:2], MINE)
    assert set(after.leased) == set(KEYS[:2])
    assert stored(store, *map(a_record, KEYS[:2]), token=MINE, since=after.since) == set()


def test_a_store_that_was_emptied_does_not_begin_at_1_again(
    store: RedisMetadataStore, other: RedisMetadataStore, raw: Any, prefix: str
) -> None:
    """Else what is noted from then on would not reach the runs that began before."""
    store.note(ALL)
    begun = store.begin([KEYS[0]], MINE)
    drop(raw, prefix)
    other.note(ALL)
    assert stored(store, a_record(began_at=1.0), token=MINE, since=begun.since) == {KEYS[0]}


def test_a_number_is_above_the_one_before_though_the_clock_was_set_back(
    store: RedisMetadataStore, raw: Any, prefix: str
) -> None:
    store.open()
    raw.zadd(f"{prefix}store", {"n": 4e15})
    begun = store.begin([KEYS[0]], MINE)
    assert begun.since == 4 * 10**15
    store.note(f"key:{KEYS[0]}")
    assert stored(store, a_record(began_at=1.0), token=MINE, since=begun.since) == {KEYS[0]}
    assert store.begin([], MINE).since == begun.since + 1


def test_an_invalidation_is_forgotten_after_a_month(
    store: RedisMetadataStore, raw: Any, prefix: str
) -> None:
    month, now = 30 * 86_400, store.now()
    covers = {
        f"key:{KEYS[0]}": (now - month - 60) * 1e6,
        f"key:{KEYS[1]}": (now - month + 60) * 1e6,
    }
    raw.zadd(f"{prefix}store", covers)
    store.note(f"key:{KEYS[2]}")
    noted = {name for name, score in raw.zrange(f"{prefix}store", 0, -1, withscores=True)}
    assert f"key:{KEYS[0]}".encode() not in noted
    assert {f"key:{key}".encode() for key in KEYS[1:3]} < noted
    assert store.store_id == RedisMetadataStore.store_id.fget(store)  # type: ignore[attr-defined]


# ---------------------------------------------------------------------------------------- listing


def test_a_listing_goes_on_with_the_keys_that_it_began_with(
    store: RedisMetadataStore, other: RedisMetadataStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is removed meanwhile is left out; what comes is there from the next listing on."""
    stored(store, *map(a_record, KEYS[:20]))
    assert keys_of(store.rows("", 5)) == KEYS[:5]
    assert keys_of(store.select(FUNCTION, "key", None, 5)) == KEYS[:5]
    other.delete({KEYS[5]: a_record().made_at, KEYS[10]: a_record().made_at})
    stored(other, a_record(KEYS[30]))
    place = False, 0.0, KEYS[4]
    assert keys_of(store.select(FUNCTION, "key", place, 4)) == KEYS[6:10]
    assert keys_of(store.rows(KEYS[4], 4)) == KEYS[6:10]
    assert keys_of(store.rows(KEYS[9], 90)) == [*KEYS[11:20], KEYS[30]]
    assert keys_of(store.rows(KEYS[30])) == []
    monkeypatch.setattr("beautyspot_redis.store.KEPT", -1.0)  # long ago
    store.rows("", 5)
    stored(other, a_record(KEYS[31]))
    assert keys_of(store.rows(KEYS[4], 90))[-2:] == KEYS[30:32]


def test_other_namespaces_are_other_stores(redis_server: Valkey, namespace: str) -> None:
    """Whatever their names hold: braces make a hash tag, stars a pattern."""
    spellings = ["", ":row", "*", "[a-z]", "{x}", "}", "?", "\\", "é", "/", " "]
    stores = [
        RedisMetadataStore(redis_server.url, namespace=namespace + spelling)
        for spelling in spellings
    ]
    for number, store in enumerate(stores):
        stored(store, a_record(KEYS[number]))
        store.add_counts([Counts("f", 5, hits=number)])
    for number, store in enumerate(stores):
        assert keys_of(store.rows()) == [KEYS[number]]
        assert list(store.counts()) == [Counts("f", 5, hits=number)]
        assert store.find(KEYS[number - 1]) is None
    assert len({store.store_id for store in stores}) == len(stores)
    for store in stores:
        store.close()


# ------------------------------------------------------------------------------ what is not ours


def test_a_newer_release_says_that_this_one_can_not_read_it(
    store: RedisMetadataStore, raw: Any, prefix: str, redis_server: Valkey, namespace: str
) -> None:
    stored(store, a_record())
    raw.zrem(f"{prefix}store", "form:1")
    raw.zadd(f"{prefix}store", {"form:2": math.inf})
    newest = RedisMetadataStore(redis_server.url, namespace=namespace)
    for ask in (
        newest.open,
        lambda: newest.find(KEYS[0]),
        lambda: stored(newest, a_record(), since=0),
        lambda: newest.open(look=True),
    ):
        with pytest.raises(SchemaError, match="upgrade beautyspot"):
            ask()
    newest.close()


def test_an_id_that_is_none_is_refused(store: RedisMetadataStore, raw: Any, prefix: str) -> None:
    """It becomes a part of paths and of keys in buckets."""
    stored(store, a_record())
    raw.zrem(f"{prefix}store", f"id:{store.store_id}")
    raw.zadd(f"{prefix}store", {"id:../../etc": math.inf})
    with pytest.raises(MetadataError, match="remove the key"):
        store.open()


def test_what_another_program_keeps_under_our_names_is_told(
    store: RedisMetadataStore, raw: Any, prefix: str
) -> None:
    raw.set(f"{prefix}store", "something")
    with pytest.raises(MetadataError, match="another program uses the same names"):
        store.open()
    with pytest.raises(MetadataError, match="another program uses the same names"):
        store.begin([KEYS[0]], OTHER)
