"""The six hooks by which a plug-in brings its backends.

A plug-in is a module, named by an entry point of the group ``beautyspot``, with functions that
are decorated with `hookimpl`. Each hook takes no arguments and returns one class, a list of
classes, or a table of where they are; each class has a `name`::

    # beautyspot_foo/__init__.py
    import beautyspot as bs

    @bs.hookimpl
    def beautyspot_register_storage():
        from beautyspot_foo.storage import FooStorage   # imports nothing heavy itself

        return FooStorage

    # pyproject.toml
    [project.entry-points.beautyspot]
    foo = "beautyspot_foo"

A plug-in module must import in under a millisecond: it is imported when the first `Spot` is made,
whatever backends that uses. Where even the module of the class takes longer, the hook gives import
strings, by name or URL scheme; of these the one that is asked for is imported. A plain name is a
scheme as well, and what ends in ``://`` a scheme alone::

    return {"foo": "beautyspot_foo.storage:FooStorage", "file+foo://": "beautyspot_foo.files:Files"}

A hook is called once in
a process, when a backend of its extension point is first looked for: when a `Spot` is made, or when
a function is marked; never during a call.

A plug-in with an error (its import fails, a hook has arguments) is skipped with one warning of the
logger ``beautyspot``. A hook with a wrong answer (a class without a name, or with an abstract
method left open) is skipped alone. The error is reported again where such a backend is selected,
and `beautyspot.plugins()` lists all. So is an unknown hook, such as a misspelt one, and the others
of its plug-in are kept. (``hookimpl(optionalhook=True)`` says that it is meant, of a newer core.)

Without a new major version, a contract may gain hooks, methods with an answer in the base class,
fields at the end of a record with a default, and arguments that are keyword-only, None by default,
and passed only to a method that takes them (`contracts.backend`). Whatever would break a plug-in
that was written before raises it; plug-ins require ``beautyspot-core~=3.0``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final, TypeVar

import pluggy

from beautyspot.concurrency.lazily import later

if TYPE_CHECKING:
    from beautyspot.contracts import (
        BlobStorageBase,
        KeyGenBase,
        LimiterBase,
        MetadataStoreBase,
        SerializerBase,
        TypeSupport,
    )

__all__ = [
    "PROJECT",
    "OneOrMore",
    "hookimpl",
    "hookspec",
    "later",
]

B = TypeVar("B")
OneOrMore = type[B] | list[type[B]] | Mapping[str, str]
"""One class, several, or import strings ``"module:Class"`` by name or scheme."""

PROJECT: Final = "beautyspot"
"""The pluggy project name, and the entry-point group."""

hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


@hookspec
def beautyspot_register_metadata() -> OneOrMore[MetadataStoreBase]:  # type: ignore[empty-body]  # pluggy calls plug-ins only
    """Register metadata stores: one class, a list of them, or a table."""


@hookspec
def beautyspot_register_storage() -> OneOrMore[BlobStorageBase]:  # type: ignore[empty-body]  # pluggy calls plug-ins only
    """Register blob storages: one class, a list of them, or a table."""


@hookspec
def beautyspot_register_serializer() -> OneOrMore[SerializerBase]:  # type: ignore[empty-body]  # pluggy calls plug-ins only
    """Register serializers: one class, a list of them, or a table."""


@hookspec
def beautyspot_register_keygen() -> OneOrMore[KeyGenBase]:  # type: ignore[empty-body]  # pluggy calls plug-ins only
    """Register key generators: one class, a list of them, or a table."""


@hookspec
def beautyspot_register_limiter() -> OneOrMore[LimiterBase]:  # type: ignore[empty-body]  # pluggy calls plug-ins only
    """Register rate limiters: one class, a list of them, or a table."""


@hookspec
def beautyspot_register_types() -> OneOrMore[TypeSupport]:  # type: ignore[empty-body]  # pluggy calls plug-ins only
    """Register supports for the types of a library: one class, a list of them, or a table."""
