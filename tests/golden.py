"""The record whose stored form each store's golden test has frozen."""

from __future__ import annotations

from typing import Final

from beautyspot.contracts import TaskRecord

KEY: Final = "0123456789abcdef0123456789abcdef"

RECORD: Final = TaskRecord(
    KEY,
    "f",
    "ab" * 16,
    version="2",
    content_type="text/plain",
    result_data=b"\x82\xa1a\x01\xa1b\xc3",
    updated_at="2026-11-26 12:00:00",
    func_identifier="module:f",
    key_scheme=1,
    serializer="msgpack",
    digest=bytes(range(16)),
    size=7,
    arg_digests='{"x": "ab"}',
    tags=("one", "two"),
    made_at=1790000000.5,
    took=0.25,
    used_at=1790000001.0,
    code="0f:a1",
    arguments="x=1",
    price=0.125,
    began_at=1790000000.25,
)
