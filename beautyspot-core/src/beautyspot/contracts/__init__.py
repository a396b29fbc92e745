"""The contracts: what a backend of each extension point must and may do.

Small on purpose. A backend implements the abstract methods, which move bytes and nothing else;
whatever needs a policy is a template method here, and an optional ability is a method that answers
`NotSupportedError` until a backend brings it.

Backends are written synchronously, and are called from many threads at once. One whose operations
take microseconds sets `blocking = False` and is then called in place, on the event loop too; any
other is called in the Spot's executor by asynchronous functions.
"""

from beautyspot.contracts.backend import Backend, Context, Data
from beautyspot.contracts.keygen import KEY_SCHEME, KeyGenBase
from beautyspot.contracts.limiter import LimiterBase, Reservation
from beautyspot.contracts.metadata import (
    DIRECT_BLOB,
    FILE,
    Entry,
    Lease,
    MetadataStoreBase,
    Plain,
    TaskRecord,
    Totals,
    entry_of,
    found_in,
    in_full,
)
from beautyspot.contracts.serializer import SerializerBase
from beautyspot.contracts.storage import BlobInfo, BlobStorageBase
from beautyspot.contracts.types import TypeSupport

__all__ = [
    "DIRECT_BLOB",
    "FILE",
    "KEY_SCHEME",
    "Backend",
    "BlobInfo",
    "BlobStorageBase",
    "Context",
    "Data",
    "Entry",
    "KeyGenBase",
    "Lease",
    "LimiterBase",
    "MetadataStoreBase",
    "Plain",
    "Reservation",
    "SerializerBase",
    "TaskRecord",
    "Totals",
    "TypeSupport",
    "entry_of",
    "found_in",
    "in_full",
]
