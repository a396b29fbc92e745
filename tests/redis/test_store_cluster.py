"""In a cluster, a namespace lies on one node: the contract is kept by `test_store_contract`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from beautyspot_redis import RedisLimiter, RedisMetadataStore
from beautyspot_testing.records import KEYS, a_record
from beautyspot_testing.store import MINE, stored
from servers import valkey

if TYPE_CHECKING:
    pass


def test_all_of_a_namespace_lies_on_one_node_and_those_of_others_elsewhere(
    redis_cluster: valkey.Cluster, namespace: str
) -> None:
    held: set[int] = set()
    for number in range(12):
        name = f"{namespace}-{number}"
        store = RedisMetadataStore(redis_cluster.url, namespace=name)
        begun = store.begin(KEYS[:20], MINE)
        assert stored(store, *map(a_record, KEYS[:10]), token=MINE, since=begun.since) == set()
        assert len(store.rows()) == 10
        assert abs(store.now() - begun.now) < 60
        assert [one.state for one in store.examine()] == ["ok"]
        limiter = RedisLimiter(redis_cluster.url, namespace=name, rate=1)
        assert limiter.try_consume()
        limiter.close()
        store.close()
        names = [node.ask("KEYS", f"*{name}}}*") for node in redis_cluster.nodes]
        [mine] = [number for number, found in enumerate(names) if found]
        assert len(names[mine]) == 10 + 10 + 1 + 1, "rows, leases, store, a limit"
        held.add(mine)
    assert len(held) > 1
