"""The forms of the zones of `dateutil` and `pytz`, by the parts of their `__reduce__`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Final

from beautyspot.keys.canonical.forms import of_parts
from beautyspot.keys.canonical.text import tag

if TYPE_CHECKING:
    from beautyspot.keys.canonical.walk import Form, Walk


def _pytz_zone(walk: Walk, value: Any) -> str:
    """The name; for a zone with several periods, also its period."""
    if type(value) is not type(_named(value.zone)):
        walk.refuse(value, "is not the zone that pytz has under its name")
    return tag("pytz", walk.array([value.zone, *value.__reduce__()[1][1:]]))


def _named(key: Any) -> Any:
    pytz = sys.modules["pytz"]
    try:
        return pytz.timezone(key)
    except (pytz.UnknownTimeZoneError, AttributeError, TypeError):  # not the name of a zone
        return None


FORMS: Final[dict[str, Form]] = {
    "dateutil.tz.tz:tzoffset": of_parts(
        "dateutil", lambda value: (value.utcoffset(None), value.tzname(None))
    ),
    "dateutil.tz.tz:tzutc": of_parts("dateutil", lambda _: ()),
}

FAMILIES: Final[dict[str, Form]] = {
    "pytz.tzinfo:BaseTzInfo": _pytz_zone,  # each zone has a class of its own below it
    "pytz:_FixedOffset": of_parts("pytz", lambda value: (value.utcoffset(None),)),
}
