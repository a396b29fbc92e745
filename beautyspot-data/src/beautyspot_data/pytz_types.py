"""The zones of `pytz`: as arguments of a call, and as results.

In a key and in stored bytes they are their name, with the period of a localised zone: the parts of
their `__reduce__`.
"""

from __future__ import annotations

import re
from datetime import timedelta
from importlib import import_module
from typing import Any, Final

from beautyspot.errors import SerializationError, UnstableKeyError

from beautyspot_data.parts import check

_PYTZ: Final[Any] = import_module("pytz")  # by name: type checkers need no stubs then
_KEY: Final = r"[A-Za-z0-9_+-]+(/[A-Za-z0-9_+-]+)*"
"""The names of zones; none is a path."""


def key(value: Any) -> object:
    """See `TypeSupport.key`: the name; for a zone with several periods, also its period."""
    if isinstance(value, _PYTZ._FixedOffset):
        return value.utcoffset(None)
    if type(value) is not type(_named(value.zone)):
        raise UnstableKeyError(
            "is not the zone that pytz has under its name: pass pytz.timezone(…)"
        )
    return value.zone, *value.__reduce__()[1][1:]


def _named(name: Any) -> Any:
    try:
        return _PYTZ.timezone(name)
    except (_PYTZ.UnknownTimeZoneError, AttributeError, TypeError):  # not the name of a zone
        return None


def encode(value: Any) -> object:
    """See `TypeSupport.encode`. A period is an offset, daylight saving, and a name."""
    if type(value) is _PYTZ._FixedOffset:
        return [value.utcoffset(None) // timedelta(minutes=1)]
    period = value.__reduce__()[1][1:]
    is_key = isinstance(value.zone, str) and re.fullmatch(_KEY, value.zone)
    if not is_key or _zone(value.zone, period) is not value:
        raise SerializationError(
            "is not what pytz.timezone(…) returns for its name: use a zone that it returns"
        )
    return [value.zone, *period]


def decode(form: Any) -> Any:
    """See `TypeSupport.decode`."""
    if type(form) is list and [*map(type, form)] == [int]:
        return _PYTZ.FixedOffset(form[0])
    name, *period = check(form, *(str, int, int, str)[: 1 if len(form) == 1 else 4])
    if not re.fullmatch(_KEY, name):  # pytz checks it, too; stored text never becomes a path
        raise ValueError("a zone with an invalid key")
    return _zone(name, tuple(period))


def _zone(name: str, period: tuple[Any, ...]) -> Any:
    zone = _PYTZ.timezone(name)
    if not period:
        return zone
    utcoffset, dst, title = period
    return zone._tzinfos[timedelta(seconds=utcoffset), timedelta(seconds=dst), title]
