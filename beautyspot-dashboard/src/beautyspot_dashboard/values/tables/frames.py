"""Frames and tables of pandas, Polars and Arrow, once their libraries have made them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from beautyspot_dashboard.rendering.texts import count
from beautyspot_dashboard.values.leaves import by, leaf
from beautyspot_dashboard.values.tables.table import Column, Table, table, window_of
from beautyspot_dashboard.values.views import View

if TYPE_CHECKING:
    from collections.abc import Callable

    from beautyspot_dashboard.values.places import Place
    from beautyspot_dashboard.values.views import Look

_NUMBERS: Final = re.compile(r"u?int|float|double|halffloat|decimal", re.IGNORECASE)


def view(place: Place) -> View | None:
    """A frame, series, table or column as a table; None of all else."""
    kind = type(place.value)
    library = kind.__module__.partition(".")[0]
    make = _MAKERS.get((library, kind.__name__))
    if make is None:
        return None
    found = make(place.look, place.value)
    shape = by((found.row_count or 0, found.column_count))
    name = f"{library} {kind.__name__} · {shape}"
    return View("table.html", name, {"table": found, "crumbs": place.crumbs})


def _pandas(look: Look, frame: Any) -> Table:
    window = window_of(look)
    part = frame.iloc[window.rows, window.columns]
    columns = [
        column_of(_written(name), dtype)
        for name, dtype in zip(part.columns, part.dtypes, strict=True)
    ]
    values = [part.iloc[:, place].tolist() for place in range(len(columns))]
    labels = [_written(label) for label in part.index]
    rows = zip(labels, zip(*values, strict=True) if values else [()] * len(labels), strict=True)
    return table(look, columns, rows, frame.shape)


def _pandas_series(look: Look, series: Any) -> Table:
    return _pandas(look, series.to_frame("value" if series.name is None else series.name))


def _polars(look: Look, frame: Any) -> Table:
    window = window_of(look)
    part = frame[window.rows, window.columns] if frame.width else frame
    columns = [column_of(name, dtype) for name, dtype in part.schema.items()]
    return table(look, columns, _numbered(window.row, part.rows()), frame.shape)


def _polars_series(look: Look, series: Any) -> Table:
    return _polars(look, series.to_frame())


def _arrow(look: Look, whole: Any) -> Table:
    window = window_of(look)
    places = range(whole.num_columns)[window.columns]
    fields = [whole.schema.field(place) for place in places]
    columns = [column_of(each.name, each.type) for each in fields]
    size = max(0, min(window.rows.stop, whole.num_rows) - window.row)
    start = min(window.row, whole.num_rows)
    values = [whole.column(place).slice(start, size).to_pylist() for place in places]
    rows = zip(*values, strict=True) if values else [()] * size
    return table(look, columns, _numbered(window.row, rows), (whole.num_rows, whole.num_columns))


def _numbered(start: int, rows: Any) -> Any:
    return ((count(place), row) for place, row in enumerate(rows, start))


def _written(label: Any) -> str:
    if isinstance(label, tuple):
        return " · ".join(leaf(each, 80).text for each in label)
    return leaf(label, 80).text


def column_of(name: str, dtype: Any) -> Column:
    """A column by its name and the type of its library."""
    text = str(dtype)[:120]
    return Column(name, text, _NUMBERS.match(text) is not None)


_MAKERS: Final[dict[tuple[str, str], Callable[[Look, Any], Table]]] = {
    ("pandas", "DataFrame"): _pandas,
    ("pandas", "Series"): _pandas_series,
    ("polars", "DataFrame"): _polars,
    ("polars", "Series"): _polars_series,
    ("pyarrow", "Table"): _arrow,
    ("pyarrow", "RecordBatch"): _arrow,
}
