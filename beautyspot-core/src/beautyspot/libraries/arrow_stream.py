"""Checks a stream in Arrow's format before Arrow reads it, and writes one into the output.

Arrow's readers decompress to any size, and allocate as many rows as a stream says. Our writers
compress nothing, so a compressed stream has another origin.

Framing: https://arrow.apache.org/docs/format/Columnar.html#encapsulated-message-format. Its headers
are FlatBuffers (https://flatbuffers.dev/internals/); their fields have the numbers of Arrow's
`Message.fbs`.
"""

from __future__ import annotations

import struct
from typing import Any, Final

from beautyspot.errors import RestoreError

CELLS: Final = 2**24
"""Values that a stream of any size may have: columns that are all null take no bytes."""

_CONTINUES: Final = 0xFFFFFFFF
_SCHEMA, _DICTIONARY, _BATCH = 1, 2, 3  # of the union `MessageHeader`

_OBJECTS: Final = b"POLARS_EXTENSION_TYPE"
"""Marks columns of Python objects in Polars before 1.30, which takes their bytes for addresses."""


class _Table:
    """A table in a FlatBuffer, at `start`."""

    __slots__ = ("_buffer", "_start", "_vtable")

    def __init__(self, buffer: memoryview, start: int) -> None:
        self._buffer = buffer
        self._start = start
        self._vtable = start - struct.unpack_from("<i", buffer, start)[0]
        if self._vtable < 0:
            raise RestoreError("a header of Arrow points outside of itself")

    def place(self, field: int) -> int:
        """The position of a field; 0 if the table leaves it out."""
        (size,) = struct.unpack_from("<H", self._buffer, self._vtable)
        if 4 + 2 * field >= size:
            return 0
        (offset,) = struct.unpack_from("<H", self._buffer, self._vtable + 4 + 2 * field)
        return self._start + offset if offset else 0

    def number(self, field: int, form: str) -> int:
        """A scalar; 0 if it is left out."""
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
        """The table to which a field points."""
        place = self.place(field)
        return _Table(self._buffer, place + struct.unpack_from("<I", self._buffer, place)[0])


def refuse_bombs(stream: memoryview) -> None:
    """Check the headers of all messages of a stream.

    Raises:
        RestoreError: the stream is compressed, claims more values than its size allows, or has
            columns of Python objects.
        struct.error: it is damaged.
    """
    cells = position = 0
    while position < len(stream):
        continues, length = struct.unpack_from("<Ii", stream, position)
        if continues != _CONTINUES or length < 0:
            raise RestoreError("not a stream in Arrow's format, or one of an early release")
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
    """The size of a message's body in bytes, and the number of values in it."""
    message = _Table(buffer, struct.unpack_from("<I", buffer)[0])
    kind, body = message.number(1, "<B"), message.number(3, "<q")
    if body < 0:
        raise RestoreError("a message with a negative size")
    if kind == _SCHEMA and _OBJECTS in bytes(buffer):
        raise RestoreError("a column of Python objects, whose addresses Polars would use")
    if kind not in (_DICTIONARY, _BATCH):
        return body, 0
    header = message.table(2)
    batch = header if kind == _BATCH else header.table(1)
    if batch.place(3):
        raise RestoreError("a compressed table, which beautyspot never writes")
    rows = batch.number(0, "<q")
    return body, max(rows, 0) * batch.count(1)


class Sink:
    """A file to write to, which appends directly to the output."""

    closed = False

    def __init__(self, out: bytearray) -> None:
        self._out = out

    def write(self, data: Any) -> int:
        """Append bytes, or anything with a buffer."""
        view = memoryview(data)
        self._out += view
        return view.nbytes

    def flush(self) -> None:
        """Do nothing: there is no buffer."""

    def writable(self) -> bool:
        """Return True."""
        return True
