"""Redis and Valkey for beautyspot: a metadata store and a rate limiter that many machines share.

The module is a plug-in, which core imports when a `Spot` is made. So it imports nothing but the
hook marker, and says where its classes are. One is imported when it is asked for, and redis-py with
the first that connects.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from beautyspot.hookspecs import hookimpl, later

if TYPE_CHECKING:
    from beautyspot_redis.limiter import RedisLimiter
    from beautyspot_redis.store import RedisMetadataStore

__all__ = ["RedisLimiter", "RedisMetadataStore"]

__getattr__, __dir__ = later(__name__, {"RedisLimiter": "limiter", "RedisMetadataStore": "store"})

_SCHEMES = (  # those of `address`, whose import would cost each Spot
    *(f"{server}{several}" for server in ("redis", "rediss", "valkey", "valkeys")
      for several in ("", "+sentinel", "+cluster")),
    "unix",
)  # fmt: skip


@hookimpl
def beautyspot_register_metadata() -> dict[str, str]:
    """The metadata store `redis`."""
    return _named("beautyspot_redis.store:RedisMetadataStore")


@hookimpl
def beautyspot_register_limiter() -> dict[str, str]:
    """The limiter `redis`."""
    return _named("beautyspot_redis.limiter:RedisLimiter")


def _named(place: str) -> dict[str, str]:
    return {"redis": place, **{f"{scheme}://": place for scheme in _SCHEMES}}
