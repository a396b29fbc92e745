"""The form of a row: what can't be read is none."""

from __future__ import annotations

from beautyspot.contracts import TaskRecord
from beautyspot_redis.rows import HEAD, record_of, written
from beautyspot_testing.records import KEYS, RECORDS, a_record
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgpack import packb, unpackb

RECORD = a_record(began_at=1709208000.25)
ROW = written(RECORD)


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(RECORDS, st.floats(0, 2**33))
def test_a_row_gives_its_record(record: TaskRecord, began_at: float) -> None:
    record = record._replace(began_at=began_at)
    row = written(record)
    assert record_of(record.cache_key, row) == record
    begin = len(row) - len(record.result_data or b"")
    bare = record._replace(result_data=None)
    assert record_of(record.cache_key, row[:begin], whole=False) == bare


@settings(max_examples=50)
@given(st.integers(0, len(ROW) - 1))
def test_a_part_of_a_row_is_none(size: int) -> None:
    assert record_of(KEYS[0], ROW[:size]) is None
    assert record_of(KEYS[0], ROW + ROW[:1]) is None


@settings(max_examples=200)
@given(st.integers(HEAD.size, len(ROW) - 3), st.integers(1, 255))
def test_fields_that_were_damaged_have_the_types_of_fields(place: int, by: int) -> None:
    """Their values are core's to check, by the digest."""
    damaged = bytearray(ROW)
    damaged[place] ^= by
    found = record_of(KEYS[0], bytes(damaged))
    if found is not None:
        for name, value in RECORD._asdict().items():
            assert isinstance(getattr(found, name), type(value) | type(None) | int | float)


@settings(max_examples=50)
@given(st.binary(max_size=100))
def test_what_a_stranger_wrote_is_no_row(value: bytes) -> None:
    for row in (value, HEAD.pack(b"bs1:", 0.0, 0.0, 0.0, b"") + value):
        assert record_of(KEYS[0], row) is record_of(KEYS[0], row, whole=False) is None


def test_a_later_release_may_add_fields_at_the_end() -> None:
    start = HEAD.size + 4
    end = start + int.from_bytes(ROW[HEAD.size : start])
    fields = packb([*unpackb(ROW[start:end]), "later", None])
    row = ROW[: HEAD.size] + len(fields).to_bytes(4) + fields + ROW[end:]
    assert record_of(KEYS[0], row) == RECORD


def test_a_later_form_is_a_miss() -> None:
    assert record_of(KEYS[0], b"bs2:" + ROW[4:]) is None
