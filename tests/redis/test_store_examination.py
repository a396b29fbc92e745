"""What `examine` says of the servers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import beautyspot as bs
import pytest
from beautyspot_redis.examination import of_servers

if TYPE_CHECKING:
    from beautyspot_redis import RedisMetadataStore
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


class Client:
    """A server that says so."""

    def __init__(self, said: dict[str, Any], save: str | None = "") -> None:
        self.said, self.save = said, save

    def info(self) -> dict[str, Any]:
        return self.said

    def config_get(self, name: str) -> dict[str, str]:
        if self.save is None:
            raise PermissionError("no CONFIG for you")
        return {name: self.save}


def findings(save: str | None = "", **said: Any) -> list[tuple[str, str]]:
    found = of_servers([Client(FINE | said, save)], "metadata redis")
    return [(one.state, one.text) for one in found]


def test_a_server_that_is_well() -> None:
    text = (
        "Redis 7.2.4 answers, uses 1,000 bytes, has 2 replicas, and keeps its content in an "
        "append-only file"
    )
    assert findings() == [("ok", text)]
    assert "Valkey 9.1" in findings(valkey_version="9.1")[0][1]
    assert "uses 1,000 bytes of 5,000" in findings(maxmemory=5000)[0][1]


@pytest.mark.parametrize(
    ("save", "said"),
    [
        ("", "and forgets its content at a restart"),
        ("3600 1", "and saves snapshots of its content"),
        (None, "and may forget its content at a restart (no append-only file)"),
    ],
)
def test_what_outlives_a_restart_is_said(save: str | None, said: str) -> None:
    [(state, text)] = findings(save, aof_enabled=0)
    assert state == "ok", "a cache may forget"
    assert text.endswith(said)


@pytest.mark.parametrize(
    ("said", "state", "text"),
    [
        ({"role": "slave"}, "problem", "is a replica"),
        ({"used_memory": 95, "maxmemory": 100}, "warning", "nearly full (95 of 100 bytes)"),
        ({"used_memory": 100, "maxmemory": 100}, "problem", "full (100 of 100 bytes)"),
        ({"evicted_keys": 1234, "maxmemory_policy": "allkeys-lru"}, "warning", "evicted 1,234"),
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


def test_a_real_server(store: RedisMetadataStore) -> None:
    for looked_at in (store, store.for_looking()):
        [found] = looked_at.examine()
        assert found.state == "ok"
        assert found.subject == "metadata redis"
        assert "forgets its content at a restart" in found.text
        looked_at.close()


@pytest.mark.parametrize(
    ("secret", "states", "says"),
    [("", ["ok", "ok"], "its server answers"), (":x@", ["ok", "problem"], "correct user")],
)
def test_a_limiter_asks_its_server(
    redis_server: valkey.Valkey,
    namespace: str,
    monkeypatch: pytest.MonkeyPatch,
    secret: str,
    states: list[str],
    says: str,
) -> None:
    url = f"redis://{secret}{redis_server.host_and_port}"
    monkeypatch.setenv("BEAUTYSPOT_LIMITER", f"{url}?rate=5/s")
    found = list(bs.examine(url, name=namespace, config=None))
    limiter = [one for one in found if one.subject == "limiter redis"]
    assert [one.state for one in limiter] == states
    assert says in limiter[-1].text
    metadata = [one for one in found if one.subject == "metadata redis"]
    told = 1 if secret else 3  # the last of them: no Spot has used the store
    assert len(metadata) == told, "what is wrong is said once"


def test_a_store_of_machines_needs_no_storage(redis_url: str, namespace: str) -> None:
    found = {one.subject: one for one in bs.examine(redis_url, name=namespace, config=False)}
    assert found["storage"].state == "ok"
    assert "none is named: results are rows of the metadata store" in found["storage"].text
