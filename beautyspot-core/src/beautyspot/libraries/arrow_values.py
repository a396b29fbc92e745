"""Codec of PyArrow tables in Arrow's stream format, which the codecs of pandas use as well.

The format: https://arrow.apache.org/docs/format/Columnar.html#ipc-streaming-format. It is written
directly into the output. What is read is validated in full, since Arrow trusts offsets otherwise.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa  # type: ignore[import-untyped] # it ships no types

from beautyspot.libraries.arrow_stream import Sink, require_sound
from beautyspot.serialization.codecs.contract import Codec, Refused, check

if TYPE_CHECKING:
    from beautyspot.serialization.codecs.contract import Read, Write


def require_safe(version: str) -> None:
    """Before 14.0.1, reading a stream could run code in it (CVE-2023-47248)."""
    if tuple(map(int, version.split(".")[:3])) < (14, 0, 1):
        raise ImportError(
            f"PyArrow {version} is not safe to read data with: install 14.0.1 or later"
        )


require_safe(pa.__version__)


def _empty_batch(table: Any) -> Any:
    arrays = [
        column.chunk(0) if column.num_chunks else pa.array([], column.type)
        for column in table.columns
    ]
    return pa.RecordBatch.from_arrays(arrays, schema=table.schema)


def write_table(table: Any, write: Write) -> object:
    """The packable form of a table."""

    def fill(out: bytearray) -> None:
        with pa.ipc.new_stream(pa.PythonFile(Sink(out), "w"), table.schema) as stream:
            if table.num_rows:
                stream.write_table(table)
            else:  # `write_table` would write nothing, and lose the categories of dictionaries
                stream.write_batch(_empty_batch(table))

    return write.buffer(None, fill)


def read_table(view: memoryview) -> Any:
    """The table in a stream; its columns are views of `view`."""
    require_sound(view)
    with pa.ipc.open_stream(pa.py_buffer(view)) as stream:
        table = stream.read_all()
    table.validate(full=True)
    return table


def _is_extended(kind: Any) -> bool:
    """Whether a type is one of a program's own, or has such a part."""
    parts = [kind.field(place).type for place in range(kind.num_fields)]
    if pa.types.is_dictionary(kind):
        parts.append(kind.value_type)
    return isinstance(kind, pa.BaseExtensionType) or any(map(_is_extended, parts))


def _encode_table(value: Any, write: Write) -> list[object]:
    if any(map(_is_extended, value.schema.types)):
        raise Refused("only programs that know a column's extension type can read it: cast it")
    return [write_table(value, write)]


def _decode_table(parts: list[Any], read: Read) -> Any:
    [part] = check(parts, int)
    view = read.buffer(part)
    return read_table(memoryview(bytes(view)) if view.readonly else view)


CODECS: Final[dict[type, Codec]] = {pa.Table: Codec(100, _encode_table, _decode_table)}
