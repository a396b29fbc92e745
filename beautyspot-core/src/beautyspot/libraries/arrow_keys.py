"""The forms of PyArrow tables and arrays: names, types and values.

Chunks do not count, nor what memory holds under a null or outside of a slice, as in Arrow's own
comparison. A schema's metadata counts: it says what a table becomes in pandas.
"""

from __future__ import annotations

import sys
from array import array
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa  # type: ignore[import-untyped] # it ships no types
from pyarrow import types

from beautyspot.keys.canonical.text import blob, little_endian, quote, tag
from beautyspot.keys.canonical.walk import KEYED

if TYPE_CHECKING:
    from collections.abc import Iterable

    from beautyspot.keys.canonical.walk import Form, Walk

_BITS: Final = 64
"""Values of up to so many bits count by their bits: Python's objects for times lose nanoseconds."""


def _table(walk: Walk, value: Any) -> str:
    names = value.schema.names
    columns = [walk.at(KEYED, name, value.column(place)) for place, name in enumerate(names)]
    parts = f"{_fields(walk, value.schema)},{value.num_rows},[{','.join(columns)}]"
    return tag("arrowtable", f"[{walk.named(type(value))},{parts}]")


def _fields(walk: Walk, schema: Any) -> str:
    return f"[{walk.at('.metadata', '', schema.metadata)},{_described(walk, schema)}]"


def _described(walk: Walk, fields: Iterable[Any]) -> str:
    """Field by field, since a type's own text does not delimit the names of fields."""
    texts = [
        f"[{quote(field.name)},{_kind(walk, field.type)},"
        f"{walk.array([field.nullable, field.metadata])}]"
        for field in fields
    ]
    return f"[{','.join(texts)}]"


def _kind(walk: Walk, kind: Any) -> str:
    if isinstance(kind, pa.BaseExtensionType):
        walk.refuse(kind, f"is {kind}, an extension type without a stable form: cast it, or else")
    if types.is_dictionary(kind):
        values = f"{_kind(walk, kind.index_type)},{_kind(walk, kind.value_type)}"
        return f'["dictionary",{values},{walk.array([kind.ordered])}]'
    inner = [kind.field(number) for number in range(kind.num_fields)]
    return f"[{quote(str(kind))},{_described(walk, inner)}]" if inner else quote(str(kind))


def _array(walk: Walk, value: Any) -> str:
    chunked = isinstance(value, pa.ChunkedArray)
    content = _content(walk, value.combine_chunks() if chunked else value)
    name = "arrowchunks" if chunked else "arrowarray"
    return tag(name, f"[{_kind(walk, value.type)},{len(value)},{content}]")


def _scalar(walk: Walk, value: Any) -> str:
    return tag("arrowscalar", _array(walk, pa.repeat(value, 1)))


def _content(walk: Walk, values: Any) -> str:
    """Which values are null, and the values of the others."""
    nulls = "null" if values.null_count == 0 else _numbers(values.is_null().cast("uint8"))
    return f"[{nulls},{_values(walk, values)}]"


def _values(walk: Walk, values: Any) -> str:
    kind = values.type
    if types.is_null(kind):
        return "null"
    if types.is_boolean(kind):
        return _numbers(values.cast("uint8").fill_null(0))
    if types.is_primitive(kind) and kind.bit_width <= _BITS:
        return _numbers(values.view(f"uint{kind.bit_width}").fill_null(0))
    if types.is_dictionary(kind):
        return f"[{_content(walk, values.indices)},{walk.at('.dictionary', '', values.dictionary)}]"
    if types.is_struct(kind):
        return f"[{','.join([_content(walk, part) for part in values.flatten()])}]"
    if _is_list(kind):
        return _lists(walk, values)
    if not _is_of_python(kind):
        walk.refuse(values, f"is of the type {kind}, which has no stable form: cast it, or else")
    return walk.array(values.to_pylist())


def _numbers(numbers: Any) -> str:
    """The values of an array of integers without nulls."""
    width = numbers.type.bit_width // 8
    view = memoryview(numbers.buffers()[1] or b"").cast("B")
    data = view[numbers.offset * width : (numbers.offset + len(numbers)) * width]
    if sys.byteorder == "big":
        code = {1: "B", 2: "H", 4: "I", 8: "Q"}[width]
        return blob(little_endian(array(code, data.tobytes())))
    return blob(data)


def _is_list(kind: Any) -> bool:
    return bool(
        types.is_list(kind)
        or types.is_large_list(kind)
        or types.is_fixed_size_list(kind)
        or types.is_map(kind)
    )


def _lists(walk: Walk, lists: Any) -> str:
    from pyarrow import compute  # takes longer than all the rest: few tables have lists

    if types.is_map(lists.type):
        entries = pa.struct([lists.type.key_field, lists.type.item_field])
        lists = lists.cast(pa.list_(entries))
    lengths = compute.call_function("list_value_length", [lists]).cast("uint64").fill_null(0)
    return f"[{_numbers(lengths)},{_content(walk, lists.flatten())}]"


def _is_of_python(kind: Any) -> bool:
    """Whether a Python object holds all of such a value: text, bytes, a decimal."""
    return bool(
        types.is_decimal(kind)
        or types.is_fixed_size_binary(kind)
        or str(kind).removeprefix("large_").removesuffix("_view") in ("string", "binary")
    )


FAMILIES: Final[dict[str, Form]] = {
    "pyarrow:Array": _array,
    "pyarrow:ChunkedArray": _array,
    "pyarrow:DataType": lambda walk, value: tag("arrowtype", _kind(walk, value)),
    "pyarrow:Field": lambda walk, value: tag("arrowfield", _described(walk, [value])),
    "pyarrow:RecordBatch": _table,
    "pyarrow:Scalar": _scalar,
    "pyarrow:Schema": lambda walk, value: tag("arrowschema", _fields(walk, value)),
    "pyarrow:Table": _table,
}
