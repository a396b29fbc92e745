"""What core brings, registered through the hooks that a stranger's plug-in uses."""

from __future__ import annotations

from typing import TYPE_CHECKING

from beautyspot.hookspecs import API, hookimpl

if TYPE_CHECKING:
    from beautyspot.contracts import MetadataStoreBase
    from beautyspot.keygen import KeyGen
    from beautyspot.memory import MemoryStorage
    from beautyspot.serializer import MsgpackSerializer

beautyspot_api = API


@hookimpl
def beautyspot_register_metadata() -> list[type[MetadataStoreBase]]:
    """The metadata stores `sqlite` and `memory`."""
    from beautyspot.memory import MemoryMetadataStore
    from beautyspot.metadata import SqliteMetadataStore

    return [SqliteMetadataStore, MemoryMetadataStore]


@hookimpl
def beautyspot_register_storage() -> type[MemoryStorage]:
    """The blob storage `memory`."""
    from beautyspot.memory import MemoryStorage

    return MemoryStorage


@hookimpl
def beautyspot_register_serializer() -> type[MsgpackSerializer]:
    """The serializer `msgpack`."""
    from beautyspot.serializer import MsgpackSerializer

    return MsgpackSerializer


@hookimpl
def beautyspot_register_keygen() -> type[KeyGen]:
    """The key generation `stable`."""
    from beautyspot.keygen import KeyGen

    return KeyGen
