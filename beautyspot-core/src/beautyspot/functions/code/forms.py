"""Forms, which describe code as nested tuples of texts, and their digest of 32 hex digits."""

from __future__ import annotations

import hashlib
import re
from types import EllipsisType, NoneType
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable

_HEX_DIGITS: Final = 32
_BY_REPR: Final = frozenset({"datetime", "decimal", "fractions", "uuid"})
"""Modules of the standard library whose plain values are told by their `repr`."""

_BY_TYPE: Final[dict[type, Callable[[Any], object]]] = {
    NoneType: repr,
    EllipsisType: repr,
    bool: repr,
    int: "{:x}".format,  # decimal digits are limited in number
    float: repr,
    complex: repr,
    str: str,
    bytes: bytes.hex,
    range: repr,
    re.Pattern: lambda pattern: (constant_form(pattern.pattern), constant_form(pattern.flags)),
}


def constant_form(value: object) -> tuple[object, ...] | None:
    """The form of a plain constant, or None: `1`, `1.0`, `True` and `"1"` have four forms."""
    kind = type(value)
    if kind in (tuple, frozenset):
        items = [constant_form(item) for item in value]  # type: ignore[attr-defined]  # `kind` says so
        if None in items:
            return None
        # the order of a set changes with the hash seed
        return (kind.__name__, *(items if kind is tuple else sorted(items, key=text_of)))
    write = _BY_TYPE.get(kind, repr if kind.__module__ in _BY_REPR else None)
    return None if write is None else (kind.__name__, write(value))


def digest_of(form: object) -> str:
    """The digest of a form: SHA-256 of its text, cut to 128 bits."""
    return hashlib.sha256(text_of(form).encode("utf-8", "surrogatepass")).hexdigest()[:_HEX_DIGITS]


def text_of(form: object) -> str:
    """The text of a form. Items are in brackets, each text follows its length: no two are equal."""
    if isinstance(form, tuple | list):
        return f"({','.join([text_of(item) for item in form])})"
    if isinstance(form, str):
        return f"{len(form)}:{form}"
    return repr(form)
