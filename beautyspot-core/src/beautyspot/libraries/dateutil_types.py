"""The zones of `dateutil`.

As arguments of a call, UTC and fixed offsets count by offset and name, and so they are stored as
results; boto3 returns times in them, for example. All others count by their attributes, which hold
their rules. Refused: `tzlocal`, which is another zone on another machine. Not stored: it and zones
that were read from a file.
"""

from __future__ import annotations

from datetime import timedelta, timezone
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from beautyspot.keys.canonical.walk import of_parts
from beautyspot.serialization.codecs.contract import Codec, codec_of_parts

if TYPE_CHECKING:
    from beautyspot.keys.canonical.walk import Form, Walk
    from beautyspot.serialization.codecs.contract import Write

_TZ: Final[Any] = import_module("dateutil.tz")  # by name: type checkers need no stubs then


def _local(walk: Walk, value: object) -> str:
    walk.refuse(value, "is another zone on another machine")


FORMS: Final[dict[str, Form]] = {
    "dateutil.tz.tz:tzlocal": _local,
    "dateutil.tz.tz:tzoffset": of_parts(
        "dateutil", lambda value: (value.utcoffset(None), value.tzname(None))
    ),
    "dateutil.tz.tz:tzutc": of_parts("dateutil", lambda _: ()),
}


def _encode_offset(value: Any, write: Write) -> list[object]:
    return [write.value(value.utcoffset(None), ".offset"), value.tzname(None)]


def _decode_offset(offset: timedelta, name: str | None) -> Any:
    timezone(offset)  # a ValueError if the offset is too large
    return _TZ.tzoffset(name, offset)


CODECS: Final[dict[type, Codec]] = {
    _TZ.tzutc: codec_of_parts(120, lambda _value, _write: [], lambda: _TZ.UTC),
    _TZ.tzoffset: codec_of_parts(121, _encode_offset, _decode_offset, timedelta, (str, type(None))),
}
