"""Stored values as JSON: what JSON has as it is, anything else named after its class."""

from __future__ import annotations

import math
from datetime import date, time
from typing import Any

from beautyspot import Instance


def as_json(value: object) -> Any:
    """The value for a JSON document.

    Tuples and sets are lists, dates and times ISO text, bytes ``{"$bytes": hex}``, keys texts.
    An instance is ``{"$class": name, ...fields}``, anything else has its repr as ``"$text"``.
    """
    if value is None or isinstance(value, bool | str | int):
        return value if type(value) in (type(None), bool, str, int) else _other(value)
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else _other(value)
    if isinstance(value, bytes | bytearray):
        return {"$bytes": bytes(value).hex()}
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, Instance):
        return {"$class": value.class_name, **_fields(dict(value.fields))}
    if isinstance(value, dict):
        return _fields(value)
    if isinstance(value, list | tuple | set | frozenset):
        return [as_json(one) for one in value]
    return _other(value)


def _fields(fields: dict[Any, Any]) -> dict[str, Any]:
    return {key if isinstance(key, str) else repr(key): as_json(one) for key, one in fields.items()}


def _other(value: object) -> dict[str, str]:
    kind = type(value)
    return {"$class": f"{kind.__module__}.{kind.__qualname__}", "$text": repr(value)}
