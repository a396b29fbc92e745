"""Codecs of dates, times and zones."""

from __future__ import annotations

import re
from datetime import date, datetime, time, timedelta, timezone
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo

from beautyspot.errors import RestoreError
from beautyspot.serialization.codecs.contract import Codec, Refused, check

if TYPE_CHECKING:
    from beautyspot.serialization.codecs.contract import Read, Write


def _encode_date(value: date, write: Write) -> list[object]:
    del write
    return [value.year, value.month, value.day]


def _decode_date(parts: list[Any], read: Read) -> date:
    del read
    return date(*check(parts, int, int, int))


def _clock(value: time | datetime, write: Write) -> list[object]:
    return [
        value.hour,
        value.minute,
        value.second,
        value.microsecond,
        value.fold,
        write.value(value.tzinfo, ".tzinfo"),
    ]


def _encode_datetime(value: datetime, write: Write) -> list[object]:
    return [value.year, value.month, value.day, *_clock(value, write)]


def _decode_datetime(parts: list[Any], read: Read) -> datetime:
    del read
    *numbers, fold, zone = parts
    year, month, day, hour, minute, second, us = check(numbers, *[int] * 7)
    return datetime(year, month, day, hour, minute, second, us, zone, fold=fold)


def _decode_time(parts: list[Any], read: Read) -> time:
    del read
    *numbers, fold, zone = parts
    hour, minute, second, us = check(numbers, *[int] * 4)
    return time(hour, minute, second, us, zone, fold=fold)


def _encode_timedelta(value: timedelta, write: Write) -> list[object]:
    del write
    return [value.days, value.seconds, value.microseconds]


def _decode_timedelta(parts: list[Any], read: Read) -> timedelta:
    del read
    return timedelta(*check(parts, int, int, int))


def _encode_timezone(value: timezone, write: Write) -> list[object]:
    """The offset, and the name only where one was given: `tzname` would invent one."""
    offset, *name = value.__getinitargs__()  # type: ignore[attr-defined] # absent from the stubs
    return [write.value(offset, ".offset"), *write.items(name)]


def _decode_timezone(parts: list[Any], read: Read) -> timezone:
    del read
    return timezone(*check(parts, timedelta, *[str] * (len(parts) - 1)))


ZONE_KEY: Final = r"[A-Za-z0-9_+-]+(/[A-Za-z0-9_+-]+)*"
"""What a key of the IANA data base of zones looks like, such as Europe/Berlin."""


def _encode_zone(value: ZoneInfo, write: Write) -> list[object]:
    del write
    if value.key is None or not re.fullmatch(ZONE_KEY, value.key):
        raise Refused(
            "a zone without a key of the IANA data base can't be found again: use ZoneInfo(key)"
        )
    return [value.key]


def _decode_zone(parts: list[Any], read: Read) -> ZoneInfo:
    del read
    [key] = check(parts, str)
    if not re.fullmatch(ZONE_KEY, key):  # ZoneInfo checks as well; no stored text gets near a path
        raise RestoreError("a zone whose key is none")
    return ZoneInfo(key)


CODECS: Final[dict[type, Codec]] = {
    date: Codec(30, _encode_date, _decode_date),
    time: Codec(31, _clock, _decode_time),
    datetime: Codec(32, _encode_datetime, _decode_datetime),
    timedelta: Codec(33, _encode_timedelta, _decode_timedelta),
    timezone: Codec(34, _encode_timezone, _decode_timezone),
    ZoneInfo: Codec(35, _encode_zone, _decode_zone),
}
