"""Records as bytes, for stores that keep bytes under names.

The length of what comes first stands in four bytes; then a list by msgpack, of the number of an
invalidation, `Put.since`, the size of the data, and all other fields in their order; then the data
as they are. So the beginning of a row is enough for a listing. Without fields it is no row, but the
number of an invalidation in the place of one.

The functions import msgpack themselves: whoever loads the class of a store loads this module, and
few use it.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from beautyspot.contracts.records import FIELD_TYPES, TaskRecord

_DATA: Final = TaskRecord._fields.index("result_data")
_TYPES: Final = [
    (FIELD_TYPES[name], type(TaskRecord._field_defaults.get(name, "")))
    for name in TaskRecord._fields
]
"""What each field may be: None too, where that is its default."""


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


def row_data(record: TaskRecord | None, since: int = 0, dead: int = 0) -> bytes:
    """A record as bytes; None is for the number `dead` in its place."""
    data = None if record is None else record.result_data
    fields = () if record is None else (*record[:_DATA], *record[_DATA + 1 :])
    head = packed((dead, since, None if data is None else len(data), *fields))
    return len(head).to_bytes(4) + head + (data or b"")


def row_in(key: str, data: bytes, tag: Any = None, *, whole: bool = True, at: int = 0) -> RowFound:
    """What these bytes are in the place of the row of `key`; no record where they are damaged.

    Args:
        key: of the place.
        data: of the row; its beginning is enough where not `whole`: then it comes without its data.
        tag: of the bytes.
        at: where the row begins in them.
    """
    import msgpack

    try:
        end = at + 4 + int.from_bytes(data[at : at + 4])
        dead, since, size, *values = msgpack.unpackb(data[at + 4 : end], use_list=False)
        if not values:
            return RowFound(dead=int(dead), tag=tag)
        values.insert(_DATA, data[end:] if whole and size is not None else None)
        is_whole = values[0] == key and (not whole or len(data) - end == (size or 0))
        if is_whole and all(map(isinstance, values, _TYPES)):
            return RowFound(TaskRecord(*values[: len(_TYPES)]), int(since), int(dead), tag)
    except Exception:  # whatever is wrong with a row, it is none
        return RowFound(tag=tag)
    return RowFound(tag=tag)
