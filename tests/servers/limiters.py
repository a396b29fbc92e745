"""Limiters in a server, of whichever kind, and what a test does with them."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Mapping
from typing import Any

from beautyspot.contracts import LimiterBase, Rate
from beautyspot_local.remote.limiter import RemoteLimiter
from beautyspot_postgres import PostgresLimiter
from beautyspot_redis import RedisLimiter
from beautyspot_testing.limiter import LimiterContract

CLASSES: dict[str, type[PostgresLimiter | RedisLimiter]] = {
    "postgres": PostgresLimiter,
    "redis": RedisLimiter,
}
"""By the kind of the server."""


def made(given: dict[str, Any]) -> RemoteLimiter:
    """The limiter of a setting, such as `Shared.at` gives."""
    options = dict(given)
    url = options.pop("use")
    scheme = url.partition(":")[0]
    [kind] = [each for each in CLASSES.values() if scheme in each.schemes]
    return kind(url, **options)


def delays(limiter: LimiterBase, *costs: object, key: str = "") -> list[float]:
    """How long a call of each of these costs has to wait, asked one after the other.

    One that would begin later than soon takes nothing.
    """
    found = [limiter.take([limiter.costs_of(cost)], key) for cost in costs]
    return [grants[0].delay if grants else wait for grants, wait in found]


def forget(given: dict[str, Any], namespace: str) -> None:
    """Have the server of a setting lose all limits and places of a namespace."""
    url = given["use"]
    _FORGET[url.partition(":")[0]](url, namespace)


def _redis(url: str, namespace: str) -> None:
    import redis

    with redis.Redis.from_url(url) as client:
        client.delete(*client.keys(f"{{beautyspot:{namespace}}}:*"))


def _postgres(url: str, namespace: str) -> None:
    import psycopg

    with psycopg.connect(url) as connection:
        connection.execute("DELETE FROM beautyspot.schedules WHERE namespace = %s", [namespace])


_FORGET = {"redis": _redis, "postgres": _postgres}


class Contract(LimiterContract):
    """The suite of all limiters, for those in a server.

    Attributes:
        setting: which one; a subclass sets it.
    """

    examples = 30
    setting: dict[str, Any]

    def make(self, limits: Mapping[str, Rate], clock: Callable[[], float]) -> LimiterBase:
        options: dict[str, Any] = {
            "namespace": f"test-{secrets.token_hex(8)}",
            "clock": None if clock is time.monotonic else clock,
        }
        ones = {
            name: made(
                {
                    **self.setting,
                    **options,
                    "limit": name,
                    "rate": rate,
                    "max_cost": most,
                    "burst": burst,
                }
            )
            for name, (rate, most, burst) in limits.items()
        }
        joint = type(next(iter(ones.values()))).together(ones)
        assert joint is not None
        return joint
