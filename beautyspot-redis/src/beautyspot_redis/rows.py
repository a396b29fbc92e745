"""The form of a row in the server: one string.

It begins with a head of fixed size, which scripts read as well: a mark, when the result was made,
when its run began and when it was used, and the function's cover. Behind it is the record in the
form of `beautyspot.contracts.row_bytes`, which begins with the length of the fields: a listing
reads no more than these. What is not so is no row, and a miss.
"""

from __future__ import annotations

import math
from struct import Struct, pack
from typing import TYPE_CHECKING, Final

from beautyspot.contracts.records import covers_of
from beautyspot.contracts.row_bytes import row_data, row_in

if TYPE_CHECKING:
    from beautyspot.contracts import TaskRecord

MARK: Final = b"bs1:"
"""Of this form. A later form has another mark, and rows of it are misses here."""

DIGITS: Final = 32
"""Of the cover of a function, which ends in them."""

HEAD: Final = Struct(">4sddd32s")
"""`MARK`, three times, of which NaN is for one that there is not, and 32 digits."""


def time_bytes(time: float | None) -> bytes:
    """A time as it stands in a head."""
    return pack(">d", math.nan if time is None else time)


def written(record: TaskRecord) -> bytes:
    """The row of a record; without `began_at`, it is for `PUT` to say when its run began."""
    times = map(time_bytes, (record.made_at, record.began_at, record.used_at))
    function = covers_of(record)[1][-DIGITS:]
    return b"".join((MARK, *times, function.encode(), row_data(record)))


def record_of(key: str, row: bytes, *, whole: bool = True) -> TaskRecord | None:
    """The record of a row; None where it can't be read. Where not `whole`, its data were not."""
    record = row_in(key, row, whole=whole, at=HEAD.size).record
    if record is None or not row.startswith(MARK):
        return None
    _, _, began, used, _ = HEAD.unpack_from(row)
    used_at = used if used == used else None  # NaN
    if (record.began_at, record.used_at) == (began, used_at):
        return record
    return record._replace(began_at=began, used_at=used_at)
