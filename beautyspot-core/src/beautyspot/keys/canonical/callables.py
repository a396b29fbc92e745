"""Functions, classes, methods, modules and type expressions as arguments.

An object that can be found by its name counts by that name; `functions.identity` says when its code
and what it captured count as well. A bound method counts by its object and its function.
"""

from __future__ import annotations

import functools
import sys
import typing
from types import (
    BuiltinFunctionType,
    ClassMethodDescriptorType,
    FunctionType,
    GenericAlias,
    MethodDescriptorType,
    MethodType,
    MethodWrapperType,
    ModuleType,
    UnionType,
    WrapperDescriptorType,
)
from typing import TYPE_CHECKING, Any

from beautyspot.functions.identity import function_parts
from beautyspot.functions.names import module_name
from beautyspot.keys.canonical.state import attributes, unreadable
from beautyspot.keys.canonical.text import quote, tag
from beautyspot.keys.canonical.walk import of_text

if TYPE_CHECKING:
    from beautyspot.keys.canonical.walk import Form, Walk


def _class(walk: Walk, value: type) -> str:
    if value.__module__ == "typing":  # which of these are classes depends on the Python version
        return _SPECIAL_FORM(walk, value)
    if value is UnionType:  # it is `typing.Union` since Python 3.14
        return _SPECIAL_FORM(walk, typing.Union)
    return tag("type", walk.named(value))


def _function(walk: Walk, value: Any) -> str:
    return tag("function", walk.array(function_parts(value), "<captured {}>"))


def _method(walk: Walk, value: MethodType) -> str:
    owner = walk.at(".__self__", "", value.__self__)
    return tag("method", f"[{owner},{walk.at('.__func__', '', value.__func__)}]")


def _builtin(walk: Walk, value: Any) -> str:
    """A builtin function, or a builtin method with its object."""
    if isinstance(value.__self__, ModuleType | None):
        return _function(walk, value)
    return tag("method", f"[{walk.at('.__self__', '', value.__self__)},{quote(value.__name__)}]")


def _partial(walk: Walk, value: functools.partial[Any]) -> str:
    func = walk.at(".func", "", value.func)
    args = walk.array(value.args, ".args[{}]")
    keywords = walk.mapping(value.keywords)
    own = attributes(walk, value, vars(value)) if vars(value) else ""
    return tag("partial", f"[{func},{args},{keywords}{own and f',{own}'}]")


def _partialmethod(walk: Walk, value: functools.partialmethod[Any]) -> str:
    members = {"func": value.func, "args": value.args, "keywords": value.keywords}
    return tag("partialmethod", attributes(walk, value, members))


def _type_expression(walk: Walk, value: Any) -> str:
    """``list[int]`` and those of `typing`: the origin and its arguments."""
    origin = walk.at(".__origin__", "", typing.get_origin(value))
    parts = f"{origin},{walk.array(typing.get_args(value))}"
    return tag("generic", f"[{quote(type(value).__module__)},{parts}]")


def _union(walk: Walk, value: Any) -> str:
    """``int | None`` and ``Optional[int]``, which are equal."""
    return tag("union", walk.array(typing.get_args(value)))


def _typing_expression(walk: Walk, value: Any) -> str:
    is_union = typing.get_origin(value) is typing.Union
    return _union(walk, value) if is_union else _type_expression(walk, value)


_SPECIAL_FORM = of_text("special", lambda value: f"typing:{value.__qualname__}")
_TYPE_VARIABLE = of_text(
    "special", lambda value: f"{module_name(value.__module__)}:{value.__name__}"
)


def named_or_refused(walk: Walk, value: Any) -> str:
    """The form of extension types: callables by their names; other instances are refused."""
    if _is_found_by_name(value):
        return tag("function", f"[{quote(f'{value.__module__}:{value.__qualname__}')}]")
    return unreadable(walk, value)


def _is_found_by_name(value: Any) -> bool:
    """Whether a callable of an extension module is found by its name."""
    module, name = getattr(value, "__module__", None), getattr(value, "__qualname__", None)
    if not isinstance(module, str) or not isinstance(name, str):
        return False
    return getattr(sys.modules.get(module), name, None) is value


def _class_of(value: object) -> type:
    return type(value)  # type checkers do not take these classes for classes


FORMS: dict[type, Form] = {functools.partial: _partial}

# The classes of `typing`'s own expressions, bare and subscripted: not `list`.
_TYPING_CLASSES = (_class_of(typing.List), _class_of(typing.List[int]))  # noqa: UP006 - these are meant

FAMILIES: dict[Any, Form] = {
    type: _class,
    FunctionType: _function,
    MethodType: _method,
    BuiltinFunctionType: _builtin,
    MethodWrapperType: _builtin,
    MethodDescriptorType: _function,
    WrapperDescriptorType: _function,
    ClassMethodDescriptorType: _function,
    functools._lru_cache_wrapper: _function,
    ModuleType: of_text("module", lambda value: module_name(value.__name__)),
    functools.partialmethod: _partialmethod,
    GenericAlias: _type_expression,
    UnionType: _union,
    **dict.fromkeys(_TYPING_CLASSES, _typing_expression),
    _class_of(typing.ClassVar): _SPECIAL_FORM,  # never a class itself, as `Union` is by now
    typing.TypeVar: _TYPE_VARIABLE,
    typing.ParamSpec: _TYPE_VARIABLE,
    typing.TypeVarTuple: _TYPE_VARIABLE,
}
