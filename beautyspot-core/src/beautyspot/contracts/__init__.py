"""The contracts: what a backend of each extension point must and may do.

They are small on purpose. A backend implements the abstract methods, which only move bytes. What
needs a policy is a template method here. An optional ability is a method that raises
`NotSupportedError` until a backend implements it.

Backends are written synchronously, and are called from many threads at once. A backend whose
operations take microseconds sets `blocking = False` and is then called directly, also on the event
loop. Asynchronous functions call any other backend in the Spot's executor.
"""

from beautyspot.contracts.backend import Backend, Context, Data, Readable
from beautyspot.contracts.counts import Counts
from beautyspot.contracts.file import File
from beautyspot.contracts.keygen import KEY_SCHEME, KeyGenBase
from beautyspot.contracts.leases import Beginning, Lease
from beautyspot.contracts.limiter import LimiterBase
from beautyspot.contracts.metadata import MetadataStoreBase
from beautyspot.contracts.only_looking import OnlyLooking
from beautyspot.contracts.pauses import Pause, pause_seconds
from beautyspot.contracts.records import (
    DIRECT_BLOB,
    FILE,
    Entry,
    Invalidation,
    Plain,
    TaskRecord,
    begun_at,
    entry_of,
    found_in,
    in_full,
    is_newer,
    lacks_data,
)
from beautyspot.contracts.reservation import Reservation
from beautyspot.contracts.selection import FunctionTotals, Order, Page, Selection, Totals
from beautyspot.contracts.serializer import SerializerBase
from beautyspot.contracts.sizes import SIZE, byte_count
from beautyspot.contracts.storage import BlobInfo, BlobStorageBase
from beautyspot.contracts.types import Buffer, TypeSupport
from beautyspot.contracts.units import DURATION, SECONDS_PER_UNIT, UNITS, seconds, seconds_per

__all__ = [
    "DIRECT_BLOB",
    "DURATION",
    "FILE",
    "KEY_SCHEME",
    "SECONDS_PER_UNIT",
    "SIZE",
    "UNITS",
    "Backend",
    "Beginning",
    "BlobInfo",
    "BlobStorageBase",
    "Buffer",
    "Context",
    "Counts",
    "Data",
    "Entry",
    "File",
    "FunctionTotals",
    "Invalidation",
    "KeyGenBase",
    "Lease",
    "LimiterBase",
    "MetadataStoreBase",
    "OnlyLooking",
    "Order",
    "Page",
    "Pause",
    "Plain",
    "Readable",
    "Reservation",
    "Selection",
    "SerializerBase",
    "TaskRecord",
    "Totals",
    "TypeSupport",
    "begun_at",
    "byte_count",
    "entry_of",
    "found_in",
    "in_full",
    "is_newer",
    "lacks_data",
    "pause_seconds",
    "seconds",
    "seconds_per",
]
