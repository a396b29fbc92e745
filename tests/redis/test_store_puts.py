"""How long rows stay, and what is put in parts."""

from __future__ import annotations

import math
from typing import Any

import pytest
from beautyspot_redis import RedisMetadataStore
from beautyspot_testing.records import KEYS, a_record
from beautyspot_testing.store import MINE, stored
from servers import valkey
from servers.valkey import Valkey

DAY = 86_400_000


def left(raw: Any, prefix: str, key: str = KEYS[0]) -> int:
    """Milliseconds until the server removes a row; -1 where it does not."""
    found: int = raw.pttl(f"{prefix}row:{key}")
    return found


def test_an_expired_row_stays_for_a_day(store: RedisMetadataStore, raw: Any, prefix: str) -> None:
    now = store.now()
    stored(
        store,
        a_record(KEYS[0], expires_at=now + 3600),
        a_record(KEYS[1], expires_at=None),
        a_record(KEYS[2], expires_at=now - 10**6),
        a_record(KEYS[3], expires_at=1e300),
    )
    assert DAY + 3_590_000 < left(raw, prefix) <= DAY + 3_601_000
    assert left(raw, prefix, KEYS[1]) == left(raw, prefix, KEYS[3]) == -1
    assert DAY - 10_000 < left(raw, prefix, KEYS[2]) <= DAY + 1000, "from now on, if it has expired"
    before = left(raw, prefix)
    store.touch({KEYS[0]: now})
    assert before - 10_000 < left(raw, prefix) <= before, "a row that is used expires all the same"
    stored(store, a_record(KEYS[0], began_at=None, expires_at=None))
    assert left(raw, prefix) == -1, "nothing stays of the row before"


@pytest.mark.parametrize(
    ("keep", "least", "most"),
    [(None, -1, -1), ("2h", 7_190_000, 7_201_000), (600, 590_000, 601_000)],
)
def test_how_long_it_stays_is_an_option(
    redis_server: Valkey, namespace: str, raw: Any, prefix: str, keep: Any, least: int, most: int
) -> None:
    store = RedisMetadataStore(redis_server.url, namespace=namespace, keep_expired=keep)
    stored(store, a_record())
    assert least <= left(raw, prefix) <= most
    store.close()


def test_with_none_at_all_it_goes_at_once(redis_server: Valkey, namespace: str) -> None:
    store = RedisMetadataStore(redis_server.url, namespace=namespace, keep_expired=0)
    stored(store, a_record(expires_at=1.0))
    assert valkey.until(lambda: store.find(KEYS[0]) is None), "but for the difference of clocks"
    assert store.rows() == []
    stored(store, a_record(began_at=None, expires_at=store.now() + 60))
    assert store.find(KEYS[0]) is not None
    store.close()


def test_large_rows_go_in_parts(
    store: RedisMetadataStore, raw: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("beautyspot_redis.store.LARGEST", 5000)
    sizes = [10, 10, 4000, 4000, 9000, 10]
    records = [
        a_record(key, began_at=1.0, result_data=b"x" * size)
        for key, size in zip(KEYS, sizes, strict=False)
    ]
    begun = store.begin(KEYS[:6], MINE)
    store.note(f"key:{KEYS[3]}")
    assert stored(store, *records, token=MINE, since=begun.since) == {KEYS[3]}
    kept = [record for record in records if record.cache_key != KEYS[3]]
    found = [record.result_data for record in store.all_rows(data=True)]
    assert found == [record.result_data for record in kept]
    assert store.renew(KEYS[:6], MINE) == set(KEYS[:6]), "each has released its lease"


def test_answers_are_bounded(store: RedisMetadataStore) -> None:
    """Of 36 MiB in rows of six, each answer has three, and nothing is left out."""
    data = b"x" * (6 * 2**20)
    stored(store, *(a_record(key, result_data=data) for key in KEYS[:6]))
    begun = store.begin(KEYS[:7], MINE)
    assert set(begun.found) == set(KEYS[:3])
    assert not begun.leased, "nor is one that was not looked at"
    assert set(store.find_many(KEYS[:7])) == set(KEYS[:6])
    assert [record.cache_key for record in store.rows(data=True)] == KEYS[:3]
    assert [record.cache_key for record in store.all_rows(data=True)] == KEYS[:6]
    assert [record.cache_key for record in store.rows()] == KEYS[:6]


def test_a_lease_of_a_row_that_can_not_be_read_is_given(
    store: RedisMetadataStore, other: RedisMetadataStore, raw: Any, prefix: str
) -> None:
    """Else nobody could replace it."""
    stored(store, *(a_record(key) for key in KEYS[:3]))
    raw.setrange(f"{prefix}row:{KEYS[0]}", 70, "?" * 20)
    raw.rpush(f"{prefix}row:{KEYS[4]}", "a")
    begun = store.begin(KEYS[:5], MINE)
    assert set(begun.found) == {KEYS[1], KEYS[2]}
    assert set(begun.leased) == {KEYS[0], KEYS[3], KEYS[4]}
    assert not other.begin(KEYS[:5], "2" * 32).leased
    now = begun.now
    records = [a_record(key, began_at=now, made_at=now) for key in (KEYS[0], KEYS[4])]
    assert stored(store, *records, token=MINE) == set()
    assert set(store.find_many(KEYS[:5])) == {*KEYS[:3], KEYS[4]}
    assert math.isfinite(now)
