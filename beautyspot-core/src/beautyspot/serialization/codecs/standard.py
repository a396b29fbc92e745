"""Codecs of the standard library's value types and containers, but for the times (see `times`)."""

from __future__ import annotations

import re
import sys
from array import array
from collections import Counter, OrderedDict, defaultdict, deque
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
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from beautyspot.errors import RestoreError
from beautyspot.serialization.codecs.contract import Codec, Refused, check, refuse_attributes

if TYPE_CHECKING:
    from beautyspot.serialization.codecs.contract import Read, Write

# --------------------------------------------------------------------------------- containers


def _encode_deque(value: deque[object], write: Write) -> list[object]:
    return [value.maxlen, write.items(value)]


def _decode_deque(parts: list[Any], read: Read) -> deque[Any]:
    del read
    maxlen, items = check(parts, (int, type(None)), list)
    if maxlen is not None and maxlen < len(items):
        raise RestoreError("a deque longer than its own limit")
    return deque(items, maxlen)


def _encode_mapping(value: dict[Any, object], write: Write) -> list[object]:
    refuse_attributes(value)
    return [write.mapping(value)]


def _decode_ordered(parts: list[Any], read: Read) -> OrderedDict[Any, Any]:
    del read
    return OrderedDict(*check(parts, dict))


def _decode_counter(parts: list[Any], read: Read) -> Counter[Any]:
    del read
    return Counter(*check(parts, dict))


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


def _decode_default(parts: list[Any], read: Read) -> defaultdict[Any, Any]:
    del read
    name, items = check(parts, (str, type(None)), dict)
    if name not in _FACTORIES:
        raise RestoreError(f"an unknown factory {name!r}")
    return defaultdict(_FACTORIES[name], items)


def _encode_namespace(value: SimpleNamespace, write: Write) -> list[object]:
    return [write.attributes(vars(value))]


def _decode_namespace(parts: list[Any], read: Read) -> SimpleNamespace:
    del read
    return SimpleNamespace(**check(parts, dict)[0])


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

# A context of our own: the program's may write exponents small, or let bad text pass as NaN.
_EXACT: Final = Context(
    MAX_PREC, Emin=MIN_EMIN, Emax=MAX_EMAX, capitals=1, traps=[InvalidOperation]
)


def _encode_decimal(value: Decimal, write: Write) -> list[object]:
    del write
    return [_EXACT.to_sci_string(value)]


def _decode_decimal(parts: list[Any], read: Read) -> Decimal:
    del read
    [text] = check(parts, str)
    value = _EXACT.create_decimal(text)
    if _EXACT.to_sci_string(value) != text:
        raise RestoreError("a decimal number that is not in its own form")
    return value


def _encode_fraction(value: Fraction, write: Write) -> list[object]:
    return [
        write.value(value.numerator, ".numerator"),
        write.value(value.denominator, ".denominator"),
    ]


def _decode_fraction(parts: list[Any], read: Read) -> Fraction:
    del read
    return Fraction(*check(parts, int, int))


def _decode_uuid(parts: list[Any], read: Read) -> UUID:
    del read
    return UUID(bytes=check(parts, bytes)[0])


def _by_text(code: int, types: tuple[type[Any], ...]) -> dict[type, Codec]:
    """One codec for a family of types of which each is made from its own text."""
    names = {kind.__name__: kind for kind in types}

    def encode(value: object, write: Write) -> list[object]:
        return [type(value).__name__, write.value(str(value), "")]

    def decode(parts: list[Any], read: Read) -> object:
        del read
        name, text = check(parts, str, str)
        if name not in names:
            raise RestoreError(f"an unknown type {name!r}")
        return names[name](text)

    return dict.fromkeys(types, Codec(code, encode, decode))


_FLAGS: Final = (
    re.ASCII | re.IGNORECASE | re.LOCALE | re.MULTILINE | re.DOTALL | re.UNICODE | re.VERBOSE
)


def _encode_pattern(value: re.Pattern[Any], write: Write) -> list[object]:
    if value.flags & ~_FLAGS:
        raise Refused("a pattern compiled with re.DEBUG would print when restored: leave it out")
    return [write.value(value.pattern, ".pattern"), value.flags]


def _decode_pattern(parts: list[Any], read: Read) -> re.Pattern[Any]:
    del read
    pattern, flags = check(parts, (str, bytes), int)
    if flags & ~_FLAGS:
        raise RestoreError("a pattern with unknown flags")
    return re.compile(pattern, flags)


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
    deque: Codec(20, _encode_deque, _decode_deque),
    OrderedDict: Codec(21, _encode_mapping, _decode_ordered),
    defaultdict: Codec(22, _encode_default, _decode_default),
    Counter: Codec(23, _encode_mapping, _decode_counter),
    SimpleNamespace: Codec(24, _encode_namespace, _decode_namespace),
    array: Codec(25, _encode_array, _decode_array),
    Decimal: Codec(40, _encode_decimal, _decode_decimal),
    Fraction: Codec(41, _encode_fraction, _decode_fraction),
    UUID: Codec(42, lambda value, _: [value.bytes], _decode_uuid),
    **_by_text(43, _PATHS),
    **_by_text(44, _ADDRESSES),
    re.Pattern: Codec(45, _encode_pattern, _decode_pattern),
}
