"""Functions, classes, methods, modules and type expressions as arguments.

An object that can be found by its name counts by that name; `functions.identity` says when its code
and what it captured count as well. A bound method counts by its object and its function.
"""

from __future__ import annotations

import builtins
import functools
import inspect
import sys
import typing
from itertools import takewhile
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

from beautyspot.functions.names import (
    chain,
    is_ours,
    look_up,
    module_name,
    names_itself,
    unwrap_ours,
    version_of,
)
from beautyspot.keys.canonical.refused import poses, posing
from beautyspot.keys.canonical.state import attributes, unreadable
from beautyspot.keys.canonical.text import quote, tag
from beautyspot.keys.canonical.walk import Without, of_parts, of_text

if TYPE_CHECKING:
    from beautyspot.keys.canonical.walk import Form, Walk


def _class(walk: Walk, value: type) -> str:
    if value.__module__ == "typing":  # which of these are classes depends on the Python version
        return _SPECIAL_FORM(walk, value)
    if value is UnionType:  # it is `typing.Union` since Python 3.14
        return _SPECIAL_FORM(walk, typing.Union)
    return tag("type", walk.named(value))


def _function(walk: Walk, value: Any) -> str:
    inner = unwrap_ours(value)
    if inner is not value:  # which may be a bound method, a partial, an object with `__call__`
        text = walk.at(".__wrapped__", "", Without(inner, walk.less(value)))
        versions = map(version_of, takewhile(is_ours, chain(value)))
        given = [version for version in versions if version is not None]
        return tag("versioned", f"[{text},{walk.array(given)}]") if given else text
    return tag("function", f"[{walk.defined(value)}]")


def _cached(walk: Walk, value: Any) -> str:
    """What `functools.lru_cache` made of a Python function, or of any other callable."""
    if names_itself(value):
        return _function(walk, value)
    inner = walk.at(".__wrapped__", "", value.__wrapped__)
    return tag("cached", f"[{inner},{walk.mapping(value.cache_parameters())}]")


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


def _property(walk: Walk, value: property) -> str:
    functions = [value.fget, value.fset, value.fdel]
    return tag("property", walk.array([*functions, inspect.cleandoc(value.__doc__ or "")], ".{}"))


def _type_variable(walk: Walk, value: Any) -> str:
    """By its name; a local one by its bounds as well."""
    name = f"{module_name(value.__module__)}:{value.__name__}"
    if _is_found_by_name(value, value.__name__):
        return tag("special", quote(name))
    own = [getattr(value, attribute, None) for attribute in _OF_VARIABLES]
    default = [value.__default__] if getattr(value, "has_default", bool)() else []
    return tag("variable", f"[{quote(name)},{walk.array(own)},{walk.array(default)}]")


def _type_alias(walk: Walk, value: Any) -> str:  # pragma: no cover - of Python 3.12
    name = f"{module_name(value.__module__)}:{value.__name__}"
    if _is_found_by_name(value, value.__name__):
        return tag("special", quote(name))
    return tag("alias", f"[{quote(name)},{walk.at('.__value__', '', value.__value__)}]")


_OF_VARIABLES = ("__bound__", "__constraints__", "__covariant__", "__contravariant__")
_SPECIAL_FORM = of_text("special", lambda value: f"typing:{value.__qualname__}")


def named_or_refused(walk: Walk, value: Any) -> str:
    """The form of extension types: callables by their names; other instances are refused."""
    name = getattr(value, "__qualname__", None)
    if _is_found_by_name(value, name):
        return tag("function", f"[{quote(f'{value.__module__}:{name}')}]")
    return posing(walk, value) if poses(type(value)) else unreadable(walk, value)


def _sentinel(walk: Walk, value: Any) -> str:  # pragma: no cover - since Python 3.15
    """What a module holds under its own name, such as `dataclasses.MISSING`."""
    module, name = str(value.__module__), str(value.__name__)
    if getattr(sys.modules.get(module), name, None) is not value:
        return unreadable(walk, value)
    return tag("special", quote(f"{module_name(module)}:{name}"))


def _is_found_by_name(value: Any, name: object) -> bool:
    """Whether the module of `value` has it under that name."""
    module = sys.modules.get(str(getattr(value, "__module__", None)))
    return isinstance(name, str) and look_up(name, getattr(module, "__dict__", {})) is value


def _class_of(value: object) -> type:
    return type(value)  # type checkers do not take these classes for classes


FORMS: dict[type, Form] = {
    functools.partial: _partial,
    staticmethod: of_parts("staticmethod", lambda value: (value.__func__,)),
    classmethod: of_parts("classmethod", lambda value: (value.__func__,)),
    property: _property,
}

# The classes of `typing`'s own expressions, bare and subscripted: not `list`.
_TYPING_CLASSES = (_class_of(typing.List), _class_of(typing.List[int]))  # noqa: UP006 - these are meant

_TYPE_ALIASES = filter(None, [getattr(typing, "TypeAliasType", None)])  # since Python 3.12

_PLACEHOLDER: Any = getattr(functools, "Placeholder", None)  # since Python 3.14
if _PLACEHOLDER is not None:  # pragma: no cover - tested there
    FORMS[type(_PLACEHOLDER)] = of_text("special", lambda _: "functools:Placeholder")
_SENTINEL: Any = getattr(builtins, "sentinel", None)  # since Python 3.15
if _SENTINEL is not None:  # pragma: no cover - tested there
    FORMS[_SENTINEL] = _sentinel

FAMILIES: dict[Any, Form] = {
    type: _class,
    FunctionType: _function,
    MethodType: _method,
    BuiltinFunctionType: _builtin,
    MethodWrapperType: _builtin,
    MethodDescriptorType: _function,
    WrapperDescriptorType: _function,
    ClassMethodDescriptorType: _function,
    functools._lru_cache_wrapper: _cached,
    ModuleType: of_text("module", lambda value: module_name(value.__name__)),
    functools.partialmethod: _partialmethod,
    GenericAlias: _type_expression,
    UnionType: _union,
    **dict.fromkeys(_TYPING_CLASSES, _typing_expression),
    _class_of(typing.ClassVar): _SPECIAL_FORM,  # never a class itself, as `Union` is by now
    functools.cached_property: of_parts(
        "cachedproperty", lambda value: (value.func, value.attrname)
    ),
    functools.singledispatchmethod: of_parts(
        "dispatchmethod", lambda value: (value.dispatcher, value.func)
    ),
    typing.TypeVar: _type_variable,
    typing.ParamSpec: _type_variable,
    typing.TypeVarTuple: _type_variable,
    typing.ForwardRef: of_text("forward", lambda value: str(value.__forward_arg__)),
    **dict.fromkeys(_TYPE_ALIASES, _type_alias),
}
