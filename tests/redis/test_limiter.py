"""`RedisLimiter`: how limits lie in the server. What they do is in `tests/machines/`."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import pytest
from beautyspot_redis import RedisLimiter
from beautyspot_testing.limiter import ManualClock
from servers.limiters import Contract, delays
from servers.valkey import Cluster, Valkey

Make = Callable[..., RedisLimiter]


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def make(redis_server: Valkey, namespace: str, clock: ManualClock) -> Make:
    """Each is one machine's view of the same limit: a permit a second."""

    def made(**options: Any) -> RedisLimiter:
        given = {"rate": 1, "max_cost": 100, "namespace": namespace, "clock": clock, **options}
        return RedisLimiter(redis_server.url, **given)

    return made


def keys(server: Valkey, namespace: str) -> list[bytes]:
    found: list[bytes] = server.ask("KEYS", f"{{beautyspot:{namespace}}}:*")
    return found


def test_what_a_key_holds_expires_by_itself(
    make: Make, redis_server: Valkey, namespace: str
) -> None:
    """And nothing shows the key itself."""
    limiter = make(clock=None)
    limiter.for_key("customer").reserve(50)
    [name] = keys(redis_server, namespace)
    assert b"customer" not in name
    assert 60_000 < redis_server.ask("PTTL", name) <= 110_000


def test_scripts_may_be_forgotten(make: Make, redis_server: Valkey) -> None:
    limiter = make()
    assert delays(limiter, 1) == [0]
    redis_server.ask("SCRIPT", "FLUSH")
    assert delays(limiter, 1) == [1]


def test_what_is_no_state_begins_anew(
    make: Make, redis_server: Valkey, namespace: str, clock: ManualClock
) -> None:
    limiter = make()
    limiter.reserve(5)
    [name] = keys(redis_server, namespace)
    for wrong in (b"", b"x" * 96, b"short"):
        redis_server.ask("SET", name, wrong)
        assert delays(limiter, 1, 1) == [0, 1]


def test_a_cluster_has_the_limits_of_a_spot_in_one_slot(
    redis_cluster: Cluster, namespace: str, clock: ManualClock
) -> None:
    limits = {
        name: RedisLimiter(redis_cluster.url, rate=1, namespace=namespace, limit=name, clock=clock)
        for name in ("calls", "words")
    }
    both: Any = RedisLimiter.together(limits)
    assert [both.reserve({"calls": 1, "words": 1}).delay for _ in range(2)] == [0, 1]
    held = both.for_key("a").reserve({"calls": 1, "words": 1})
    assert held.delay == 0
    both.settle(both.reserve({"calls": 1}), {"calls": 0})
    limits["calls"].pause(5)
    assert limits["calls"].for_key("a").wait_for() == 6
    for limit in limits.values():
        limit.close()


if "BEAUTYSPOT_TEST_REDIS_URL" in os.environ:  # else `tests/machines/` has it

    class TestAtAnAddress(Contract):
        @pytest.fixture(autouse=True)
        def _setting(self, redis_url: str) -> None:
            self.setting = {"use": redis_url}
