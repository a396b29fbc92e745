"""Whatever the server drops, or a stranger puts in its place: a miss, and never a crash."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest
from beautyspot.contracts import Invalidation, in_full
from beautyspot.errors import MetadataError, SchemaError
from beautyspot_redis import RedisMetadataStore
from beautyspot_redis.names import Names
from beautyspot_redis.rows import written
from beautyspot_testing.metadata_counts import COUNTED
from beautyspot_testing.records import KEYS, a_record

if TYPE_CHECKING:
    from collections.abc import Callable

    from servers.valkey import Valkey

ROW = written(a_record())
NOTED = Invalidation(cache_key=KEYS[0])


def drop(raw: Any, names: Names, word: str = "") -> None:
    """What FLUSHALL does, in one namespace; or the eviction of its keys of one word."""
    for name in list(raw.scan_iter(match=f"bs:{names.namespace}:{word}*")):
        raw.delete(name)


STRANGERS: dict[str, Callable[[Any, bytes], object]] = {
    "empty": lambda raw, name: raw.set(name, b""),
    "a text": lambda raw, name: raw.set(name, b"something of another program"),
    "a part": lambda raw, name: raw.set(name, ROW[:-1]),
    "more": lambda raw, name: raw.set(name, ROW + b"x"),
    "a flipped bit": lambda raw, name: raw.set(name, ROW[:60] + bytes([ROW[60] ^ 1]) + ROW[61:]),
    "another key's": lambda raw, name: raw.set(name, written(a_record(KEYS[1]))),
    "a later form": lambda raw, name: raw.set(name, b"bs2\0" + ROW[4:]),
    "a list": lambda raw, name: raw.rpush(name, b"a"),
    "a hash": lambda raw, name: raw.hset(name, "a", "b"),
    "a stream": lambda raw, name: raw.xadd(name, {"a": "b"}),
}


@pytest.mark.parametrize("stranger", STRANGERS)
def test_what_is_no_row_is_a_miss_and_makes_way(
    store: RedisMetadataStore, raw: Any, names: Names, stranger: str
) -> None:
    store.put(a_record(KEYS[2]))
    STRANGERS[stranger](raw, names.row(KEYS[0]))
    assert store.find(KEYS[0]) is None
    assert store.get(KEYS[0]) is None
    assert store.find_code(KEYS[0]) is None
    assert [*store.find_many(KEYS[:3])] == [KEYS[2]]
    assert [record.cache_key for record in store.scan()] == [KEYS[2]]
    assert [record.cache_key for record in store.scan(with_data=True)] == [KEYS[2]]
    store.touch({KEYS[0]: 5.0})
    begun = store.begin(KEYS[0])
    assert begun is not None
    assert begun.found is None
    assert store.put_valid(a_record(began_at=begun.now), begun.generation)
    assert store.get(KEYS[0]) == a_record()


@pytest.mark.parametrize("word", ["", "row", "lease", "meta", "log", "counts", "waits"])
def test_what_the_server_drops_is_a_miss(
    store: RedisMetadataStore, raw: Any, names: Names, word: str
) -> None:
    """As by FLUSHALL, by eviction, or by a hand; the call under way stores its result."""
    store.note_invalidation(Invalidation(cache_key=KEYS[5]))
    store.put(a_record(KEYS[1]))
    store.share_waits({KEYS[0]: [KEYS[1]]})
    begun = store.begin(KEYS[0])
    assert begun is not None
    drop(raw, names, word)
    assert (store.find(KEYS[1]) is None) is (word in ("", "row"))
    assert [*store.renew([begun.lease])] == ([begun.lease] if word in ("", "lease") else [])
    assert store.put_valid(a_record(), begun.generation)
    begun.lease.release()
    assert store.get(KEYS[0]) == a_record()
    assert store.leased(KEYS[:2]) == set()
    assert list(store.counts()) == []
    assert store.generation() > 0


def test_a_log_that_was_evicted_counts_as_all(
    store: RedisMetadataStore, raw: Any, names: Names
) -> None:
    since = store.generation()
    store.note_invalidation(NOTED)
    drop(raw, names, "log")
    assert store.invalidated_since(since) == [Invalidation()]
    assert not store.put_valid(a_record(KEYS[3]), since), "what was noted is not known any more"
    assert store.put_valid(a_record(KEYS[3]), store.generation()), "a call that began later"
    now = store.generation()
    store.note_invalidation(NOTED)
    assert store.invalidated_since(now) == [NOTED]


def test_what_was_noted_counts_when_only_the_numbers_are_lost(
    store: RedisMetadataStore, raw: Any, names: Names
) -> None:
    since = store.generation()
    store.note_invalidation(NOTED)
    drop(raw, names, "meta")
    assert not store.put_valid(a_record(), since)
    later = store.generation()
    assert later > since
    assert not store.put_valid(a_record(), since)
    assert store.put_valid(a_record(KEYS[1]), since)
    store.note_invalidation(NOTED)
    assert store.invalidated_since(later) == [NOTED]


def test_a_log_that_is_too_long_forgets_the_oldest(
    store: RedisMetadataStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("beautyspot_redis.store.LOGGED", 3)
    numbers = [store.generation()]
    for key in KEYS[:5]:
        store.note_invalidation(Invalidation(cache_key=key))
        numbers.append(store.generation())
    assert store.invalidated_since(numbers[0]) == [Invalidation()]
    assert store.invalidated_since(numbers[1]) == [Invalidation()]
    assert store.invalidated_since(numbers[2]) == [Invalidation(key) for key in KEYS[2:5]]
    assert not store.put_valid(a_record(KEYS[9]), numbers[1])
    assert store.put_valid(a_record(KEYS[9]), numbers[2])


@pytest.mark.parametrize("entry", ["junk", "5:junk", "5:[1]", '5:[1, 2, {"a": 1}, null]'])
def test_an_entry_of_a_stranger_covers_all(
    store: RedisMetadataStore, raw: Any, names: Names, entry: str
) -> None:
    since = store.generation()
    raw.zadd(names.log, {entry: since + 1})
    assert store.invalidated_since(since) == [Invalidation()]
    assert not store.put_valid(a_record(), since)


@pytest.mark.parametrize("word", ["lease", "meta", "log", "hours", "waits"])
def test_another_type_makes_way(
    store: RedisMetadataStore, raw: Any, names: Names, word: str
) -> None:
    store.open()
    name = names.lease(KEYS[0]) if word == "lease" else getattr(names, word)
    raw.delete(name)
    raw.set(name, "something of another program")
    begun = store.begin(KEYS[0])
    assert begun is not None
    store.note_invalidation(NOTED)
    assert store.invalidated_since(begun.generation) == [NOTED]
    assert store.put_valid(a_record(KEYS[3]), begun.generation)
    assert not store.put_valid(a_record(), begun.generation)
    assert store.share_waits({KEYS[0]: [KEYS[1]]}) == {}
    assert list(store.counts()) == []
    store.add_counts([COUNTED])
    assert list(store.counts()) == [COUNTED]
    begun.lease.release()
    assert store.lease_holder(KEYS[0]) == ""


def test_scripts_that_the_server_forgets_are_sent_again(
    store: RedisMetadataStore, raw: Any
) -> None:
    """As after SCRIPT FLUSH, a restart, or a failover."""
    store.open()
    raw.script_flush()
    begun = store.begin_many(KEYS[:3])
    assert [*begun] == KEYS[:3]
    raw.script_flush()
    since = begun[KEYS[0]].generation
    assert store.put_many_valid([(a_record(key), since) for key in KEYS[:3]]) == set()
    raw.script_flush()
    assert [*store.renew([one.lease for one in begun.values()])] == [], "the puts released them"
    assert [*store.find_many(KEYS[:5])] == KEYS[:3]


def test_other_namespaces_are_other_stores(redis_server: Valkey, namespace: str, raw: Any) -> None:
    """Whatever their names hold: braces make a hash tag, stars a pattern."""
    spellings = ["", ":row", "*", "[a-z]", "{x}", "?", "\\", "é", "/", " "]
    stores = [
        RedisMetadataStore(redis_server.url, namespace=namespace + spelling)
        for spelling in spellings
    ]
    for number, store in enumerate(stores):
        store.put(a_record(KEYS[number]))
        store.add_counts([COUNTED])
    for number, store in enumerate(stores):
        assert [record.cache_key for record in store.scan()] == [KEYS[number]]
        assert store.totals().entries == 1
        assert list(store.counts()) == [COUNTED]
        assert store.find(KEYS[number - 1]) is None
    assert len({store.store_id for store in stores}) == len(stores)
    for store in stores:
        store.close()


def test_a_newer_release_may_say_that_this_one_can_not_read_it(
    store: RedisMetadataStore, raw: Any, names: Names, redis_server: Valkey
) -> None:
    store.put(a_record())
    raw.hset(names.meta, mapping={"written_by": 7, "readable_from": 1})
    again = RedisMetadataStore(redis_server.url, namespace=names.namespace)
    assert again.get(KEYS[0]) == a_record(), "what it wrote can be read: a rolling upgrade"
    again.put(a_record(KEYS[1]))
    assert raw.hget(names.meta, "written_by") == b"7", "the highest number stays"
    again.close()
    raw.hset(names.meta, "readable_from", 2)
    newest = RedisMetadataStore(redis_server.url, namespace=names.namespace)
    for ask in (newest.open, lambda: newest.find(KEYS[0]), lambda: newest.put(a_record())):
        with pytest.raises(SchemaError, match="upgrade beautyspot"):
            ask()
    newest.close()


def test_an_id_that_is_none_is_refused(store: RedisMetadataStore, raw: Any, names: Names) -> None:
    """It becomes a part of paths and of keys in buckets."""
    raw.hset(names.meta, "store_id", "../../etc")
    with pytest.raises(MetadataError, match="remove the key"):
        store.open()


def test_numbers_of_a_stranger_are_none(store: RedisMetadataStore, raw: Any, names: Names) -> None:
    raw.hset(names.meta, mapping={"written_by": "x", "readable_from": "y", "generation": "z"})
    store.open()
    assert store.generation() > 0
    store.note_invalidation(NOTED)
    raw.hset(names.meta, mapping={"generation": "z", "base": "z", "forgotten": "z"})
    assert store.invalidated_since(1) == [NOTED]


def test_names_and_numbers_of_strangers_are_left_out(
    store: RedisMetadataStore, raw: Any, names: Names
) -> None:
    store.put(a_record())
    for name in (names.rows + b"\xff}", names.rows + b"no end", names.rows + b"}"):
        raw.set(name, ROW)
    assert [record.cache_key for record in store.scan()] == [KEYS[0]]
    store.add_counts([COUNTED])
    later = f"{len(COUNTED) - 2}:m:f"  # a number of a later release: the first two are no numbers
    counted = {"0:m:f": "nan", "1:m:f": "x", later: 5, "x:m:f": 5, b"0:\xff": 5, "0": 5}
    raw.hset(names.counts(COUNTED.hour), mapping=counted)
    raw.sadd(names.hours, "x")
    [kept, nameless] = sorted(store.counts(), reverse=True)
    assert kept == COUNTED._replace(hits=0, runs=0)
    assert nameless.func_identifier == ""


def test_large_data_are_left_out_of_many(store: RedisMetadataStore) -> None:
    large = a_record(result_data=b"x" * 100_000, expires_at=None)
    wordy = a_record(KEYS[1], arguments="y" * 100_000, result_data=b"x" * 100_000)
    store.put_many([large, wordy, a_record(KEYS[2])])
    found = {key: in_full(entry) for key, entry in store.find_many(KEYS[:4]).items()}
    assert found[KEYS[0]].result_data is None
    assert found[KEYS[1]].result_data == b"x" * 100_000, "fields that are larger than a part"
    assert [*found] == KEYS[:3]
    begun = store.begin_many(KEYS[:4])
    assert {key: one.found and in_full(one.found) for key, one in begun.items()} == {
        **found,
        KEYS[3]: None,
    }
    whole = store.find(KEYS[0])
    assert whole is not None
    assert in_full(whole).result_data == b"x" * 100_000
    assert [record.arguments for record in store.scan()] == [None, "y" * 100_000, None]
    assert store.find_code(KEYS[1]) is None
    for one in begun.values():
        one.lease.release()


def test_a_page_goes_on_where_the_one_before_ended(store: RedisMetadataStore) -> None:
    store.put_many(a_record(key) for key in KEYS[:9])
    first = store.page(limit=3)
    assert first.following == KEYS[2]
    store.delete(KEYS[4])
    assert [r.cache_key for r in store.page(following=KEYS[2]).records] == [KEYS[3], *KEYS[5:9]]
    between = f"{KEYS[3]}5"
    store.put(a_record(between))
    behind = store.page(following=KEYS[2], limit=2)
    assert [record.cache_key for record in behind.records] == [KEYS[3], between], "read again"


def test_time_is_the_servers(store: RedisMetadataStore, raw: Any) -> None:
    before, now, after = raw.time(), store.now(), raw.time()
    assert before[0] + before[1] / 1e6 <= now <= after[0] + after[1] / 1e6
    assert abs(now - time.time()) < 60
