"""The classes of a program, looked at without running a line of them.

A class is looked at by its own `__dict__` alone, since reading an attribute of one may run a
metaclass, or what pydantic does to a model that is not complete yet.
"""

from __future__ import annotations

import sys
from enum import Enum
from types import (
    FunctionType,
    ModuleType,
    NoneType,
    SimpleNamespace,
    WrapperDescriptorType,
)
from typing import TYPE_CHECKING, Any, Final

from beautyspot.functions.names import is_generated, module_name, root_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

BASE, _FLAGS, _MRO = (vars(type)[name] for name in ("__base__", "__flags__", "__mro__"))
_DICT: Final = vars(type)["__dict__"]
_NAMES: Final = vars(type)["__module__"], vars(type)["__qualname__"]
_HEAP, _IMMUTABLE = 1 << 9, 1 << 8  # flags of types: made at run time; never by Python
MISSING: Final = object()
MAIN: Final = ("__main__", "__mp_main__")


def mro(cls: type) -> tuple[type, ...]:
    """The class and all above it."""
    line: tuple[type, ...] = _MRO.__get__(cls)
    return line


def body(cls: type) -> Mapping[str, Any]:
    """What stands in a class itself."""
    names: Mapping[str, Any] = _DICT.__get__(cls)
    return names


def is_below(cls: type, *bases: type) -> bool:
    """Whether one of the bases is the class, or stands above it: by identity, as `is` compares."""
    return any(one is base for one in mro(cls) for base in bases)


def static(cls: type, name: str) -> Any:
    """What stands under a name in a class and its bases; `MISSING` if nothing does."""
    return next((body(base)[name] for base in mro(cls) if name in body(base)), MISSING)


def is_python(cls: type) -> bool:
    """Whether a class statement made it, and not C."""
    flags: int = _FLAGS.__get__(cls)
    return flags & (_HEAP | _IMMUTABLE) == _HEAP


def loaded_class(name: str) -> type | None:
    """The class that is loaded under a stored name, and bears that name; None if there is none.

    Nothing is imported; the program that runs is looked at, too.
    """
    place, _, path = name.partition(":")
    module: Any = sys.modules.get(place)
    if module is None and place == module_name("__main__"):
        module = sys.modules.get("__main__")
    if not issubclass(type(module), ModuleType):
        return None
    names: Mapping[str, Any] = object.__getattribute__(module, "__dict__")
    found: Any = None
    for part in path.split("."):
        found = names.get(part)
        if not issubclass(type(found), type):
            return None
        names = body(found)
    return found if plain_name(found) == name else None


def plain_name(cls: type) -> str:
    """Under which name a class is stored: its `identifier_of`, but no metaclass runs for it."""
    place, path = (each.__get__(cls) for each in _NAMES)
    return f"{module_name(place) if place in MAIN else place}:{path}"


def field_names(cls: type) -> tuple[str, ...] | None:
    """The names of the fields of a class that has such; None for other classes."""
    found = static(cls, "__dataclass_fields__")
    if found is not MISSING:
        from dataclasses import fields  # which the program has loaded

        holder: Any = SimpleNamespace(__dataclass_fields__=found)
        return tuple(field.name for field in fields(holder))
    found = static(cls, "__attrs_attrs__")
    if found is not MISSING:
        return tuple(attribute.name for attribute in found)
    found = static(cls, "__pydantic_fields__")
    return None if found is MISSING else tuple(found)


# -------------------------------------------------------------------------- subclasses of builtins

_LIBRARIES: Final = ("enum", "pydantic")  # whose `__eq__` compares names and fields

ARGS: Final[Any] = vars(BaseException)["args"]  # a class may have an `args` of its own

PLAIN: Final[dict[type, Callable[[Any], Any]]] = {
    str: str.__str__,
    int: int.__int__,
    float: float.__float__,
    bytes: lambda value: bytes(memoryview(value)),
    tuple: lambda value: tuple(tuple.__iter__(value)),
    frozenset: lambda value: frozenset(frozenset.__iter__(value)),
    list: lambda value: list(list.__iter__(value)),
    set: lambda value: set(set.__iter__(value)),
    dict: lambda value: dict(dict.items(value)),
    BaseException: lambda error: list(ARGS.__get__(error)),
}
"""What gives the content of an instance of a subclass, and asks nothing of that."""


PLAIN_BASES: Final = tuple(base for base in PLAIN if base is not BaseException)
"""Builtin types as which instances of their subclasses may be stored, where that is promised."""

SCALAR_BASES: Final = (str, bytes, int, float)
"""Those of them that are no containers: their subclasses are all but names."""

_READING: Final = (
    *("__contains__", "__eq__", "__getitem__", "__iter__", "__len__", "__missing__"),
    *("get", "items", "keys", "values"),
)


def plain_base(cls: type) -> type | None:
    """The builtin type above a class, if its instances read as those of that type do.

    None where there is none, for an enum, and for a dict, say, with a `__getitem__` of its own.
    """
    base = next((base for base in PLAIN_BASES if is_below(cls, base)), None)
    if base is None or is_below(cls, Enum):
        return None
    names = () if base in SCALAR_BASES else _READING
    return base if all(static(cls, name) is static(base, name) for name in names) else None


def has_plain_hash(cls: type) -> bool:
    """Whether no code of the program runs where instances are elements of a set, or keys.

    Their `__hash__` and `__eq__` are those of a type in C, or generated from the fields.
    """
    for method in (static(cls, "__hash__"), static(cls, "__eq__"), static(cls, "__getattribute__")):
        if type(method) is FunctionType:
            module = root_of(method.__globals__.get("__name__"))
            if not (is_generated(method) or module in _LIBRARIES):
                return False
        elif type(method) not in (WrapperDescriptorType, NoneType):
            return False
    return True
