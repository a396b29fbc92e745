"""What makes up a function or class that its name does not lead back to: everything it holds.

For a function that is its code, what it captured, its defaults, docstring, annotations and
attributes; for a class its bases, its metaclass and its namespace. Of the namespace, what Python,
`dataclasses`, `collections`, `enum`, `typing`, attrs and pydantic make by themselves is left out:
it follows from the rest, and differs between their versions.
"""

from __future__ import annotations

import inspect
import sys
import typing
from enum import Enum, EnumMeta
from types import FunctionType, GetSetDescriptorType, MemberDescriptorType
from typing import TYPE_CHECKING, Any, Final

from beautyspot.functions.annotations import annotations_of
from beautyspot.functions.identity import attributes_of
from beautyspot.functions.names import captured, chain, leads_back, root_of
from beautyspot.functions.origins import is_standard
from beautyspot.functions.statements import is_made_by_call

if TYPE_CHECKING:
    from collections.abc import Iterator

_BOOKKEEPING: Final = frozenset(
    {
        *("__module__", "__qualname__", "__dict__", "__weakref__", "__doc__", "__annotations__"),
        *("__annotate__", "__annotate_func__", "__annotations_cache__", "__firstlineno__"),
        "__classdictcell__",  # left behind by `typing.NamedTuple`
        *("__conditional_annotations__", "__static_attributes__", "__type_params__"),
        *("__parameters__", "__orig_bases__", "__abstractmethods__", "_abc_impl"),
        *("__protocol_attrs__", "__non_callable_proto_members__", "__slotnames__"),
        *("__callable_proto_members_only__", "__readonly_keys__", "__mutable_keys__"),
    }
)
"""What Python and `typing` note about every class; what counts of it is written elsewhere."""

_OF_ENUM: Final = frozenset(
    {
        *("_member_names_", "_member_map_", "_value2member_map_", "_member_type_", "_new_member_"),
        *("_hashable_values_", "_unhashable_values_", "_unhashable_values_map_", "_value_repr_"),
        *("_use_args_", "_all_bits_", "_flag_mask_", "_singles_mask_", "_inverted_"),
        "_generate_next_value_",  # the values count
    }
)
_OF_TYPED_DICT: Final = ("__closed__", "__extra_items__")
"""Where they say nothing: since Python 3.15."""

_OF_PYDANTIC: Final = "__pydantic_"
_KEPT_OF_PYDANTIC: Final = frozenset(
    {"__pydantic_fields__", "__pydantic_decorators__", "__pydantic_config__"}
)
_ATTRS: Final = "<attrs generated"
_SINGLE_DISPATCH: Final = "functools:singledispatch.<locals>.wrapper"
_COPIED: Final = frozenset(
    {
        *("__module__", "__name__", "__qualname__", "__doc__", "__annotations__", "__annotate__"),
        "__type_params__",
    }
)
"""What `functools.lru_cache` copies from the function; which of these, differs between Pythons."""

_SIMPLE: Final = (bool, int, float, complex, str, bytes, type(None))


def parts_of(definition: Any) -> dict[str, Any]:
    """What counts of a function or class, each part by how a path names it: ``.attribute``.

    The parts are values, functions and classes themselves; they may lead back to `definition`.
    """
    parts = _parts_of_class if isinstance(definition, type) else _parts_of_function
    return dict(parts(definition))


def generic_of(definition: Any) -> tuple[type[Any], tuple[Any, ...]] | None:
    """Of what pydantic makes of a generic model, ``Model[int]``: the model and the arguments."""
    own = (
        vars(definition).get("__pydantic_generic_metadata__")
        if isinstance(definition, type)
        else None
    )
    return (own["origin"], own["args"]) if own and own["origin"] else None


# ------------------------------------------------------------------------------------- functions


def _parts_of_function(function: Any) -> Iterator[tuple[str, Any]]:
    """Of a function, or of an object that `functools.lru_cache` made of one."""
    if isinstance(function, FunctionType):
        code = _code_of(function)
        yield "<code>", code
        if code == _SINGLE_DISPATCH:  # which captured a cache as well
            yield ".registry", vars(function)["registry"]
            return
        for name, value in captured(function).items():
            yield f"<captured {name}>", value
        for name, value in _defaults_of(function):
            yield f"<default of {name}>", value
        for name, value in annotations_of(function).items():
            yield f"<annotation of {name}>", value
        yield from _documented(function.__doc__)
    wrapped = getattr(function, "__wrapped__", None)
    for name, value in attributes_of(function).items():
        if name not in _COPIED or value is not getattr(wrapped, name, _COPIED):
            yield f".{name}", value


