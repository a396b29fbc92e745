"""Reads a page of a Parquet or Arrow file. Runs in a process of its own.

The words are "parquet" or "arrow", the first row and the first column. The output is JSON: columns,
rows, and the shape of the whole; or the name of what has to be installed.
"""

from __future__ import annotations

import json
from typing import IO, TYPE_CHECKING, Any

from beautyspot_dashboard.values.children.limits import answer
from beautyspot_dashboard.values.tables.frames import column_of
from beautyspot_dashboard.values.tables.table import COLUMNS, ROWS, cell

if TYPE_CHECKING:
    from collections.abc import Sequence


def page(file: IO[bytes], kind: str, row: int, column: int) -> Any:
    """A page of a file.

    Raises:
        Exception: it is none of that kind.
    """
    try:
        import pyarrow as pa  # type: ignore[import-untyped] # it ships no types
    except ImportError:
        return {"missing": "pyarrow"}
    return _parquet(file, row, column) if kind == "parquet" else _arrow(pa, file, row, column)


def _parquet(source: IO[bytes], row: int, column: int) -> Any:
    from pyarrow.parquet import ParquetFile  # type: ignore[import-untyped] # as above

    file = ParquetFile(source)
    names = file.schema_arrow.names
    chosen = list(range(len(names)))[column : column + COLUMNS]
    rows, start = file.metadata.num_rows, 0
    tables = []
    for group in range(file.metadata.num_row_groups):
        size = file.metadata.row_group(group).num_rows
        if start < row + ROWS and start + size > row:
            tables.append((start, file.read_row_group(group, [names[each] for each in chosen])))
        start += size
    return _answer(
        tables, [file.schema_arrow.field(each) for each in chosen], row, (rows, len(names))
    )


def _arrow(pa: Any, source: IO[bytes], row: int, column: int) -> Any:
    try:
        reader = pa.ipc.open_file(source)
        batches = (reader.get_batch(each) for each in range(reader.num_record_batches))
    except pa.ArrowInvalid:
        source.seek(0)
        reader = batches = pa.ipc.open_stream(source)
    names = reader.schema.names
    chosen = list(range(len(names)))[column : column + COLUMNS]
    start, found = 0, []
    for batch in batches:
        if start < row + ROWS and start + batch.num_rows > row:
            found.append((start, batch))
        start += batch.num_rows
    fields = [reader.schema.field(each) for each in chosen]
    return _answer(
        [(at, one.select(chosen)) for at, one in found], fields, row, (start, len(names))
    )


def _answer(tables: Any, fields: Any, row: int, shape: tuple[int, int]) -> Any:
    rows: list[Any] = []
    for start, table in tables:
        skipped = max(0, row - start)
        part = table.slice(skipped, max(0, min(row + ROWS - start, table.num_rows) - skipped))
        values = [part.column(place).to_pylist() for place in range(len(fields))]
        rows += zip(*values, strict=True)
    return {
        "columns": [column_of(each.name, each.type) for each in fields],
        "rows": [[cell(value) for value in values] for values in rows],
        "shape": shape,
    }


def make(words: Sequence[str], source: IO[bytes]) -> bytes:
    """Answer as a child does."""
    kind, row, column = words
    return json.dumps(page(source, kind, int(row), int(column))).encode()


if __name__ == "__main__":  # pragma: no cover - children are not measured
    answer(make, seconds=20, megabytes=8000)
