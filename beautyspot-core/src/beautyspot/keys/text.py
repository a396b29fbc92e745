"""The leaves of the canonical text: flat values, tags, and digests of what is large.

Plain JSON says ``null``, ``true``, ``1``, ``1.0``, ``"a"``, ``[…]`` and ``{"key": …}``, and here
these mean exactly `None`, `bool`, `int`, `float`, `str`, `list` and `dict` with string keys.
Any other value is an object with one key that starts with ``$``, such as ``{"$tuple":[1,2]}``. A
dict that has such a key is written ``{"$dict":[[key,value],…]}``, so no two values are confused.

Numbers follow Python's own dialect of JSON (RFC 8259 with ``NaN`` and ``Infinity``). The text of a
float has a point, an exponent or letters, so it is never that of an integer.
"""

from __future__ import annotations

import hashlib
import json.encoder
from marshal import dumps
from types import NoneType
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

LARGE: Final = 1024
"""Longer strings (characters) and buffers (bytes) are written as their SHA-256."""

BEGIN: Final = 300
"""So many characters of a longer string are written beside its SHA-256, for people."""

MANY: Final = 256
"""More floats, or integers of 32 bits, in one list or tuple are written as their SHA-256."""

FOLD: Final = 8192
"""Longer texts of containers are written as their SHA-256, so no text grows without bound.

It is over six characters for each of a string's `LARGE`, so a string's text is never folded.
"""

BIG: Final = 1 << 2048
"""Larger integers are written in hexadecimal.

These have under 640 digits, the smallest `sys.set_int_max_str_digits`, so `repr` never raises.
"""

_ODD_FLOATS: Final = {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}

quote: Final[Callable[[str], str]] = json.encoder.encode_basestring
"""A string as JSON, with non-ASCII characters as they are.

Escapes would not tell a pair of surrogates from the character that they encode in UTF-16.
"""


def tag(name: str, text: str) -> str:
    """The canonical text of a value for which JSON has no form."""
    return f'{{"${name}":{text}}}'


def fold(text: str, value: Any) -> str:
    """The text of a value, or where that is long its digest, with what it is for people."""
    if len(text) <= FOLD:
        return text
    kind = type(value)
    told = f'"{kind.__name__}",[{len(value)}]' if kind in _CONTAINERS else '"object",null'
    return tag("fold", f'[{told},"{_digest_of_text(text)}"]')


_CONTAINERS: Final = (list, tuple, dict, set, frozenset)


def blob(data: Any) -> str:
    """The JSON text of a C-contiguous buffer: hexadecimal; if large, size and digest."""
    view = memoryview(data)
    if view.nbytes <= LARGE:
        return f'"{view.tobytes().hex()}"'
    return f'{{"sha256":"{hashlib.sha256(view).hexdigest()}","size":{view.nbytes}}}'


def _digest_of_text(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


# --------------------------------------------------------------------------------- flat values


def _int(value: int) -> str:
    if -BIG < value < BIG:
        return int.__repr__(value)
    return tag("int", string(format(value, "x")))


def _float(value: float) -> str:
    text = float.__repr__(value)
    return _ODD_FLOATS.get(text, text)


def string(value: str) -> str:
    """The text of an exact `str`."""
    if len(value) <= LARGE:
        return quote(value)
    digest, begin = _digest_of_text(value), quote(value[:BEGIN])
    return tag("str", f'{{"begin":{begin},"sha256":"{digest}","size":{len(value)}}}')


FLAT: Final[dict[type, Callable[[Any], str]]] = {
    str: string,
    int: _int,
    float: _float,
    bool: lambda value: "true" if value else "false",
    NoneType: lambda _: "null",
}
"""How values of exactly the types of JSON are written; their subclasses are left out on purpose."""


def texts_of_column(values: Collection[Any]) -> list[str]:
    """The texts of many flat values, as `FLAT` writes them, without a call for each if all fit."""
    kinds = {*map(type, values)}
    if kinds == {int} and min(values) > -BIG and max(values) < BIG:
        return [*map(repr, values)]
    if kinds == {str} and max(map(len, values)) <= LARGE:
        return [*map(quote, values)]
    return [FLAT[type(value)](value) for value in values]


# ------------------------------------------------------------------------- many flat values at once


# What many numbers are called; how `marshal` writes one: the first byte, and how many they are.
_PACKED: Final[dict[type, tuple[str, bytes, int]]] = {
    int: ("ints", b"i", 5),
    float: ("floats", b"g", 9),
}

# The C encoder of `json`, which `json.dumps` with these options would make for each call.
_encoder: Final[Any] = json.encoder.c_make_encoder(  # type: ignore[attr-defined] # absent from the stubs
    None, None, quote, None, ":", ",", True, False, True
)


def many_numbers(items: Any) -> str | None:
    """The text of a list or tuple of over `MANY` integers, or floats; None if it is none.

    And where one of them is large. Floats are so from 2**1009 on, and so are NaNs, which all count
    as one.
    """
    form = _PACKED.get(type(items[0])) if len(items) > MANY else None
    if form is None:
        return None
    name, mark, width = form
    try:
        data = dumps(items, 2)  # after a head of five bytes, the mark and the bytes of each
    except ValueError:  # there are others among them
        return None
    fits = len(data) == 5 + width * len(items) and data[5::width].count(mark) == len(items)
    tops = data[13::9] if width == 9 else b""  # the sign and the seven highest bits of exponents
    if not fits or b"\x7f" in tops or b"\xff" in tops:
        return None
    digest = hashlib.sha256(b"(")  # as the head of a tuple begins, also for a list
    digest.update(memoryview(data)[1:])
    return tag(name, f'["{digest.hexdigest()}",[{len(items)}]]')


def flat_json(container: Any, values: Collection[Any]) -> str | None:
    """The JSON of a tuple or of a dict with plain keys, as `FLAT` would write its values.

    None if one of these is not flat, or large. Fastest if all are of one type.
    """
    kinds = set(map(type, values))
    if kinds == {int}:
        are_plain = bool(min(values) > -BIG and max(values) < BIG)
    elif kinds == {str}:
        are_plain = max(map(len, values)) <= LARGE
    else:
        are_plain = kinds <= FLAT.keys() and all(map(_is_plain, values))
    return "".join(_encoder(container, 0)) if are_plain else None


def _is_plain(item: Any) -> bool:
    kind = type(item)
    if kind is str:
        return len(item) <= LARGE
    return kind is not int or -BIG < item < BIG


def is_plain_key(key: Any) -> bool:
    """Whether a dict with this key can be written as a JSON object."""
    return type(key) is str and len(key) <= LARGE and key[:1] != "$"
