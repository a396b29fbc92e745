"""The forms of classes, functions, methods, modules and type expressions.

What can be found by its name counts by that name. A local function counts by its code and by all
that it holds. A class that a function made is refused: what is in its body has too many forms. A
model of pydantic without functions, as `create_model` makes it, counts by its schema.
"""

from __future__ import annotations

import functools
import sys
import typing
from itertools import takewhile
from types import FunctionType, GenericAlias, MethodType, ModuleType, UnionType
from typing import TYPE_CHECKING, Any, Final

from beautyspot.functions.identity import attributes_of, is_others_wrapper, parts_of
from beautyspot.functions.names import (
    MAIN,
    ByIdentity,
    chain,
    identifier_of,
    is_named,
    is_of_no_file,
    is_ours,
    leads_back,
    look_up,
    module_name,
    raw_module,
    unwrap_ours,
    version_of,
)
from beautyspot.keys.text import quote, tag
from beautyspot.keys.walk import Without

if TYPE_CHECKING:
    from beautyspot.keys.walk import Form, Walk

_names: Final[ByIdentity[str]] = ByIdentity()

_OUTSIDE: Final = (
    "define the class in the module, outside of functions, or say what counts by a method "
    "__beautyspot_key__ in it or by spot.keygen.register(cls, function)"
)


def named(walk: Walk, cls: type[Any]) -> str:
    """The text of a class: its name; refused where that does not lead back to it."""
    walk.definitions.append(cls)
    known = _names.get(cls) or walk.kept.get(id(cls))
    if known is not None:
        return known
    generic = vars(cls).get("__pydantic_generic_metadata__") or {}
    if generic.get("origin"):  # `Model[Item]` does not say whose `Item`
        return tag("generic", f"[{named(walk, generic['origin'])},{walk.array(generic['args'])}]")
    text = quote(identifier_of(cls))
    if not is_named(cls):
        text = f"[{text},{_made(walk, cls)}]"
    walk.kept[id(cls)] = text
    # `__main__` is another module in another process
    return text if raw_module(cls) in MAIN else _names.put(cls, text)


def _made(walk: Walk, cls: Any) -> str:
    """What makes up a class whose name may be another one's: in a notebook, its code and bases.

    Where no name leads to it, of a model of pydantic what its schema says. Two models may differ in
    functions that no schema shows.
    """
    if leads_back(cls):
        from beautyspot.functions.code import code_digest  # parses sources: rarely needed

        others = [each for each in cls.__mro__[1:] if is_of_no_file(each) and leads_back(each)]
        return walk.array([code_digest(each) for each in (cls, *others)])
    decorators = getattr(cls, "__pydantic_decorators__", None)
    if decorators is None:
        walk.refuse(cls, "is made where no name leads to it", _OUTSIDE)
    fields = cls.__pydantic_fields__
    shown = repr(fields)
    if " at 0x" in shown or any(getattr(decorators, name) for name in decorators.__slots__):
        why = "is made at run time, with functions that no schema shows"
        walk.refuse(cls, why, "write it as a class in the module, or pass what it is made of")
    inner = [field.annotation for field in fields.values()]
    for part in inner:  # which grows: a class in it may have such functions, too
        if isinstance(part, type) and part is not cls:
            named(walk, part)
        inner.extend(typing.get_args(part))
    factories = [field.default_factory for field in fields.values()]
    return walk.array([cls.__bases__, cls.model_json_schema(), cls.model_config, shown, factories])


def _class(walk: Walk, value: Any) -> str:
    if value is UnionType:  # it is `typing.Union` since Python 3.14
        return tag("global", '"typing:Union"')
    if value.__module__ == "typing":  # which of these are classes depends on the Python version
        return tag("global", quote(f"typing:{value.__qualname__}"))
    return tag("type", named(walk, value))


def _function(walk: Walk, value: Any) -> str:
    inner = unwrap_ours(value)
    if inner is not value:  # which may be a bound method, a partial, an object with `__call__`
        text = walk.at(".__wrapped__", "", Without(inner, walk.less(value)))
        if type(inner) is FunctionType and not is_named(inner):  # what was set since it was marked
            known = vars(inner)
            held = {n: v for n, v in attributes_of(value).items() if known.get(n, known) is not v}
            text = tag("attributes", f"[{text},{walk.attributes(value, held)}]") if held else text
        versions = map(version_of, takewhile(is_ours, chain(value)))
        given = [version for version in versions if version is not None]
        return tag("versioned", f"[{text},{walk.array(given)}]") if given else text
    walk.definitions.append(value)
    name = quote(identifier_of(value))
    if not is_named(value):
        parts, lenient = parts_of(value), is_others_wrapper(value)
        name = f"{name},{walk.function(value, parts, lenient=lenient)}"
    return tag("function", f"[{name}]")


def _cached(walk: Walk, value: Any) -> str:
    """What `functools.lru_cache` made of a Python function, or of any other callable."""
    if is_named(value):
        walk.definitions.append(value)
        return tag("function", f"[{quote(identifier_of(value))}]")
    return tag("cached", walk.at(".__wrapped__", "", value.__wrapped__))


def _method(walk: Walk, value: Any) -> str:
    owner = walk.at(".__self__", "", value.__self__)
    return tag("method", f"[{owner},{walk.at('.__func__', '', value.__func__)}]")


def _type_expression(walk: Walk, value: Any) -> str:
    """``list[int]`` and those of `typing`: the origin and its arguments.

    ``int | None`` and ``Optional[int]`` are equal.
    """
    origin, arguments = typing.get_origin(value), walk.array(typing.get_args(value))
    if origin in (UnionType, typing.Union):
        return tag("union", arguments)
    kind = quote(type(value).__module__)
    return tag("generic", f"[{kind},{walk.at('.__origin__', '', origin)},{arguments}]")


def found_by_name(walk: Walk, value: Any, name: str) -> str:
    """The form of what says that a name of its module leads to it; refused where none does."""
    module = getattr(value, "__module__", None) or type(value).__module__
    if look_up(name, getattr(sys.modules.get(module), "__dict__", {})) is not value:
        walk.refuse(value)
    return tag("global", quote(f"{module_name(module)}:{name}"))


def _special(walk: Walk, value: Any) -> str:
    """A type variable, or a name of `typing`."""
    return found_by_name(walk, value, str(getattr(value, "__name__", None) or value._name))


def _module(walk: Walk, value: Any) -> str:
    walk.definitions.append(value)
    return tag("module", quote(module_name(value.__name__)))


def _class_of(value: object) -> type:
    return type(value)  # type checkers do not take these classes for classes


FAMILIES: Final[dict[Any, Form]] = {
    type: _class,
    FunctionType: _function,
    MethodType: _method,
    functools._lru_cache_wrapper: _cached,
    ModuleType: _module,
    GenericAlias: _type_expression,
    UnionType: _type_expression,
    _class_of(typing.List[int]): _type_expression,  # noqa: UP006 - this one is meant
    typing.ForwardRef: lambda _, value: tag("forward", quote(value.__forward_arg__)),
    **dict.fromkeys((_class_of(typing.List), _class_of(typing.ClassVar)), _special),  # noqa: UP006
    **dict.fromkeys((typing.TypeVar, typing.ParamSpec, typing.TypeVarTuple), _special),
    **dict.fromkeys(filter(None, [getattr(typing, "TypeAliasType", None)]), _special),
}
"""Forms of a type and its subclasses."""
