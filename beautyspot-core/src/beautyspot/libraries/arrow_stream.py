"""Checks a stream in Arrow's format before Arrow or Polars reads it, and writes into the output.

Their readers believe what a header says: they decompress to any size, allocate as many rows as it
claims, and end the process where that memory is missing. So each length and offset in the headers
is compared with the bytes that there are, first. Our writers compress nothing, so a compressed
stream has another origin.

Framing: https://arrow.apache.org/docs/format/Columnar.html#encapsulated-message-format. Its headers
are FlatBuffers (see `flatbuffers`); their fields have the numbers of Arrow's `Message.fbs`.
"""

from __future__ import annotations

import struct
from typing import Any, Final

from beautyspot.errors import RestoreError
from beautyspot.libraries.arrow_layout import Schema, checked_cells, schema_of
from beautyspot.libraries.flatbuffers import Table, root

CELLS: Final = 2**24
"""Values that a stream of any size may have: columns that are all null take no bytes."""

_CONTINUES: Final = 0xFFFFFFFF
_SCHEMA, _DICTIONARY, _BATCH = 1, 2, 3  # of the union `MessageHeader`


def require_sound(stream: memoryview) -> None:
    """Check the headers of all messages of a stream against the bytes that follow them.

    Raises:
        RestoreError: the stream is compressed, claims more values than its size allows, names
            bytes that it does not have, or has columns of Python objects.
        struct.error: it is damaged.
    """
    cells = position = 0
    schema: Schema | None = None
    while position < len(stream):
        continues, length = struct.unpack_from("<Ii", stream, position)
        if continues != _CONTINUES or length < 0:
            raise RestoreError("not a stream in Arrow's format, or one of an early release")
        position += 8
        if length == 0:  # the end
            break
        header = stream[position : position + length]
        message = root(header)
        body = message.number(3, "<q")
        position += length + body
        if body < 0 or position > len(stream):
            raise RestoreError("a message whose body is cut off")
        if schema is None:
            schema = _schema(message, header)
        else:
            cells += _cells(schema, message, body)
    if cells > CELLS + 64 * len(stream):
        raise RestoreError(f"a table of {cells} values in {len(stream)} bytes")


def _schema(message: Table, header: memoryview) -> Schema:
    if message.number(1, "<B") != _SCHEMA:
        raise RestoreError("a stream in Arrow's format without its schema")
    return schema_of(bytes(header))


def _cells(schema: Schema, message: Table, body: int) -> int:
    """The number of values in a message with a body of this size."""
    kind, batch, columns = message.number(1, "<B"), message.table(2), schema.columns
    if kind == _DICTIONARY:
        columns = schema.dictionaries[batch.number(0, "<q")]
        batch = batch.table(1)
    elif kind != _BATCH:
        raise RestoreError("a message that is neither a batch of rows nor a dictionary")
    if batch.place(3):
        raise RestoreError("a compressed table, which beautyspot never writes")
    return checked_cells(columns, batch, body)


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
