"""What core brings, registered through the hooks that a stranger's plug-in uses."""

from __future__ import annotations

from typing import TYPE_CHECKING

from beautyspot.hookspecs import API, hookimpl

if TYPE_CHECKING:
    from beautyspot.keys.generator import KeyGen
    from beautyspot.limits.combined import CombinedLimiter
    from beautyspot.memory import MemoryMetadataStore, MemoryStorage
    from beautyspot.serialization.serializer import MsgpackSerializer

beautyspot_api = API


@hookimpl
def beautyspot_register_metadata() -> type[MemoryMetadataStore]:
    """The metadata store `memory`."""
    from beautyspot.memory import MemoryMetadataStore

    return MemoryMetadataStore


@hookimpl
def beautyspot_register_storage() -> type[MemoryStorage]:
    """The blob storage `memory`."""
    from beautyspot.memory import MemoryStorage

    return MemoryStorage


@hookimpl
def beautyspot_register_serializer() -> type[MsgpackSerializer]:
    """The serializer `msgpack`."""
    from beautyspot.serialization.serializer import MsgpackSerializer

    return MsgpackSerializer


@hookimpl
def beautyspot_register_keygen() -> type[KeyGen]:
    """The key generation `stable`."""
    from beautyspot.keys.generator import KeyGen

    return KeyGen


@hookimpl
def beautyspot_register_limiter() -> list[type[CombinedLimiter]]:
    """The limiters `combined` and `joined`: several limits that hold at once."""
    from beautyspot.limits.combined import CombinedLimiter
    from beautyspot.limits.joined import JoinedLimiter

    return [CombinedLimiter, JoinedLimiter]
