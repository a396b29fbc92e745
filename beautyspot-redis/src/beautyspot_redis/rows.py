"""The form of a row in the server: one string.

It begins with a head of fixed size, which scripts read as well: a mark, when the result was made,
when its run began and when it was used, a checksum, and the lengths of the parts behind it. Those
are, by msgpack, what `find` needs, and the other fields; then come the data as they are. What has
another length, another mark or another checksum is no row, and a miss.
"""

from __future__ import annotations

import math
from struct import Struct, error
from typing import TYPE_CHECKING, Any, Final
from zlib import crc32

from beautyspot.contracts import DIRECT_BLOB, Entry, TaskRecord
from beautyspot.errors import MetadataError
from msgpack import (  # type: ignore[import-untyped] # it ships no types
    UnpackException,
    packb,
    unpackb,
)

if TYPE_CHECKING:
    from beautyspot.contracts import Plain

MARK: Final = b"bs1\0"
"""Of this form. A later form has another mark, and rows of it are misses here."""

UNSETTLED: Final = b"bs1?"
"""Of a row that is put, and is no result yet: whether it was invalidated is yet to be asked."""

HEAD: Final = Struct(">4sdddIIIQ")
"""`MARK`, three times, checksum, lengths of both parts, length of the data plus one or 0.

NaN is for a time that there is not.
"""

MADE_AT: Final = 4
USED_AT: Final = 20
"""Where these times begin, which scripts read or write."""

LARGE: Final = 65_536
"""Bytes that are read of each of many rows; what is longer comes without its data."""

_TIME: Final = Struct(">d")
_FOUND: Final = tuple(name for name in Entry._fields if name != "result_data")
_ELSEWHERE: Final = {*_FOUND, "cache_key", "result_data", "used_at", "began_at"}
_OTHERS: Final = tuple(name for name in TaskRecord._fields if name not in _ELSEWHERE)
_DAMAGE: Final = (error, ValueError, TypeError, KeyError, IndexError, UnpackException)


def written(record: TaskRecord) -> bytes:
    """The row of a record.

    Raises:
        MetadataError: a field has no stored form.
    """
    fields = record._asdict()
    try:
        found = _packed([fields[name] for name in _FOUND])
        others = _packed([fields[name] for name in _OTHERS])
        head = HEAD.pack(
            MARK,
            _number(record.made_at),
            _number(_began(record)),
            _number(record.used_at),
            _checksum(record.cache_key, found + others),
            len(found),
            len(others),
            0 if record.result_data is None else len(record.result_data) + 1,
        )
    except (TypeError, ValueError, OverflowError, error) as failure:
        raise MetadataError(f"the record {record.cache_key:.80} can't be stored: {failure}") from (
            failure
        )
    return b"".join([head, found, others, record.result_data or b""])


def unsettled(value: bytes) -> bytes:
    """A row that is no result before it is settled."""
    return UNSETTLED + value[len(MARK) :]


def time_bytes(time: float) -> bytes:
    """A time as it stands in a head."""
    return _TIME.pack(time)


def found(key: str, value: bytes, *, cut: int | None = None) -> Plain | Entry | None:
    """What `find` gives for a row; None where it is none.

    With `cut`, no more than so many bytes were read: data that these are not all of are left out.
    """
    try:
        mark, _, _, _, checksum, first, second, more = HEAD.unpack_from(value)
        begin = HEAD.size + first + second
        end = begin + more - 1 if more else begin
        is_whole = len(value) == end
        if mark != MARK or not (is_whole or len(value) == cut < end):
            return None
        parts = value[HEAD.size : begin]
        if checksum != crc32(parts, crc32(key.encode("utf-8", "surrogatepass"))):
            return None
        kind, place, serializer, digest, made, expires, took, price = unpackb(
            parts[:first], unicode_errors="surrogatepass"
        )[:8]
    except _DAMAGE:
        return None
    data = value[begin:] if more and is_whole else None
    if data is not None and expires is None and kind == DIRECT_BLOB:
        return data, digest, took, made, serializer, price
    return Entry(kind, place, data, serializer, digest, made, expires, took, price)


def missing(value: bytes) -> int:
    """How many bytes long a row is up to its data, where `value` has fewer of them; else 0."""
    try:
        mark, _, _, _, _, first, second, _ = HEAD.unpack_from(value)
    except error:
        return 0
    end: int = HEAD.size + first + second
    return end if mark == MARK and end > len(value) else 0


def record_of(key: str, value: bytes, *, cut: int | None = None) -> TaskRecord | None:
    """The record of a row; None where it is none. With `cut`, as in `found`, it has no data.

    One that is not settled is a record too: an invalidation has to find it, to remove it.
    """
    try:
        mark, _, _, used, checksum, first, second, more = HEAD.unpack_from(value)
        begin = HEAD.size + first + second
        end = begin + more - 1 if more else begin
        if mark not in (MARK, UNSETTLED):
            return None
        if not (len(value) == end or (cut is not None and cut <= len(value) < end)):
            return None
        parts = value[HEAD.size : begin]
        if checksum != _checksum(key, parts):
            return None
        given = dict(zip(_FOUND, _unpacked(parts[:first]), strict=False))
        given.update(zip(_OTHERS, _unpacked(parts[first:]), strict=False))
        given["tags"] = tuple(given["tags"])
        given["used_at"] = None if math.isnan(used) else used
        given["result_data"] = value[begin:] if more and cut is None else None
        return TaskRecord(cache_key=key, **given)
    except _DAMAGE:
        return None


def _packed(fields: list[Any]) -> bytes:
    packed: Any = packb(fields, unicode_errors="surrogatepass")
    return bytes(packed)


def _unpacked(packed: bytes) -> Any:
    return unpackb(packed, unicode_errors="surrogatepass")


def _checksum(key: str, parts: bytes) -> int:
    return crc32(parts, crc32(key.encode("utf-8", "surrogatepass")))


def _began(record: TaskRecord) -> float | None:
    """When its run began, by `began_at`, or as well as the record tells."""
    if record.began_at is not None or record.made_at is None:
        return record.began_at
    return record.made_at - (record.took or 0.0)


def _number(time: float | None) -> float:
    return math.nan if time is None else time
