"""The forms of builtin types, and of classes of the standard library and of pydantic."""

from __future__ import annotations

from types import MappingProxyType, NoneType
from typing import TYPE_CHECKING, Any, Final

from beautyspot.functions.names import identifier_of, root_of
from beautyspot.keys import callables
from beautyspot.keys.callables import named
from beautyspot.keys.held import UNSET
from beautyspot.keys.text import FLAT, blob, quote, tag
from beautyspot.keys.walk import ADVICE, NO_FORM

if TYPE_CHECKING:
    from collections.abc import Callable

    from beautyspot.keys.walk import Form, Walk

LOCKS: Final = frozenset(
    {
        *("_thread:lock", "_thread:RLock", "threading:_RLock"),
        *(f"{module}:{name}" for module in ("threading", "asyncio")
          for name in ("Lock", "Condition", "Semaphore", "BoundedSemaphore")),
    }
)  # fmt: skip
"""What orders work and holds no data: it counts as its class alone."""


def refusing(why: str = NO_FORM, advice: str = ADVICE, *, always: bool = False) -> Form:
    """The form of what has none: it raises `UnstableKeyError`.

    Args:
        why: what is wrong with it.
        advice: what to pass in its place.
        always: even where what has no form would count as its class alone.
    """

    def refuse(walk: Walk, value: object) -> str:
        walk.lenient = walk.lenient and not always
        walk.refuse(value, why, advice)

    return refuse


def _text_of(name: str, text: Callable[[Any], str]) -> Form:
    return lambda _walk, value: tag(name, quote(text(value)))


def _parts_of(name: str, parts: Callable[[Any], Any]) -> Form:
    return lambda walk, value: tag(name, walk.array(parts(value)))


def _day(value: Any) -> str:
    return f"{value.year:04}-{value.month:02}-{value.day:02}"


def _clock(value: Any) -> tuple[Any, ...]:
    time = f"{value.hour:02}:{value.minute:02}:{value.second:02}.{value.microsecond:06}"
    return (time, value.fold, value.tzinfo)


def _decimal(value: Any) -> str:
    """Digits and exponent: 1.0 is not 1.00. The case of "E" depends on the current context."""
    from decimal import Decimal

    return Decimal.__str__(value).upper()


def _ordered(walk: Walk, value: Any) -> str:
    from collections import OrderedDict

    # Not by `dict.items`, which does not know of `move_to_end`.
    return tag("ordereddict", walk.array(map(list, OrderedDict.items(value))))


def _deque(walk: Walk, value: Any) -> str:
    from collections import deque

    return tag("deque", walk.array([value.maxlen, list(deque.__iter__(value))]))


def _partial(walk: Walk, value: Any) -> str:
    from functools import partial

    parts: Any = partial.__reduce__(value)[2]
    func, args = walk.at("<func>", "", parts[0]), walk.array(parts[1], "<args>[{}]")
    return tag("partial", f"[{func},{args},{walk.mapping(parts[2])}]")


def _path(walk: Walk, value: Any) -> str:
    """Not by its attributes, which cache what was computed so far, such as the text."""
    from pathlib import PurePath

    kind = next(base for base in type(value).__mro__ if root_of(base.__module__) == "pathlib")
    return tag("path", walk.array([kind.__name__, PurePath.__str__(value)]))


def _enum(walk: Walk, value: Any) -> str:
    """Class, name and value; unions of flags have no name of their own."""
    from enum import Flag

    name = None if isinstance(value, Flag) else value._name_
    return tag("enum", f"[{named(walk, type(value))},{walk.array([name, value._value_])}]")


def _named_tuple(walk: Walk, value: Any) -> str:
    """A tuple, with the names of its fields if it has some."""
    items, names = [*tuple.__iter__(value)], getattr(type(value), "_fields", None)
    if isinstance(names, tuple) and len(names) == len(items):
        items = [[str(name), item] for name, item in zip(names, items, strict=True)]
    return tag("tuple", walk.array(items))


_BESIDE: Final = frozenset({"default", "expected", "members", "metadata", "custom_error_context"})
"""The parts of a schema of pydantic in which is no schema, but what a program has written."""


def _schema(walk: Walk, value: Any) -> str:
    """A validator of pydantic by the schema that it was made of, as `pickle` takes it apart.

    In that, a class that is named twice goes by an address: here by how many come before it.
    """
    numbers: dict[str, int] = {}

    def less_addresses(part: Any) -> Any:
        if type(part) in (list, tuple):
            return [less_addresses(each) for each in part]
        if type(part) is not dict:
            return part
        refs = {"ref", "schema_ref"} if type(part.get("type")) is str else set()
        return {
            name: numbers.setdefault(each, len(numbers))
            if name in refs and type(each) is str
            else each
            if name in _BESIDE
            else less_addresses(each)
            for name, each in part.items()
        }

    schema, *rest = value.__reduce__()[1]
    return tag("schema", walk.array([type(value).__name__, less_addresses(schema), rest]))


