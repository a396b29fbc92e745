"""beautyspot: a persistent, shared, typed result cache and a rate limit, one decorator each.

import beautyspot as bs

spot = bs.Spot("app")

@spot.mark
def slow(x): ...
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from beautyspot.contracts import (
    DIRECT_BLOB,
    FILE,
    Backend,
    BlobInfo,
    BlobStorageBase,
    Context,
    Entry,
    KeyGenBase,
    Lease,
    LimiterBase,
    MetadataStoreBase,
    Reservation,
    SerializerBase,
    TaskRecord,
    Totals,
)
from beautyspot.errors import (
    BackendNotFound,
    BeautyspotError,
    BlobLocationError,
    BlobNotFound,
    CacheMissError,
    ConfigError,
    CostError,
    MetadataBusyError,
    MetadataError,
    NotSupportedError,
    PluginConflictError,
    PluginError,
    RateLimitError,
    RestoreError,
    SchemaError,
    SerializationError,
    StorageError,
    UnstableKeyError,
)
from beautyspot.hookspecs import hookimpl

if TYPE_CHECKING:
    from beautyspot.ask import Explanation, Stored
    from beautyspot.cleaning import Pruned
    from beautyspot.collecting import Collected
    from beautyspot.config import Config
    from beautyspot.keygen import KeyGen
    from beautyspot.permits import Permit
    from beautyspot.plugin_listing import PluginInfo
    from beautyspot.plugin_registry import plugins
    from beautyspot.reports import Trouble
    from beautyspot.serializer import MsgpackSerializer
    from beautyspot.spot import Spot

# A plug-in needs the names above and nothing else; what follows is loaded when it is first named.
_LATER = {
    "Collected": "collecting",
    "Config": "config",
    "Explanation": "ask",
    "KeyGen": "keygen",
    "MsgpackSerializer": "serializer",
    "Permit": "permits",
    "PluginInfo": "plugin_listing",
    "Pruned": "cleaning",
    "Spot": "spot",
    "Stored": "ask",
    "Trouble": "reports",
    "plugins": "plugin_registry",
}


def __getattr__(name: str) -> Any:
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"{__name__}.{_LATER[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


__all__ = [
    "DIRECT_BLOB",
    "FILE",
    "Backend",
    "BackendNotFound",
    "BeautyspotError",
    "BlobInfo",
    "BlobLocationError",
    "BlobNotFound",
    "BlobStorageBase",
    "CacheMissError",
    "Collected",
    "Config",
    "ConfigError",
    "Context",
    "CostError",
    "Entry",
    "Explanation",
    "KeyGen",
    "KeyGenBase",
    "Lease",
    "LimiterBase",
    "MetadataBusyError",
    "MetadataError",
    "MetadataStoreBase",
    "MsgpackSerializer",
    "NotSupportedError",
    "Permit",
    "PluginConflictError",
    "PluginError",
    "PluginInfo",
    "Pruned",
    "RateLimitError",
    "Reservation",
    "RestoreError",
    "SchemaError",
    "SerializationError",
    "SerializerBase",
    "Spot",
    "StorageError",
    "Stored",
    "TaskRecord",
    "Totals",
    "Trouble",
    "UnstableKeyError",
    "hookimpl",
    "plugins",
]