def _code_of(function: FunctionType) -> str:
    """A digest; for code of the standard library, which has many versions, its name."""
    code, module = function.__code__, str(function.__globals__.get("__name__"))
    frozen = code.co_filename.startswith("<frozen ")
    standard = frozen or is_standard(code.co_filename)
    if root_of(module) in sys.stdlib_module_names and standard:
        return f"{module}:{code.co_qualname}"
    from beautyspot.functions.code.digest import function_digest  # parses sources: rarely needed

    return function_digest(function)


def _defaults_of(function: FunctionType) -> Iterator[tuple[str, Any]]:
    defaults = function.__defaults__ or ()
    code = function.__code__
    names = code.co_varnames[: code.co_argcount]
    yield from zip(names[len(names) - len(defaults) :], defaults, strict=True)
    yield from (function.__kwdefaults__ or {}).items()


def _documented(text: object) -> Iterator[tuple[str, Any]]:
    if isinstance(text, str):
        yield "<doc>", inspect.cleandoc(text)  # Python 3.13 takes off the indentation itself


# --------------------------------------------------------------------------------------- classes


def _parts_of_class(cls: type[Any]) -> Iterator[tuple[str, Any]]:
    for number, base in enumerate(cls.__bases__):
        if base is not object:
            yield f"<base {number}>", base
    generic = [base for base in vars(cls).get("__orig_bases__", ()) if typing.get_origin(base)]
    if generic:
        yield "<generic bases>", generic
    if type(cls) is not type:
        yield "<metaclass>", type(cls)
    for name, value in annotations_of(cls).items():
        yield f"<annotation of {name}>", value
    if not _is_doc_of_dataclass(cls):
        yield from _documented(vars(cls).get("__doc__"))
    yield from _namespace_of(cls)


def _namespace_of(cls: type[Any]) -> Iterator[tuple[str, Any]]:
    # Of a notebook's cell: its source stands for most of it.
    cell = leads_back(cls) is True and not is_made_by_call(cls)
    if cell:
        from beautyspot.functions.code.digest import code_digest  # as above

        yield "<code>", code_digest(cls)
    if issubclass(cls, Enum):
        yield "<members>", [(name, item._value_) for name, item in cls.__members__.items()]
    for name, value in vars(cls).items():
        if _counts(cls, name, value) and not (cell and _is_data(name, value)):
            yield f".{name}", tuple(value) if name == "__attrs_attrs__" else value


def _is_data(name: str, value: object) -> bool:
    """Whether it is an attribute of the user's whose value may have no stable form."""
    special = name[:2] == name[-2:] == "__" or name in ("_fields", "_field_defaults")
    return not (special or type(value) in _SIMPLE or hasattr(type(value), "__get__"))


def _counts(cls: type[Any], name: str, value: object) -> bool:
    if name in _BOOKKEEPING or type(value) in (MemberDescriptorType, GetSetDescriptorType):
        return False
    if name.startswith(_OF_PYDANTIC) and type(value) not in (FunctionType, classmethod):
        return name in _KEPT_OF_PYDANTIC
    if name == "__signature__" and "__pydantic_fields__" in vars(cls):
        return False
    if isinstance(cls, EnumMeta) and _is_of_enum(cls, name, value):
        return False
    if name in _OF_TYPED_DICT and typing.is_typeddict(cls):
        return value is not None and repr(value) != "NoExtraItems"
    return not _is_generated(cls, name, value)


def _is_of_enum(cls: Any, name: str, value: object) -> bool:
    """Whether `enum` put it there: notes, members, and methods of the base that it restates."""
    if name in _OF_ENUM or name in cls.__members__:
        return True
    return value is getattr(cls.__bases__[-1], name, _OF_ENUM)


def _is_generated(cls: type[Any], name: str, value: object) -> bool:
    *_, last = chain(value)
    if type(last).__name__ == "_tuplegetter":
        return True
    if type(last) is not FunctionType:
        return False
    home = str(last.__globals__.get("__name__"))
    if issubclass(cls, tuple) and "_fields" in vars(cls):
        return home == "collections" or home.startswith("namedtuple_")
    if "__attrs_attrs__" in vars(cls) and name == "__replace__":  # pragma: no cover - Python 3.13
        return root_of(home) == "attr"
    if "_is_protocol" in vars(cls) and home == "typing":
        return name in ("__init__", "__subclasshook__")
    code = last.__code__
    return (
        code.co_qualname.startswith("__create_fn__.<locals>.")  # of `dataclasses`
        or (home == "dataclasses" and "__dataclass_fields__" in vars(cls))
        or code.co_filename.startswith(_ATTRS)
    )


def _is_doc_of_dataclass(cls: type[Any]) -> bool:
    """Whether `dataclass` wrote the docstring: the signature, as this Python shows it."""
    text = str(vars(cls).get("__doc__"))
    made = text.startswith(f"{cls.__name__}(") and text.endswith(")")
    return made and "__dataclass_fields__" in vars(cls)
