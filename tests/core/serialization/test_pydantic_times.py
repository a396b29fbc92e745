"""Times that pydantic parsed, as arguments and results: their zone is a class of pydantic's own."""

from __future__ import annotations

import datetime as dt
import sys

import pydantic
import pydantic_core
import pytest
from beautyspot import Spot, open_store
from beautyspot.errors import RestoreError, UnstableKeyError
from beautyspot.keys.generator import canonical
from beautyspot.serialization.serializer import MsgpackSerializer

from tests.made import findable

TEXTS = ["2026-01-02T03:04:05Z", "2026-01-02T03:04:05+05:30", "2026-01-02T03:04:05.6-01:00"]


class Event(pydantic.BaseModel):
    at: dt.datetime
    opens: dt.time = dt.time(8)


def parsed(text):
    return Event.model_validate_json(f'{{"at":"{text}","opens":"08:00:00Z"}}')


def is_same(one, other):
    return one == other and repr(one) == repr(other) and type(one.tzinfo) is type(other.tzinfo)


@pytest.mark.parametrize("text", TEXTS)
def test_a_parsed_time_is_stored_and_comes_back_as_it_was(make_spot, text):
    ran = []
    for _ in range(2):
        spot: Spot = make_spot()

        @spot.mark(ignore=("ran", "text"), name="bare")
        def bare():
            ran.append(1)
            return [parsed(text).at, {"opens": parsed(text).opens}]

        @spot.mark(ignore=("ran", "text"), name="model")
        def model() -> Event:
            ran.append(1)
            return parsed(text)

        at, rest = bare()
        for found, made in ((at, model().at), (rest["opens"], model().opens)):
            assert is_same(found, made)
            assert type(found.tzinfo) is pydantic_core.TzInfo
        assert is_same(at, parsed(text).at)
        spot.shutdown()
    assert len(ran) == 2


def test_a_parsed_time_counts_by_what_it_is(make_spot):
    spot: Spot = make_spot()
    ran = []

    @spot.mark(ignore=("ran",), name="day")
    def day(event):
        ran.append(event)
        return event.at.day

    assert [day(parsed(text)) for text in TEXTS * 2] == [2] * 6
    assert len(ran) == 3
    zones = [
        dt.UTC,
        dt.timezone(dt.timedelta(hours=5.5)),
        *(parsed(text).at.tzinfo for text in TEXTS),
    ]
    assert len(set(map(canonical, zones))) == 5
    assert canonical(zones[2]) == canonical(parsed(TEXTS[0]).at.tzinfo)


def test_a_stored_time_can_be_looked_at(make_spot, tmp_path):
    spot: Spot = make_spot()
    spot.cached_run(lambda: parsed(TEXTS[1]).at)
    spot.shutdown()
    with open_store(str(tmp_path / "cache"), config=False) as store:
        (row,) = store.rows()
        assert is_same(store.value(row), parsed(TEXTS[1]).at)


def test_a_damaged_zone_is_no_zone():
    serializer = MsgpackSerializer()
    data = serializer.dumps(parsed(TEXTS[1]).at.tzinfo)
    assert serializer.loads(data) == parsed(TEXTS[1]).at.tzinfo
    assert b"\xcd\x4d\x58" in data  # 19800 seconds
    with pytest.raises(RestoreError):
        serializer.loads(data.replace(b"\xcd\x4d\x58", b"\xce\x00\x01\x51\x80"))  # a whole day


def invalid(cls, **fields):
    try:
        cls(**fields)
    except pydantic.ValidationError as error:
        return error
    raise AssertionError(fields)


def test_an_error_of_validation_counts_by_what_it_tells():
    """As an argument of what asks a model to mend its answer."""

    @findable
    class Other(pydantic.BaseModel):
        at: dt.datetime

    errors = [
        invalid(Event, at="x"),
        invalid(Event, at="y"),
        invalid(Other, at="x"),
        invalid(Event),
    ]
    noted = invalid(Event, at="x")
    noted.add_note("again")
    assert len(set(map(canonical, [*errors, noted]))) == 5
    assert canonical(errors[0]) == canonical(invalid(Event, at="x"))
    with pytest.raises(UnstableKeyError):
        canonical(invalid(Event, at=sys.stdout))
