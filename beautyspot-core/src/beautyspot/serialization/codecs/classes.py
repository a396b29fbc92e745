"""Codecs of the program's own classes: dataclasses, attrs, enums, named tuples, models, exceptions.

Instances are written by the name of their class, and restored only if the program vouches for that
name. Restoring calls neither ``__init__`` nor ``__post_init__``: a bare instance is made and gets
all its attributes, also those that are not fields, so it equals the stored one whatever the
constructor does. If the class has other fields by then, nothing is restored. The value of a
``functools.cached_property`` is not stored.
"""

from __future__ import annotations

import dataclasses
import enum
import inspect
import sys
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, Final

from beautyspot.errors import RestoreError
from beautyspot.functions.names import is_python_class
from beautyspot.serialization.codecs.contract import (
    Entry,
    Refused,
    Tag,
    class_tag,
    refuse_attributes,
)
from beautyspot.serialization.codecs.registry import qualified
from beautyspot.serialization.codecs.unfinished import no_result_yet

if TYPE_CHECKING:
    from collections.abc import Callable

    from beautyspot.serialization.codecs.contract import Expected, Write


_OBJECT: Final = class_tag(60)
_NAMED_TUPLE: Final = class_tag(61)
_ENUM: Final = class_tag(62)
_FLAG: Final = class_tag(63)
_MODEL: Final = class_tag(64)
_EXCEPTION: Final = class_tag(65)
_SUBCLASS: Final = class_tag(67)

TAGS: Final = (_OBJECT, _NAMED_TUPLE, _ENUM, _FLAG, _MODEL, _EXCEPTION, _SUBCLASS)


def advice(cls: type) -> str:
    """Why an instance is refused, and what to do."""
    name = cls.__qualname__
    if is_storable(cls):
        hint, how = f"annotate the function (-> {name}), ", f"spot.register({name})"
    elif why := no_result_yet(cls):
        return f"{qualified(cls)} {why}"
    else:
        hint, how = "", f"spot.register({name}, encode=…, decode=…)"
    return (
        f"{qualified(cls)} is not a type that can be stored as it is: {hint}call {how}, "
        'return it in another form, or, with a signing_key, pickle it: mark(serializer="pickle") '
        "of beautyspot-pickle"
    )


def is_storable(cls: type) -> bool:
    """Whether its instances can be stored once the program vouches for the class."""
    return entry_for(cls) is not None


def entry_for(cls: type, name: str | None = None) -> Entry | None:
    """How to write and read the instances; None if it does not follow from the class."""
    if inspect.isabstract(cls):
        return None
    for make in (_enum, _named_tuple, _exception, _model, _object, _subclass):
        found = make(cls)
        if found is not None:
            return Entry(cls, name or qualified(cls), *found)
    return None


_Kind = tuple[
    Tag,
    "Callable[[Any, Write], list[object]]",
    "Callable[..., Any]",
    "tuple[Expected, ...] | None",
]
"""The tag of a class, and `Entry.encode`, `decode` and `types`."""

# ------------------------------------------------------------------------------------ attributes

_CACHED_HASH: Final = "_attrs_cached_hash"  # of attrs; hashes of text differ between processes


def _state(value: object) -> dict[str, Any]:
    """All attributes of an instance, from its `__dict__` and slots."""
    state: Any = object.__getstate__(value)
    parts = state if isinstance(state, tuple) else (state,)
    return {name: item for part in parts if part for name, item in part.items()}


def _further(value: object, state: dict[str, Any]) -> dict[str, Any]:
    """The attributes to store beside the fields: no cached properties, no cached hash."""
    return {
        name: None if name == _CACHED_HASH else item
        for name, item in state.items()
        if not isinstance(inspect.getattr_static(type(value), str(name), None), cached_property)
    }


def _set(value: object, state: dict[Any, Any]) -> None:
    for name, item in state.items():
        object.__setattr__(value, name, item)  # the own method of a frozen class refuses


def _set_further(value: object, state: dict[Any, Any]) -> None:
    """Set attributes that are not fields; never one that Python uses, such as ``__class__``."""
    special = [name for name in state if name[:2] == "__" and name != "__notes__"]
    if special:
        raise RestoreError(f"attributes named {special}")
    _set(value, state)


