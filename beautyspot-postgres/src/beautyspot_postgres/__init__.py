"""Postgres for beautyspot: a metadata store and a rate limiter that many machines share.

The module is a plug-in, which core imports when a `Spot` is made. So it imports nothing but the
hook marker, and states what its classes are called. They are imported when one is asked for,
and psycopg with the first that connects.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from beautyspot.hookspecs import hookimpl

if TYPE_CHECKING:
    from beautyspot_postgres.limiter import PostgresLimiter
    from beautyspot_postgres.store import PostgresMetadataStore

__all__ = ["PostgresLimiter", "PostgresMetadataStore"]

beautyspot_api = 1

_SCHEMES = ["postgres", "postgresql"]

beautyspot_offers = {"metadata": _SCHEMES, "limiter": _SCHEMES}


@hookimpl
def beautyspot_register_metadata() -> type[PostgresMetadataStore]:
    """The metadata store `postgres`."""
    from beautyspot_postgres.store import PostgresMetadataStore

    return PostgresMetadataStore


@hookimpl
def beautyspot_register_limiter() -> type[PostgresLimiter]:
    """The limiter `postgres`."""
    from beautyspot_postgres.limiter import PostgresLimiter

    return PostgresLimiter


def __getattr__(name: str) -> Any:
    """Import a class when it is first used (PEP 562)."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from beautyspot_postgres.limiter import PostgresLimiter
    from beautyspot_postgres.store import PostgresMetadataStore

    globals().update(PostgresLimiter=PostgresLimiter, PostgresMetadataStore=PostgresMetadataStore)
    return globals()[name]


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
