"""What `examine` says of the server."""

from __future__ import annotations

from typing import Any

import beautyspot as bs
import pytest
from beautyspot_redis import RedisMetadataStore
from beautyspot_redis.examination import of_server
from servers import valkey

FINE = {
    "redis_version": "7.2.4",
    "role": "master",
    "used_memory": 1000,
    "maxmemory": 0,
    "maxmemory_policy": "noeviction",
    "evicted_keys": 0,
    "connected_slaves": 2,
    "aof_enabled": 1,
    "rdb_last_bgsave_status": "ok",
}


def findings(**said: Any) -> list[tuple[str, str]]:
    lines = ["# Server", *(f"{name}:{value}" for name, value in (FINE | said).items())]
    found = of_server("\r\n".join(lines).encode(), "metadata redis")
    return [(one.state, one.text) for one in found]


def test_a_server_that_is_well() -> None:
    text = (
        "Redis 7.2.4 answers, uses 1,000 bytes, has 2 replicas, and keeps its content in an "
        "append-only file"
    )
    assert findings() == [("ok", text)]
    assert "Valkey 9.1" in findings(valkey_version="9.1")[0][1]
    assert "uses 1,000 of 5,000 bytes" in findings(maxmemory=5000)[0][1]
    [(state, text)] = findings(aof_enabled=0)
    assert state == "ok", "a cache may forget"
    assert "forgets at a restart" in text


@pytest.mark.parametrize(
    ("said", "state", "text"),
    [
        ({"role": "slave"}, "problem", "is a replica"),
        ({"used_memory": 95, "maxmemory": 100}, "warning", "nearly so (95 of 100 bytes)"),
        (
            {"used_memory": 100, "maxmemory": 100},
            "problem",
            "full, or nearly so (100 of 100 bytes)",
        ),
        ({"evicted_keys": 1234, "maxmemory_policy": "allkeys-lru"}, "warning", "evicted 1234"),
        ({"maxmemory_policy": "volatile-lru"}, "warning", "evicts leases"),
        ({"rdb_last_bgsave_status": "err"}, "problem", "(rdb_last_bgsave_status)"),
        ({"aof_last_write_status": "err"}, "problem", "(aof_last_write_status)"),
    ],
)
def test_what_is_wrong_comes_first(said: dict[str, Any], state: str, text: str) -> None:
    found = findings(**said)
    assert found[0][0] == state
    assert text in found[0][1]
    assert ":" in found[0][1], "and says what to do"
    assert [one[0] for one in found[1:]] == ["ok"]


def test_a_server_that_evicts_may_be_full() -> None:
    found = findings(used_memory=100, maxmemory=100, maxmemory_policy="allkeys-lru")
    assert [state for state, _ in found] == ["ok"]


def test_a_real_server(store: RedisMetadataStore, redis_server: valkey.Valkey) -> None:
    [found] = store.examine()
    assert found.state == "ok"
    assert found.subject == "metadata redis"
    assert "forgets at a restart" in found.text


@pytest.mark.parametrize(
    ("secret", "states", "says", "told"),
    [
        ("", ["ok", "ok"], "its server answers", "no ID yet"),
        (":x@", ["ok", "problem"], "correct user", "correct user"),
    ],
)
def test_a_limiter_asks_its_server(
    redis_server: valkey.Valkey,
    namespace: str,
    monkeypatch: pytest.MonkeyPatch,
    secret: str,
    states: list[str],
    says: str,
    told: str,
) -> None:
    url = f"redis://{secret}{redis_server.host_and_port}"
    monkeypatch.setenv("BEAUTYSPOT_LIMITER", f"{url}?rate=5/s")
    found = list(bs.examine(url, name=namespace, config=None))
    limiter = [one for one in found if one.subject == "limiter redis"]
    assert [one.state for one in limiter] == states
    assert says in limiter[-1].text
    [store] = [one for one in found if one.subject in ("store", "metadata redis")]
    assert store.state == "problem"
    assert told in store.text


def test_a_store_of_machines_needs_no_storage(
    store: RedisMetadataStore, redis_url: str, namespace: str
) -> None:
    store.open()
    found = {one.subject: one for one in bs.examine(redis_url, name=namespace, config=False)}
    assert found["storage"].state == "ok"
    assert "none is named: results are rows of the metadata store" in found["storage"].text