def _same_fields(cls: type, stored: dict[Any, Any], fields: tuple[str, ...]) -> None:
    if stored.keys() != set(fields):
        differing = ", ".join(sorted(map(str, stored.keys() ^ set(fields))))
        raise RestoreError(
            f"{qualified(cls)} has other fields than when it was stored: {differing}"
        )


def _object(cls: type) -> _Kind | None:
    """A dataclass or an attrs class."""
    fields = _field_names(cls)
    if fields is None:
        return None
    try:
        object.__new__(cls)
    except TypeError:  # it extends a builtin type, whose content is not an attribute
        return None
    encode, decode = partial(_encode_object, fields), partial(_decode_object, cls, fields)
    return _OBJECT, encode, decode, (dict, dict)


def _field_names(cls: type) -> tuple[str, ...] | None:
    if dataclasses.is_dataclass(cls):
        return tuple(field.name for field in dataclasses.fields(cls))
    attributes = getattr(cls, "__attrs_attrs__", None)
    return None if attributes is None else tuple(attribute.name for attribute in attributes)


def _encode_object(fields: tuple[str, ...], value: object, write: Write) -> list[object]:
    state = _state(value)
    own: dict[str, Any] = {}
    for name in fields:
        try:
            own[name] = state.pop(name) if name in state else getattr(value, name)
        except AttributeError as error:
            raise Refused(f"its field {name} was never set: set it, to None for example") from error
    return [write.attributes(own), write.attributes(_further(value, state))]


def _decode_object(
    cls: type, fields: tuple[str, ...], own: dict[Any, Any], further: dict[Any, Any]
) -> object:
    _same_fields(cls, own, fields)
    value: object = object.__new__(cls)
    _set_further(value, further)
    _set(value, own)
    return value


# ---------------------------------------------------------------------------------- named tuples


def _named_tuple(cls: type) -> _Kind | None:
    fields = getattr(cls, "_fields", None)
    if not issubclass(cls, tuple) or not isinstance(fields, tuple) or not hasattr(cls, "_make"):
        return None
    return (
        _NAMED_TUPLE,
        partial(_encode_tuple, fields),
        partial(_decode_tuple, cls, fields),
        (dict,),
    )


def _encode_tuple(fields: tuple[str, ...], value: tuple[Any, ...], write: Write) -> list[object]:
    refuse_attributes(value)
    return [write.attributes(dict(zip(fields, tuple.__iter__(value), strict=True)))]


def _decode_tuple(
    cls: type[tuple[Any, ...]], fields: tuple[str, ...], stored: dict[Any, Any]
) -> tuple[Any, ...]:
    _same_fields(cls, stored, fields)
    return tuple.__new__(cls, [stored[name] for name in fields])


# ----------------------------------------------------------------------------------------- enums


def _enum(cls: type) -> _Kind | None:
    if not issubclass(cls, enum.Enum) or not cls.__members__:
        return None
    if issubclass(cls, enum.Flag):
        return _FLAG, _encode_flag, partial(_decode_flag, cls), (int, list)
    return _ENUM, _encode_enum, partial(_decode_enum, cls), None


def _encode_enum(value: enum.Enum, write: Write) -> list[object]:
    """By name, with a simple value, to notice that the name has another value by then."""
    if type(value.value) in (str, int, float, bool):
        return [value.name, write.value(value.value, ".value")]
    return [value.name]


def _decode_enum(cls: type[enum.Enum], name: str, *values: Any) -> enum.Enum:
    member = cls[name]
    if any(type(value) is not type(member.value) or value != member.value for value in values):
        raise RestoreError(f"{qualified(cls)}.{name} has another value than when it was stored")
    return member


def _encode_flag(value: enum.Flag, write: Write) -> list[object]:
    return [write.value(value.value, ".value"), [member.name for member in value]]


def _decode_flag(cls: type[enum.Flag], number: int, names: list[Any]) -> enum.Flag:
    value = cls(number)
    if type(value) is not cls or [member.name for member in value] != names:
        raise RestoreError(f"the flags of {qualified(cls)} have other values than when stored")
    return value


# ------------------------------------------------------------------------------- pydantic models


def _model(cls: type) -> _Kind | None:
    pydantic = sys.modules.get("pydantic")
    if pydantic is None or not issubclass(cls, pydantic.BaseModel) or cls is pydantic.BaseModel:
        return None
    optional = (dict, type(None))
    types = (dict, list, optional, optional, dict, ...)
    return _MODEL, _encode_model, partial(_decode_model, cls), types


