"""A record as a row of the table, and back."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any, Final

from beautyspot.contracts import DIRECT_BLOB, Entry, TaskRecord
from beautyspot.errors import MetadataError

from beautyspot_postgres import arrays, texts
from beautyspot_postgres.store_tables import COLUMNS, SET_BY_SERVER

if TYPE_CHECKING:
    from collections.abc import Sequence

    from beautyspot.contracts import Plain

    from beautyspot_postgres.values import Binary, Row

LARGE: Final = 32_768
"""Bytes of data over which answers of many rows leave them out."""

KEPT: Final = tuple(name for name in TaskRecord._fields if name in COLUMNS)
"""The fields of a record that have a column: later releases of core may add some."""

_WRITTEN: Final = tuple(name for name in COLUMNS if name not in SET_BY_SERVER)
_TEXTS: Final = frozenset(name for name, kind in COLUMNS.items() if kind == "text")

KEY: Final = "coalesce(whole_key, cache_key)"


def _shown(name: str, data: str) -> str:
    return {"cache_key": KEY, "result_data": data}.get(name, name)


FOUND: Final = (
    "result_data, digest, took, made_at, serializer, price, expires_at, "
    "CASE WHEN result_data IS NULL THEN result_type END, "
    "CASE WHEN result_data IS NULL THEN result_value END"
)
"""The fields of `Plain`, and the expiry; of a row without data, also what a blob needs."""

SMALL_DATA: Final = f"CASE WHEN octet_length(result_data) <= {LARGE} THEN result_data END"
SMALL_ENTRY: Final = ", ".join(_shown(name, SMALL_DATA) for name in Entry._fields)
ALL: Final = ", ".join(_shown(name, "result_data") for name in KEPT)
WITHOUT_DATA: Final = ", ".join(_shown(name, "NULL::bytea") for name in KEPT)


def written(records: Sequence[TaskRecord]) -> list[Binary]:
    """The arrays that the function `put` is given, one for each column.

    Raises:
        MetadataError: a field is of another type than the contract says.
    """
    try:
        fields = zip(*map(_values, records), strict=True)
        return [
            arrays.OF[COLUMNS[name]](values) for name, values in zip(_WRITTEN, fields, strict=True)
        ]
    except (struct.error, TypeError, ValueError, ArithmeticError, AttributeError) as error:
        raise MetadataError(
            f"a field of the record is of another type than it has to be ({error}): correct what "
            "makes the record"
        ) from error


def _values(record: TaskRecord) -> list[Any]:
    key, whole = texts.key(record.cache_key)
    found: list[Any] = [key, whole]
    for name in _WRITTEN[2:]:
        value = getattr(record, name)
        if value is not None:
            if name in _TEXTS:
                value = texts.stored(value)
            elif name == "tags":
                value = arrays.literal(map(texts.stored, value))
            elif name == "result_data":
                value = value if type(value) is bytes else bytes(value)
        found.append(value)
    return found


def size_of(record: TaskRecord) -> int:
    """About how many bytes it takes."""
    return 1000 + len(record.result_data or b"") + len(record.arguments or "")


def record_of(row: Sequence[Any]) -> TaskRecord | None:
    """The record of a row of `ALL` or `WITHOUT_DATA`; None where a hand has made it none."""
    fields = dict(zip(KEPT, row, strict=True))
    if fields["result_type"] is None:
        return None
    for name, value in fields.items():
        if type(value) is str:
            fields[name] = texts.restored(value)
    fields["tags"] = tuple(texts.restored(tag) for tag in fields["tags"] or () if tag is not None)
    for name in ("func_name", "input_id"):
        fields[name] = fields[name] or ""
    return TaskRecord(**fields)


def entry_of(row: Sequence[Any]) -> Plain | Entry | None:
    """What `find` gives for a row of `ENTRY`; None where a hand has made it none."""
    if row[0] is None:
        return None
    kind, location, data, serializer, digest, made_at, expires_at, took, price = row
    serializer = None if serializer is None else texts.restored(serializer)
    if data is not None and expires_at is None:
        return data, digest, took, made_at, serializer, price
    location = None if location is None else texts.restored(location)
    kind = texts.restored(kind)
    return Entry(kind, location, data, serializer, digest, made_at, expires_at, took, price)


def found_of(row: Row) -> Plain | Entry | None:
    """What `find` gives for a row of `FOUND`; None where a hand has made it none."""
    data, digest, took, made_at, serializer, price, expires_at, kind, location = row
    if serializer is not None and not serializer.isalnum():
        serializer = texts.restored(serializer)
    if data is None:
        if kind is None:
            return None
        kind, location = texts.restored(kind), location and texts.restored(location)
        return Entry(kind, location, None, serializer, digest, made_at, expires_at, took, price)
    if expires_at is None:
        return data, digest, took, made_at, serializer, price
    return Entry(DIRECT_BLOB, None, data, serializer, digest, made_at, expires_at, took, price)
