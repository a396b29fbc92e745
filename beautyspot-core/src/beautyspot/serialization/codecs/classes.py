"""Codecs of the program's own classes: dataclasses, attrs, enums, named tuples, models, exceptions.

Instances are written by the name of their class, and restored only if the program vouches for that
name. Restoring calls neither ``__init__`` nor ``__post_init__``: a bare instance is made and gets
all its attributes, also those that are not fields, so it equals the stored one whatever the
constructor does; see `attributes`. If the class has other fields by then, nothing is restored.
"""

from __future__ import annotations

import enum
import inspect
import sys
from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypeVar

from beautyspot.errors import RestoreError
from beautyspot.functions.names import is_python_class
from beautyspot.serialization.codecs.attributes import Shape, field_names, static
from beautyspot.serialization.codecs.contract import (
    Entry,
    Refused,
    Tag,
    check,
    class_tag,
    refuse_attributes,
)
from beautyspot.serialization.codecs.registry import qualified
from beautyspot.serialization.codecs.unfinished import no_result_yet
from beautyspot.serialization.payload import OtherFields

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from beautyspot.serialization.codecs.contract import Expected, Write


OBJECT: Final = class_tag(60)
NAMED_TUPLE: Final = class_tag(61)
ENUM: Final = class_tag(62)
FLAG: Final = class_tag(63)
MODEL: Final = class_tag(64)
EXCEPTION: Final = class_tag(65)
SUBCLASS: Final = class_tag(67)

TAGS: Final = (OBJECT, NAMED_TUPLE, ENUM, FLAG, MODEL, EXCEPTION, SUBCLASS)


PICKLE_IT: Final = (
    'with a signing_key, pickle it: mark(serializer="pickle") '
    "(needs beautyspot-pickle: docs/install.md)"
)
"""The last way out for a result that has no form of ours."""


def advice(cls: type) -> str:
    """Why an instance is refused, and what to do."""
    name = _written(cls)
    if is_storable(cls):
        hint, how = (
            f"annotate the function (-> {name}, -> list[{name}] and so on), ",
            f"spot.register({name})",
        )
    elif why := no_result_yet(cls):
        return f"{qualified(cls)} {why}"
    else:
        hint, how = "", f"spot.register({name}, encode=…, decode=…)"
    other = "a plain tuple: tuple(…)" if issubclass(cls, tuple) else "it in another form"
    return (
        f"{qualified(cls)} is not a type that can be stored as it is: {hint}call {how}, "
        f"return {other}, or, {PICKLE_IT}"
    )


def _written(cls: type) -> str:
    """A class as a program names it: of `Page[~T]`, which is a library's own, that is `Page`."""
    origin, arguments = parameters_of(cls)
    if origin is None:
        return cls.__qualname__
    if all(isinstance(one, TypeVar) for one in arguments):
        return str(origin.__qualname__)
    parts = [_written(one) if isinstance(one, type) else repr(one) for one in arguments]
    return f"{origin.__qualname__}[{', '.join(parts)}]".replace("~", "")


def parameters_of(cls: Any) -> tuple[Any, tuple[Any, ...]]:
    """The generic pydantic model of which a class is a parametrisation, and its arguments."""
    generic = getattr(cls, "__pydantic_generic_metadata__", None)
    return (generic["origin"], generic["args"]) if generic else (None, ())


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

# ----------------------------------------------------------------------------------------- objects


def _object(cls: type) -> _Kind | None:
    """A dataclass or an attrs class."""
    names = field_names(cls)
    if names is None:
        return None
    try:
        object.__new__(cls)
    except TypeError:  # it extends a builtin type, whose content is not an attribute
        return None
    shape = Shape(cls)
    # A field that is a property is no attribute: what it keeps is in another one.
    fields = tuple(name for name in names if not isinstance(static(cls, name), property))
    encode, decode = partial(_encode_object, shape, fields), partial(_decode_object, shape, fields)
    return OBJECT, encode, decode, (dict, dict)


def _encode_object(
    shape: Shape, fields: tuple[str, ...], value: object, write: Write
) -> list[object]:
    state = shape.state(value)
    own: dict[str, Any] = {}
    for name in fields:
        if name in state:
            own[name] = state.pop(name)
        elif hasattr(type(static(shape.cls, name)), "__set__") and name not in shape.slots:
            raise Refused(
                f"its field {name} is kept by a descriptor, maybe outside of it: call "
                f"spot.register({shape.cls.__qualname__}, encode=…, decode=…)"
            )
        else:
            own[name] = _default(value, name)
    return [write.attributes(own), shape.write(state, write)]


def _default(value: object, name: str) -> object:
    """The value of a field that stands in the class alone; it may be another one there by then."""
    try:
        return getattr(value, name)
    except AttributeError as error:
        raise Refused(f"its field {name} was never set: set it, to None for example") from error


def _decode_object(
    shape: Shape, fields: tuple[str, ...], own: dict[Any, Any], further: dict[Any, Any]
) -> object:
    _same_fields(shape.cls, own, fields)
    value: object = object.__new__(shape.cls)
    shape.set(value, own)  # first, as its `__init__` does: `vars` shows the order
    shape.set_further(value, further)
    return value


def _same_fields(cls: type, stored: Collection[Any], fields: tuple[str, ...]) -> None:
    if set(stored) != set(fields):
        differing = ", ".join(sorted(map(str, set(stored) ^ set(fields))))
        raise OtherFields(f"{qualified(cls)} has other fields than when it was stored: {differing}")


# ---------------------------------------------------------------------------------- named tuples


