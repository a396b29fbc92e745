"""PyArrow's tables, arrays, scalars and types as arguments of a call, and as results.

In a key they count by names, types and values. Chunks do not count, nor what memory holds under a
null or outside of a slice, as in Arrow's own comparison. A schema's metadata counts: it says what a
table becomes in pandas.

A table, and what can be a part of one, is stored in Arrow's stream format, which the frames of
Polars are as well: https://arrow.apache.org/docs/format/Columnar.html#ipc-streaming-format. It is
written directly into the output. What is read is validated by PyArrow in full; what a header may
claim without bytes for it, more values than memory holds, is looked at before.
"""

from __future__ import annotations

import struct
from io import RawIOBase
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa  # type: ignore[import-untyped] # it ships no types
from beautyspot.contracts import Buffer
from beautyspot.errors import RestoreError, SerializationError, UnstableKeyError
from pyarrow import types

from beautyspot_data.parts import check, digest, digest_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


def require_safe(version: str) -> None:
    """Before 14.0.1, reading a stream could run code in it (CVE-2023-47248)."""
    if tuple(map(int, version.split(".")[:3])) < (14, 0, 1):
        raise ImportError(
            f"PyArrow {version} is not safe to read data with: install 14.0.1 or later"
        )


require_safe(pa.__version__)

# ------------------------------------------------------------------------------------------- keys

_BITS: Final = 64
"""Values of up to so many bits count by their bits: Python's objects for times lose nanoseconds."""


def key(value: Any) -> str:
    """See `TypeSupport.key`."""
    return repr(_form(value))  # of texts, numbers, bytes, which Python's text tells apart


def _form(value: Any) -> object:
    if isinstance(value, (pa.Table, pa.RecordBatch)):
        columns = [_named(*pair) for pair in zip(value.column_names, value.columns, strict=True)]
        return _schema(value.schema), value.num_rows, columns
    if isinstance(value, (pa.Array, pa.ChunkedArray)):
        return _array(value)
    if isinstance(value, pa.Scalar):
        return _array(pa.repeat(value, 1))
    if isinstance(value, pa.DataType):
        return _kind(value)
    return _fields([value]) if isinstance(value, pa.Field) else _schema(value)


def _named(name: str, column: Any) -> object:
    try:
        return _array(column)
    except UnstableKeyError as error:
        raise UnstableKeyError(f"has the column {name!r}, which {error}") from None


def _schema(schema: Any) -> object:
    return _sorted(schema.metadata), _fields(schema)


def _fields(fields: Iterable[Any]) -> list[object]:
    """Field by field, since a type's own text does not delimit the names of fields."""
    return [(each.name, _kind(each.type), each.nullable, _sorted(each.metadata)) for each in fields]


def _sorted(metadata: dict[bytes, bytes] | None) -> object:
    return metadata and sorted(metadata.items())


def _kind(kind: Any) -> object:
    if isinstance(kind, pa.BaseExtensionType):
        raise _unstable(kind)
    if types.is_dictionary(kind):
        return "dictionary", _kind(kind.index_type), _kind(kind.value_type), kind.ordered
    inner = [kind.field(number) for number in range(kind.num_fields)] if kind.num_fields else ()
    return (str(kind), _fields(inner)) if inner else str(kind)


def _unstable(kind: Any) -> UnstableKeyError:
    return UnstableKeyError(f"has the type {kind}, which has no stable form: cast it, or else")


def _array(value: Any) -> object:
    whole = value.combine_chunks() if isinstance(value, pa.ChunkedArray) else value
    return _kind(value.type), len(value), _content(whole)


def _content(values: Any) -> object:
    """Which values are null, and the values of the others."""
    nulls = None if values.null_count == 0 else _numbers(values.is_null().cast("uint8"))
    return nulls, _values(values)


