"""Values of parameters and of answers, in the server's binary form.

https://www.postgresql.org/docs/current/protocol-overview.html
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from psycopg.pq.abc import PGresult

Row = tuple[Any, ...]

_BYTEA: Final = 17


class Binary:
    """A value that libpq is given in the server's binary form.

    Attributes:
        kind: the server's number of its type.
        data: its bytes.
    """

    __slots__ = ("data", "kind")

    def __init__(self, kind: int, data: bytes) -> None:
        self.kind, self.data = kind, data


def bound(
    params: Sequence[Any],
) -> tuple[list[bytes | None], list[int] | None, list[int] | None]:
    """Values, types and forms as libpq takes them; the server infers the type of a text."""
    values: list[bytes | None] = []
    binary: dict[int, int] = {}
    for place, value in enumerate(params):
        if type(value) is str:
            values.append(value.encode())
        elif type(value) is Binary:
            binary[place] = value.kind
            values.append(value.data)
        elif value is None:
            values.append(None)
        elif isinstance(value, bytes | bytearray | memoryview):
            binary[place] = _BYTEA
            values.append(bytes(value))
        else:
            values.append((str(value) if not isinstance(value, bool) else "ft"[value]).encode())
    if not binary:
        return values, None, None
    types = [binary.get(place, 0) for place in range(len(values))]
    return values, types, [int(kind != 0) for kind in types]


_INT2, _INT4, _INT8 = struct.Struct("!h"), struct.Struct("!i"), struct.Struct("!q")
_FIELD = struct.Struct("!Ii")
_FLOAT4, _FLOAT8 = struct.Struct("!f"), struct.Struct("!d")


def _array(data: bytes) -> list[Any]:
    """An array of one dimension."""
    dimensions, _, kind = struct.unpack_from("!iiI", data)
    if not dimensions:
        return []
    count, place = _INT4.unpack_from(data, 12)[0], 20
    read, found = _READERS.get(kind, bytes), list[Any]()
    for _ in range(count):
        size = _INT4.unpack_from(data, place)[0]
        place += 4
        found.append(None if size < 0 else read(data[place : place + size]))
        place += max(0, size)
    return found


def _record(data: bytes) -> Row:
    """A record whose columns have types of their own."""
    place, found = 4, list[Any]()
    for _ in range(_INT4.unpack_from(data)[0]):
        kind, size = _FIELD.unpack_from(data, place)
        place += 8
        if size < 0:
            found.append(None)
        else:
            found.append(_READERS.get(kind, bytes)(data[place : place + size]))
            place += size
    return tuple(found)


_READERS: Final[dict[int, Callable[[bytes], Any]]] = {
    16: lambda data: data != b"\0",  # bool
    17: lambda data: data,  # bytea
    19: bytes.decode,  # name
    20: lambda data: _INT8.unpack(data)[0],
    21: lambda data: _INT2.unpack(data)[0],
    23: lambda data: _INT4.unpack(data)[0],
    25: bytes.decode,  # text
    26: lambda data: _INT4.unpack(data)[0],  # oid
    700: lambda data: _FLOAT4.unpack(data)[0],
    701: lambda data: _FLOAT8.unpack(data)[0],
    1000: _array,  # bool[]
    1001: _array,  # bytea[]
    1009: _array,  # text[]
    1016: _array,  # bigint[]
    1022: _array,  # double precision[]
    1043: bytes.decode,  # varchar
    2249: _record,
}
"""By the number of a type, how its binary form is read; what is none of these stays bytes."""


def rows_of(answer: PGresult) -> list[Row]:
    """The rows of an answer, in Python's types."""
    count = answer.ntuples
    if not count:
        return []
    get = answer.get_value
    columns = [(place, _READERS.get(answer.ftype(place), bytes)) for place in range(answer.nfields)]
    return [
        tuple(None if (data := get(row, place)) is None else read(data) for place, read in columns)
        for row in range(count)
    ]
