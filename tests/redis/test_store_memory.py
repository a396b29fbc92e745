"""The memory tier: within a stated age, answers without a question to the server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from beautyspot.contracts import Invalidation, Plain, entry_of, found_in
from beautyspot.errors import MetadataError
from beautyspot_redis import RedisMetadataStore
from beautyspot_redis.near import OVERHEAD, NearMemory
from beautyspot_testing.records import KEYS, a_record
from owned_clock import Clock

if TYPE_CHECKING:
    from collections.abc import Iterator

    from beautyspot_redis.names import Names
    from servers.valkey import Valkey

PLAIN: Plain = (b"x" * 100, None, None, None, None, None)
ENTRY = entry_of(a_record(result_data=None))


def kept(memory: NearMemory, *keys: str) -> None:
    for key in keys:
        memory.add(key, PLAIN, memory.moment())


@pytest.fixture
def clock() -> Clock:
    return Clock(100.0)


def test_an_answer_is_given_until_it_is_too_old(clock: Clock) -> None:
    memory = NearMemory(10_000, 5.0, clock)
    asked = memory.moment()
    clock.now += 2
    memory.add("a", PLAIN, asked)
    clock.now += 2.9
    assert memory.get("a") == PLAIN
    clock.now += 0.1
    assert memory.get("a") is None, "its age counts from the question, not from the answer"
    assert memory.get("b") is None


def test_the_last_used_ones_stay(clock: Clock) -> None:
    each = OVERHEAD + 2 + 100
    memory = NearMemory(3 * each, 5.0, clock)
    kept(memory, "a", "b", "c")
    assert memory.get("a") is not None
    kept(memory, "d")
    assert memory.of("abcd").keys() == set("acd")
    kept(memory, "a", "a", "a")
    assert memory.of("abcd").keys() == set("acd"), "what is kept again takes no more room"
    memory.add("e", ENTRY, memory.moment())
    assert memory.get("e") == ENTRY
    large: Plain = (b"x" * 3 * each, None, None, None, None, None)
    memory.add("f", large, memory.moment())
    assert memory.get("f") is None, "what takes all the room is not kept"
    assert memory.get("e") is not None


def test_what_this_process_changes_while_it_asks_is_not_kept(clock: Clock) -> None:
    memory = NearMemory(10_000, 5.0, clock)
    asked = memory.moment()
    memory.drop("a")
    memory.add("a", PLAIN, asked)
    assert memory.get("a") is None, "the answer may be of before the change"
    kept(memory, "a", "b")
    memory.drop("a", "c")
    assert memory.of("abc").keys() == {"b"}
    memory.clear()
    assert memory.of("abc") == {}


@pytest.fixture
def near(redis_server: Valkey, namespace: str) -> Iterator[RedisMetadataStore]:
    """A store with a memory whose answers stay good for the whole test."""
    near = RedisMetadataStore(
        redis_server.url, namespace=namespace, memory=1_000_000, memory_age="1h"
    )
    yield near
    near.close()


def test_without_memory_each_look_up_asks(store: RedisMetadataStore) -> None:
    assert store.memory_age == 0.0


def test_what_others_change_is_seen_when_its_time_is_over(
    near: RedisMetadataStore, store: RedisMetadataStore, raw: Any, names: Names
) -> None:
    near.put(a_record())
    assert near.memory_age == 3600
    assert near.find(KEYS[0]) == entry_of(a_record())
    raw.delete(names.row(KEYS[0]))
    assert near.find(KEYS[0]) == entry_of(a_record())
    assert near.get(KEYS[0]) is None, "`get` is no look-up of a call"
    assert near.find(KEYS[1]) is None
    store.put(a_record(KEYS[1]))
    assert near.find(KEYS[1]) is not None, "what was not there is asked for each time"


def test_what_this_process_changes_is_seen_at_once(near: RedisMetadataStore) -> None:
    near.put(a_record())
    near.find(KEYS[0])
    changed = a_record(version="2", result_data=b"\xa1y")
    near.put(changed)
    assert near.find(KEYS[0]) == found_in(changed)
    assert near.put_valid(a_record(), near.generation())
    assert near.find(KEYS[0]) == found_in(a_record())
    near.delete(KEYS[0])
    assert near.find(KEYS[0]) is None


@pytest.mark.parametrize(
    "what", [Invalidation(cache_key=KEYS[0]), Invalidation(tag="t"), Invalidation()]
)
def test_what_this_process_invalidates_is_not_found_though_its_row_is_gone(
    near: RedisMetadataStore, raw: Any, names: Names, what: Invalidation
) -> None:
    near.put(a_record())
    near.find(KEYS[0])
    raw.delete(names.row(KEYS[0]))  # so that there is nothing to remove
    near.note_invalidation(what)
    assert near.find(KEYS[0]) is None


def test_what_another_store_of_this_process_changes_is_seen_at_once(
    near: RedisMetadataStore, store: RedisMetadataStore
) -> None:
    near.put(a_record())
    near.find(KEYS[0])
    changed = a_record(result_data=b"\xa1y")
    store.put(changed)
    assert near.find(KEYS[0]) == found_in(changed)
    store.delete(KEYS[0])
    assert near.find(KEYS[0]) is None


def test_many_are_found_there_too(near: RedisMetadataStore, raw: Any, names: Names) -> None:
    large = a_record(KEYS[3], result_data=b"x" * 100_000)
    near.put_many([*map(a_record, KEYS[:3]), large])
    assert near.find_many(KEYS[:5]).keys() == set(KEYS[:4])
    raw.delete(*map(names.row, KEYS[:4]))
    assert near.find_many(KEYS[:5]) == {key: entry_of(a_record(key)) for key in KEYS[:3]}
    assert near.find(KEYS[0]) is not None
    assert near.find(KEYS[3]) is None, "an answer without its data is not kept"


def test_a_closed_store_answers_nothing(near: RedisMetadataStore) -> None:
    near.put(a_record())
    near.find(KEYS[0])
    near.close()
    for ask in (near.find, lambda key: near.find_many([key])):
        with pytest.raises(MetadataError, match="closed"):
            ask(KEYS[0])
