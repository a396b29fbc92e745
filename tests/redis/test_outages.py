"""Outages in the midst of work by many threads: each value right, each result stored at last."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import redis
from beautyspot.spot import Spot
from beautyspot_redis import RedisMetadataStore
from servers import valkey
from servers.working import TIMEOUT, Work

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("hasty")]


def large(x: int) -> bytes:
    return str(x).encode() * 2000


def entries(url: str, namespace: str) -> int:
    store = RedisMetadataStore(url, namespace=namespace)
    try:
        return sum(1 for _ in store.all_rows())
    finally:
        store.close()


def roles(watched: valkey.Watched) -> set[bytes]:
    """Of the servers; a server that is demoted ends its connections, that of the question too."""
    with contextlib.suppress(redis.ConnectionError):
        return {one.ask("ROLE")[0] for one in watched.servers}
    return set()


def spot_at(make_spot: Callable[..., Spot], url: str, namespace: str, **options: Any) -> Spot:
    there = {"use": "redis", "url": url, "namespace": namespace, "timeout": TIMEOUT}
    if "rate" in options:
        options = {"limiter": {**there, **options}}
    return make_spot(metadata={**there, "lease_time": 2}, **options)


@pytest.mark.usefixtures("_program")
def test_a_storm_of_evictions(
    make_spot: Callable[..., Spot], tmp_path: Path, namespace: str
) -> None:
    """What the server evicts is a miss: results, leases, the log and the limiter's state."""
    options = {"maxmemory": "3mb", "maxmemory_policy": "allkeys-random"}
    with valkey.running(tmp_path / "server", **options) as server:
        spot = spot_at(make_spot, server.url, namespace, rate=1e6)
        with Work(spot, large) as work:
            for _ in range(20):
                work.go_on(40)
                with spot.limit():
                    spot.invalidate(spot.mark(large), -1)
        assert not work.wrong
        assert b"evicted_keys:0\r" not in server.ask("INFO", "stats")


def test_a_failover(
    make_spot: Callable[..., Spot], redis_sentinel: valkey.Watched, namespace: str
) -> None:
    """It loses what the replica did not get; no value is wrong, and the work goes on."""
    spot = spot_at(make_spot, redis_sentinel.url, namespace, rate=1e6)
    with Work(spot) as work:
        work.go_on()
        redis_sentinel.fail_over()
        work.go_on()
        # Until Sentinel demotes the old master, after some ten seconds, that takes what is lost.
        assert valkey.until(lambda: roles(redis_sentinel) == {b"master", b"slave"})
        work.go_on()
    assert not work.wrong
    assert valkey.until(spot.flush)
    before = entries(redis_sentinel.url, namespace)
    with Work(spot, large) as later, spot.limit():
        later.go_on()
    assert not later.wrong
    assert valkey.until(spot.flush)
    assert entries(redis_sentinel.url, namespace) == before + len(later.called)