def _encode_model(value: Any, write: Write) -> list[object]:
    """The parts of pydantic's `__getstate__`: fields, which of them were given, extra, private.

    Then further attributes, if there are any, such as the `_request_id` of an API's client.
    """
    state = value.__getstate__()
    attributes = dict(state["__dict__"])
    fields = {name: attributes.pop(name) for name in type(value).model_fields}
    # A root model has neither extra fields nor private attributes.
    private, further = state.get("__pydantic_private__"), _further(value, attributes)
    return [
        write.attributes(fields),
        sorted(state["__pydantic_fields_set__"]),
        write.value(state.get("__pydantic_extra__"), ".model_extra"),
        None if private is None else write.attributes(private),
        *([write.attributes(further)] if further else ()),
    ]


def _decode_model(
    cls: Any, fields: dict[Any, Any], given: list[Any], extra: Any, private: Any, *rest: Any
) -> object:
    _same_fields(cls, fields, tuple(cls.model_fields))
    value = object.__new__(cls)
    object.__setattr__(value, "__dict__", fields)
    for further in rest:
        _set_further(value, further)
    object.__setattr__(value, "__pydantic_fields_set__", set(given))
    if not cls.__pydantic_root_model__:
        object.__setattr__(value, "__pydantic_extra__", extra)
        object.__setattr__(value, "__pydantic_private__", private)
    return value


# ------------------------------------------------------------------------------------ exceptions


def _exception(cls: type) -> _Kind | None:
    """An exception without parts of its own in C, which OSError and StopIteration have."""
    if not issubclass(cls, BaseException):
        return None
    if any(
        base.__basicsize__ > BaseException.__basicsize__
        for base in cls.__mro__
        if not is_python_class(base)
    ):
        return None
    return (
        _EXCEPTION,
        _encode_exception,
        partial(_decode_exception, cls),
        (list, dict, object, object),
    )


def _encode_exception(value: BaseException, write: Write) -> list[object]:
    """Without traceback; of other exceptions, only the one in ``raise … from``."""
    return [
        write.items(value.args, ".args[{}]"),
        write.attributes(_further(value, _state(value))),
        write.value(value.__cause__, ".__cause__"),
        value.__suppress_context__,
    ]


def _decode_exception(
    cls: type[BaseException], args: list[Any], state: dict[Any, Any], cause: Any, suppress: Any
) -> BaseException:
    fields = _field_names(cls) or ()  # an exception may be a dataclass
    _same_fields(cls, {name: None for name in state if name in fields}, fields)
    value = BaseException.__new__(cls, *args)
    _set_further(value, state)
    value.__cause__ = cause
    value.__suppress_context__ = suppress
    return value


# --------------------------------------------------------------------- subclasses of builtin types

_PLAIN: Final[dict[type, Callable[[Any], Any]]] = {
    str: str.__str__,
    int: int.__int__,
    float: float.__float__,
    bytes: lambda value: bytes(memoryview(value)),
    tuple: lambda value: tuple(tuple.__iter__(value)),
    frozenset: lambda value: frozenset(frozenset.__iter__(value)),
    list: lambda value: list(list.__iter__(value)),
    set: lambda value: set(set.__iter__(value)),
    dict: lambda value: dict(dict.items(value)),
}
_FILL: Final[dict[type, Callable[[Any, Any], None]]] = {
    list: list.extend,
    set: set.update,
    dict: dict.update,
}


def _subclass(cls: type) -> _Kind | None:
    """A class that extends a builtin one: ``class UserId(str)``."""
    base = next(base for base in cls.__mro__ if not is_python_class(base))
    if base is cls or base not in _PLAIN or _field_names(cls) is not None:
        return None
    return (
        _SUBCLASS,
        partial(_encode_subclass, base),
        partial(_decode_subclass, cls, base),
        (base, dict),
    )


def _encode_subclass(base: type, value: object, write: Write) -> list[object]:
    return [write.value(_PLAIN[base](value), ""), write.attributes(_further(value, _state(value)))]


def _decode_subclass(cls: type, base: Any, plain: Any, state: dict[Any, Any]) -> object:
    fill = _FILL.get(base)
    value: Any = base.__new__(cls) if fill else base.__new__(cls, plain)
    if fill:
        fill(value, plain)
    _set_further(value, state)
    return value
