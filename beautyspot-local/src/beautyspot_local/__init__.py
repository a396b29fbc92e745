"""What lives on this machine: the SQLite store, results as files, and the GCRA rate limiters.

The module is a plug-in, which core imports when a `Spot` is made. So it imports nothing but the
hook marker, and says where its classes are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from beautyspot.hookspecs import hookimpl, later

if TYPE_CHECKING:
    from beautyspot_local.limiter import TokenBucket
    from beautyspot_local.shared_limiter import SharedTokenBucket
    from beautyspot_local.sqlite.store import SqliteMetadataStore
    from beautyspot_local.storage import LocalStorage

__all__ = ["LocalStorage", "SharedTokenBucket", "SqliteMetadataStore", "TokenBucket"]

__getattr__, __dir__ = later(
    __name__,
    {
        "LocalStorage": "storage",
        "SharedTokenBucket": "shared_limiter",
        "SqliteMetadataStore": "sqlite.store",
        "TokenBucket": "limiter",
    },
)


@hookimpl
def beautyspot_register_metadata() -> dict[str, str]:
    """The metadata store `sqlite`."""
    return {"sqlite": "beautyspot_local.sqlite.store:SqliteMetadataStore"}


@hookimpl
def beautyspot_register_storage() -> dict[str, str]:
    """The blob storage `local`."""
    storage = "beautyspot_local.storage:LocalStorage"
    return {"local": storage, "file://": storage}


@hookimpl
def beautyspot_register_limiter() -> dict[str, str]:
    """The rate limiters `gcra`, of one process, and `gcra-shared`, of all of a machine."""
    return {
        "gcra": "beautyspot_local.limiter:TokenBucket",
        "gcra-shared": "beautyspot_local.shared_limiter:SharedTokenBucket",
    }
