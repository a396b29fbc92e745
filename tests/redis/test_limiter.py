"""`RedisLimiter`: how limits lie in the server. What they do is in `tests/machines/`."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from beautyspot.errors import BeautyspotError
from beautyspot_redis import RedisLimiter
from beautyspot_testing.limiter import ManualClock
from servers.limiters import Contract, delays
from servers.valkey import Cluster, Valkey

Make = Callable[..., RedisLimiter]


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def make(redis_server: Valkey, namespace: str, clock: ManualClock) -> Iterator[Make]:
    """Each is one machine's view of the same limit: a permit a second."""
    with contextlib.ExitStack() as ends:

        def made(**options: Any) -> RedisLimiter:
            given = {"rate": 1, "max_cost": 1e6, "namespace": namespace, "clock": clock, **options}
            limiter = RedisLimiter(redis_server.url, **given)
            ends.callback(limiter.close)
            return limiter

        yield made


def keys(server: Valkey, namespace: str) -> list[bytes]:
    found: list[bytes] = server.ask("KEYS", f"{{beautyspot:{namespace}}}:*")
    return found


def test_what_a_key_holds_expires_by_itself(
    make: Make, redis_server: Valkey, namespace: str
) -> None:
    """And nothing shows the key itself."""
    limiter = make(clock=None)
    limiter.take([{"rate": 50}], "customer")
    [name] = keys(redis_server, namespace)
    assert b"customer" not in name
    assert 60_000 < redis_server.ask("PTTL", name) <= 110_000
    limiter.pause(200)
    limiter.take([{"rate": 1}], "customer")
    pauses, _ = sorted(keys(redis_server, namespace))
    assert 200_000 < redis_server.ask("PTTL", pauses) <= 260_000


def test_what_has_passed_long_ago_is_gone(
    make: Make, redis_server: Valkey, namespace: str, clock: ManualClock
) -> None:
    limiter, other = make(), make(limit="other")
    limiter.pause(1)
    assert delays(limiter, 1) == [1]
    clock.advance(62)
    assert delays(other, 1) == [0]
    [name] = keys(redis_server, namespace)
    assert set(redis_server.ask("HKEYS", name)) == {
        b"seen",
        b"made",
        b"start",
        b"taken:other",
        b"sum",
    }


def test_scripts_may_be_forgotten(make: Make, redis_server: Valkey) -> None:
    limiter = make()
    [grant], _ = limiter.take([{"rate": 1}])
    redis_server.ask("SCRIPT", "FLUSH")
    assert delays(limiter, 1) == [1]
    redis_server.ask("SCRIPT", "FLUSH")
    limiter.settle(grant, 3)
    assert delays(limiter, 1) == [3]


def test_small_costs_at_a_high_rate_are_not_rounded(make: Make) -> None:
    """As the time of day would be: a tenth of a microsecond is beneath what a float of it tells."""
    limiter = make(rate=1e7, clock=lambda: 1.9e9)
    for _ in range(400):
        limiter.take([{"rate": 1}] * 250)
    limiter.take([{"rate": 9e5}])
    assert delays(limiter, 1) == [pytest.approx(0.1)]


def test_another_program_s_key_is_left_alone(
    make: Make, redis_server: Valkey, namespace: str
) -> None:
    limiter = make()
    limiter.take([{"rate": 1}])
    [name] = keys(redis_server, namespace)
    redis_server.ask("SET", name, "mine")
    with pytest.raises(BeautyspotError, match="another program uses the same names"):
        limiter.take([{"rate": 1}])
    assert redis_server.ask("GET", name) == b"mine"


def test_a_cluster_has_the_limits_of_a_spot_in_one_slot(
    redis_cluster: Cluster, namespace: str, clock: ManualClock
) -> None:
    limits = {
        name: RedisLimiter(redis_cluster.url, rate=1, namespace=namespace, limit=name, clock=clock)
        for name in ("calls", "words")
    }
    both: Any = RedisLimiter.together(limits)
    each = {"calls": 1, "words": 1}
    assert delays(both, each, each) == [0, 1]
    [grant], _ = both.take([each], "a")
    both.settle(grant, {"calls": 0})
    assert delays(both, {"calls": 1}, key="a") == [0]
    both.close()
    limits["calls"].pause(5)
    assert delays(limits["calls"], 1, key="b") == [5]
    for limit in limits.values():
        limit.close()


if "BEAUTYSPOT_TEST_REDIS_URL" in os.environ:  # else `tests/machines/` has it

    class TestAtAnAddress(Contract):
        @pytest.fixture(autouse=True)
        def _setting(self, redis_url: str) -> None:
            self.setting = {"use": redis_url}
