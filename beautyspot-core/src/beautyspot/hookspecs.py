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
*made*, not when it is registered. The module is imported when the first `Spot` is made. A hook is
called once a process, when a backend of its extension point is first looked for: then, or when a
function is marked; never on a call's way.

What is wrong with a plug-in (an import that fails, a hook with arguments) skips it with one warning
of the logger ``beautyspot``, what is wrong with a hook's answer (a class without a name or with an
abstract method left open) that hook alone; it is told again where its backend is asked for, and
`beautyspot.plugins()` lists all. A hook that does not
exist, such as a misspelt one, is warned of and the plug-in kept: it may serve a newer core as well.
(``hookimpl(optionalhook=True)`` says that this is meant, and no warning comes.)

The plug-in API has a number, `API`. It is raised only when a plug-in written before would break: a
hook or an abstract method that is new, gone, or called in another way. What a contract may gain
without raising it: hooks, methods with an answer in the base class, fields at the end of a record
with a default, and arguments that are keyword-only, None by default, and passed only to a method
that takes them (`contracts.optional_arguments`). A plug-in that states another number is skipped.
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
def beautyspot_register_metadata() -> OneOrMore[MetadataStoreBase]:  # type: ignore[empty-body]  # pluggy calls plug-ins only
    """Register metadata stores: one class, or a list of them."""


@hookspec
def beautyspot_register_storage() -> OneOrMore[BlobStorageBase]:  # type: ignore[empty-body]  # pluggy calls plug-ins only
    """Register blob storages: one class, or a list of them."""


@hookspec
def beautyspot_register_serializer() -> OneOrMore[SerializerBase]:  # type: ignore[empty-body]  # pluggy calls plug-ins only
    """Register serializers: one class, or a list of them."""


@hookspec
def beautyspot_register_keygen() -> OneOrMore[KeyGenBase]:  # type: ignore[empty-body]  # pluggy calls plug-ins only
    """Register key generators: one class, or a list of them."""


@hookspec
def beautyspot_register_limiter() -> OneOrMore[LimiterBase]:  # type: ignore[empty-body]  # pluggy calls plug-ins only
    """Register rate limiters: one class, or a list of them."""
