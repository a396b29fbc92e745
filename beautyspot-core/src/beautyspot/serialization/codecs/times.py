"""Codecs of dates, times and zones."""

from __future__ import annotations

import re
from datetime import date, datetime, time, timedelta, timezone
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo

from beautyspot.errors import RestoreError
from beautyspot.serialization.codecs.contract import Codec, Refused, codec_of_parts

if TYPE_CHECKING:
    from beautyspot.serialization.codecs.contract import Write


def _encode_date(value: date, _write: Write) -> list[object]:
    return [value.year, value.month, value.day]


def _encode_time(value: time | datetime, write: Write) -> list[object]:
    return [
        value.hour,
        value.minute,
        value.second,
        value.microsecond,
        value.fold,
        write.value(value.tzinfo, ".tzinfo"),
    ]


def _encode_datetime(value: datetime, write: Write) -> list[object]:
    return [value.year, value.month, value.day, *_encode_time(value, write)]


def _decode_time(
    hour: int, minute: int, second: int, microsecond: int, fold: int, zone: Any
) -> time:
    return time(hour, minute, second, microsecond, zone, fold=fold)


def _decode_datetime(year: int, month: int, day: int, *clock: Any) -> datetime:
    return datetime.combine(date(year, month, day), _decode_time(*clock))


def _encode_timedelta(value: timedelta, _write: Write) -> list[object]:
    return [value.days, value.seconds, value.microseconds]


def _encode_timezone(value: timezone, write: Write) -> list[object]:
    """The offset, and the name if one was given: `tzname` would make one up."""
    offset, *name = value.__getinitargs__()  # type: ignore[attr-defined] # absent from the stubs
    return [write.value(offset, ".offset"), *write.items(name)]


ZONE_KEY: Final = r"[A-Za-z0-9_+-]+(/[A-Za-z0-9_+-]+)*"
"""A key of the IANA time zone database, such as Europe/Berlin."""


def _encode_zone(value: ZoneInfo, _write: Write) -> list[object]:
    if value.key is None or not re.fullmatch(ZONE_KEY, value.key):
        raise Refused(
            "a zone without a key of the IANA time zone database is not stored: use ZoneInfo(key)"
        )
    return [value.key]


def _decode_zone(key: str) -> ZoneInfo:
    if not re.fullmatch(ZONE_KEY, key):  # ZoneInfo checks it, too; stored text never becomes a path
        raise RestoreError("a zone with an invalid key")
    return ZoneInfo(key)


CODECS: Final[dict[type, Codec]] = {
    date: codec_of_parts(30, _encode_date, date, *[int] * 3),
    time: codec_of_parts(31, _encode_time, _decode_time, *[int] * 5, object),
    datetime: codec_of_parts(32, _encode_datetime, _decode_datetime, *[int] * 8, object),
    timedelta: codec_of_parts(33, _encode_timedelta, timedelta, *[int] * 3),
    timezone: codec_of_parts(34, _encode_timezone, timezone, timedelta, str, ...),
    ZoneInfo: codec_of_parts(35, _encode_zone, _decode_zone, str),
}
