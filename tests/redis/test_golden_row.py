"""Rows are frozen: what this release wrote is read by all that follow, under the same name.

A change here makes each cluster compute everything again: it is a new mark, read beside the old.
"""

from __future__ import annotations

from beautyspot_redis.names import Names
from beautyspot_redis.rows import found, record_of, written
from golden import KEY, RECORD

ROW = bytes.fromhex(
    "6273310041daac4ee020000041daac4ee010000041daac4ee0400000c07400db"
    "0000004400000070000000000000000898ab4449524543545f424c4f42c0a76d"
    "73677061636bc410000102030405060708090a0b0c0d0e0fcb41daac4ee02000"
    "00c0cb3fd0000000000000cb3fc00000000000009ca166d92061626162616261"
    "62616261626162616261626162616261626162616261626162a132aa74657874"
    "2f706c61696eb3323032362d31312d32362031323a30303a3030a86d6f64756c"
    "653a660107ab7b2278223a20226162227d92a36f6e65a374776fa530663a6131"
    "a3783d3182a16101a162c3"
)


def test_what_is_written_is_what_was() -> None:
    assert written(RECORD) == ROW


def test_what_was_written_is_read() -> None:
    assert record_of(KEY, ROW) == RECORD._replace(began_at=None)
    data, digest = RECORD.result_data, RECORD.digest
    assert found(KEY, ROW) == (data, digest, 0.25, 1790000000.5, "msgpack", 0.125)


def test_the_names_in_the_server_are_what_they_were() -> None:
    names = Names("app")
    assert names.row(KEY) == b"bs:app:row:{0123456789abcdef0123456789abcdef}"
    assert names.lease(KEY) == b"bs:app:lease:{0123456789abcdef0123456789abcdef}"
    assert (names.meta, names.log) == (b"bs:app:meta:{app}", b"bs:app:log:{app}")
