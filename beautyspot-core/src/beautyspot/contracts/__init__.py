"""The contracts: what a backend of each extension point must and may do.

They are small on purpose. A backend implements the abstract methods, which only move bytes. What
needs a policy is a template method here. An optional ability is a method that raises
`NotSupportedError` until a backend implements it.

Backends are written synchronously, and are called from many threads at once. A backend whose
operations take microseconds sets `blocking = False` and is then called directly, also on the event
loop. Asynchronous functions call any other backend in the Spot's executor.
"""

from typing import TYPE_CHECKING

from beautyspot.concurrency.forks import reset_in_children
from beautyspot.concurrency.lazily import later
from beautyspot.concurrency.locks import Lock
from beautyspot.contracts.backend import Backend, Context, Data
from beautyspot.contracts.checked import (
    DURATION,
    SECONDS_PER_UNIT,
    SIZE,
    UNITS,
    Pause,
    as_number,
    byte_count,
    pause_seconds,
    seconds,
    seconds_per,
)
from beautyspot.contracts.records import (
    DIRECT_BLOB,
    FIELD_TYPES,
    FILE,
    Entry,
    Invalidation,
    Plain,
    TaskRecord,
    as_time,
    begun_at,
    entry_of,
    found_in,
    in_full,
    is_newer,
)
from beautyspot.contracts.store import Begun, MetadataStoreBase, Put

if TYPE_CHECKING:
    from beautyspot.contracts.key_value import KeyValueStore
    from beautyspot.contracts.limiter import LimiterBase
    from beautyspot.contracts.schedule import SOON, Grant, Rate, Schedule, Schedules
    from beautyspot.contracts.selection import (
        Counts,
        FunctionTotals,
        Order,
        Page,
        Rank,
        Selection,
        Totals,
        rank_of,
        totals_by_function,
    )
    from beautyspot.contracts.storage import (
        NO_KEY,
        BlobInfo,
        BlobStorageBase,
        File,
        Readable,
        checked_key,
    )
    from beautyspot.contracts.values import (
        KEY_SCHEME,
        Buffer,
        KeyGenBase,
        SerializerBase,
        TypeSupport,
    )

# What the first Spot of a program does not need.
__getattr__, __dir__ = later(
    __name__,
    {
        "KeyValueStore": "key_value",
        "LimiterBase": "limiter",
        **dict.fromkeys(("SOON", "Grant", "Rate", "Schedule", "Schedules"), "schedule"),
        **dict.fromkeys(("Counts", "FunctionTotals", "Order", "Page", "Rank"), "selection"),
        **dict.fromkeys(("Selection", "Totals", "rank_of", "totals_by_function"), "selection"),
        **dict.fromkeys(("NO_KEY", "BlobInfo", "BlobStorageBase", "File", "Readable"), "storage"),
        "checked_key": "storage",
        **dict.fromkeys(("KEY_SCHEME", "Buffer", "KeyGenBase"), "values"),
        **dict.fromkeys(("SerializerBase", "TypeSupport"), "values"),
    },
)

__all__ = [
    "DIRECT_BLOB",
    "DURATION",
    "FIELD_TYPES",
    "FILE",
    "KEY_SCHEME",
    "NO_KEY",
    "SECONDS_PER_UNIT",
    "SIZE",
    "SOON",
    "UNITS",
    "Backend",
    "Begun",
    "BlobInfo",
    "BlobStorageBase",
    "Buffer",
    "Context",
    "Counts",
    "Data",
    "Entry",
    "File",
    "FunctionTotals",
    "Grant",
    "Invalidation",
    "KeyGenBase",
    "KeyValueStore",
    "LimiterBase",
    "Lock",
    "MetadataStoreBase",
    "Order",
    "Page",
    "Pause",
    "Plain",
    "Put",
    "Rank",
    "Rate",
    "Readable",
    "Schedule",
    "Schedules",
    "Selection",
    "SerializerBase",
    "TaskRecord",
    "Totals",
    "TypeSupport",
    "as_number",
    "as_time",
    "begun_at",
    "byte_count",
    "checked_key",
    "entry_of",
    "found_in",
    "in_full",
    "is_newer",
    "pause_seconds",
    "rank_of",
    "reset_in_children",
    "seconds",
    "seconds_per",
    "totals_by_function",
]
