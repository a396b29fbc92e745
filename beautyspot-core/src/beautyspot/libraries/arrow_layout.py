"""Which buffers the columns of a schema in Arrow's format have, and how long each must be at least.

https://arrow.apache.org/docs/format/Columnar.html#buffer-listing-for-each-layout. The types and the
fields of the headers have the numbers of Arrow's `Schema.fbs` and `Message.fbs`.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final, NamedTuple

from beautyspot.errors import RestoreError
from beautyspot.libraries.flatbuffers import Table, root

if TYPE_CHECKING:
    from collections.abc import Callable

_MOST: Final = 2**40  # rows: more than a document can have
_DEPTH: Final = 64  # of columns within columns
_INT, _UNION = 2, 14

_OBJECTS: Final = b"POLARS_EXTENSION_TYPE"
"""Marks columns of Python objects in Polars before 1.30, which takes their bytes for addresses."""


class _Column(NamedTuple):
    """The buffers of a column without its children, in this order.

    Attributes:
        validity: whether there is a bit a row that says if it is null.
        widths: for each further buffer, the bits an item, and by how many its items are more than
            the rows.
        variadic: whether the batch says how many buffers of any length end it.
    """

    validity: bool = True
    widths: tuple[tuple[int, int], ...] = ()
    variadic: bool = False


_FIXED: Final[dict[int, Callable[[Table], int]]] = {
    _INT: lambda kind: kind.number(0, "<i"),
    3: lambda kind: 16 << kind.number(0, "<h"),  # floating point
    6: lambda _: 1,  # bool
    7: lambda kind: kind.number(2, "<i", 128),  # decimal
    8: lambda kind: 64 if kind.number(0, "<h", 1) else 32,  # date
    9: lambda kind: kind.number(1, "<i", 32),  # time
    10: lambda _: 64,  # timestamp
    11: lambda kind: 32 << kind.number(0, "<h"),  # interval
    15: lambda kind: 8 * kind.number(0, "<i"),  # binary of a fixed size
    18: lambda _: 64,  # duration
}
"""Types of a fixed width -> bits a row."""

_OFFSETS, _LARGE_OFFSETS, _DATA = (32, 1), (64, 1), (0, 0)

_OTHERS: Final[dict[int, _Column]] = {
    1: _Column(validity=False),  # null
    4: _Column(widths=(_OFFSETS, _DATA)),  # binary
    5: _Column(widths=(_OFFSETS, _DATA)),  # text
    12: _Column(widths=(_OFFSETS,)),  # list
    13: _Column(),  # struct
    16: _Column(),  # list of a fixed size
    17: _Column(widths=(_OFFSETS,)),  # map
    19: _Column(widths=(_LARGE_OFFSETS, _DATA)),  # large binary
    20: _Column(widths=(_LARGE_OFFSETS, _DATA)),  # large text
    21: _Column(widths=(_LARGE_OFFSETS,)),  # large list
    22: _Column(validity=False),  # run-end encoded
    23: _Column(widths=((128, 0),), variadic=True),  # views of binary
    24: _Column(widths=((128, 0),), variadic=True),  # views of text
    25: _Column(widths=((32, 0), (32, 0))),  # views of a list
    26: _Column(widths=((64, 0), (64, 0))),  # views of a large list
}


class Schema:
    """The columns of a stream: each before its children, as their parts stand in a batch.

    Attributes:
        columns: those of a batch of rows.
        dictionaries: the number of a dictionary -> those of its values.
    """

    def __init__(self, header: Table) -> None:
        self.dictionaries: dict[int, list[_Column]] = {}
        self.columns = self._all(header.tables(1), _DEPTH)

    def _all(self, fields: list[Table], depth: int) -> list[_Column]:
        _require(depth > 0)
        return [column for field in fields for column in self._of(field, depth)]

    def _of(self, field: Table, depth: int) -> list[_Column]:
        columns = [_column(field), *self._all(field.tables(5), depth - 1)]
        if not field.place(4):
            return columns
        encoding = field.table(4)
        self.dictionaries[encoding.number(0, "<q")] = columns
        bits = encoding.table(1).number(0, "<i") if encoding.place(1) else 32
        return [_fixed(bits)]


def _column(field: Table) -> _Column:
    kind = field.number(2, "<B")
    if kind in _FIXED:
        return _fixed(_FIXED[kind](field.table(3)))
    if kind == _UNION:
        dense = field.table(3).number(0, "<h")
        return _Column(validity=False, widths=((8, 0), (32, 0)) if dense else ((8, 0),))
    _require(kind in _OTHERS)
    return _OTHERS[kind]


def _fixed(bits: int) -> _Column:
    _require(bits >= 0)
    return _Column(widths=((bits, 0),))


def schema_of(message: bytes) -> Schema:
    """The schema in a message, which is often that of the last stream.

    Raises:
        RestoreError: it is another message, damaged, or has columns of Python objects.
        struct.error: it is damaged.
    """
    return _remembered(message) if len(message) < 2**16 else _schema_of(message)


def _schema_of(message: bytes) -> Schema:
    if _OBJECTS in message:
        raise RestoreError("a column of Python objects, whose addresses Polars would use")
    return Schema(root(memoryview(message)).table(2))


_remembered = lru_cache(64)(_schema_of)


def checked_cells(columns: list[_Column], batch: Table, body: int) -> int:
    """The number of values that a batch claims, after a check that its bytes hold as many.

    Args:
        columns: of the batch, from its schema.
        batch: the header that says where in the body each buffer is.
        body: its size in bytes.

    Raises:
        RestoreError: a buffer leads out of the body, or is too short for its rows.
    """
    nodes, buffers = iter(batch.records(1, "<qq")), iter(batch.records(2, "<qq"))
    variadic = iter(batch.records(4, "<q"))
    cells = 0
    _require(0 <= batch.number(0, "<q") < _MOST)
    for column in columns:
        rows, nulls = next(nodes, (-1, -1))
        _require(0 <= nulls <= rows < _MOST)
        cells += rows
        needed = [rows if nulls else 0] if column.validity else []
        needed += [bits * (rows + more) if rows else 0 for bits, more in column.widths]
        if column.variadic:
            (count,) = next(variadic, (-1,))
            _require(0 <= count <= body)
            needed += [0] * count
        for least in needed:
            offset, size = next(buffers, (-1, -1))
            if offset < 0 or size < 0 or offset + size > body or 8 * size < least:
                _require(False)
    return cells


def _require(fits: bool) -> None:
    if not fits:
        raise RestoreError("a table whose headers do not fit its bytes")
