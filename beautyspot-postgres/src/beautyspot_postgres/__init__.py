"""Postgres for beautyspot: a metadata store and a rate limiter that many machines share.

The module is a plug-in, which core imports when a `Spot` is made. So it imports nothing but the
hook marker, and says where its classes are. One is imported when it is asked for, and psycopg with
the first that connects.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from beautyspot.hookspecs import hookimpl

if TYPE_CHECKING:
    from beautyspot_postgres.limiter import PostgresLimiter
    from beautyspot_postgres.store import PostgresMetadataStore

__all__ = ["PostgresLimiter", "PostgresMetadataStore"]

_MODULES = {"PostgresLimiter": "limiter", "PostgresMetadataStore": "store"}

beautyspot_api = 1


@hookimpl
def beautyspot_register_metadata() -> dict[str, str]:
    """The metadata store `postgres`."""
    store = "beautyspot_postgres.store:PostgresMetadataStore"
    return {"postgres": store, "postgresql://": store}


@hookimpl
def beautyspot_register_limiter() -> dict[str, str]:
    """The limiter `postgres`."""
    limiter = "beautyspot_postgres.limiter:PostgresLimiter"
    return {"postgres": limiter, "postgresql://": limiter}


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
