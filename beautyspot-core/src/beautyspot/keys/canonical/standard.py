"""The forms of the standard library's types, by the name by which a program finds each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from beautyspot.keys.canonical.state import attributes, held
from beautyspot.keys.canonical.text import blob, little_endian, quote, tag
from beautyspot.keys.canonical.walk import of_parts, of_text

if TYPE_CHECKING:
    import array
    import collections
    import dataclasses
    import datetime as dt
    import enum
    import types
    import uuid
    import zoneinfo
    from decimal import Decimal
    from pathlib import PurePath

    from beautyspot.keys.canonical.walk import Form, Walk


# ---------------------------------------------------------------------------- dates and times


def _day(value: dt.date) -> tuple[Any, ...]:
    return (value.year, value.month, value.day)


def _clock(value: dt.datetime | dt.time) -> tuple[Any, ...]:
    clock = (value.hour, value.minute, value.second, value.microsecond, value.fold)
    return (*clock, value.tzinfo)


def _zone_info(walk: Walk, value: zoneinfo.ZoneInfo) -> str:
    try:
        value.__reduce__()  # refused for a zone from a file, which may be another one of that key
    except Exception:
        walk.refuse(value, "was read from a file, which its key does not name")
    return tag("zoneinfo", quote(value.key))


# ------------------------------------------------------------------------------- collections


def _default_dict(walk: Walk, value: collections.defaultdict[Any, Any]) -> str:
    items = walk.mapping(dict(dict.items(value)))
    return tag("defaultdict", f"[{walk.at('.default_factory', '', value.default_factory)},{items}]")


def _counter(walk: Walk, value: collections.Counter[Any]) -> str:
    return tag("counter", walk.mapping(dict(dict.items(value))))


def _ordered_dict(walk: Walk, value: collections.OrderedDict[Any, Any]) -> str:
    from collections import OrderedDict

    # Not by `dict.items`, which does not know of `move_to_end`.
    return tag("ordereddict", walk.array(OrderedDict.items(value)))


def _deque(walk: Walk, value: collections.deque[Any]) -> str:
    from collections import deque

    items = walk.array(deque.__iter__(value))
    return tag("deque", f"[{walk.at('.maxlen', '', value.maxlen)},{items}]")


def _chain_map(walk: Walk, value: collections.ChainMap[Any, Any]) -> str:
    return tag("chainmap", walk.array(value.maps, ".maps[{}]"))


def _array(walk: Walk, value: array.array[Any]) -> str:
    content = blob(little_endian(value))
    return tag("array", f"[{walk.array([value.typecode, value.itemsize])},{content}]")


# ------------------------------------------------------------------------------ small values


# As the forms of the builtin types do, these call methods of the type itself.


def _decimal(walk: Walk, value: Decimal) -> str:
    from decimal import Decimal

    # Digits and exponent: 1.0 is not 1.00. The case of "E" depends on the current context.
    return tag("decimal", walk.at("", "", Decimal.__str__(value).upper()))


def _path(_walk: Walk, value: PurePath) -> str:
    import pathlib

    # Not by its attributes, which cache what was computed so far, such as the text.
    name = "path" if isinstance(value, pathlib.Path) else "purepath"
    flavour = "windows" if isinstance(value, pathlib.PureWindowsPath) else "posix"
    return tag(name, f'["{flavour}",{quote(pathlib.PurePath.__str__(value))}]')


def _address(value: Any) -> tuple[Any, ...]:
    """By its number: Python 3.13 writes the text of IPv4 addresses in IPv6 differently."""
    from ipaddress import IPv4Address

    return (value.version, IPv4Address.__int__(value), getattr(value, "scope_id", None))


def _uuid(value: uuid.UUID) -> tuple[Any, ...]:
    from uuid import UUID

    return (UUID.__str__(value), value.is_safe.value)


# ------------------------------------------------------------------------ enums, tools, others


def _enum(walk: Walk, value: enum.Enum) -> str:
    name = walk.at(".name", "", value._name_)  # the class may have a `name` of its own
    return tag("enum", f"[{walk.named(type(value))},{name}{_set_on_member(walk, value)}]")


def _flag(walk: Walk, value: enum.Flag) -> str:
    # By value: unions of flags have no name of their own.
    number = walk.at(".value", "", value._value_)
    return tag("flag", f"[{walk.named(type(value))},{number}{_set_on_member(walk, value)}]")


def _set_on_member(walk: Walk, value: enum.Enum) -> str:
    """The attributes that were set on a member, after a comma.

    None of a class with a constructor, which sets attributes of its own.
    """
    kind = type(value)
    if _has_constructor(kind):
        return ""
    text = attributes(walk, value, held(walk, value, kind, _is_of_enum))
    return "" if text == "{}" else f",{text}"


def _has_constructor(kind: type[enum.Enum]) -> bool:
    from enum import Enum
    from types import FunctionType

    new = vars(kind)["_new_member_"]
    own_new = isinstance(new, FunctionType) and new.__module__ != "enum"
    return own_new or kind.__init__ is not Enum.__init__


def _is_of_enum(name: object) -> bool:
    """Whether `enum` reserves the name: ``_value_``, ``__objclass__``."""
    return isinstance(name, str) and name[:1] == name[-1:] == "_"


def _operator(walk: Walk, value: Any) -> str:
    """Getters and callers of `operator`, by what `copy` and `pickle` get of them."""
    return tag("operator", walk.at("", "", value.__reduce__()))


def _namespace(walk: Walk, value: types.SimpleNamespace) -> str:
    return tag("namespace", attributes(walk, value, vars(value)))


def _field(walk: Walk, value: dataclasses.Field[Any]) -> str:
    from dataclasses import MISSING

    members = {name: getattr(value, name, MISSING) for name in _OF_FIELDS}
    # Since Python 3.15 these have other classes: `MISSING`, and the metadata.
    members = {name: member for name, member in members.items() if member is not MISSING}
    members["metadata"] = dict(value.metadata)
    doc = getattr(value, "doc", None)
    if doc is not None:  # pragma: no cover - of Python 3.14
        members["doc"] = doc
    return tag("field", attributes(walk, value, members))


_OF_FIELDS: Final = (
    *("name", "type", "default", "default_factory", "init", "repr", "hash", "compare"),
    *("metadata", "kw_only", "_field_type"),
)
_OF_DATACLASSES: Final = ("init", "repr", "eq", "order", "unsafe_hash", "frozen")
"""What was given to `dataclass`; the rest of it shows in the class and its fields."""

_ADDRESS: Final = of_parts("ipaddress", _address)
_INTERFACE: Final = of_parts(
    "ipinterface", lambda value: (*_address(value), value.network.prefixlen)
)
_NETWORK: Final = of_parts("ipnetwork", lambda value: (value.network_address, value.prefixlen))

FORMS: Final[dict[str, Form]] = {
    "array:array": _array,
    "collections:ChainMap": _chain_map,
    "collections:Counter": _counter,
    "collections:OrderedDict": _ordered_dict,
    "collections:defaultdict": _default_dict,
    "collections:deque": _deque,
    "dataclasses:Field": _field,
    "dataclasses:_DataclassParams": of_parts(
        "dataclass", lambda value: [getattr(value, name) for name in _OF_DATACLASSES]
    ),
    "datetime:date": of_parts("date", _day),
    "datetime:datetime": of_parts("datetime", lambda value: (*_day(value), *_clock(value))),
    "datetime:time": of_parts("time", _clock),
    "datetime:tzinfo": lambda _walk, _value: tag("tzinfo", "[]"),  # its subclasses add the rules
    "datetime:timedelta": of_parts(
        "timedelta", lambda value: (value.days, value.seconds, value.microseconds)
    ),
    "datetime:timezone": of_parts(
        "timezone", lambda value: (value.utcoffset(None), value.tzname(None))
    ),
    "decimal:Decimal": _decimal,
    "fractions:Fraction": of_parts("fraction", lambda value: (value.numerator, value.denominator)),
    "ipaddress:IPv4Address": _ADDRESS,
    "ipaddress:IPv4Interface": _INTERFACE,
    "ipaddress:IPv4Network": _NETWORK,
    "ipaddress:IPv6Address": _ADDRESS,
    "ipaddress:IPv6Interface": _INTERFACE,
    "ipaddress:IPv6Network": _NETWORK,
    "operator:attrgetter": _operator,
    "operator:itemgetter": _operator,
    "operator:methodcaller": _operator,
    "pathlib:Path": _path,
    "pathlib:PosixPath": _path,
    "pathlib:PurePath": _path,
    "pathlib:PurePosixPath": _path,
    "pathlib:PureWindowsPath": _path,
    "pathlib:WindowsPath": _path,
    "re:Pattern": of_parts("pattern", lambda value: (value.pattern, int(value.flags))),
    "string.templatelib:Interpolation": of_parts(
        "interpolation",
        lambda part: (part.value, part.expression, part.conversion, part.format_spec),
    ),
    "string.templatelib:Template": of_parts("template", tuple),
    "types:SimpleNamespace": _namespace,
    "uuid:UUID": of_parts("uuid", _uuid),
    "zoneinfo:ZoneInfo": _zone_info,
}

FAMILIES: Final[dict[str, Form]] = {
    "enum:Enum": _enum,
    "enum:Flag": _flag,
    # The name finds the same logger in every process, whatever is attached to it in this one.
    "logging:Logger": of_text("logger", lambda logger: str(logger.name)),
}
