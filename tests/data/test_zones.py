"""The zones of `dateutil` and `pytz`, in arguments and in results."""

from __future__ import annotations

import copy
import datetime as dt
import itertools
from typing import Any

import pytest
import pytz
from beautyspot.errors import RestoreError, SerializationError, UnstableKeyError
from dateutil import tz
from handmade import ext
from supported import SERIALIZER, canonical, stored_as

NOON = dt.datetime.fromisoformat("2020-07-01 12:00")
BERLIN = pytz.timezone("Europe/Berlin")

ZONES = [
    tz.UTC,
    tz.tzoffset(None, 3600),
    tz.tzoffset("CET", 3600),
    tz.tzoffset(None, dt.timedelta(hours=-9, minutes=-30)),
    pytz.UTC,
    pytz.timezone("Etc/GMT+3"),
    pytz.timezone("Asia/Tokyo"),
    pytz.FixedOffset(90),
    pytz.FixedOffset(-90),
    BERLIN,
    BERLIN.localize(NOON).tzinfo,
    BERLIN.localize(NOON.replace(month=1)).tzinfo,
    BERLIN.localize(NOON.replace(year=1945, month=6)).tzinfo,
]


def test_each_is_another_argument() -> None:
    texts = [canonical(NOON.replace(tzinfo=zone)) for zone in [*ZONES, None, dt.UTC]]
    for one, other in itertools.combinations(texts, 2):
        assert one != other
    assert texts[0] == canonical(NOON.replace(tzinfo=tz.tzutc()))


@pytest.mark.parametrize("zone", ZONES, ids=repr)
def test_there_and_back(zone: Any) -> None:
    moment = NOON.replace(tzinfo=zone)
    back = SERIALIZER.loads(SERIALIZER.dumps([moment]))[0]
    assert back == moment
    assert back.isoformat() == moment.isoformat()
    assert back.tzname() == moment.tzname()
    assert type(back.tzinfo) is type(zone)
    assert back.tzinfo is zone or type(zone) in (tz.tzoffset, type(pytz.FixedOffset(1)))


class Elsewhere(tz.tzutc):
    pass


class OfSomebody(pytz.tzinfo.StaticTzInfo):
    __module__ = "pytz.tzfile"
    zone = "Europe/Berlin"
    _utcoffset = dt.timedelta(hours=7)
    _tzname = "X"


class Unnamed(OfSomebody):
    __module__ = "pytz.tzfile"
    zone = None


class AtAPath(OfSomebody):
    __module__ = "pytz.tzfile"
    zone = "../Berlin"


@pytest.mark.parametrize("zone", [tz.tzlocal(), Elsewhere(), tz.gettz("Europe/Berlin")], ids=repr)
def test_what_means_something_else_elsewhere_is_refused(zone: Any) -> None:
    with pytest.raises(SerializationError, match="result can't be stored"):
        SERIALIZER.dumps(NOON.replace(tzinfo=zone))


@pytest.mark.parametrize("cls", [OfSomebody, Unnamed, AtAPath])
def test_a_zone_that_its_name_does_not_lead_back_to_is_refused(cls: Any) -> None:
    with pytest.raises(SerializationError, match=r"is not what pytz\.timezone\(…\) returns"):
        SERIALIZER.dumps(cls())
    with pytest.raises(UnstableKeyError, match="is not the zone that pytz has under its name"):
        canonical(cls())


class Shifted(dt.tzinfo):
    def __init__(self, hours: int = 0) -> None:
        self.hours = hours


def test_zones_count_by_their_rules() -> None:
    zones = [
        *(tz.gettz(name) for name in ("Europe/Berlin", "Europe/Paris", "America/New_York")),
        *(tz.tzstr(text) for text in ("EST5EDT", "EST6EDT")),
        *(Shifted(hours) for hours in (1, 2)),
    ]
    assert len({canonical(zone) for zone in zones}) == len(zones)
    assert canonical(copy.deepcopy(zones)) == canonical(zones)
    with pytest.raises(UnstableKeyError, match="another zone on another machine"):
        canonical(tz.tzlocal())


ZONE, OFFSET = "pytz.tzinfo:BaseTzInfo", "dateutil.tz.tz:tzoffset"


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("dateutil.tz.tz:tzutc", [1]),
        (OFFSET, ["x", None]),
        (ZONE, []),
        (ZONE, ["../Berlin"]),
        (ZONE, ["Europe/Nowhere"]),
        (ZONE, ["Europe/Berlin", 7200, 3600]),
        (ZONE, ["Europe/Berlin", 7200, 3600, "CET"]),
        (ZONE, ["Europe/Berlin", 7200, 3600, "CEST", 1]),
        ("pytz:_FixedOffset", [1.5]),
        ("pytz:_FixedOffset", [10**6]),
    ],
)
def test_damaged_payloads_are_restore_errors(name: str, parts: list[Any]) -> None:
    with pytest.raises(RestoreError):
        SERIALIZER.loads(stored_as(name, *parts))


def test_an_offset_that_no_time_of_day_has_is_a_restore_error() -> None:
    with pytest.raises(RestoreError, match="strictly between"):
        SERIALIZER.loads(stored_as(OFFSET, [ext(33), 999, 0, 0], None))
