"""How long rows stay, and what is put in parts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from beautyspot.contracts import Invalidation
from beautyspot_redis import RedisMetadataStore, putting
from beautyspot_testing.records import KEYS, a_record

if TYPE_CHECKING:
    from beautyspot_redis.names import Names
    from servers.valkey import Valkey

DAY = 86_400_000


def left(raw: Any, names: Names, key: str = KEYS[0]) -> int:
    """Milliseconds until the server removes a row; -1 where it does not."""
    found: int = raw.pttl(names.row(key))
    return found


def test_an_expired_row_stays_for_a_day(store: RedisMetadataStore, raw: Any, names: Names) -> None:
    now = store.now()
    store.put_many(
        [
            a_record(KEYS[0], expires_at=now + 3600),
            a_record(KEYS[1], expires_at=None),
            a_record(KEYS[2], expires_at=now - 10**6),
            a_record(KEYS[3], expires_at=1e300),
            a_record(KEYS[4], expires_at=float("nan")),
        ]
    )
    assert DAY + 3_590_000 < left(raw, names) <= DAY + 3_600_000
    assert left(raw, names, KEYS[1]) == -1
    assert DAY - 10_000 < left(raw, names, KEYS[2]) <= DAY, "from now on, where it has expired"
    assert left(raw, names, KEYS[3]) == left(raw, names, KEYS[4]) == -1
    before = left(raw, names)
    store.touch({KEYS[0]: now})
    assert before - 10_000 < left(raw, names) <= before, "a row that is used expires all the same"
    store.put(a_record(KEYS[0], expires_at=None))
    assert left(raw, names) == -1, "nothing stays of the row before"


@pytest.mark.parametrize(
    ("keep", "least", "most"),
    [(None, -1, -1), ("2h", 7_190_000, 7_200_000), (600, 590_000, 600_000)],
)
def test_how_long_it_stays_is_an_option(
    redis_server: Valkey,
    namespace: str,
    raw: Any,
    names: Names,
    keep: Any,
    least: int,
    most: int,
) -> None:
    store = RedisMetadataStore(redis_server.url, namespace=namespace, keep_expired=keep)
    assert store.put_valid(a_record(), store.generation())
    assert least <= left(raw, names) <= most
    store.close()


def test_with_none_at_all_it_goes_at_once(redis_server: Valkey, namespace: str) -> None:
    store = RedisMetadataStore(redis_server.url, namespace=namespace, keep_expired=0)
    store.put(a_record())
    assert store.find(KEYS[0]) is None
    store.put(a_record(expires_at=store.now() + 60))
    assert store.find(KEYS[0]) is not None
    store.close()


def test_many_rows_go_in_parts(store: RedisMetadataStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(putting, "PART", 3)
    monkeypatch.setattr(putting, "LARGEST", 5000)
    sizes = [10, 10, 10, 10, 4000, 4000, 9000, 10]
    records = [
        a_record(key, result_data=b"x" * size) for key, size in zip(KEYS, sizes, strict=False)
    ]
    since = store.generation()
    store.note_invalidation(Invalidation(cache_key=KEYS[3]))
    assert store.put_many_valid((record, since) for record in records) == {KEYS[3]}
    kept = [record for record in records if record.cache_key != KEYS[3]]
    assert list(store.scan(with_data=True)) == kept


def test_notes_that_keep_coming_are_looked_at_each_time(
    store: RedisMetadataStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each look may find something new; the last one covers the record."""
    since = store.generation()
    others = iter([Invalidation(KEYS[5]), Invalidation(KEYS[6]), Invalidation(tag="red")])
    real = putting.each

    def each(*asked: Any) -> Any:
        what = next(others, None)
        if what is not None:
            store.note_invalidation(what)
        return real(*asked)

    monkeypatch.setattr(putting, "each", each)
    assert not store.put_valid(a_record(), since)
    assert next(others, None) is None
    assert store.find(KEYS[0]) is None


def test_a_later_run_stays_though_its_row_lost_its_data(
    store: RedisMetadataStore, raw: Any, names: Names
) -> None:
    """A script can't see that; the next call does, and its row replaces it."""
    now = store.now()
    store.put(a_record(made_at=now, took=0.0))
    raw.setrange(names.row(KEYS[0]), 60, b"?????")
    assert not store.put_valid(a_record(began_at=now - 5), store.generation())
    assert store.put_valid(a_record(began_at=now + 1), store.generation())
    assert store.find(KEYS[0]) is not None
