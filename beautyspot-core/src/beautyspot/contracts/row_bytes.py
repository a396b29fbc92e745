"""Records as bytes, for stores that keep bytes under names: fields by their names, then the data.

The fields come first, so that the beginning of a row is enough for a listing. The functions import
msgpack themselves: whoever loads the class of a store loads this module, and few use it.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from beautyspot.contracts.records import FIELD_TYPES, TaskRecord


class RowFound(NamedTuple):
    """What lies in the place of a row.

    Attributes:
        record: None where there is none, or it can't be read.
        since: of its put.
        dead: the number of the invalidation that took its place, or 0; of a record, of the one that
            was in its place before.
        tag: None where nothing is there.
    """

    record: TaskRecord | None = None
    since: int = 0
    dead: int = 0
    tag: Any = None


def packed(value: object) -> bytes:
    """A small object of plain values as bytes."""
    import msgpack  # type: ignore[import-untyped]

    data: Any = msgpack.packb(value)
    return bytes(data)


def object_in(data: bytes, default: Any) -> Any:
    """The object again; `default` where the bytes were cut, or are one of another type."""
    import msgpack

    try:
        found = msgpack.unpackb(data)
    except Exception:  # what msgpack raises is not all of one kind
        return default
    return found if type(found) is type(default) else default


def row_data(record: TaskRecord, since: int, dead: int) -> bytes:
    """A record as bytes: its fields by their names, and behind them its data as they are."""
    fields = {
        name: value
        for name, value in zip(record._fields, record, strict=True)
        if value is not None and name != "result_data"
    }
    data = record.result_data
    more = {"dead": dead} if dead else {}
    head = {"fields": fields, "since": since, "data": None if data is None else len(data)} | more
    return packed(head) if data is None else packed(head) + bytes(data)


def row_in(key: str, data: bytes, tag: Any, *, whole: bool = True) -> RowFound:
    """What these bytes are in the place of the row of `key`; no record where they are damaged.

    Args:
        key: of the place.
        data: of the row; its beginning is enough where not `whole`: then it comes without its data.
        tag: of the bytes.
    """
    import msgpack

    try:
        unpacker = msgpack.Unpacker()
        unpacker.feed(data)
        head = unpacker.unpack()
        dead = int(head.get("dead", 0))
        if "fields" not in head:
            return RowFound(dead=dead, tag=tag)
        fields, size, start = head["fields"], head["data"], unpacker.tell()
        if whole and len(data) - start != (size or 0):
            return RowFound(tag=tag)
        known = {name: value for name, value in fields.items() if name in FIELD_TYPES}
        known["tags"] = tuple(known.get("tags", ()))
        if any(not isinstance(value, FIELD_TYPES[name]) for name, value in known.items()):
            return RowFound(tag=tag)
        body = data[start:] if whole and size is not None else None
        record = TaskRecord(**known, result_data=body)
    except Exception:  # whatever is wrong with a row, it is none
        return RowFound(tag=tag)
    return RowFound(record if record.cache_key == key else None, int(head["since"]), dead, tag)
