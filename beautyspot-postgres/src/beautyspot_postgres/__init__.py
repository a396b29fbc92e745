"""Postgres for beautyspot: a metadata store and a rate limiter that many machines share.

The module is a plug-in, which core imports when a `Spot` is made. So it imports nothing but the
hook marker, and says where its classes are. One is imported when it is asked for, and psycopg with
the first that connects.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from beautyspot.hookspecs import hookimpl, later

if TYPE_CHECKING:
    from beautyspot_postgres.limiter import PostgresLimiter
    from beautyspot_postgres.store import PostgresMetadataStore

__all__ = ["PostgresLimiter", "PostgresMetadataStore"]

__getattr__, __dir__ = later(
    __name__, {"PostgresLimiter": "limiter", "PostgresMetadataStore": "store"}
)


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
