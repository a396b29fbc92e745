"""beautyspot: a persistent, shared, typed result cache and a rate limit, one decorator each."""

from __future__ import annotations

from beautyspot.contracts import (
    BlobStorageBase,
    KeyGenBase,
    LimiterBase,
    MetadataStoreBase,
    SerializerBase,
)
from beautyspot.hookspecs import hookimpl

__all__ = [
    "BlobStorageBase",
    "KeyGenBase",
    "LimiterBase",
    "MetadataStoreBase",
    "SerializerBase",
    "hookimpl",
]
