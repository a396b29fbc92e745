"""What core brings, registered through the hooks that a stranger's plug-in uses."""

from __future__ import annotations

from typing import TYPE_CHECKING

from beautyspot.hookspecs import hookimpl

if TYPE_CHECKING:
    from beautyspot.memory import MemoryStorage


@hookimpl
def beautyspot_register_metadata() -> dict[str, str]:
    """The metadata store `memory`."""
    return {"memory": "beautyspot.memory:MemoryMetadataStore"}


@hookimpl
def beautyspot_register_storage() -> type[MemoryStorage]:
    """The blob storage `memory`: a name only, for the URLs are those of fsspec."""
    from beautyspot.memory import MemoryStorage

    return MemoryStorage


@hookimpl
def beautyspot_register_serializer() -> dict[str, str]:
    """The serializer `msgpack`."""
    return {"msgpack": "beautyspot.serialization.serializer:MsgpackSerializer"}


@hookimpl
def beautyspot_register_keygen() -> dict[str, str]:
    """The key generation `stable`."""
    return {"stable": "beautyspot.keys.generator:KeyGen"}
