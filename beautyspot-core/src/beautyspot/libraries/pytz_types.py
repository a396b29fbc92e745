"""The zones of `pytz`: as arguments of a call, and as results.

In a key and in stored bytes they are their name, with the period of a localised zone: the parts of
their `__reduce__`.
"""

from __future__ import annotations

import re
from datetime import timedelta
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from beautyspot.errors import RestoreError
from beautyspot.keys.canonical.text import tag
from beautyspot.keys.canonical.walk import of_parts
from beautyspot.serialization.codecs.contract import Codec, Refused, check, codec_of_parts
from beautyspot.serialization.codecs.standard import ZONE_KEY

if TYPE_CHECKING:
    from beautyspot.keys.canonical.walk import Form, Walk
    from beautyspot.serialization.codecs.contract import Read, Write

_PYTZ: Final[Any] = import_module("pytz")  # by name: type checkers need no stubs then


# ------------------------------------------------------------------------------------------- keys


def _pytz_zone(walk: Walk, value: Any) -> str:
    """The name; for a zone with several periods, also its period."""
    if type(value) is not type(_named(value.zone)):
        walk.refuse(value, "is not the zone that pytz has under its name")
    return tag("pytz", walk.array([value.zone, *value.__reduce__()[1][1:]]))


def _named(key: Any) -> Any:
    try:
        return _PYTZ.timezone(key)
    except (_PYTZ.UnknownTimeZoneError, AttributeError, TypeError):  # not the name of a zone
        return None


FAMILIES: Final[dict[str, Form]] = {
    "pytz.tzinfo:BaseTzInfo": _pytz_zone,  # each zone has a class of its own below it
    "pytz:_FixedOffset": of_parts("pytz", lambda value: (value.utcoffset(None),)),
}

# ----------------------------------------------------------------------------------------- values


def _encode_zone(value: Any, _write: Write) -> list[object]:
    """The key; for a zone with several periods, its period: offset, daylight saving, name."""
    period = value.__reduce__()[1][1:]
    if not _is_key(value.zone) or _zone(value.zone, period) is not value:
        raise Refused("pytz.timezone(…) does not return this zone: use one that it returns")
    return [value.zone, *period]


def _decode_zone(parts: list[Any], _read: Read) -> Any:
    key, *period = check(parts, *(str, int, int, str)[: max(1, len(parts))])
    if not _is_key(key):  # pytz checks it, too; stored text never becomes a path
        raise RestoreError("a zone with an invalid key")
    return _zone(key, tuple(period))


def _is_key(text: object) -> bool:
    return isinstance(text, str) and re.fullmatch(ZONE_KEY, text) is not None


def _zone(key: str, period: tuple[Any, ...]) -> Any:
    zone = _PYTZ.timezone(key)
    if not period:
        return zone
    utcoffset, dst, name = period
    return zone._tzinfos[timedelta(seconds=utcoffset), timedelta(seconds=dst), name]


def _encode_offset(value: Any, _write: Write) -> list[object]:
    return [value.utcoffset(None) // timedelta(minutes=1)]


CODECS: Final[dict[type, Codec]] = {
    _PYTZ.tzinfo.BaseTzInfo: Codec(122, _encode_zone, _decode_zone),
    _PYTZ._FixedOffset: codec_of_parts(123, _encode_offset, _PYTZ.FixedOffset, int),
}


def codec_of_type(cls: type) -> Codec | None:
    """The codec of a zone, each of which has a class of its own, or of a fixed offset."""
    zone = _PYTZ.tzinfo.BaseTzInfo
    return CODECS.get(cls) or (CODECS[zone] if issubclass(cls, zone) else None)
