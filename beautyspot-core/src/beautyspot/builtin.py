"""What core brings, registered through the hooks that a stranger's plug-in uses."""

from __future__ import annotations

from typing import TYPE_CHECKING

from beautyspot.hookspecs import API, hookimpl

if TYPE_CHECKING:
    from beautyspot.keygen import KeyGen
    from beautyspot.metadata import SqliteMetadataStore
    from beautyspot.serializer import MsgpackSerializer

beautyspot_api = API


@hookimpl
def beautyspot_register_metadata() -> type[SqliteMetadataStore]:
    """The metadata store `sqlite`."""
    from beautyspot.metadata import SqliteMetadataStore

    return SqliteMetadataStore


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
