"""Codecs of the zones of `dateutil` that mean the same on every machine: UTC and fixed offsets.

boto3, for one, answers with times in them. Not stored: `tzlocal`, which is another zone elsewhere,
and zones that were read from a file.
"""

from __future__ import annotations

from datetime import timedelta, timezone
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from beautyspot.serialization.codecs.contract import Codec, Tag, check

if TYPE_CHECKING:
    from beautyspot.serialization.codecs.contract import Read, Write

_TZ: Final[Any] = import_module("dateutil.tz")  # by name: the checkers need no stubs of it


def _decode_utc(parts: list[Any], read: Read) -> Any:
    del read
    check(parts)
    return _TZ.UTC


def _encode_offset(value: Any, write: Write) -> list[object]:
    return [write.value(value.utcoffset(None), ".offset"), value.tzname(None)]


def _decode_offset(parts: list[Any], read: Read) -> Any:
    del read
    offset, name = check(parts, timedelta, (str, type(None)))
    timezone(offset)  # a ValueError where no time of day is so far off
    return _TZ.tzoffset(name, offset)


_UTC: Final = Codec(120, lambda _value, _write: [], _decode_utc)
_OFFSET: Final = Codec(121, _encode_offset, _decode_offset)

TAGS: Final[dict[int, Tag]] = {codec.code: codec for codec in (_UTC, _OFFSET)}

_BY_TYPE: Final[dict[type, Codec]] = {_TZ.tzutc: _UTC, _TZ.tzoffset: _OFFSET}


def codec_of_type(cls: type) -> Codec | None:
    """The codec of exactly this type."""
    return _BY_TYPE.get(cls)
