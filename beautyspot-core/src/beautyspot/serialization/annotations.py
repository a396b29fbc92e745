"""Which classes a function's annotations name, and its arguments: those that its results may be of.

A function with the annotation ``-> list[Answer]`` names `Answer`, and so the classes in its fields:
``sources: list[Source]`` in `Answer` names `Source`. A class that is passed to a function counts in
that call, ``def ask(prompt, schema: type[T]) -> T``. Only classes count whose stored form follows
from the class: dataclasses, attrs, named tuples, enums, pydantic models, exceptions, subclasses of
builtin types.

Annotations may be text (``from __future__ import annotations``). Its names are looked up one by
one: a name that is imported only for type checkers is skipped, and the others still count.
"""

from __future__ import annotations

import ast
import builtins
import sys
import types
import typing
from contextlib import suppress
from enum import Enum
from typing import TYPE_CHECKING, Any, Final, ForwardRef, Literal, get_args, get_origin

from beautyspot.functions.annotations import annotations_of
from beautyspot.functions.names import captured, chain, module_name, root_of
from beautyspot.serialization.classes import PLAIN_BASES, SCALAR_BASES
from beautyspot.serialization.codec import Refused
from beautyspot.serialization.instances import form_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    Names = Mapping[str, Any]
    ByArguments = Callable[[tuple[Any, ...], dict[str, Any]], list[Any]]


_DEEPEST: Final = 9
"""How many containers are followed: an alias may name itself."""


def classes_in(annotation: object, names: Names | None = None) -> list[type]:
    """The classes that an annotation names, in the order in which they are met.

    Without `names`, text in it is skipped; see `return_classes`.
    """
    return [*_find(annotation, names or {}, {})]


def return_classes(func: Callable[..., Any]) -> list[type]:
    """The classes that a function's return annotation names. Never raises.

    A name that is not defined yet is skipped, so call it when the module is complete, such as at
    the function's first call.
    """
    try:
        function = _annotated(func)
        return classes_in(annotations_of(function).get("return"), _names_of(function))
    except Exception:  # an annotation may be anything
        return []


def return_annotation(func: Callable[..., Any]) -> Any:
    """The return annotation of a function; None where its text names what is not there."""
    with suppress(Exception):
        function = _annotated(func)
        found = annotations_of(function).get("return")
        if type(found) is not str:
            return found
        return eval(found, {"__builtins__": {}}, _names_of(function))  # noqa: S307 - as typing does
    return None


def containers_in(annotation: Any, depth: int = 0) -> Iterator[tuple[type, int]]:
    """The builtin containers that an annotation names, each with how many it stands within.

    So ``-> list[tuple[int, Any]]`` promises tuples as the items of a list, and nothing of theirs.
    """
    origin = dict if typing.is_typeddict(annotation) else get_origin(annotation) or annotation
    is_one = any(origin is base for base in PLAIN_BASES)
    if is_one:
        yield origin, depth
    for part in _parts(annotation)[1:] if depth < _DEEPEST else ():  # less the origin
        yield from containers_in(part, depth + is_one)


def own_of(func: Callable[..., Any]) -> str:
    """The top-level package of a function, the loaded classes of which are its own."""
    return root_of(module_name(str(getattr(_annotated(func), "__module__", ""))))


def _annotated(func: Any) -> Any:
    """The function with the annotation, without partials, methods and wrappers around it."""
    *_, inner = chain(func)
    call = getattr(type(inner), "__call__")  # noqa: B004, B009 - of its class, not its own
    return call if isinstance(call, types.FunctionType) else inner


def _names_of(function: Any) -> Names:
    """The names for an annotation's text: globals, captured variables, type parameters."""
    parameters = getattr(function, "__type_params__", ())
    return {
        **vars(builtins),
        **getattr(function, "__globals__", {}),
        **captured(function),
        **{parameter.__name__: parameter for parameter in parameters},
    }