def _values(values: Any) -> object:
    kind = values.type
    if types.is_null(kind):
        return None
    if types.is_boolean(kind):
        return _numbers(values.cast("uint8").fill_null(0))
    if types.is_primitive(kind) and kind.bit_width <= _BITS:
        return _numbers(values.view(f"uint{kind.bit_width}").fill_null(0))
    if types.is_dictionary(kind):
        return _content(values.indices), _array(values.dictionary)
    if types.is_struct(kind):
        return [_content(part) for part in values.flatten()]
    if _is_list(kind):
        return _lists(values)
    is_text = str(kind).removeprefix("large_").removesuffix("_view") in ("string", "binary")
    if is_text or types.is_decimal(kind) or types.is_fixed_size_binary(kind):
        return digest_of(values.to_pylist())  # a Python object holds all of such a value
    raise _unstable(kind)


def _numbers(numbers: Any) -> str:
    """The values of an array of integers without nulls."""
    width = numbers.type.bit_width // 8
    view = memoryview(numbers.buffers()[1] or b"").cast("B")
    data = view[numbers.offset * width : (numbers.offset + len(numbers)) * width]
    return digest([data])


def _is_list(kind: Any) -> bool:
    return bool(
        types.is_list(kind)
        or types.is_large_list(kind)
        or types.is_fixed_size_list(kind)
        or types.is_map(kind)
    )


def _lists(lists: Any) -> object:
    from pyarrow import compute  # takes longer than all the rest: few tables have lists

    if types.is_map(lists.type):
        entries = pa.struct([lists.type.key_field, lists.type.item_field])
        lists = lists.cast(pa.list_(entries))
    lengths = compute.call_function("list_value_length", [lists]).cast("uint64").fill_null(0)
    return _numbers(lengths), _content(lists.flatten())


# ----------------------------------------------------------------------------------------- values


def encode(value: Any) -> object:
    """See `TypeSupport.encode`. What is no table is a part of one, which its first item names."""
    word, table = next(
        (word, hold(value)) for cls, word, hold, _ in _PARTS if isinstance(value, cls)
    )
    if any(map(_is_extended, table.schema.types)):
        raise SerializationError(
            "has an extension type, which only programs that know it can read: cast that column"
        )
    return [*([word] if word else []), stream_of(table)]


_PARTS: Final[tuple[tuple[Any, str, Callable[[Any], Any], Callable[[Any], Any]], ...]] = (
    (pa.Table, "", lambda table: table, lambda table: table),
    (
        pa.RecordBatch,
        "batch",
        lambda batch: pa.Table.from_batches([batch]),
        lambda table: pa.RecordBatch.from_arrays(
            [column.combine_chunks() for column in table.columns], schema=table.schema
        ),
    ),
    (
        pa.Array,
        "array",
        lambda array: pa.table([array], names=[""]),
        lambda table: table.column(0).combine_chunks(),
    ),
    (
        pa.ChunkedArray,
        "chunks",
        lambda array: pa.table([array], names=[""]),
        lambda table: table.column(0),
    ),
    (
        pa.Scalar,
        "scalar",
        lambda value: pa.table([pa.repeat(value, 1)], names=[""]),
        lambda table: table.column(0)[0],
    ),
    (pa.Schema, "schema", lambda value: value.empty_table(), lambda table: table.schema),
    (
        pa.Field,
        "field",
        lambda value: pa.schema([value]).empty_table(),
        lambda table: table.schema.field(0),
    ),
    (
        pa.DataType,
        "type",
        lambda value: pa.schema([pa.field("", value)]).empty_table(),
        lambda table: table.schema.field(0).type,
    ),
)
"""Classes, with the table that holds an instance, and what gives it again."""


def _is_extended(kind: Any) -> bool:
    """Whether a type is one of a program's own, or has such a part."""
    parts = [kind.field(place).type for place in range(kind.num_fields)]
    if pa.types.is_dictionary(kind):
        parts.append(kind.value_type)
    return isinstance(kind, pa.BaseExtensionType) or any(map(_is_extended, parts))


class Sink(RawIOBase):
    """A file to write to, which appends directly to the output."""

    def __init__(self, out: bytearray) -> None:
        self._out = out

    def writable(self) -> bool:
        """Return True."""
        return True

    def write(self, data: Any) -> int:
        """Append bytes, or anything with a buffer."""
        view = memoryview(data)
        self._out += view
        return view.nbytes


