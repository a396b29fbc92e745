"""What values hold, and what definitions say of themselves, beside their code."""

from __future__ import annotations

import enum
import inspect
import re
from collections import deque
from contextlib import suppress
from functools import partial
from types import (
    FunctionType,
    GetSetDescriptorType,
    MappingProxyType,
    MemberDescriptorType,
    MethodType,
)
from typing import TYPE_CHECKING, Any, Final, Literal, get_args, get_origin

from beautyspot.functions.code.forms import constant_form, digest_of, text_of
from beautyspot.functions.code.normal_form import UNKNOWN, follow, normal_form
from beautyspot.functions.code.source import definition_of
from beautyspot.functions.names import identifier_of, is_python_class, namespace_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

_LARGE: Final = 100
_FLAT: Final = frozenset({str, int, float, bool, type(None)})
_BUILTIN: Final = frozenset({list, dict, tuple, set, frozenset})
CONTAINERS: Final = (list, dict, tuple, set, frozenset, deque, MappingProxyType)


def constant(value: object) -> object | None:
    """The form of a constant, which counts by its value; None for `None`, often "not yet made"."""
    if isinstance(value, enum.Enum):
        return (identifier_of(type(value)), value.name)
    return None if value is None else constant_form(value)


def place(key: object) -> str:
    """How the label of an item names a key; one that is no constant is followed by itself."""
    form = constant(key)
    return "item" if form is None and key is not None else text_of(form)


def description(definition: Any) -> str:
    """The digest of a definition with its docstring and annotations."""
    namespace = namespace_of(definition)
    node = definition_of(definition) if isinstance(definition, FunctionType) else None
    with suppress(RecursionError):
        if node is not None:
            form = normal_form(node, lambda name: namespace.get(name, UNKNOWN), described=True)
            return digest_of(form)
    return digest_of(constant_form(getattr(definition, "__doc__", None)))


def named_in(annotation: Any, namespace: Mapping[str, Any]) -> Iterator[object]:
    """What an annotation names: classes, and constants of ``Literal[...]``."""
    text = getattr(annotation, "__forward_arg__", annotation)
    if isinstance(text, str):
        for path in re.findall(r"[^\W\d][\w.]*", text):
            start, *names = path.split(".")
            found = follow(namespace.get(start, UNKNOWN), names)
            if isinstance(found, type):
                yield found
            elif found is not UNKNOWN:
                yield from named_in(found, {})
    elif isinstance(annotation, type):
        yield annotation
    if get_origin(annotation) is Literal:
        yield from get_args(annotation)
        return
    for part in get_args(annotation):
        yield from named_in(part, namespace)


def is_large_and_flat(value: Any) -> bool:
    """Whether a container has many items and all are plain, so that one text is faster for all."""
    kind = type(value)
    if kind not in _BUILTIN or len(value) < _LARGE or not _FLAT.issuperset(map(type, value)):
        return False
    return kind is not dict or _FLAT.issuperset(map(type, value.values()))


def fields_of(value: Any) -> Iterator[tuple[str, Any]]:
    """The attributes of an object, those in slots too; nothing of its own making runs."""
    for cls in type(value).__mro__:
        for name, slot in vars(cls).items():
            if isinstance(slot, MemberDescriptorType):
                with suppress(AttributeError):  # not set
                    yield name, slot.__get__(value)
    attributes = inspect.getattr_static(value, "__dict__", None)
    if isinstance(attributes, GetSetDescriptorType | dict):
        yield from vars(value).items()


def definitions_in(
    values: Iterable[object], *, objects: bool = True, receiver: object = None
) -> Iterator[Any]:
    """The functions and classes in these values, in what these hold, and so on.

    Args:
        values: anything.
        objects: whether the classes of objects count too, and what is in their attributes.
        receiver: an object that is passed over.
    """
    todo = [*values]
    seen = {id(receiver): receiver}
    while todo:
        value = todo.pop()
        kind = type(value)
        if kind in _FLAT or id(value) in seen:
            continue
        seen[id(value)] = value
        if issubclass(kind, FunctionType | type):
            yield value
        else:
            todo += _parts(kind, value, objects)


def _parts(kind: type, value: Any, objects: bool) -> Iterator[Any]:
    if objects and is_python_class(kind):
        yield kind
        yield from [item for _, item in fields_of(value)]
    if issubclass(kind, MethodType):
        yield value.__func__
        yield from [value.__self__] * objects
    elif issubclass(kind, partial):
        yield from (value.func, value.args, value.keywords)
    elif issubclass(kind, dict | MappingProxyType):
        yield from [*_unflat(value), *_unflat(value.values())]
    elif issubclass(kind, CONTAINERS):
        yield from _unflat(value)
    elif hasattr(kind, "__wrapped__") or "__wrapped__" in getattr(value, "__dict__", ()):
        yield value.__wrapped__


def _unflat(items: Iterable[object]) -> list[object]:
    """The items that may hold any; most containers hold plain values only."""
    return [] if _FLAT.issuperset(map(type, items)) else list(items)
