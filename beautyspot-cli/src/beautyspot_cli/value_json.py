"""Stored values as JSON: what JSON has as it is, anything else named after its class."""

from __future__ import annotations

import math
from base64 import b64encode
from datetime import date, time
from typing import Any, Final

from beautyspot import Content, ErrorInstance, Instance

from beautyspot_cli.value_texts import is_long

LONGEST: Final = 3000
"""Bytes: of more than these a document has the number alone."""


def as_json(value: object) -> Any:
    """The value for a JSON document.

    Tuples and sets are lists, dates and times ISO text, keys texts; where two keys would be the
    same text, as 1 and "1", the dictionary is ``{"$dict": pairs}``. Bytes are their number as
    ``"$bytes"``, and themselves as ``"$base64"`` where they are few.
    An instance is ``{"$class": name, ...fields}``, an error that the function raised has "$error"
    in the place of "$class", anything else has its repr as ``"$text"``.
    """
    if value is None or isinstance(value, bool | str | int):
        is_plain = type(value) in (type(None), bool, str, int) and not is_long(value)
        return value if is_plain else _other(value)
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else _other(value)
    if isinstance(value, bytes | bytearray):
        return _bytes(value)
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, Instance):
        kind = "$error" if isinstance(value, ErrorInstance) else "$class"
        return {kind: value.class_name, **_fields(dict(value.fields))}
    if isinstance(value, dict):
        return _dictionary(value)
    if isinstance(value, list | tuple | set | frozenset):
        return [as_json(one) for one in value]
    return _other(value)


def _dictionary(value: dict[Any, Any]) -> dict[str, Any]:
    found = _fields(value)
    if len(found) == len(value):
        return found
    return {"$dict": [[as_json(key), as_json(one)] for key, one in value.items()]}


def _bytes(value: bytes | bytearray) -> dict[str, Any]:
    told = {"$bytes": len(value)}
    return told if len(value) > LONGEST else {**told, "$base64": b64encode(value).decode()}


def _fields(fields: dict[Any, Any]) -> dict[str, Any]:
    return {key if isinstance(key, str) else repr(key): as_json(one) for key, one in fields.items()}


def _other(value: object) -> dict[str, Any]:
    if isinstance(value, Content):  # of a `File`
        return {"$bytes": value.size, "$type": value.content_type}
    kind = type(value)
    return {
        "$class": f"{kind.__module__}.{kind.__qualname__}",
        "$text": hex(value) if is_long(value) else repr(value),
    }
