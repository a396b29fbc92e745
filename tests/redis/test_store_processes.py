"""Forked children, and servers that die, stand still, are full or take no changes."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
from beautyspot.errors import MetadataError
from beautyspot_redis import RedisMetadataStore
from beautyspot_testing.records import KEYS, a_record
from beautyspot_testing.store import MINE, stored
from servers import valkey

if TYPE_CHECKING:
    pass


# ------------------------------------------------------------------------------------ the server


def at(server: valkey.Valkey, namespace: str, **options: Any) -> RedisMetadataStore:
    return RedisMetadataStore(server.url, namespace=namespace, **options)


def test_a_server_that_is_killed_and_comes_back_empty(own: valkey.Valkey, namespace: str) -> None:
    store = at(own, namespace)
    stored(store, a_record(KEYS[5]))
    begun, identity = store.begin(KEYS[:2], MINE), store.store_id
    own.kill()
    with pytest.raises(MetadataError, match="start the server"):
        stored(store, a_record(), token=MINE, since=begun.since)
    own.start()
    assert store.renew(KEYS[:2], MINE) == set(KEYS[:2]), "which it is told"
    assert stored(store, a_record(), token=MINE, since=begun.since) == set()
    assert [record.cache_key for record in store.rows()] == [KEYS[0]]
    assert store.store_id == identity
    again = at(own, namespace)
    assert again.store_id == identity, "its blobs stay its own"
    store.close()
    again.close()


@pytest.mark.usefixtures("_program")
def test_a_server_that_keeps_its_content_over_a_kill(tmp_path: Any, namespace: str) -> None:
    with valkey.running(tmp_path / "own", appendonly="yes", appendfsync="always") as server:
        store = at(server, namespace)
        begun = store.begin(KEYS[:2], MINE)
        store.note(f"key:{KEYS[1]}")
        stored(store, a_record(KEYS[5]))
        server.restart()
        records = [a_record(key, began_at=1.0) for key in KEYS[:2]]
        assert stored(store, *records, token=MINE, since=begun.since) == {KEYS[1]}
        assert set(store.find_many(KEYS)) == {KEYS[0], KEYS[5]}
        assert [record.cache_key for record in store.rows()] == [KEYS[0], KEYS[5]]
        store.close()


def test_a_server_that_stands_still(own: valkey.Valkey, namespace: str) -> None:
    store = at(own, namespace, connections=2, timeout=1.0)
    stored(store, a_record())
    own.freeze()
    with ThreadPoolExecutor(6) as pool:
        asked = [pool.submit(store.find, KEYS[0]) for _ in range(6)]
        for each in asked:
            with pytest.raises(MetadataError, match="raise timeout=|raise connections="):
                each.result(30)
    own.thaw()
    assert valkey.until(lambda: _is_found(store))
    store.close()


def _is_found(store: RedisMetadataStore) -> bool:
    try:
        return store.find(KEYS[0]) is not None
    except MetadataError:
        return False


def test_a_replica_gives_and_takes_nothing(
    own: valkey.Valkey, redis_server: valkey.Valkey, tmp_path: Any, namespace: str
) -> None:
    store = at(own, namespace)
    stored(store, *map(a_record, KEYS[:3]))
    with valkey.running(tmp_path / "replica", master=own) as replica:
        assert valkey.until(lambda: replica.ask("DBSIZE") == own.ask("DBSIZE"))
        reader = at(replica, namespace)
        assert reader.find(KEYS[0]) is not None
        assert set(reader.find_many(KEYS)) == set(KEYS[:3])
        assert len(reader.rows()) == 3
        assert reader.store_id == store.store_id
        for change in (
            lambda: stored(reader, a_record(KEYS[4]), since=0),
            lambda: reader.begin([KEYS[4]], MINE),
        ):
            with pytest.raises(MetadataError, match="it is a replica"):
                change()
        reader.close()
    store.close()
