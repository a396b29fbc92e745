"""Finds the classes for which an annotation vouches.

A function with the annotation ``-> list[Answer]`` vouches for `Answer`, and so for the classes in
its fields: ``sources: list[Source]`` in `Answer` vouches for `Source`. Only classes whose stored
form follows from the class count: dataclasses, attrs, named tuples, enums, pydantic models,
exceptions, subclasses of builtin types; never `object`, `Any` or an abstract class.

Annotations may be text (``from __future__ import annotations``). Its names are looked up one by
one: a name that is imported only for type checkers is skipped, and the others still count.
"""

from __future__ import annotations

import builtins
import functools
import sys
import types
import typing
from collections.abc import Callable as AbstractCallable
from enum import Enum
from typing import (
    TYPE_CHECKING,
    Annotated,
    Any,
    ForwardRef,
    Literal,
    NewType,
    TypeVar,
    get_args,
    get_origin,
)

from beautyspot.functions.annotations import annotations_of
from beautyspot.functions.names import captured, chain
from beautyspot.serialization.codecs.classes import is_storable

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


def classes_in(annotation: object) -> list[type]:
    """The classes for which an annotation vouches, in the order in which they are met.

    Text in it is skipped, since its names can't be looked up here; see `return_classes`.
    """
    walk = _Walk()
    walk.visit(annotation, {})
    return walk.found


def return_classes(func: Callable[..., Any]) -> list[type]:
    """The classes for which a function's return annotation vouches. Never raises.

    A name that is not defined yet is skipped, so call it when the module is complete, such as at
    the function's first call.
    """
    try:
        function = _annotated(func)
        annotation = annotations_of(function).get("return")
        walk = _Walk()
        walk.visit(annotation, _names_of(function))
    except Exception:  # an annotation may be anything
        return []
    return walk.found


def resolved_annotations(func: Callable[..., Any]) -> dict[str, Any]:
    """The annotations of a function, those that are text evaluated; None where a name lacks."""
    function = _annotated(func)
    names = _names_of(function)
    found = annotations_of(function)
    return {name: _resolve(_resolve(kind, names), names) for name, kind in found.items()}


def return_class(func: Callable[..., Any]) -> type | None:
    """The class that the return annotation is, where it is one by itself. Never raises."""
    try:
        function = _annotated(func)
        annotation = annotations_of(function).get("return")
        if isinstance(annotation, str):
            names = {**vars(builtins), **_names_of(function)}
            name, *attributes = annotation.split(".")
            annotation = functools.reduce(getattr, attributes, names.get(name))
    except Exception:  # as above
        return None
    return annotation if isinstance(annotation, type) and annotation is not object else None


def _annotated(func: Any) -> Any:
    """The function with the annotation, without partials, methods and wrappers around it."""
    *_, inner = chain(func)
    call = getattr(type(inner), "__call__")  # noqa: B004, B009 - of its class, not its own
    return call if isinstance(call, types.FunctionType) else inner


def _names_of(function: Any) -> dict[str, Any]:
    """The names for an annotation's text: globals, captured variables, type parameters."""
    parameters = getattr(function, "__type_params__", ())
    return {
        **getattr(function, "__globals__", {}),
        **captured(function),
        **{parameter.__name__: parameter for parameter in parameters},
    }


class _Unknown:
    """Stands for a name that is not found, in any annotation."""

    __iter__ = None  # else Python would ask for items without end

    def __getattr__(self, name: str) -> Any:
        if name[:2] == "__":
            raise AttributeError(name)
        return self

    def __getitem__(self, item: object) -> object:
        return tuple[item]  # type: ignore[valid-type] # keeps what is in the brackets

    def __or__(self, other: Any) -> object:
        return typing.Union[other, None]  # noqa: UP007 - at run time, and also of text

    __ror__ = __or__

    def __call__(self) -> None:
        """Callable, so that `typing` takes it for a type."""


class _Names(dict[str, Any]):
    """A namespace that has every name."""

    def __missing__(self, name: str) -> Any:
        return getattr(builtins, name, _Unknown())


class _Walk:
    """A walk over an annotation; `found` are the classes that it met."""

    def __init__(self) -> None:
        self.found: list[type] = []
        self._seen: dict[int, object] = {}  # the values keep each id from being used again

    def visit(self, annotation: Any, names: Mapping[str, Any]) -> None:
        """Visit an annotation and its parts; `names` are for text in it."""
        annotation = _resolve(_resolve(annotation, names), names)  # text may hold quoted text
        if annotation is None or id(annotation) in self._seen:
            return
        self._seen[id(annotation)] = annotation
        for part in _parts(annotation):
            self.visit(part, names)
        if isinstance(annotation, type) and not isinstance(annotation, types.GenericAlias):
            self._class(annotation, names)

    def _class(self, cls: type, names: Mapping[str, Any]) -> None:
        if not typing.is_typeddict(cls):
            if not is_storable(cls):
                return
            self.found.append(cls)
        for annotation, scope in _fields(cls, names):
            self.visit(annotation, scope)


def _resolve(annotation: Any, names: Mapping[str, Any]) -> Any:
    """The annotation that a text stands for; None if it is not known. Others are returned as is."""
    text = annotation
    if isinstance(annotation, ForwardRef):
        text = annotation.__forward_arg__
        # Python 3.14 puts names in place of what it could evaluate.
        names = {**names, **(getattr(annotation, "__extra_names__", None) or {})}
    if not isinstance(text, str):
        return annotation
    if not names:
        return None
    try:
        return eval(text, {}, _Names(names))  # noqa: S307 - the user's own annotation, as `typing` does
    except Exception:  # not an expression, or one that some type does not support
        return None


def _parts(annotation: Any) -> tuple[Any, ...]:
    """The parts of one annotation."""
    origin = get_origin(annotation)
    if origin is Literal:
        return tuple(type(value) for value in get_args(annotation) if isinstance(value, Enum))
    if origin is Annotated:
        return (annotation.__origin__,)
    if origin is AbstractCallable:
        return ()
    if origin is not None:
        return (origin, *get_args(annotation))
    generic = getattr(annotation, "__pydantic_generic_metadata__", None)
    if generic and generic["origin"]:  # `Page[Color]` is a class, and so is `Page`
        return (generic["origin"], *generic["args"])
    if isinstance(annotation, NewType):
        return (annotation.__supertype__,)
    if isinstance(annotation, TypeVar):
        return (annotation.__bound__, *annotation.__constraints__)
    return _alias_parts(annotation)


def _alias_parts(annotation: Any) -> tuple[Any, ...]:
    """The annotation behind ``type X = …``; evaluated here, where a name may be missing."""
    if type(annotation).__name__ != "TypeAliasType":  # new in Python 3.12
        return ()
    try:
        return (annotation.__value__,)
    except Exception:
        return ()


def _fields(cls: type, names: Mapping[str, Any]) -> list[tuple[Any, Mapping[str, Any]]]:
    """The annotations of a class and its bases, each with the names for its text."""
    found: list[tuple[Any, Mapping[str, Any]]] = []
    for base in cls.__mro__:
        module = sys.modules.get(base.__module__)
        scope = {**names, **(vars(module) if module else {}), base.__name__: base}
        found += [(annotation, scope) for annotation in annotations_of(base).values()]
    fields = getattr(cls, "__pydantic_fields__", {}).values()  # with type parameters filled in
    attributes = getattr(cls, "__attrs_attrs__", ())  # attr.ib(type=…)
    found += [(field.annotation, names) for field in fields]
    found += [(attribute.type, names) for attribute in attributes]
    return found
