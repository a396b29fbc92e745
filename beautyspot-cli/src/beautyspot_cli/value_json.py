"""Stored values as JSON: what JSON has as it is, anything else named after its class."""

from __future__ import annotations

import math
from datetime import date, time
from typing import Any

from beautyspot import Instance

from beautyspot_cli.value_texts import is_long


def as_json(value: object) -> Any:
    """The value for a JSON document.

    Tuples and sets are lists, dates and times ISO text, bytes ``{"$bytes": hex}``, keys texts;
    where two keys would be the same text, as 1 and "1", the dictionary is ``{"$dict": pairs}``.
    An instance is ``{"$class": name, ...fields}``, anything else has its repr as ``"$text"``.
    """
    if value is None or isinstance(value, bool | str | int):
        is_plain = type(value) in (type(None), bool, str, int) and not is_long(value)
        return value if is_plain else _other(value)
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else _other(value)
    if isinstance(value, bytes | bytearray):
        return {"$bytes": bytes(value).hex()}
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, Instance):
        return {"$class": value.class_name, **_fields(dict(value.fields))}
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


def _fields(fields: dict[Any, Any]) -> dict[str, Any]:
    return {key if isinstance(key, str) else repr(key): as_json(one) for key, one in fields.items()}


def _other(value: object) -> dict[str, str]:
    kind = type(value)
    return {
        "$class": f"{kind.__module__}.{kind.__qualname__}",
        "$text": hex(value) if is_long(value) else repr(value),
    }
