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
import sys
from struct import error as PackError  # noqa: N812 - it is a class
from struct import pack
from types import NoneType
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from array import array
    from collections.abc import Callable, Collection, Iterable

LARGE: Final = 1024
"""Longer strings (characters) and buffers (bytes) are written as their SHA-256."""

FOLD: Final = 8192
"""Longer texts of containers are written as their SHA-256, so no text grows without bound.

It is over six characters for each of a string's `LARGE`, so a string's text is never folded.
"""

_BIG: Final = 1 << 2048
"""Larger integers are written in hexadecimal.

These have under 640 digits, the smallest `sys.set_int_max_str_digits`, so `repr` never raises.
"""

_CHUNK: Final = 1 << 16  # characters to encode at a time: they fit in the processor's cache
_ODD_FLOATS: Final = {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}

quote: Final[Callable[[str], str]] = json.encoder.encode_basestring
"""A string as JSON, with non-ASCII characters as they are.

Escapes would not tell a pair of surrogates from the character that they encode in UTF-16.
"""


def tag(name: str, text: str) -> str:
    """The canonical text of a value for which JSON has no form."""
    return f'{{"${name}":{text}}}'


def utf8(text: str) -> bytes:
    """A string in UTF-8, with lone surrogates encoded as if UTF-8 allowed them."""
    return text.encode("utf-8", "surrogatepass")


def printable(text: str) -> str:
    """A canonical text with its lone surrogates escaped; nothing else in it ever is."""
    return encode(text).decode()


def encode(text: str) -> bytes:
    """A canonical text in UTF-8, with its lone surrogates escaped as in JSON."""
    return text.encode("utf-8", "backslashreplace")


def fold(text: str) -> str:
    """A text of any length, or the digest of a long one."""
    return text if len(text) <= FOLD else tag("fold", f'"{_digest_of_text(text)}"')


def blob(data: Any) -> str:
    """The JSON text of a C-contiguous buffer: hexadecimal; if large, size and digest."""
    view = memoryview(data)
    if view.nbytes <= LARGE:
        return f'"{view.tobytes().hex()}"'
    return _large(view.nbytes, hashlib.sha256(view).hexdigest())


def little_endian(numbers: array[Any]) -> array[Any]:
    """The numbers in little-endian order; the array itself stays as it is."""
    if sys.byteorder == "big":
        numbers = numbers[:]
        numbers.byteswap()
    return numbers


def chunked(chunks: Iterable[Any]) -> str:
    """As `blob` for a large buffer, of consecutive parts that are never all held at once."""
    digest = hashlib.sha256()
    size = 0
    for chunk in chunks:
        digest.update(chunk)
        size += memoryview(chunk).nbytes
    return _large(size, digest.hexdigest())


def _large(size: int, digest: str) -> str:
    return f'{{"sha256":"{digest}","size":{size}}}'


def _digest_of_text(text: str) -> str:
    digest = hashlib.sha256()
    for start in range(0, len(text), _CHUNK):
        digest.update(utf8(text[start : start + _CHUNK]))
    return digest.hexdigest()


# --------------------------------------------------------------------------------- flat values


def _int(value: int) -> str:
    if -_BIG < value < _BIG:
        return int.__repr__(value)
    return tag("int", string(format(value, "x")))


def _float(value: float) -> str:
    text = float.__repr__(value)
    return _ODD_FLOATS.get(text, text)


def string(value: str) -> str:
    """The text of an exact `str`."""
    if len(value) <= LARGE:
        return quote(value)
    return tag("str", _large(len(value), _digest_of_text(value)))


FLAT: Final[dict[type, Callable[[Any], str]]] = {
    str: string,
    int: _int,
    float: _float,
    bool: lambda value: "true" if value else "false",
    NoneType: lambda _: "null",
}
"""How values of exactly the types of JSON are written; their subclasses are left out on purpose."""


# ------------------------------------------------------------------------- many flat values at once


# The C encoder of `json`, which `json.dumps` with these options would make for each call.
_encoder: Final[Any] = json.encoder.c_make_encoder(  # type: ignore[attr-defined] # absent from the stubs
    None, None, quote, None, ":", ",", True, False, True
)


def _encode_json(value: object) -> str:
    return "".join(_encoder(value, 0))


def flat_array(items: tuple[Any, ...]) -> str | None:
    """The JSON array of `items` as `FLAT` would write it; None if one is not flat, or is large."""
    if _are_words(items):
        return _encode_json(items)
    kinds = set(map(type, items))
    return _encode_json(items) if _all_plain(kinds, items) else None


def flat_object(items: dict[str, Any]) -> str | None:
    """The JSON object of a dict with plain keys; None as for `flat_array`."""
    values = items.values()
    return _encode_json(items) if _all_plain(set(map(type, values)), values) else None


def _are_words(items: tuple[Any, ...]) -> bool:
    """Whether all are integers of 64 bits; takes a third of the time of `_all_plain`."""
    if not items or type(items[0]) is not int or list(map(type, items)).count(int) != len(items):
        return False
    try:
        pack(f"{len(items)}q", *items)
    except PackError:
        return False
    return True


def _all_plain(kinds: set[type], items: Collection[Any]) -> bool:
    """Whether the encoder writes these as `FLAT` does; fastest if all are of one type."""
    if kinds == {int}:
        return bool(min(items) > -_BIG and max(items) < _BIG)
    if kinds == {str}:
        return max(map(len, items)) <= LARGE
    return kinds <= FLAT.keys() and all(map(_is_plain, items))


def _is_plain(item: Any) -> bool:
    kind = type(item)
    if kind is str:
        return len(item) <= LARGE
    return kind is not int or -_BIG < item < _BIG


def is_plain_key(key: Any) -> bool:
    """Whether a dict with this key can be written as a JSON object."""
    return type(key) is str and len(key) <= LARGE and key[:1] != "$"
