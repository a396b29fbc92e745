"""The zones of `dateutil`.

As arguments of a call, UTC and fixed offsets count by offset and name, and so they are stored as
results; boto3 returns times in them, for example. All others count by their attributes, which hold
their rules. Refused: `tzlocal`, which is another zone on another machine. Not stored: it and zones
that were read from a file.
"""

from __future__ import annotations

from datetime import timedelta, timezone
from importlib import import_module
from typing import Any, Final

from beautyspot.errors import SerializationError, UnstableKeyError

from beautyspot_data.parts import check

_TZ: Final[Any] = import_module("dateutil.tz")  # by name: type checkers need no stubs then


def key(value: Any) -> object:
    """See `TypeSupport.key`."""
    if isinstance(value, _TZ.tzlocal):
        raise UnstableKeyError(
            "is another zone on another machine: pass the zone that it is, such as zoneinfo has"
        )
    return [] if isinstance(value, _TZ.tzutc) else [value.utcoffset(None), value.tzname(None)]


def encode(value: Any) -> object:
    """See `TypeSupport.encode`."""
    if type(value) is _TZ.tzutc:
        return []
    if type(value) is _TZ.tzoffset:
        return [value.utcoffset(None), value.tzname(None)]
    raise SerializationError("can't be stored: use a zone of zoneinfo")


def decode(form: Any) -> Any:
    """See `TypeSupport.decode`."""
    if form == []:
        return _TZ.UTC
    offset, name = check(form, timedelta, (str, type(None)))
    timezone(offset)  # a ValueError if the offset is too large
    return _TZ.tzoffset(name, offset)
