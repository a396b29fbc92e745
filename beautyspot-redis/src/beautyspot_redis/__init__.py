"""Redis and Valkey for beautyspot: a metadata store and a rate limiter that many machines share.

The module is a plug-in, which core imports when a `Spot` is made. So it imports nothing but the
hook marker, and states what its classes are called. They are imported when one is asked for,
and redis-py with the first that connects.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from beautyspot.hookspecs import hookimpl

if TYPE_CHECKING:
    from beautyspot_redis.limiter import RedisLimiter
    from beautyspot_redis.store import RedisMetadataStore

__all__ = ["RedisLimiter", "RedisMetadataStore"]

beautyspot_api = 1

_SCHEMES = [
    f"{server}{several}"
    for server in ("redis", "rediss", "valkey", "valkeys")
    for several in ("", "+sentinel", "+cluster")
] + ["unix"]

# The import of `address`, which has them too, would cost each Spot; core compares both.
beautyspot_offers = {"metadata": _SCHEMES, "limiter": _SCHEMES}


@hookimpl
def beautyspot_register_metadata() -> type[RedisMetadataStore]:
    """The metadata store `redis`."""
    from beautyspot_redis.store import RedisMetadataStore

    return RedisMetadataStore


@hookimpl
def beautyspot_register_limiter() -> type[RedisLimiter]:
    """The limiter `redis`."""
    from beautyspot_redis.limiter import RedisLimiter

    return RedisLimiter


def __getattr__(name: str) -> Any:
    """Import a class when it is first used (PEP 562)."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from beautyspot_redis.limiter import RedisLimiter
    from beautyspot_redis.store import RedisMetadataStore

    globals().update(RedisLimiter=RedisLimiter, RedisMetadataStore=RedisMetadataStore)
    return globals()[name]


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