def stream_of(table: Any) -> Buffer:
    """A table in Arrow's stream format."""

    def fill(out: bytearray) -> None:
        with pa.ipc.new_stream(pa.PythonFile(Sink(out), "w"), table.schema) as stream:
            if table.num_rows:
                stream.write_table(table)
            else:  # `write_table` would write nothing, and lose the categories of dictionaries
                stream.write_batch(_empty_batch(table))

    return Buffer(fill)


def _empty_batch(table: Any) -> Any:
    arrays = [
        column.chunk(0) if column.num_chunks else pa.array([], column.type)
        for column in table.columns
    ]
    return pa.RecordBatch.from_arrays(arrays, schema=table.schema)


def decode(form: Any) -> Any:
    """See `TypeSupport.decode`."""
    word, view = check(form if len(form) == 2 else ["", *form], str, memoryview)
    read = {each: read for _, each, _, read in _PARTS}[word]
    return read(read_table(view))


def read_table(view: memoryview) -> Any:
    """The table in a stream; its columns are views of it, or of a copy of what is read-only.

    Raises:
        RestoreError: the stream is compressed, claims more values than its size allows, or has
            columns of Python objects.
        Exception: it is damaged.
    """
    stream = pa.py_buffer(bytes(view) if view.readonly else view)
    cells = sum(map(_cells, pa.ipc.MessageReader.open_stream(stream)))
    if cells > CELLS + 64 * len(view):
        raise RestoreError(f"a table of {cells} values in {len(view)} bytes")
    with pa.ipc.open_stream(stream) as batches:
        table = batches.read_all()
    table.validate(full=True)
    return table


# ---------------------------------------------------------------------------------------- headers

CELLS: Final = 2**24
"""Values that a stream of any size may have: columns that are all null take no bytes."""

_OBJECTS: Final = b"POLARS_EXTENSION_TYPE"
"""Marks columns of Python objects in Polars before 1.30, which takes their bytes for addresses."""


def _cells(message: Any) -> int:
    """How many values a message of a stream claims, those within values too.

    PyArrow says neither this nor whether they are compressed, which our writers never do: a
    hundred bytes become any number then. A header is a FlatBuffer (https://flatbuffers.dev), which
    PyArrow has checked; its fields have the numbers of Arrow's `Message.fbs`.

    Raises:
        RestoreError: they are compressed, or Python objects.
    """
    data = memoryview(message.metadata)
    if message.type == "schema":
        if _OBJECTS in bytes(data):
            raise RestoreError("a column of Python objects, whose addresses Polars would use")
        return 0
    batch = _table(data, _field(data, _table(data, 0), 2))
    if message.type == "dictionary":
        batch = _table(data, _field(data, batch, 1))
    if _field(data, batch, 3):
        raise RestoreError("a compressed table, which beautyspot never writes")
    rows, nodes = _field(data, batch, 0), _field(data, batch, 1)
    cells = _I64(data, rows)[0] if rows else 0
    if nodes:
        start = _table(data, nodes)
        end = start + 4 + 16 * _U32(data, start)[0]
        cells += sum(length for length, _ in struct.iter_unpack("<qq", data[start + 4 : end]))
    return int(cells)


_U16, _U32 = struct.Struct("<H").unpack_from, struct.Struct("<I").unpack_from
_I32, _I64 = struct.Struct("<i").unpack_from, struct.Struct("<q").unpack_from


def _table(data: memoryview, place: int) -> int:
    """Where the table is, or the vector, to which this place leads."""
    return place + int(_U32(data, place)[0])


def _field(data: memoryview, table: int, number: int) -> int:
    """Where a field of a table is; 0 if it is left out."""
    vtable, entry = table - _I32(data, table)[0], 4 + 2 * number
    offset = _U16(data, vtable + entry)[0] if entry < _U16(data, vtable)[0] else 0
    return table + offset if offset else 0
