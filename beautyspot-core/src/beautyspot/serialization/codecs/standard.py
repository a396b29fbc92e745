"""Codecs of the standard library's value types, containers, dates, times and zones."""

from __future__ import annotations

import re
import sys
from array import array
from collections import Counter, OrderedDict, defaultdict, deque
from datetime import date, datetime, time, timedelta, timezone
from decimal import MAX_EMAX, MAX_PREC, MIN_EMIN, Context, Decimal, InvalidOperation
from fractions import Fraction
from ipaddress import (
    IPv4Address,
    IPv4Interface,
    IPv4Network,
    IPv6Address,
    IPv6Interface,
    IPv6Network,
)
from pathlib import PosixPath, PurePosixPath, PureWindowsPath, WindowsPath
from pickle import PicklingError
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID, SafeUUID
from zoneinfo import ZoneInfo

from beautyspot.errors import RestoreError
from beautyspot.functions.frozen import genuine
from beautyspot.serialization.codecs.contract import (
    Codec,
    Refused,
    check,
    codec_of_parts,
    refuse_attributes,
)

if TYPE_CHECKING:
    from beautyspot.serialization.codecs.contract import Read, Write


def _encode_date(value: date, _write: Write) -> list[object]:
    return [value.year, value.month, value.day]


def _encode_time(value: time | datetime, write: Write) -> list[object]:
    return [
        value.hour,
        value.minute,
        value.second,
        value.microsecond,
        value.fold,
        write.value(value.tzinfo, ".tzinfo"),
    ]


def _encode_datetime(value: datetime, write: Write) -> list[object]:
    return [value.year, value.month, value.day, *_encode_time(value, write)]


def _decode_time(
    hour: int, minute: int, second: int, microsecond: int, fold: int, zone: Any
) -> time:
    return time(hour, minute, second, microsecond, zone, fold=fold)


def _decode_date(year: int, month: int, day: int) -> date:
    return date(year, month, day)


def _decode_datetime(year: int, month: int, day: int, *clock: Any) -> datetime:
    return datetime.combine(date(year, month, day), _decode_time(*clock))


def _encode_timedelta(value: timedelta, _write: Write) -> list[object]:
    return [value.days, value.seconds, value.microseconds]


def _encode_timezone(value: timezone, write: Write) -> list[object]:
    """The offset, and the name if one was given: `tzname` would make one up."""
    offset, *name = value.__getinitargs__()  # type: ignore[attr-defined] # absent from the stubs
    return [write.value(offset, ".offset"), *write.items(name)]


ZONE_KEY: Final = r"[A-Za-z0-9_+-]+(/[A-Za-z0-9_+-]+)*"
"""A key of the IANA time zone database, such as Europe/Berlin."""


def _encode_zone(value: ZoneInfo, _write: Write) -> list[object]:
    if value.key is None or not re.fullmatch(ZONE_KEY, value.key):
        raise Refused(
            "a zone without a key of the IANA time zone database is not stored: use ZoneInfo(key)"
        )
    try:
        value.__reduce__()
    except PicklingError as error:  # it may have been given the key of another zone
        raise Refused("a zone read from a file is not stored: use ZoneInfo(key)") from error
    return [value.key]


def _decode_zone(key: str) -> ZoneInfo:
    if not re.fullmatch(ZONE_KEY, key):  # ZoneInfo checks it, too; stored text never becomes a path
        raise RestoreError("a zone with an invalid key")
    return ZoneInfo(key)


def _encode_deque(value: deque[object], write: Write) -> list[object]:
    return [value.maxlen, write.items(value)]


def _decode_deque(maxlen: int | None, items: list[Any]) -> deque[Any]:
    if maxlen is not None and maxlen < len(items):
        raise RestoreError("a deque longer than its own limit")
    return deque(items, maxlen)


def _encode_mapping(value: dict[Any, object], write: Write) -> list[object]:
    refuse_attributes(value)
    return [write.mapping(value)]


_FACTORIES: Final[dict[str | None, Any]] = {
    None: None,
    **{
        factory.__name__: factory
        for factory in (bool, bytes, complex, dict, float, frozenset, int, list, set, str, tuple)
    },
}


def _encode_default(value: defaultdict[Any, object], write: Write) -> list[object]:
    factory = value.default_factory
    name = getattr(factory, "__name__", None)
    if _FACTORIES.get(name, factory) is not factory or name not in _FACTORIES:
        raise Refused(
            "only builtin types such as list and int can be stored as the factory of a "
            "defaultdict: return dict(…) of it"
        )
    return [name, write.mapping(value)]


def _decode_default(name: str | None, items: dict[Any, Any]) -> defaultdict[Any, Any]:
    return defaultdict(_FACTORIES[name], items)


