"""Codec of generic pydantic models under parametrisations that no annotation names.

A library may fill a model's type parameters with type variables of its own: `Page[~LibraryT]` is a
class, and so is each such model within it. Who vouches for `Page` vouches for `Page` of any type
variables, and of classes that are vouched for themselves, since what an instance holds is checked
part by part. Stored are the name of `Page` and those of its arguments; the class is made of what
the program has: nothing is imported, and nothing called but ``Page[…]``.
"""

from __future__ import annotations

import sys
from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

from beautyspot.errors import RestoreError
from beautyspot.functions.names import identifier_of
from beautyspot.serialization.codecs.classes import MODEL, entry_for, parameters_of
from beautyspot.serialization.codecs.contract import Entry, Tag, check

if TYPE_CHECKING:
    from beautyspot.serialization.codecs.contract import Read, Write
    from beautyspot.serialization.codecs.registry import Registry

_MOST: Final = 256
_ENTRIES: Final[dict[int, Entry]] = {}  # by the `id` of the class, which the entry keeps
_VARIABLES: Final[dict[str, Any]] = {}  # those to which no name of a module leads

_Form = str | list[Any]
"""``"module:Class"``, ``["module:T"]`` of a type variable, ``[name, forms]`` of a model."""


def entry_of(cls: type, registry: Registry) -> Entry | None:
    """How to write an instance of a parametrised model; None if nothing vouches for it."""
    form = _form(cls, registry)
    if not isinstance(form, list):
        return None
    name, arguments = form
    model = _entry(cls)
    return Entry(cls, name, GENERIC, partial(_encode, arguments, model), model.decode, None)


def _form(argument: Any, registry: Registry) -> _Form | None:
    """The stored form of a class or a type variable; None if nothing vouches for it."""
    if isinstance(argument, TypeVar):
        return [_remembered(argument)]
    if not isinstance(argument, type):
        return None
    entry = registry.of_type(argument)
    if entry is not None:
        return entry.name if entry.cls is argument else None
    origin, arguments = parameters_of(argument)
    above = None if origin is None else registry.of_type(origin)
    forms = [_form(one, registry) for one in arguments]
    return None if above is None or above.tag is not MODEL or None in forms else [above.name, forms]


def _entry(cls: type) -> Entry:
    known = _ENTRIES.get(id(cls))
    if known is None:
        if len(_ENTRIES) >= _MOST:
            _ENTRIES.clear()
        known = _ENTRIES[id(cls)] = cast("Entry", entry_for(cls))  # as of its origin there is one
    return known


def _encode(arguments: list[_Form], model: Entry, value: object, write: Write) -> list[object]:
    return [arguments, *model.encode(value, write)]


def _decode_generic(parts: list[Any], read: Read) -> Any:
    cls = _made(parts[:2], read)
    return _entry(cls).decode(*parts[2:])


GENERIC: Final = Tag(69, _decode_generic)


def _made(form: Any, read: Read) -> Any:
    """The class or type variable of a stored form."""
    if type(form) is str:
        return read.named(form)
    if type(form) is list and len(form) == 1:
        return _variable(*check(form, str))
    name, arguments = check(form, str, list)
    origin: Any = read.entry(name, MODEL).cls
    generic = origin.__pydantic_generic_metadata__["parameters"]
    made = origin[tuple(_made(one, read) for one in arguments)] if generic else None
    if made is not origin and parameters_of(made)[0] is not origin:
        raise RestoreError(f"{name} is no generic model any more")
    return made


# -------------------------------------------------------------------------------- type variables


def _remembered(variable: TypeVar) -> str:
    """The name of a type variable, which leads back to it in this process."""
    name = identifier_of(variable)
    if _bound(name) is not variable:
        _VARIABLES[name] = variable
    return name


def _variable(name: str) -> Any:
    """The type variable of a name; a new one if the module that made it is not loaded.

    It differs from the module's own in identity alone, and models of both are equal.
    """
    known = _bound(name) or _VARIABLES.get(name)
    if known is None:
        module, _, plain = name.partition(":")
        if len(_VARIABLES) >= _MOST or not plain.isidentifier():
            raise RestoreError(f"the type variable {name!r:.80} is not known")
        make: Any = TypeVar  # whose name type checkers want to know
        known = _VARIABLES[name] = make(plain)
        known.__module__ = module
    return known


def _bound(name: str) -> Any:
    """The type variable to which a name leads in the modules that are loaded."""
    module, _, plain = name.partition(":")
    for loaded in (sys.modules.get(module), sys.modules.get("__main__")):
        found = getattr(loaded, "__dict__", {}).get(plain)
        if isinstance(found, TypeVar) and identifier_of(found) == name:
            return found
    return None
