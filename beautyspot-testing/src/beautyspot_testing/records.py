"""Records and keys for the suite of metadata stores."""

from __future__ import annotations

from typing import Any

from beautyspot.contracts import DIRECT_BLOB, FILE, TaskRecord
from hypothesis import strategies as st

KEYS = [f"{number:032x}" for number in range(100)]

_TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)
_TIME = st.floats(0, 2**33)
_FIELDS: dict[str, st.SearchStrategy[Any]] = {
    "cache_key": st.text("0123456789abcdef", min_size=32, max_size=32),
    "func_name": _TEXT,
    "input_id": _TEXT,
    "version": st.none() | _TEXT,
    "content_type": st.none() | _TEXT,
    "updated_at": st.none() | st.just("2024-02-29 23:59:59.123456"),
    "func_identifier": st.none() | _TEXT,
    "key_scheme": st.none() | st.integers(0, 9),
    "serializer": st.none() | _TEXT,
    "digest": st.none() | st.binary(min_size=16, max_size=16),
    "size": st.none() | st.integers(0, 2**62),
    "arg_digests": st.none() | _TEXT,
    "tags": st.lists(_TEXT, max_size=3).map(tuple),
    "made_at": _TIME,  # a store may make up for it where it is None: earlier releases had none
    "took": st.none() | _TIME,
    "expires_at": st.none() | _TIME,
    "used_at": st.none() | _TIME,
    "code": st.none() | _TEXT,
    "arguments": st.none() | _TEXT,
    "price": st.none() | _TIME,
    "began_at": st.none() | _TIME,
}
_IN_ROW = {"result_type": st.just(DIRECT_BLOB), "result_value": st.none()}
_IN_BLOB = {"result_type": st.just(FILE), "result_data": st.none()}
RECORDS = st.builds(TaskRecord, **_FIELDS, **_IN_ROW, result_data=st.binary(max_size=200)) | (
    st.builds(TaskRecord, **_FIELDS, **_IN_BLOB, result_value=_TEXT)
)


def a_record(key: str = KEYS[0], **fields: Any) -> TaskRecord:
    """A record with every field set, and these fields as given."""
    return TaskRecord(
        cache_key=key,
        func_name="f",
        input_id="i" * 32,
        version="v1",
        content_type="text/plain",
        result_data=b"\xa1x",
        updated_at="2024-02-29 12:00:00.5",
        func_identifier="module:f",
        key_scheme=1,
        serializer="msgpack",
        digest=b"0123456789abcdef",
        size=2,
        arg_digests='{"a": "00ff"}',
        tags=("red", "blue"),
        made_at=1709208000.5,
        took=0.25,
        expires_at=1709308000.5,
        used_at=1709208001.5,
    )._replace(**fields)