def _encode_namespace(value: SimpleNamespace, write: Write) -> list[object]:
    return [write.attributes(vars(value))]


def _encode_array(value: array[Any], write: Write) -> list[object]:
    if value.typecode not in "bBhHiIlLqQfd":
        raise Refused("array('u') is deprecated and differs between systems: return the text")
    size = len(value) * value.itemsize

    def fill(out: bytearray) -> None:
        if value:  # an empty view can't be cast
            out += memoryview(value).cast("B")

    return [value.typecode, value.itemsize, sys.byteorder, write.buffer(size, fill)]


def _decode_array(parts: list[Any], read: Read) -> array[Any]:
    code, itemsize, order, part = check(parts, str, int, str, (bytes, int))
    if code not in "bBhHiIlLqQfd" or array(code).itemsize != itemsize:
        raise RestoreError(
            f"an array {code!r} of {itemsize} bytes an item is unknown on this system"
        )
    value = array(code)
    value.frombytes(read.buffer(part))
    if order != sys.byteorder:
        value.byteswap()
    return value


# -------------------------------------------------------------------------------------- values

# Not the program's context, which may write "e" for "E", or take bad text for NaN.
_EXACT: Final = Context(
    MAX_PREC, Emin=MIN_EMIN, Emax=MAX_EMAX, capitals=1, traps=[InvalidOperation]
)


def _decode_decimal(text: str) -> Decimal:
    value = _EXACT.create_decimal(text)
    if _EXACT.to_sci_string(value) != text:
        raise RestoreError("a decimal number that is not in its own form")
    return value


def _encode_fraction(value: Fraction, write: Write) -> list[object]:
    return [
        write.value(value.numerator, ".numerator"),
        write.value(value.denominator, ".denominator"),
    ]


def _encode_uuid(value: UUID, _write: Write) -> list[object]:
    """The bytes; and, if the system has said so, whether its making was safe, as for `uuid1`."""
    safe = value.is_safe.value
    return [value.bytes] if safe is None else [value.bytes, safe]


def _decode_uuid(raw: bytes, safe: int | None = None) -> UUID:
    return UUID(bytes=raw, is_safe=SafeUUID(safe))


def _by_text(code: int, types: tuple[type[Any], ...]) -> dict[type, Codec]:
    """One codec for a family of types, each of which is made of its own text."""
    names = {kind.__name__: kind for kind in types}

    def encode(value: object, write: Write) -> list[object]:
        return [type(value).__name__, write.value(str(value), "")]

    codec = codec_of_parts(code, encode, lambda name, text: names[name](text), str, str)
    return dict.fromkeys(types, codec)


_PATHS: Final = (PurePosixPath, PureWindowsPath, PosixPath, WindowsPath)
_ADDRESSES: Final = (
    IPv4Address,
    IPv4Network,
    IPv4Interface,
    IPv6Address,
    IPv6Network,
    IPv6Interface,
)

CODECS: Final[dict[type, Codec]] = {
    deque: codec_of_parts(20, _encode_deque, _decode_deque, (int, type(None)), list),
    OrderedDict: codec_of_parts(21, _encode_mapping, OrderedDict, dict),
    defaultdict: codec_of_parts(22, _encode_default, _decode_default, (str, type(None)), dict),
    Counter: codec_of_parts(23, _encode_mapping, Counter, dict),
    SimpleNamespace: codec_of_parts(
        24, _encode_namespace, lambda state: SimpleNamespace(**state), dict
    ),
    array: Codec(25, _encode_array, _decode_array),
    genuine(date): codec_of_parts(30, _encode_date, _decode_date, *[int] * 3),
    time: codec_of_parts(31, _encode_time, _decode_time, *[int] * 5, object),
    genuine(datetime): codec_of_parts(32, _encode_datetime, _decode_datetime, *[int] * 8, object),
    timedelta: codec_of_parts(33, _encode_timedelta, timedelta, *[int] * 3),
    timezone: codec_of_parts(34, _encode_timezone, timezone, timedelta, str, ...),
    ZoneInfo: codec_of_parts(35, _encode_zone, _decode_zone, str),
    Decimal: codec_of_parts(
        40, lambda value, _: [_EXACT.to_sci_string(value)], _decode_decimal, str
    ),
    Fraction: codec_of_parts(41, _encode_fraction, Fraction, int, int),
    UUID: codec_of_parts(42, _encode_uuid, _decode_uuid, bytes, int, ...),
    **_by_text(43, _PATHS),
    **_by_text(44, _ADDRESSES),
    # 45 was that of compiled patterns, before 3.0.0 was released.
}
