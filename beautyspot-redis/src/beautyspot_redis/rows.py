"""The form of a row in the server: one string.

It begins with a head of fixed size, which scripts read as well: a mark, when the result was made,
when its run began and when it was used, the function's cover, and the lengths of what is behind it:
all other fields by msgpack, and the data as they are. A listing reads no more than the fields.
What is not so is no row, and a miss.
"""

from __future__ import annotations

import math
from struct import Struct, pack
from typing import Any, Final, cast

from beautyspot.contracts import TaskRecord
from beautyspot.contracts.records import FIELD_TYPES
from msgpack import packb, unpackb  # type: ignore[import-untyped] # it ships no types

MARK: Final = b"bs1:"
"""Of this form. A later form has another mark, and rows of it are misses here."""

HEAD: Final = Struct(">4sddd32sII")
"""`MARK`, three times, 32 digits, the length of the fields, that of the data plus one or 0.

NaN is for a time that there is not.
"""

_DATA, _USED, _BEGAN = map(TaskRecord._fields.index, ("result_data", "used_at", "began_at"))
_TYPES: Final = [
    (FIELD_TYPES[name], type(TaskRecord._field_defaults.get(name, "")))
    for name in TaskRecord._fields
]
"""What each field may be: None too, where that is its default."""


def number_of(time: float | None) -> float:
    """A time as it stands in a head."""
    return math.nan if time is None else time


def time_bytes(time: float | None) -> bytes:
    """The same as bytes."""
    return pack(">d", number_of(time))


def written(record: TaskRecord, function: str) -> bytes:
    """The row of a record; without `began_at`, it is for `PUT` to say when its run began.

    Args:
        record: the record.
        function: the digits of its function's cover.
    """
    data = record.result_data
    times = map(number_of, (record.made_at, record.began_at, record.used_at))
    fields = bytes(cast("Any", packb((*record[1:_DATA], *record[_DATA + 1 :]))))
    more = 0 if data is None else len(data) + 1
    return HEAD.pack(MARK, *times, function.encode(), len(fields), more) + fields + (data or b"")


def record_of(key: str, row: bytes, *, whole: bool = True) -> TaskRecord | None:
    """The record of a row; None where it can't be read. Where not `whole`, its data were not."""
    try:
        mark, _, began, used, _, size, more = HEAD.unpack_from(row)
        end = HEAD.size + size
        values = [key, *unpackb(row[HEAD.size : end], use_list=False)][
            : len(TaskRecord._fields) - 1
        ]
        values.insert(_DATA, row[end:] if more and whole else None)
        values[_USED] = used if used == used else None  # NaN
        values[_BEGAN] = began
        is_whole = not whole or len(row) == end + max(more - 1, 0)
        if mark == MARK and is_whole and all(map(isinstance, values, _TYPES)):
            return TaskRecord(*values)
    except Exception:  # whatever is wrong with a row, it is none
        return None
    return None
