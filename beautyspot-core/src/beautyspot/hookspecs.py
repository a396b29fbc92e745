"""The five hooks by which a plug-in brings its backends.

A plug-in is a module, named by an entry point of the group ``beautyspot``, that holds functions
decorated with `hookimpl`. Each hook takes nothing and returns one class or a list of classes, and a
class carries its own `name`::

    # beautyspot_foo/__init__.py
    import beautyspot as bs

    @bs.hookimpl
    def beautyspot_register_storage():
        from beautyspot_foo.storage import FooStorage   # imports nothing heavy itself
        return FooStorage

    # pyproject.toml
    [project.entry-points.beautyspot]
    foo = "beautyspot_foo"

A plug-in module must import in under a millisecond: whatever is heavy is imported when a backend is
*made*, not when it is registered. The hooks are called once for each `Spot`, never on a call's way.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeVar

import pluggy

if TYPE_CHECKING:
    from beautyspot.contracts import (
        BlobStorageBase,
        KeyGenBase,
        LimiterBase,
        MetadataStoreBase,
        SerializerBase,
    )

B = TypeVar("B")
OneOrMore = type[B] | list[type[B]]

PROJECT: Final = "beautyspot"
"""The pluggy project name, and the entry-point group."""

API: Final = 1
"""The number of the plug-in API; a plug-in module may state `beautyspot_api = 1`."""

hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


@hookspec
def beautyspot_register_metadata() -> OneOrMore[MetadataStoreBase]:  # type: ignore[empty-body]
    """Register metadata stores: one class, or a list of them."""


@hookspec
def beautyspot_register_storage() -> OneOrMore[BlobStorageBase]:  # type: ignore[empty-body]
    """Register blob storages: one class, or a list of them."""


@hookspec
def beautyspot_register_serializer() -> OneOrMore[SerializerBase]:  # type: ignore[empty-body]
    """Register serializers: one class, or a list of them."""


@hookspec
def beautyspot_register_keygen() -> OneOrMore[KeyGenBase]:  # type: ignore[empty-body]
    """Register key generators: one class, or a list of them."""


@hookspec
def beautyspot_register_limiter() -> OneOrMore[LimiterBase]:  # type: ignore[empty-body]
    """Register rate limiters: one class, or a list of them."""
