"""Redis and Valkey for beautyspot: a metadata store and a rate limiter that many machines share.

The module is a plug-in, which core imports when a `Spot` is made. So it imports nothing but the
hook marker, and says where its classes are. One is imported when it is asked for, and redis-py with
the first that connects.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from beautyspot.hookspecs import hookimpl

if TYPE_CHECKING:
    from beautyspot_redis.limiter import RedisLimiter
    from beautyspot_redis.store import RedisMetadataStore

__all__ = ["RedisLimiter", "RedisMetadataStore"]

_MODULES = {"RedisLimiter": "limiter", "RedisMetadataStore": "store"}

beautyspot_api = 1

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


def __getattr__(name: str) -> Any:
    """Import a class of `__all__` when it is first used (PEP 562)."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
