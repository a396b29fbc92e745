"""The form of a row: one object, which holds a record with its data.

It begins with a head of 35 bytes: a mark, a checksum, the length of the fields, and the length of
the data plus one, or 0 where there are none. The fields follow as JSON, then the data as they are.
So the first kilobytes are enough for a listing, and a person can read them.

A row that was removed leaves a tombstone, which is shorter than any row: a listing shows which is
which. Each of both holds a nonce: so no two have the same ETag, by which conditions go. What has
another mark, another length or another checksum is no row, and a miss.
"""

from __future__ import annotations

import json
from binascii import Error as NotBase64
from binascii import a2b_base64, b2a_base64
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from zlib import crc32

from beautyspot.contracts import DIRECT_BLOB, Entry, TaskRecord
from beautyspot.errors import MetadataError

if TYPE_CHECKING:
    from beautyspot.contracts import Plain

MARK: Final = b"bs1 "
"""Of this form. A later form has another mark, and rows of it are misses here."""

HEAD: Final = 35
"""Bytes of a head."""

FIRST: Final = 4096
"""Bytes that are read of a row whose data nobody needs; most have no longer fields."""

_GONE: Final = b"bs1 gone "

_NAMES: Final = frozenset(TaskRecord._fields)


class Row(NamedTuple):
    """A row, or the beginning of one.

    Attributes:
        fields: of its record, but for the data; those that are None are missing.
        data: None where there are none, or where not all of them were read.
        nonce: what tells it from every other one.
    """

    fields: dict[str, Any]
    data: bytes | None
    nonce: str

    @property
    def key(self) -> Any:
        """The key that it says it is of."""
        return self.fields.get("cache_key")


def written(record: TaskRecord, nonce: str, store_id: str) -> bytes:
    """The row of a record.

    Raises:
        MetadataError: a field has no stored form.
    """
    data = record.result_data
    fields = {
        name: value
        for name, value in zip(TaskRecord._fields, record, strict=True)
        if value is not None and name != "result_data"
    }
    try:
        if record.digest is not None:
            fields["digest"] = b2a_base64(record.digest, newline=False).decode("ascii")
        text = json.dumps({"nonce": nonce, "store": store_id, **fields}, separators=(",", ":"))
        length = 0 if data is None else len(data) + 1
    except (TypeError, ValueError, RecursionError) as failure:
        raise MetadataError(f"the record {record.cache_key:.80} can't be stored: {failure}") from (
            failure
        )
    body = f"{text}\n".encode("ascii")
    head = f"{MARK.decode()}{crc32(body):08x} {len(body):08x} {length:012x}\n".encode("ascii")
    return b"".join([head, body, data or b""])


def read(value: bytes, size: int) -> Row | None:
    """The row that begins with `value`; None where there is none.

    Args:
        value: all of it, or so much that the fields are in it.
        size: bytes of all of it.
    """
    try:
        if value[:4] != MARK:
            return None
        checksum, length, more = int(value[4:12], 16), int(value[13:21], 16), int(value[22:34], 16)
        end = HEAD + length
        text = value[HEAD:end]
        if size != end + max(0, more - 1) or len(text) != length or crc32(text) != checksum:
            return None
        fields = json.loads(text)
        nonce = fields.pop("nonce")
        fields["digest"] = _digest(fields.get("digest"))
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None
    data = value[end:] if more and len(value) == size else None
    return Row(fields, data, str(nonce))


def missing(value: bytes) -> int:
    """How many bytes long a row is up to its data, where `value` has fewer of them; else 0."""
    try:
        end = HEAD + int(value[13:21], 16)
    except ValueError:
        return 0
    return end if value[:4] == MARK and end > len(value) else 0


def found(row: Row) -> Plain | Entry:
    """What `find` gives for a row."""
    get, data = row.fields.get, row.data
    kind = get("result_type", DIRECT_BLOB)
    if data is not None and get("expires_at") is None and kind == DIRECT_BLOB:
        digest, took, made, serializer = (
            get("digest"),
            get("took"),
            get("made_at"),
            get("serializer"),
        )
        return data, digest, took, made, serializer, get("price")
    others = {name: get(name) for name in Entry._fields}
    return Entry(**{**others, "result_type": kind, "result_data": data})


def record_of(row: Row) -> TaskRecord | None:
    """The record of a row; None where it lacks what each record has."""
    fields = {name: value for name, value in row.fields.items() if name in _NAMES}
    try:
        fields["tags"] = tuple(fields.get("tags", ()))
        return TaskRecord(**{**fields, "result_data": row.data})
    except TypeError:
        return None


def tombstone(nonce: str) -> bytes:
    """What stands in the place of a row that was removed."""
    return _GONE + nonce.encode("ascii") + b"\n"


TOMBSTONE: Final = len(tombstone("0" * 16))
"""Bytes of a tombstone: fewer than any row has."""


def is_tombstone(value: bytes) -> bool:
    """Whether it is one."""
    return len(value) == TOMBSTONE and value.startswith(_GONE)


def nonce_of(tombstone: bytes) -> str:
    """Its nonce."""
    return tombstone[len(_GONE) : -1].decode("ascii", "replace")


def _digest(text: Any) -> bytes | None:
    try:
        return None if text is None else a2b_base64(text)
    except NotBase64:
        return None