def _variable(walk: Walk, value: Any) -> str:
    """A context variable by its name, and by the value that it has where the call begins."""
    known = value.get(UNSET)
    return tag("variable", walk.array([value.name, *([] if known is UNSET else [known])]))


_EXACT: Final[dict[type, Form]] = {
    list: lambda walk, value: walk.array(list.__iter__(value)),
    tuple: _named_tuple,
    dict: lambda walk, value: walk.mapping(dict(dict.items(value))),
    set: lambda walk, value: tag("set", walk.sorted(set.__iter__(value))),
    frozenset: lambda walk, value: tag("frozenset", walk.sorted(frozenset.__iter__(value))),
    bytes: lambda _, value: tag("bytes", blob(value)),
    bytearray: lambda _, value: tag("bytearray", blob(value)),
    memoryview: lambda walk, value: tag(
        "memoryview",
        f"[{walk.array([value.format, list(value.shape or ()), value.readonly])},"
        f"{blob(value if value.c_contiguous else value.tobytes())}]",
    ),
    NoneType: lambda _, value: FLAT[NoneType](value),
    bool: lambda _, value: FLAT[bool](value),
    str: lambda _, value: FLAT[str](str.__str__(value)),
    int: lambda _, value: FLAT[int](int.__int__(value)),
    float: lambda _, value: FLAT[float](float.__float__(value)),
    complex: _parts_of("complex", lambda value: (value.real, value.imag)),
    MappingProxyType: lambda walk, value: tag("mappingproxy", walk.at("", "", value.copy())),
}
"""Forms of the builtin types, which call methods of these: a subclass may override its own."""

_BY_NAME: Final[dict[str, Form]] = {
    # Neither traceback nor cause. What classes in C keep beside the arguments is in their slots.
    "builtins:BaseException": lambda walk, value: tag("error", walk.array(value.args, ".args[{}]")),
    "datetime:date": _text_of("date", _day),
    "datetime:datetime": _parts_of("datetime", lambda value: (_day(value), *_clock(value))),
    "datetime:time": _parts_of("time", _clock),
    "datetime:timedelta": _parts_of(
        "timedelta", lambda value: (value.days, value.seconds, value.microseconds)
    ),
    "zoneinfo:ZoneInfo": _text_of("zoneinfo", lambda zone: zone.__reduce__()[1][0]),  # its key
    "uuid:UUID": _parts_of("uuid", lambda value: (f"{value.int:032x}", value.is_safe.value)),
    "decimal:Decimal": _text_of("decimal", _decimal),
    "collections:OrderedDict": _ordered,
    "collections:defaultdict": lambda walk, value: tag(
        "defaultdict",
        f"[{walk.at('.default_factory', '', value.default_factory)},"
        f"{walk.mapping(dict(dict.items(value)))}]",
    ),
    "collections:deque": _deque,
    "functools:partial": _partial,
    "_contextvars:ContextVar": _variable,
    **dict.fromkeys(LOCKS, _text_of("lock", lambda value: identifier_of(type(value)))),
    **dict.fromkeys(
        (
            *("pathlib:Path", "pathlib:PosixPath", "pathlib:WindowsPath"),
            *("pathlib:PurePath", "pathlib:PurePosixPath", "pathlib:PureWindowsPath"),
        ),
        _path,
    ),
}
"""Those of the standard library, by the top-level module and the name of a class."""

FAMILIES: Final[dict[str, Form]] = {
    "enum:Enum": _enum,
    "random:Random": lambda walk, value: refusing(
        "is another one after each use", "pass a seed, and make it of that inside", always=True
    )(walk, value),
    "logging:Logger": _text_of("logger", lambda logger: str(logger.name)),
    **dict.fromkeys(
        [f"pydantic_core._pydantic_core:Schema{name}" for name in ("Validator", "Serializer")],
        _schema,
    ),
    "pydantic.type_adapter:TypeAdapter": _parts_of("adapter", lambda it: (it._type, it._config)),
}
"""The same of classes whose subclasses are written alike."""


def has_own_form(module: str) -> bool:
    """Whether beautyspot itself has forms of classes of a module, given its dotted name."""
    return root_of(module) in _OWN


_OWN: Final = {
    *(name.partition(":")[0] for name in (*_BY_NAME, *FAMILIES)),
    *(cls.__module__ for cls in callables.FAMILIES),
    *("array", "collections", "dataclasses", "fractions", "ipaddress", "operator", "pydantic"),
    *("pydantic_core", "random", "re", "string", "types"),
}


def base_form(cls: type) -> Form | None:
    """The form of exactly this class, if it is one of these."""
    return _EXACT.get(cls) or _BY_NAME.get(rooted(cls))


def rooted(cls: type) -> str:
    """A class by its top-level module and its name, as the tables have it."""
    return f"{root_of(cls.__module__)}:{cls.__qualname__}"
