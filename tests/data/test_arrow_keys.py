"""PyArrow tables, batches and arrays count by their content."""

from __future__ import annotations

from decimal import Decimal
from hashlib import sha256

import pyarrow as pa
import pytest
from beautyspot.errors import UnstableKeyError
from supported import canonical

DAYS = pa.timestamp("ns", tz="UTC")
ARRAYS = {
    "null": pa.nulls(3),
    "bool": pa.array([True, None, False]),
    "int64": pa.array([1, None, 3]),
    "whole": pa.array([1, 0, 3]),
    "int8": pa.array([1, None, 3], "int8"),
    "uint64": pa.array([1, None, 3], "uint64"),
    "float": pa.array([1.0, None, -0.0]),
    "half": pa.array([1.0, None, -0.0], "float16"),
    "text": pa.array(["a", None, "c"]),
    "large text": pa.array(["a", None, "c"], "large_string"),
    "text view": pa.array(["a", None, "c"], "string_view"),
    "bytes": pa.array([b"a", None, b"c"]),
    "two bytes": pa.array([b"aa", None, b"cc"], pa.binary(2)),
    "decimal": pa.array([Decimal("1.00"), None, Decimal("2.00")]),
    "days": pa.array([1, None, 3], "date32"),
    "times": pa.array([1, None, 3], DAYS),
    "other times": pa.array([1, None, 3], pa.timestamp("ns")),
    "spans": pa.array([1, None, 3], pa.duration("ns")),
    "category": pa.array(["a", None, "c"]).dictionary_encode(),
    "lists": pa.array([[1, None], None, []]),
    "lists of one": pa.array([[1], [None], []]),
    "large lists": pa.array([[1, None], None, []], pa.large_list(pa.int64())),
    "lists of times": pa.array([[1, None], None, []], pa.list_(DAYS)),
    "pairs": pa.array([[1, 2], None, [3, 4]], pa.list_(pa.int64(), 2)),
    "maps": pa.array([[("a", 1)], None, []], pa.map_(pa.string(), pa.int64())),
    "maps of times": pa.array([[("a", 1)], None, []], pa.map_(pa.string(), DAYS)),
    "records": pa.array([{"a": 1, "b": ["x"]}, None, {"a": None, "b": None}]),
}


@pytest.mark.parametrize("name", ARRAYS)
def test_an_array_counts_however_it_is_sliced_and_cut(name):
    made = ARRAYS[name]
    whole = canonical(pa.chunked_array([made]))
    assert canonical(pa.concat_arrays([made[1:], made, made[:1]])[2:5]) == canonical(made)
    assert canonical(pa.chunked_array([made[:1], made[1:1], made[1:]])) == whole
    assert canonical(made) != whole  # another class, with other methods
    if name != "category":  # the categories of an empty slice are all there
        assert canonical(made[:0]) == canonical(pa.chunked_array([], made.type).combine_chunks())
    assert canonical(made[:2]) != canonical(made)
    assert name == "null" or canonical(made[:2]) != canonical(made[1:])


def test_arrays_that_differ_in_type_or_value_have_texts_of_their_own():
    texts = [canonical(made) for made in ARRAYS.values()]
    assert len(set(texts)) == len(texts)


def test_what_lies_beneath_a_null_does_not_count():
    bits = pa.py_buffer(b"\x05")
    made = [
        pa.Array.from_buffers(pa.int8(), 3, [bits, pa.py_buffer(values)])
        for values in (b"\x01\x02\x03", b"\x01\xff\x03")
    ]
    assert canonical(made[0]) == canonical(made[1]) != canonical(pa.array([1, 2, 3], "int8"))


def test_the_texts_are_frozen():
    table = pa.table({"a": [1, None], "b": ["x", "y"]})
    mask, numbers = sha256(b"\0\1").hexdigest(), sha256(b"\1" + bytes(15)).hexdigest()
    texts = sha256(b"['x', 'y']").hexdigest()
    schema = "(None, [('a', 'int64', True, None), ('b', 'string', True, None)])"
    columns = f"[('int64', 2, ('{mask}', '{numbers}')), ('string', 2, (None, '{texts}'))]"
    text = f"({schema}, 2, {columns})"
    assert canonical(table) == f'{{"$key":["pyarrow.lib:Table","pyarrow",[2,2],"{text}"]}}'
    assert canonical(pa.list_(pa.int8())) == (
        '{"$key":["pyarrow.lib:ListType","pyarrow",null,'
        "\"('list<item: int8>', [('item', 'int8', True, None)])\"]}"
    )


def test_tables_count_by_names_types_metadata_and_values():
    table = pa.table({"a": [1, 2], "b": ["x", "y"]})
    same = pa.concat_tables([table[:1], table[1:]])
    assert canonical(same) == canonical(table)
    others = [
        table.to_batches()[0],
        table[:1],
        table.select(["b", "a"]),
        table.rename_columns(["a", "c"]),
        table.replace_schema_metadata({"made": "today"}),
        table.cast(pa.schema([("a", "int32"), ("b", "string")])),
        table.cast(pa.schema([pa.field("a", "int64", nullable=False), ("b", "string")])),
        table.cast(pa.schema([pa.field("a", "int64", metadata={"unit": "m"}), ("b", "string")])),
        pa.table({"a": [1, 3], "b": ["x", "y"]}),
        table.schema,
        table.column("a"),
        table.select([]),
        pa.table({}),
    ]
    texts = [canonical(value) for value in (table, *others)]
    assert len(set(texts)) == len(texts)


def test_names_of_fields_can_not_be_taken_for_types():
    one = pa.struct([("x: int64, y", pa.int64()), ("z", pa.int64())])
    other = pa.struct([("x", pa.int64()), ("y: int64, z", pa.int64())])
    assert str(one) == str(other)
    for wrapped in (
        lambda kind: kind,
        pa.list_,
        lambda kind: pa.map_(pa.string(), kind),
        lambda kind: pa.dictionary(pa.int8(), kind),
    ):
        assert canonical(wrapped(one)) != canonical(wrapped(other))
    assert canonical(pa.nulls(1, one)) != canonical(pa.nulls(1, other))


def test_fields_scalars_and_types_of_categories_count():
    values = [
        pa.field("a", pa.int8()),
        pa.field("a", pa.int8(), nullable=False),
        pa.field("a", pa.int8(), metadata={"unit": "m"}),
        pa.field("b", pa.int8()),
        *(pa.scalar(number, kind) for number in (1, 2, None) for kind in (pa.int8(), DAYS)),
        *(pa.dictionary(pa.int8(), pa.string(), ordered) for ordered in (False, True)),
        pa.dictionary(pa.int16(), pa.string()),
    ]
    assert len(set(map(canonical, values))) == len(values)
    assert canonical(pa.array([1, 2])[1]) == canonical(pa.scalar(2))


@pytest.mark.parametrize(
    "value",
    [
        pa.array([[1]], pa.list_view(pa.int64())),
        pa.UnionArray.from_sparse(pa.array([0], "int8"), [pa.array([1])]),
        pa.opaque(pa.int8(), "a", "b"),
        pa.ExtensionArray.from_storage(pa.opaque(pa.int8(), "a", "b"), pa.array([1], "int8")),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_has_no_stable_form_is_refused(value):
    with pytest.raises(UnstableKeyError, match="cast it, or else"):
        canonical([value])
    if isinstance(value, pa.Array):
        with pytest.raises(UnstableKeyError, match="has the column 'column', which has the type"):
            canonical(pa.table({"column": value}))