def _named_tuple(cls: type) -> _Kind | None:
    fields = getattr(cls, "_fields", None)
    if not issubclass(cls, tuple) or not isinstance(fields, tuple) or not hasattr(cls, "_make"):
        return None
    return (
        NAMED_TUPLE,
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
        return FLAG, _encode_flag, partial(_decode_flag, cls), (int, list)
    return ENUM, _encode_enum, partial(_decode_enum, cls), None


def _encode_enum(value: enum.Enum, write: Write) -> list[object]:
    """By name, with a value that can be stored, to notice that the name has another by then.

    The class may have a `name` and a `value` of its own.
    """
    name, content = value._name_, value._value_
    if type(value)._member_map_.get(name) is not value:
        raise Refused("it is no member that its class defines: return its value")
    return [name, *write.storable({"value": content}).values()]


def _decode_enum(cls: type[enum.Enum], name: str, *values: Any) -> enum.Enum:
    member = cls._member_map_[name]
    now = member._value_
    if any(type(value) is not type(now) or not _equal(value, now) for value in values):
        raise RestoreError(f"{qualified(cls)}.{name} has another value than when it was stored")
    return member


def _equal(one: Any, two: Any) -> bool:
    return bool(one == two) or repr(one) == repr(two)  # NaN


def _encode_flag(value: enum.Flag, write: Write) -> list[object]:
    number = value._value_
    names = [member._name_ for member in value]
    try:
        known = type(value)(number) is value
    except ValueError:
        known = False
    if not known:
        raise Refused("it is no combination of flags that its class can make of its value")
    return [write.value(number, ".value"), names]


def _decode_flag(cls: type[enum.Flag], number: int, names: list[Any]) -> enum.Flag:
    value = cls(number)
    if type(value) is not cls or [member._name_ for member in value] != names:
        raise RestoreError(f"the flags of {qualified(cls)} have other values than when stored")
    return value


# ------------------------------------------------------------------------------- pydantic models


def _model(cls: type) -> _Kind | None:
    pydantic = sys.modules.get("pydantic")
    if pydantic is None or not issubclass(cls, pydantic.BaseModel) or cls is pydantic.BaseModel:
        return None
    shape = Shape(cls)
    return MODEL, partial(_encode_model, shape), partial(_decode_model, shape), None


def _encode_model(shape: Shape, value: Any, write: Write) -> list[object]:
    """Fields, which of them were given, extra fields, private attributes.

    Then further attributes, if there are any, such as the `_request_id` of an API's client, and
    the names of fields without a value, which `model_construct` may leave.
    """
    names, state = type(value).model_fields, shape.state(value)
    fields = {name: state.pop(name) for name in [*state] if name in names}
    absent = [name for name in names if name not in fields]
    private = value.__pydantic_private__
    further = shape.write(state, write)
    return [
        write.attributes(fields),
        sorted(value.__pydantic_fields_set__),
        write.value(value.__pydantic_extra__, ".model_extra"),
        None if private is None else write.attributes(private),
        *((further,) if further or absent else ()),
        *((absent,) if absent else ()),
    ]


_MODEL_TYPES: Final = (dict, list, (dict, type(None)), (dict, type(None)), dict, list)


def _decode_model(shape: Shape, *parts: Any) -> object:
    cls: Any = shape.cls
    check([*parts], *_MODEL_TYPES[: max(len(parts), 4)])
    fields, given, extra, private = parts[:4]
    further = parts[4] if len(parts) > 4 else {}
    absent = parts[5] if len(parts) > 5 else []
    _same_fields(cls, [*fields, *absent], tuple(cls.model_fields))
    value = object.__new__(cls)
    object.__setattr__(value, "__dict__", fields)
    shape.set_further(value, further)
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
    shape = Shape(cls)
    encode, decode = partial(_encode_exception, shape), partial(_decode_exception, shape)
    return EXCEPTION, encode, decode, (list, dict, object, object)


_OWN: Final[Any] = vars(BaseException)  # its descriptors: a class may have an `args` of its own


def _encode_exception(shape: Shape, value: BaseException, write: Write) -> list[object]:
    """Without traceback; of other exceptions, only the one in ``raise … from``."""
    return [
        write.items(_OWN["args"].__get__(value), ".args[{}]"),
        shape.write(shape.state(value), write),
        write.value(_OWN["__cause__"].__get__(value), ".__cause__"),
        _OWN["__suppress_context__"].__get__(value),
    ]


def _decode_exception(
    shape: Shape, args: list[Any], state: dict[Any, Any], cause: Any, suppress: Any
) -> BaseException:
    cls: Any = shape.cls
    fields = field_names(cls) or ()  # an exception may be a dataclass
    _same_fields(cls, [name for name in state if name in fields], fields)
    value: BaseException = BaseException.__new__(cls, *args)
    shape.set_further(value, state)
    _OWN["__cause__"].__set__(value, cause)
    _OWN["__suppress_context__"].__set__(value, suppress)
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
    if base is cls or base not in _PLAIN or field_names(cls) is not None:
        return None
    shape = Shape(cls)
    encode, decode = partial(_encode_subclass, shape, base), partial(_decode_subclass, shape, base)
    return SUBCLASS, encode, decode, (base, dict)


def _encode_subclass(shape: Shape, base: type, value: object, write: Write) -> list[object]:
    return [write.value(_PLAIN[base](value), ""), shape.write(shape.state(value), write)]


def _decode_subclass(shape: Shape, base: Any, plain: Any, state: dict[Any, Any]) -> object:
    fill = _FILL.get(base)
    value: Any = base.__new__(shape.cls) if fill else base.__new__(shape.cls, plain)
    if fill:
        fill(value, plain)
    shape.set_further(value, state)
    return value
