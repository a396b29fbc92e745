"""The form of a row: what is not exactly one is a miss."""

from __future__ import annotations

from zlib import crc32

import pytest
from beautyspot.contracts import Entry, TaskRecord, entry_of, found_in
from beautyspot.errors import MetadataError
from beautyspot_redis.rows import HEAD, found, missing, record_of, written
from beautyspot_testing.records import KEYS, RECORDS, a_record
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgpack import packb, unpackb

ROW = written(a_record())


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(RECORDS)
def test_a_row_gives_its_record(record: TaskRecord) -> None:
    row, key = written(record), record.cache_key
    record = record._replace(began_at=None)  # which only scripts read
    assert record_of(key, row) == record
    assert found(key, row) == found_in(record)
    begin = len(row) - len(record.result_data or b"")
    assert record_of(key, row[:begin], cut=begin) == record._replace(result_data=None)
    if record.result_data:
        size = len(row) - 1
        assert found(key, row[:size], cut=size) == entry_of(record)._replace(result_data=None)
        assert found(key, row[:size], cut=size + 1) is None, "there are no more"
        assert record_of(key, row[:size], cut=size + 1) is None
        assert found(key, row[:-1]) is None, "half of the data are no data"


@settings(max_examples=50)
@given(st.integers(0, len(ROW) - 1), st.integers(1, 255))
def test_a_changed_byte_is_no_other_result(place: int, by: int) -> None:
    """The data have a digest of their own, and `find` takes no time from the head."""
    damaged = bytearray(ROW)
    damaged[place] ^= by
    got = found(KEYS[0], bytes(damaged))
    data = bytes(damaged[len(ROW) - len(b"\xa1x") :])
    assert got in (None, entry_of(a_record(result_data=data)))
    if 28 <= place < len(ROW) - 2:  # behind the times
        assert got is None


@settings(max_examples=50)
@given(st.integers(0, len(ROW) - 1))
def test_a_part_of_a_row_is_none(size: int) -> None:
    assert found(KEYS[0], ROW[:size]) is None
    assert record_of(KEYS[0], ROW[:size]) is None
    assert found(KEYS[0], ROW + ROW[:1]) is record_of(KEYS[0], ROW + b"x") is None


@settings(max_examples=50)
@given(st.binary(max_size=100))
def test_what_a_stranger_wrote_is_no_row(value: bytes) -> None:
    for tail in (value, HEAD.pack(b"bs1\0", 0.0, 0.0, 0.0, 0, 0, 0, 0) + value):
        assert found(KEYS[0], tail) is None
        assert record_of(KEYS[0], tail, cut=50) is None
    missing(value)


def test_the_row_of_another_key_is_none() -> None:
    assert found(KEYS[1], ROW) is None
    assert record_of(KEYS[1], ROW) is None


def test_a_later_release_may_add_fields() -> None:
    """They stand at the end of both parts."""
    mark, made, began, used, _, first, _, more = HEAD.unpack_from(ROW)
    begin = HEAD.size
    one = packb([*unpackb(ROW[begin : begin + first]), "later"])
    two = packb([*unpackb(ROW[begin + first : -2]), "later", None])
    checksum = crc32(one + two, crc32(KEYS[0].encode()))
    head = HEAD.pack(mark, made, began, used, checksum, len(one), len(two), more)
    row = head + one + two + ROW[-2:]
    assert record_of(KEYS[0], row) == a_record()
    assert found(KEYS[0], row) == entry_of(a_record())


def test_an_earlier_release_wrote_fewer_fields() -> None:
    mark, made, began, used, _, first, _, more = HEAD.unpack_from(ROW)
    one, two = ROW[HEAD.size : HEAD.size + first], packb(unpackb(ROW[HEAD.size + first : -2])[:-2])
    checksum = crc32(one + two, crc32(KEYS[0].encode()))
    head = HEAD.pack(mark, made, began, used, checksum, len(one), len(two), more)
    assert record_of(KEYS[0], head + one + two + ROW[-2:]) == a_record()


def test_a_later_form_is_a_miss() -> None:
    later = b"bs2\0" + ROW[4:]
    assert found(KEYS[0], later) is record_of(KEYS[0], later) is None


@pytest.mark.parametrize("field", [{"size": 2**70}, {"version": object()}, {"made_at": "x"}])
def test_what_has_no_stored_form_says_so(field: dict[str, object]) -> None:
    with pytest.raises(MetadataError, match="can't be stored"):
        written(a_record(**field))


def test_an_entry_is_an_entry() -> None:
    got = found(KEYS[0], ROW)
    assert type(got) is Entry
    assert type(found(KEYS[0], written(a_record(expires_at=None)))) is tuple
