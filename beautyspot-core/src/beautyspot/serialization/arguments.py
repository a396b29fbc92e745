"""Finds the classes for which a call's arguments vouch: ``def ask(prompt, schema: type[T]) -> T``.

A class that is passed to a function vouches for itself, in that call alone. An annotation has to
say that a parameter takes classes (``type``, ``type[T]``, ``list[type[T]]``), or values of a type
variable of the return annotation. Each such variable in that annotation stands for the classes that
are passed for it, so ``-> Parsed[T]`` vouches for `Parsed[Item]`.
"""

from __future__ import annotations

import types
from typing import TYPE_CHECKING, Annotated, Any, TypeVar, Union, get_args, get_origin

from beautyspot.functions.annotations import signature_of
from beautyspot.serialization.annotations import resolved_annotations

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

_UNIONS = (Union, types.UnionType, Annotated)
_SEVERAL = (list, tuple, set, frozenset)


def classes_by_arguments(func: Callable[..., Any]) -> ByArguments | None:
    """What finds the classes in the arguments of a function; None if it takes none. Never raises.

    A name that is not defined yet is not followed.
    """
    try:
        found = ByArguments(func)
    except Exception:  # an annotation may be anything, and not each callable has a signature
        return None
    return found if found.parameters else None


class ByArguments:
    """The parameters of a function that take classes, or values of type variables.

    Attributes:
        parameters: their names -> their annotations.
    """

    def __init__(self, func: Callable[..., Any]) -> None:
        annotations = resolved_annotations(func)
        self._returned = annotations.pop("return", None)
        variables = {*_variables(self._returned)}
        self.parameters = {
            name: annotation
            for name, annotation in annotations.items()
            if _takes_classes(annotation) or variables.intersection(_variables(annotation))
        }
        self._signature = signature_of(func if self.parameters else _nothing)

    def annotations(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> list[Any]:
        """The annotations for which a call vouches, each of which is most often a class."""
        bound = self._signature.bind_partial(*args, **kwargs).arguments
        passed: dict[Any, list[Any]] = {}
        for name, annotation in self.parameters.items():
            parameter = self._signature.parameters.get(name)
            value = bound.get(name, getattr(parameter, "default", None))
            for variable, cls in _passed(annotation, value):
                passed.setdefault(variable, []).append(cls)
        classes = [cls for several in passed.values() for cls in several]
        given = {variable: Union[tuple(several)] for variable, several in passed.items()}  # noqa: UP007
        return [*classes, *_filled(self._returned, given)]


def _nothing() -> None:
    """Stands for a function whose signature nobody needs."""


def _variables(annotation: Any) -> Iterator[Any]:
    """The type variables in an annotation."""
    if isinstance(annotation, TypeVar):
        yield annotation
    generic = getattr(annotation, "__pydantic_generic_metadata__", None)
    yield from generic["parameters"] if generic else getattr(annotation, "__parameters__", ())
    for part in get_args(annotation):
        yield from _variables(part)


def _takes_classes(annotation: Any) -> bool:
    kind = get_origin(annotation) or annotation
    return kind is type or any(map(_takes_classes, get_args(annotation)))


def _passed(annotation: Any, value: Any) -> Iterator[tuple[Any, Any]]:
    """The classes in an argument, each with the type variable for which it is passed, or None."""
    origin, parts = get_origin(annotation), get_args(annotation)
    if origin is type or annotation is type:
        if issubclass(type(value), type) or get_origin(value) is not None:
            yield (parts[0] if parts and isinstance(parts[0], TypeVar) else None), value
    elif isinstance(annotation, TypeVar):
        yield annotation, type(value)
    else:
        for item in [value] if origin in _UNIONS else _items(value):
            for part in parts:
                yield from _passed(part, item)


def _items(value: Any) -> Iterable[Any]:
    if type(value) is dict:
        return value.values()
    return value if type(value) in _SEVERAL else ()


def _filled(annotation: Any, given: dict[Any, Any]) -> Iterator[Any]:
    """The generic models in an annotation, with what was given for their type variables."""
    generic = getattr(annotation, "__pydantic_generic_metadata__", None)
    if generic and given.keys() & {*generic["parameters"]}:
        yield annotation[tuple(given.get(one, one) for one in generic["parameters"])]
    for part in get_args(annotation):
        yield from _filled(part, given)
