"""Codecs of value types: the standard library's, with containers, dates and zones; pydantic's."""

from __future__ import annotations

from collections import Counter, OrderedDict, defaultdict, deque
from datetime import date, datetime, time, timedelta, timezone
from decimal import MAX_EMAX, MAX_PREC, MIN_EMIN, Context, Decimal, InvalidOperation
from fractions import Fraction
from functools import partial
from importlib import import_module
from ipaddress import (
    IPv4Address,
    IPv4Interface,
    IPv4Network,
    IPv6Address,
    IPv6Interface,
    IPv6Network,
)
from pathlib import PosixPath, PurePosixPath, PureWindowsPath, WindowsPath
from types import SimpleNamespace
from typing import Any, Final
from uuid import UUID, SafeUUID
from zoneinfo import ZoneInfo

from beautyspot.functions.names import genuine
from beautyspot.serialization.codec import Attributes, Codec, Refused, check

_NOTHING: Final = type(None)

# -------------------------------------------------------------------------- dates, times, zones


def _clock(value: time | datetime) -> list[Any]:
    return [value.hour, value.minute, value.second, value.microsecond, value.fold, value.tzinfo]


def _time(hour: int, minute: int, second: int, microsecond: int, fold: int, zone: Any) -> time:
    return time(hour, minute, second, microsecond, zone, fold=fold)


def _datetime(year: int, month: int, day: int, *clock: Any) -> datetime:
    return datetime.combine(date(year, month, day), _time(*clock))


def _offset_and_name(value: timezone) -> list[Any]:
    """The name only if one was given: `tzname` would make one up."""
    offset, *name = value.__getinitargs__()  # type: ignore[attr-defined] # absent from the stubs
    return [offset, *(name or [None])]


# ----------------------------------------------------------------------------------- containers


def _held(value: Any) -> list[Any]:
    """The items, in a list with the attributes where it has some, as a `state_dict` of Torch."""
    own = vars(value)
    return [[dict(value), dict(own)] if own else dict(value)]


def _holding(cls: type[Any], part: Any) -> Any:
    items, own = part if type(part) is list else (part, {})
    check([items, own], (dict, dict))
    made = cls(items)
    vars(made).update(own)
    return made


_FACTORIES: Final[dict[str | None, Any]] = {
    None: None,
    **{
        factory.__name__: factory
        for factory in (bool, bytes, complex, dict, float, frozenset, int, list, set, str, tuple)
    },
}


def _factory_and_items(value: defaultdict[Any, Any]) -> list[Any]:
    factory = value.default_factory
    name = getattr(factory, "__name__", None)
    if _FACTORIES.get(name, factory) is not factory or name not in _FACTORIES:
        raise Refused(
            "only builtin types such as list and int can be stored as the factory of a "
            "defaultdict: return dict(…) of it"
        )
    return [name, dict(value)]


# -------------------------------------------------------------------------------------- values

# Not the program's context, which may write "e" for "E", or take bad text for NaN.
_EXACT: Final = Context(
    MAX_PREC, Emin=MIN_EMIN, Emax=MAX_EMAX, capitals=1, traps=[InvalidOperation]
)


def _by_text(code: int, *types: type[Any]) -> dict[type, Codec]:
    """One codec for a family of types, each of which is made of its own text."""
    names = {kind.__name__: kind for kind in types}

    def encode(value: Any) -> list[str]:
        if str(type(value)(str(value))) != str(value):  # a URL that was checked by other rules
            raise Refused("its text would lead to another one: return it as str(…)")
        return [type(value).__name__, str(value)]

    return dict.fromkeys(types, Codec(code, encode, lambda n, text: names[n](text), (str, str)))


_INTS: Final = (int,) * 5

STANDARD: Final[dict[type, Codec]] = {
    deque: Codec(
        20,
        lambda v: [v.maxlen, list(v)],
        lambda maxlen, items: deque(items, maxlen),
        ((int, _NOTHING), list),
    ),
    OrderedDict: Codec(21, _held, partial(_holding, OrderedDict), ((dict, list),)),
    defaultdict: Codec(
        22,
        _factory_and_items,
        lambda name, items: defaultdict(_FACTORIES[name], items),
        ((str, _NOTHING), dict),
    ),
    Counter: Codec(23, _held, partial(_holding, Counter), ((dict, list),)),
    SimpleNamespace: Codec(
        24, lambda v: [Attributes(vars(v))], lambda state: SimpleNamespace(**state), (dict,)
    ),
    genuine(date): Codec(  # by its name, which a test may have frozen
        30, lambda v: [v.year, v.month, v.day], lambda *day: date(*day), _INTS[:3]
    ),
    time: Codec(31, _clock, _time, (*_INTS, object)),
    genuine(datetime): Codec(
        32, lambda v: [v.year, v.month, v.day, *_clock(v)], _datetime, (*_INTS[:3], *_INTS, object)
    ),
    timedelta: Codec(33, lambda v: [v.days, v.seconds, v.microseconds], timedelta, _INTS[:3]),
    timezone: Codec(
        34,
        _offset_and_name,
        lambda offset, name: timezone(offset) if name is None else timezone(offset, name),
        (timedelta, (str, _NOTHING)),
    ),
    # By its key, which one that was read from a file does not give; ZoneInfo takes no path for one.
    ZoneInfo: Codec(35, lambda zone: [zone.__reduce__()[1][0]], ZoneInfo, (str,)),
    Decimal: Codec(40, lambda value: [_EXACT.to_sci_string(value)], _EXACT.create_decimal, (str,)),
    Fraction: Codec(41, lambda v: [v.numerator, v.denominator], Fraction, (int, int)),
    # Beside the bytes, whether its making was safe, if the system has said so, as for `uuid1`.
    UUID: Codec(
        42,
        lambda value: [value.bytes, value.is_safe.value],
        lambda raw, safe: UUID(bytes=raw, is_safe=SafeUUID(safe)),
        (bytes, (int, _NOTHING)),
    ),
    **_by_text(43, PurePosixPath, PureWindowsPath, PosixPath, WindowsPath),
    **_by_text(
        44, IPv4Address, IPv4Network, IPv4Interface, IPv6Address, IPv6Network, IPv6Interface
    ),
}

# ------------------------------------------------------------------------------------- pydantic


def of_pydantic() -> dict[type, Codec]:
    """The codecs of pydantic's values that are no models: addresses, and zones of time.

    Addresses are stored as their text, and made of it again; zones by their seconds. Secrets are
    not stored.
    """
    networks: Any = import_module("pydantic.networks")
    core: Any = import_module("pydantic_core")
    bases = tuple(
        base
        for base in (
            getattr(networks, "_BaseUrl", None),  # since pydantic 2.10
            getattr(networks, "_BaseMultiHostUrl", None),
            core.Url,
            core.MultiHostUrl,
        )
        if base is not None
    )
    urls = [
        cls
        for cls in (*vars(networks).values(), core.Url, core.MultiHostUrl)
        if isinstance(cls, type) and issubclass(cls, bases) and cls.__name__[0] != "_"
    ]
    mail = networks.NameEmail
    return {
        **_by_text(125, *urls),
        mail: Codec(126, lambda value: [value.name, value.email], mail, (str, str)),
        core.TzInfo: Codec(  # the zone of "2026-01-02T03:04:05Z" in a parsed model
            127, lambda zone: [int(zone.utcoffset(None).total_seconds())], core.TzInfo, (int,)
        ),
    }
