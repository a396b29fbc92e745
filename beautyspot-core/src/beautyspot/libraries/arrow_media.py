"""Tables of PyArrow as CSV and Parquet."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa  # type: ignore[import-untyped] # it ships no types
from pyarrow import csv, parquet

from beautyspot.libraries.arrow_values import require_safe
from beautyspot.serialization.media import Format
from beautyspot.serialization.serializer import MsgpackSerializer

if TYPE_CHECKING:
    from beautyspot.contracts import Data

require_safe(pa.__version__)

_PLAIN: Final = MsgpackSerializer()


def _write_csv(value: Any) -> tuple[bytes, bytes]:
    out = BytesIO()
    csv.write_csv(value, out)
    return out.getvalue(), bytes(_PLAIN.dumps(value.schema.empty_table()))


def _read_csv(data: Data, beside: bytes) -> Any:
    schema = _PLAIN.loads(beside).schema
    convert = csv.ConvertOptions(
        column_types=schema, strings_can_be_null=True, quoted_strings_can_be_null=False
    )
    parse = csv.ParseOptions(newlines_in_values=True, ignore_empty_lines=False)
    table = csv.read_csv(BytesIO(data), parse_options=parse, convert_options=convert)
    return table.cast(schema).replace_schema_metadata(schema.metadata)


def _write_parquet(value: Any) -> tuple[bytes, bytes]:
    out = BytesIO()
    # A list's items keep their field's name, which the standard's form would change.
    parquet.write_table(value, out, use_compliant_nested_type=False)
    return out.getvalue(), b""


def read_parquet(data: Data, beside: bytes = b"") -> Any:
    """The table of a Parquet file."""
    del beside
    table = parquet.read_table(pa.py_buffer(data))
    table.validate(full=True)
    return table


FORMATS: Final = {
    "csv": Format(_write_csv, _read_csv),
    "parquet": Format(_write_parquet, read_parquet),
}
