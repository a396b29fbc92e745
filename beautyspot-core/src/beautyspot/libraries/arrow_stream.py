"""A look into a stream of Arrow's before its own readers are given it: that it is no bomb or trap.

Arrow's readers unpack what is compressed, to any size, and make room for as many rows as a stream
says. Our writers compress nothing, so a stream that does was written by somebody else.

Framing: https://arrow.apache.org/docs/format/Columnar.html#encapsulated-message-format. The tables
in it are FlatBuffers (https://flatbuffers.dev/internals/), of which this reads the four that count,
as `Message.fbs` of Arrow numbers their fields.
"""

from __future__ import annotations

import struct
from typing import Any, Final

from beautyspot.errors import RestoreError

CELLS: Final = 2**24
"""Values that a stream may hold whatever its size: columns of nothing but nulls take no bytes."""

_CONTINUES: Final = 0xFFFFFFFF
_SCHEMA, _DICTIONARY, _BATCH = 1, 2, 3  # of the union `MessageHeader`

_OBJECTS: Final = b"POLARS_EXTENSION_TYPE"
"""How Polars before 1.30 marks columns of Python objects: it takes their bytes for addresses."""


class _Table:
    """A table in a FlatBuffer, at `start`."""

    __slots__ = ("_buffer", "_start", "_vtable")

    def __init__(self, buffer: memoryview, start: int) -> None:
        self._buffer = buffer
        self._start = start
        self._vtable = start - struct.unpack_from("<i", buffer, start)[0]
        if self._vtable < 0:
            raise RestoreError("a message of Arrow's that leads out of itself")

    def place(self, field: int) -> int:
        """Where a field is, or 0 where the table leaves it out."""
        (size,) = struct.unpack_from("<H", self._buffer, self._vtable)
        if 4 + 2 * field >= size:
            return 0
        (offset,) = struct.unpack_from("<H", self._buffer, self._vtable + 4 + 2 * field)
        return self._start + offset if offset else 0

    def number(self, field: int, form: str) -> int:
        """A scalar; 0 where it is left out."""
        place = self.place(field)
        return int(struct.unpack_from(form, self._buffer, place)[0]) if place else 0

    def count(self, field: int) -> int:
        """The length of a vector."""
        place = self.place(field)
        if not place:
            return 0
        (offset,) = struct.unpack_from("<I", self._buffer, place)
        return int(struct.unpack_from("<I", self._buffer, place + offset)[0])

    def table(self, field: int) -> _Table:
        """A table that a field leads to."""
        place = self.place(field)
        return _Table(self._buffer, place + struct.unpack_from("<I", self._buffer, place)[0])


def refuse_bombs(stream: memoryview) -> None:
    """Read the heads of all messages of a stream.

    Raises:
        RestoreError: it is compressed, holds more values than its size can account for, or
            addresses of Python objects.
        struct.error: it is damaged.
    """
    cells = position = 0
    while position < len(stream):
        continues, length = struct.unpack_from("<Ii", stream, position)
        if continues != _CONTINUES or length < 0:
            raise RestoreError("no stream of Arrow's, or one of an ancient release")
        position += 8
        if length == 0:  # the end
            break
        message = stream[position : position + length]
        body, more = _message(message)
        position += length + body
        cells += more
    if cells > CELLS + 64 * len(stream):
        raise RestoreError(f"a table of {cells} values in {len(stream)} bytes")


def _message(buffer: memoryview) -> tuple[int, int]:
    """The bytes of its body, and how many values it holds."""
    message = _Table(buffer, struct.unpack_from("<I", buffer)[0])
    kind, body = message.number(1, "<B"), message.number(3, "<q")
    if body < 0:
        raise RestoreError("a message of Arrow's with a negative size")
    if kind == _SCHEMA and _OBJECTS in bytes(buffer):
        raise RestoreError("a column of addresses, which Polars would follow")
    if kind not in (_DICTIONARY, _BATCH):
        return body, 0
    header = message.table(2)
    batch = header if kind == _BATCH else header.table(1)
    if batch.place(3):
        raise RestoreError("a table that is compressed: nothing of ours is, so it may be a bomb")
    rows = batch.number(0, "<q")
    return body, max(rows, 0) * batch.count(1)


class Sink:
    """A file that can only be written to, and appends to the output without a copy between."""

    closed = False

    def __init__(self, out: bytearray) -> None:
        self._out = out

    def write(self, data: Any) -> int:
        """Append bytes, or anything with a buffer."""
        view = memoryview(data)
        self._out += view
        return view.nbytes

    def flush(self) -> None:
        """Nothing waits to be written."""

    def writable(self) -> bool:
        """It is."""
        return True
