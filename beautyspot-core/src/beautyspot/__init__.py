"""beautyspot: a persistent, typed result cache and a rate limiter, one decorator each.

import beautyspot as bs

spot = bs.Spot("app")

@spot.mark
def slow(x): ...
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from beautyspot.errors import (
    BackendNotFound,
    BeautyspotError,
    BlobLocationError,
    BlobNotFound,
    CacheMissError,
    ConfigError,
    CostError,
    ItemsError,
    MetadataBusyError,
    MetadataError,
    NotSupportedError,
    PluginConflictError,
    PluginError,
    RateLimitError,
    RecordNotFound,
    RestoreError,
    SchemaError,
    SerializationError,
    StorageError,
    UnstableKeyError,
    WorkerError,
)
from beautyspot.hookspecs import hookimpl

if TYPE_CHECKING:
    from beautyspot.backends.installed import PluginInfo
    from beautyspot.backends.registry import plugins
    from beautyspot.batch.targets import Failed
    from beautyspot.calls.activity import (
        ActiveLimit,
        Activity,
        RestingBackend,
        RunningCall,
        Stats,
        WaitingCall,
    )
    from beautyspot.calls.explanation import Explanation, Stored
    from beautyspot.calls.noting import LastCall
    from beautyspot.config.resolve import Config
    from beautyspot.contracts import (
        DIRECT_BLOB,
        FILE,
        Backend,
        BlobInfo,
        BlobStorageBase,
        Buffer,
        Context,
        Counts,
        Entry,
        File,
        FunctionTotals,
        Grant,
        KeyGenBase,
        LimiterBase,
        MetadataStoreBase,
        Page,
        Selection,
        SerializerBase,
        TaskRecord,
        Totals,
        TypeSupport,
    )
    from beautyspot.contracts.selection import Finding
    from beautyspot.inspecting.answers import Answer, answer_of
    from beautyspot.inspecting.changing import Removal, Removed
    from beautyspot.inspecting.columns import Cell, arguments_of
    from beautyspot.inspecting.comparing import Comparison
    from beautyspot.inspecting.contents import Content
    from beautyspot.inspecting.copying import Copied
    from beautyspot.inspecting.examination import examine
    from beautyspot.inspecting.filters import Where
    from beautyspot.inspecting.looking import StoredFunction
    from beautyspot.inspecting.opening import Store, open_store, open_stores
    from beautyspot.inspecting.parts import Fault
    from beautyspot.inspecting.runs import Run, Runs
    from beautyspot.inspecting.why import Why
    from beautyspot.keys.generator import KeyGen
    from beautyspot.limits.permit import Permit
    from beautyspot.observing import (
        Event,
        Execution,
        Hit,
        Miss,
        Observer,
        Progress,
        Raised,
        Ran,
        Refused,
        Saved,
        Waited,
    )
    from beautyspot.resilience.reporting import Trouble
    from beautyspot.results.collecting import Collected
    from beautyspot.results.pruning import Pruned
    from beautyspot.serialization.looking import ErrorInstance, Instance, NotInstalled
    from beautyspot.serialization.serializer import MsgpackSerializer
    from beautyspot.spot import Spot

# What follows is loaded when it is first named: a program pays for what it uses.
_LATER = {
    **dict.fromkeys(
        (
            "DIRECT_BLOB",
            "FILE",
            "Backend",
            "BlobInfo",
            "BlobStorageBase",
            "Buffer",
            "Context",
            "Counts",
            "Entry",
            "File",
            "FunctionTotals",
            "Grant",
            "KeyGenBase",
            "LimiterBase",
            "MetadataStoreBase",
            "Page",
            "Selection",
            "SerializerBase",
            "TaskRecord",
            "Totals",
            "TypeSupport",
        ),
        "contracts",
    ),
    "ActiveLimit": "calls.activity",
    "Activity": "calls.activity",
    "Answer": "inspecting.answers",
    "RestingBackend": "calls.activity",
    "RunningCall": "calls.activity",
    "WaitingCall": "calls.activity",
    "Cell": "inspecting.columns",
    "Collected": "results.collecting",
    "Comparison": "inspecting.comparing",
    "Config": "config.resolve",
    "Content": "inspecting.contents",
    "Copied": "inspecting.copying",
    "ErrorInstance": "serialization.looking",
    "Event": "observing",
    "Execution": "observing",
    "Explanation": "calls.explanation",
    "Failed": "batch.targets",
    "Finding": "contracts.selection",
    "Fault": "inspecting.parts",
    "Hit": "observing",
    "Instance": "serialization.looking",
    "KeyGen": "keys.generator",
    "Miss": "observing",
    "LastCall": "calls.noting",
    "MsgpackSerializer": "serialization.serializer",
    "NotInstalled": "serialization.looking",
    "Observer": "observing",
    "Permit": "limits.permit",
    "PluginInfo": "backends.installed",
    "Progress": "observing",
    "Pruned": "results.pruning",
    "Raised": "observing",
    "Ran": "observing",
    "Refused": "observing",
    "Removal": "inspecting.changing",
    "Removed": "inspecting.changing",
    "Run": "inspecting.runs",
    "Runs": "inspecting.runs",
    "Saved": "observing",
    "Spot": "spot",
    "Store": "inspecting.opening",
    "Stats": "calls.activity",
    "Stored": "calls.explanation",
    "StoredFunction": "inspecting.looking",
    "Trouble": "resilience.reporting",
    "Waited": "observing",
    "Where": "inspecting.filters",
    "Why": "inspecting.why",
    "answer_of": "inspecting.answers",
    "arguments_of": "inspecting.columns",
    "examine": "inspecting.examination",
    "open_store": "inspecting.opening",
    "open_stores": "inspecting.opening",
    "plugins": "backends.registry",
}


_OF_A_SPOT = frozenset(
    {"mark", "limiter", "map", "cached_run", "invalidate", "stats"}
    | {"cache", "cached", "clear", "memoize", "rate_limit"}
)
_SPOT_FIRST = (
    ': make a Spot first, as by spot = beautyspot.Spot("app"), and decorate with @spot.mark'
)


def __getattr__(name: str) -> Any:
    if name not in _LATER:
        advice = _SPOT_FIRST if name in _OF_A_SPOT else ""
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}{advice}")
    value = getattr(importlib.import_module(f"{__name__}.{_LATER[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


__all__ = [
    "DIRECT_BLOB",
    "FILE",
    "ActiveLimit",
    "Activity",
    "Answer",
    "Backend",
    "BackendNotFound",
    "BeautyspotError",
    "BlobInfo",
    "BlobLocationError",
    "BlobNotFound",
    "BlobStorageBase",
    "Buffer",
    "CacheMissError",
    "Cell",
    "Collected",
    "Comparison",
    "Config",
    "ConfigError",
    "Content",
    "Context",
    "Copied",
    "CostError",
    "Counts",
    "Entry",
    "ErrorInstance",
    "Event",
    "Execution",
    "Explanation",
    "Failed",
    "Fault",
    "File",
    "Finding",
    "FunctionTotals",
    "Grant",
    "Hit",
    "Instance",
    "ItemsError",
    "KeyGen",
    "KeyGenBase",
    "LastCall",
    "LimiterBase",
    "MetadataBusyError",
    "MetadataError",
    "MetadataStoreBase",
    "Miss",
    "MsgpackSerializer",
    "NotInstalled",
    "NotSupportedError",
    "Observer",
    "Page",
    "Permit",
    "PluginConflictError",
    "PluginError",
    "PluginInfo",
    "Progress",
    "Pruned",
    "Raised",
    "Ran",
    "RateLimitError",
    "RecordNotFound",
    "Refused",
    "Removal",
    "Removed",
    "RestingBackend",
    "RestoreError",
    "Run",
    "RunningCall",
    "Runs",
    "Saved",
    "SchemaError",
    "Selection",
    "SerializationError",
    "SerializerBase",
    "Spot",
    "Stats",
    "StorageError",
    "Store",
    "Stored",
    "StoredFunction",
    "TaskRecord",
    "Totals",
    "Trouble",
    "TypeSupport",
    "UnstableKeyError",
    "Waited",
    "WaitingCall",
    "Where",
    "Why",
    "WorkerError",
    "answer_of",
    "arguments_of",
    "examine",
    "hookimpl",
    "open_store",
    "open_stores",
    "plugins",
]
