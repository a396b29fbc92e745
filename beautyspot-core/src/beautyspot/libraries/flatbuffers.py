"""Reads the headers in Arrow's format: FlatBuffers (https://flatbuffers.dev/internals/).

Each position is checked against the buffer; what leads outside is a `RestoreError` or a
`struct.error`, never a read elsewhere.
"""

from __future__ import annotations

import struct
from typing import Any, Final

from beautyspot.errors import RestoreError

_U32: Final = struct.Struct("<I").unpack_from
_I32: Final = struct.Struct("<i").unpack_from
_U16: Final = struct.Struct("<H").unpack_from


def root(buffer: memoryview) -> Table:
    """The table to which the first bytes of a FlatBuffer lead."""
    return Table(buffer, _U32(buffer)[0])


class Table:
    """A table in a FlatBuffer, at `start`."""

    __slots__ = ("_buffer", "_fields", "_start")

    def __init__(self, buffer: memoryview, start: int) -> None:
        vtable = start - _I32(buffer, start)[0]
        if vtable < 0:
            raise RestoreError("a header of Arrow points outside of itself")
        size = _U16(buffer, vtable)[0]
        self._buffer = buffer
        self._start = start
        self._fields = struct.unpack_from(f"<{size // 2}H", buffer, vtable)[2:]

    def place(self, field: int) -> int:
        """The position of a field; 0 if the table leaves it out."""
        offset = self._fields[field] if field < len(self._fields) else 0
        return self._start + offset if offset else 0

    def number(self, field: int, form: str, default: int = 0) -> int:
        """A scalar; `default` if it is left out."""
        place = self.place(field)
        return int(struct.unpack_from(form, self._buffer, place)[0]) if place else default

    def table(self, field: int) -> Table:
        """The table to which a field points."""
        return self._table_at(self.place(field))

    def _table_at(self, place: int) -> Table:
        return Table(self._buffer, place + _U32(self._buffer, place)[0])

    def tables(self, field: int) -> list[Table]:
        """The tables in a vector."""
        first, count = self._vector(field, 4)
        return [self._table_at(first + 4 * number) for number in range(count)]

    def records(self, field: int, form: str) -> list[tuple[Any, ...]]:
        """The structs in a vector, or its numbers as tuples of one."""
        first, count = self._vector(field, size := struct.calcsize(form))
        return [*struct.iter_unpack(form, self._buffer[first : first + count * size])]

    def _vector(self, field: int, size: int) -> tuple[int, int]:
        """The position of a vector's first item, and their number."""
        place = self.place(field)
        if not place:
            return 0, 0
        start = place + _U32(self._buffer, place)[0]
        (count,) = _U32(self._buffer, start)
        if start + 4 + count * size > len(self._buffer):
            raise RestoreError("a header of Arrow points outside of itself")
        return start + 4, count