def _mentioned(annotation: Any, names: Names, seen: dict[Any, Any]) -> Iterator[Any]:
    """An annotation and its parts, those that are text looked up; each once."""
    if isinstance(annotation, ForwardRef):
        # Python 3.14 puts names in place of what it could evaluate.
        names = {**names, **(getattr(annotation, "__extra_names__", None) or {})}
        annotation = annotation.__forward_arg__
    is_text = isinstance(annotation, str)
    key = (annotation, names.get("__name__")) if is_text else id(annotation)
    if key not in seen:
        seen[key] = annotation  # which keeps its id from being used again
        if not is_text:
            yield annotation
        for part in _in_text(annotation, names) if is_text else _parts(annotation):
            yield from _mentioned(part, names, seen)


def _in_text(text: str, names: Names) -> Iterator[Any]:
    """What the names in an annotation's text stand for, and ``Page[Item]``."""
    with suppress(SyntaxError):
        for node in ast.walk(ast.parse(text.strip(), mode="eval")):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield node.value
            elif isinstance(node, ast.Name | ast.Attribute | ast.Subscript):
                with suppress(Exception):  # a module may have no such name yet
                    yield eval(ast.unparse(node), {"__builtins__": {}}, names)  # noqa: S307 - as typing does


def _parts(annotation: Any) -> list[Any]:
    """The parts of an annotation that is no text."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Literal:
        return [type(value) for value in arguments if isinstance(value, Enum)]
    found = [origin, *arguments, *getattr(annotation, "__constraints__", ())]
    for name in ("__supertype__", "__bound__", "__value__"):  # new types, variables, ``type X = …``
        with suppress(Exception):  # what is behind an alias is evaluated here
            found.append(getattr(annotation, name))
    generic = getattr(annotation, "__pydantic_generic_metadata__", None)  # of `Page[Color]`
    return [*found, generic["origin"], *generic["args"]] if generic else found


def _find(annotation: Any, names: Names, seen: dict[Any, Any]) -> Iterator[type]:
    """Find the classes that an annotation mentions, and those in the fields of these."""
    for cls in [*_mentioned(annotation, names, seen)]:
        if not issubclass(type(cls), type):
            continue
        with suppress(Refused):
            if not typing.is_typeddict(cls):
                yield cls if cls in SCALAR_BASES else form_of(cls).cls
            for each, scope in _of_fields(cls, names):
                yield from _find(each, scope, seen)


def _of_fields(cls: type, names: Names) -> Iterator[tuple[Any, Names]]:
    """The annotations of a class's fields, each with the names for its text."""
    for base in cls.__mro__:
        module = sys.modules.get(base.__module__)
        scope = {**names, **(vars(module) if module else {}), base.__name__: base}
        for each in annotations_of(base).values():
            yield each, scope
    for field in getattr(cls, "__pydantic_fields__", {}).values():
        yield field.annotation, names  # with type parameters filled in


# ------------------------------------------------------------------------------------ arguments


def filled(classes: list[Any], given: list[Any]) -> list[Any]:
    """These classes with each of those given as their parameter, where they take it.

    So ``def parse(schema: type[T]) -> Page[T]`` names `Page[Item]` where it is given `Item`.
    """
    found: list[Any] = []
    for cls in classes:
        for each in given:
            with suppress(Exception):  # it takes none, several, or no such one
                found.append(cls[each])
    return found


def classes_by_arguments(func: Callable[..., Any]) -> ByArguments | None:
    """What finds the classes in the arguments of a call; None if the function takes none.

    It gives classes and annotations. Never raises; a name that is not defined yet is not followed.
    """
    try:
        function = _annotated(func)
        names, annotations = _names_of(function), annotations_of(function)
        annotations.pop("return", None)
        mentioned = [one for each in annotations.values() for one in _mentioned(each, names, {})]
    except Exception:  # an annotation may be anything
        return None
    if not any(one is type for one in mentioned):
        return None
    defaults = [*(function.__defaults__ or ()), *(function.__kwdefaults__ or {}).values()]
    return lambda args, kwargs: [
        each
        for each in (*args, *kwargs.values(), *defaults)
        if issubclass(type(each), type) or get_origin(each) is not None
    ]
