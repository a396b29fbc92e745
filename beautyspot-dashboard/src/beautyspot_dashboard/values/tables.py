"""Frames, records, and files of rows, as tables in pages."""

from __future__ import annotations

import csv
import io
import json
from itertools import islice
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from beautyspot import Instance

from beautyspot_dashboard.rendering.texts import count
from beautyspot_dashboard.values import running
from beautyspot_dashboard.values.parts import COLUMNS, ROWS, Written, by, cell, column, leaf
from beautyspot_dashboard.values.views import LARGEST, Page, View, begin_of, page_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from beautyspot_dashboard.values.places import Place
    from beautyspot_dashboard.values.views import Look

    Columns = Sequence[tuple[str, str, bool]]

DELIMITED: Final = {"text/csv": "CSV", "text/tab-separated-values": "TSV", "text/tsv": "TSV"}
_COLUMNAR: Final = {
    "application/vnd.apache.parquet": "Parquet",
    "application/x-parquet": "Parquet",
    "application/vnd.apache.arrow.file": "Arrow",
    "application/vnd.apache.arrow.stream": "Arrow",
}
_LOOKED_AT: Final = 1000
"""Items that are looked at for their keys."""


class Table(NamedTuple):
    """Some rows of what has rows and columns.

    Attributes:
        columns: those that are shown, each as `column` gives it.
        rows: those of the page: a label, and a cell for each column.
        page: which rows they are.
        width: how many columns there are.
    """

    columns: Columns
    rows: Sequence[tuple[str, Sequence[tuple[str, bool]]]]
    page: Page
    width: int


def table(
    look: Look,
    shape: Sequence[int],
    columns: Columns,
    rows: Iterable[Iterable[Any]],
    labels: Sequence[str] | None = None,
) -> Table:
    """The page of a table of a shape, from the values of its rows.

    Without labels the rows have their numbers.
    """
    return _of_cells(look, shape, columns, [[cell(each) for each in row] for row in rows], labels)


def _of_cells(
    look: Look, shape: Sequence[int], columns: Columns, cells: Any, labels: Any = None
) -> Table:
    page = page_of(look, ROWS, shape[0])
    named = labels or [count(number) for number in range(page.start, page.stop)]
    return Table(columns, list(zip(named, cells, strict=True)), page, shape[1])


def window(look: Look) -> slice:
    """The rows that the query wants."""
    start = begin_of(look, ROWS)
    return slice(start, start + ROWS)


# ------------------------------------------------------------------------------------------ files


def delimited(look: Look) -> View | None:
    """CSV or TSV as a table; None of all else, and of what can't be read as that."""
    kind = DELIMITED.get(look.file.kind)
    if kind is None or look.file.size > LARGEST:
        return None
    text = look.file.read().decode("utf-8-sig", "replace").replace("\0", "\N{SYMBOL FOR NULL}")
    first = text.partition("\n")[0]
    delimiter = "\t" if kind == "TSV" else max(",;\t|", key=first.count)
    wanted = window(look)
    try:
        total = sum(1 for _ in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)) - 1
        rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
        names = next(rows, [])
        found = list(islice(rows, wanted.start, wanted.stop))
    except csv.Error:
        return None
    width, total = max(len(names), *map(len, found), 0), max(0, total)
    wide = [[*row, *[""] * (width - len(row))][:COLUMNS] for row in found]
    titles = [*names, *[""] * (width - len(names))][:COLUMNS]
    columns = [(title, "", _all_numbers(row[n] for row in wide)) for n, title in enumerate(titles)]
    made = table(look, (total, width), columns, wide)
    name = f"{kind} · {count(total)} rows, {count(width)} columns"
    return _view(name, made, links=[look.way("As text", "text")])


def _all_numbers(texts: Iterable[str]) -> bool:
    try:
        return bool([float(text) for text in texts if text.strip()])
    except ValueError:
        return False


def columnar(look: Look) -> View | None:
    """A Parquet or Arrow file as a table, read in a process of its own; None of all else."""
    name = _COLUMNAR.get(look.file.kind)
    if name is None:
        return None
    ran = running.run("table", [name, str(look.file.path), str(window(look).start)])
    if ran.problem:
        problem = f"This file can't be read as {name}: {ran.problem}"
        return View("unreadable.html", name, {"problem": problem, "advice": "Download it."})
    made = json.loads(ran.output)
    found = _of_cells(look, made["shape"], made["columns"], made["rows"])
    return _view(f"{name} · {by(made['shape'])}", found)


def _view(name: str, made: Table, crumbs: Any = (), links: Any = ()) -> View:
    return View("table.html", name, {"table": made, "crumbs": crumbs, "links": links})


# ----------------------------------------------------------------------------------------- values


def frame(place: Place) -> View | None:
    """A frame, series, table or column as a table; None of all else."""
    kind = type(place.value)
    library = kind.__module__.partition(".")[0]
    read = _READERS.get((library, kind.__name__))
    if read is None:
        return None
    shape, columns, rows, labels = read(place.value, window(place.look))
    made = table(place.look, shape, columns, rows, labels)
    return _view(f"{library} {kind.__name__} · {by(shape)}", made, place.crumbs)


def _pandas(frame: Any, rows: slice) -> tuple[Any, ...]:
    if frame.ndim == 1:
        frame = frame.to_frame("value" if frame.name is None else frame.name)
    part = frame.iloc[rows, :COLUMNS]
    columns = [column(_title(name), dtype) for name, dtype in part.dtypes.items()]
    labels = [_title(label) for label in part.index]
    values = list(part.itertuples(index=False, name=None)) or [()] * len(labels)
    return frame.shape, columns, values, labels


def _title(label: Any) -> str:
    if isinstance(label, tuple):
        return " · ".join(leaf(each, 80).text for each in label)
    return leaf(label, 80).text


def _polars(frame: Any, rows: slice) -> tuple[Any, ...]:
    whole = frame.to_frame() if hasattr(frame, "to_frame") else frame
    part = whole[rows, :COLUMNS] if whole.width else whole
    columns = [column(name, dtype) for name, dtype in part.schema.items()]
    return whole.shape, columns, part.rows(), None


def _arrow(whole: Any, rows: slice) -> tuple[Any, ...]:
    places = range(min(COLUMNS, whole.num_columns))
    part = whole.slice(min(rows.start, whole.num_rows), ROWS)
    columns = [column(each.name, each.type) for each in list(whole.schema)[:COLUMNS]]
    values = [part.column(place).to_pylist() for place in places]
    found = list(zip(*values, strict=True)) or [()] * part.num_rows
    return (whole.num_rows, whole.num_columns), columns, found, None


_READERS: Final[dict[tuple[str, str], Callable[[Any, slice], tuple[Any, ...]]]] = {
    ("pandas", "DataFrame"): _pandas,
    ("pandas", "Series"): _pandas,
    ("polars", "DataFrame"): _polars,
    ("polars", "Series"): _polars,
    ("pyarrow", "Table"): _arrow,
    ("pyarrow", "RecordBatch"): _arrow,
}


def records(place: Place) -> View | None:
    """A list of dicts with the same keys as a table, where the query asks for it."""
    names = names_of(place.value)
    if names is None or place.look.mode != "table":
        return None
    rows = [
        [_fields(item).get(name) for name in names[:COLUMNS]]
        for item in place.value[window(place.look)]
    ]
    columns = [
        (name, "", all(map(_is_number, (row[at] for row in rows))))
        for at, name in enumerate(names[:COLUMNS])
    ]
    made = table(place.look, (len(place.value), len(names)), columns, rows)
    links = [place.look.way("As a tree", None)]
    return _view(f"{count(len(place.value))} records", made, place.crumbs, links)


def names_of(value: Any) -> list[str] | None:
    """The columns of a list of records; None of all else."""
    if not isinstance(value, list | tuple) or len(value) < 2:
        return None
    first = _fields(value[0])
    if not first or not all(type(name) is str for name in first):
        return None
    alike = all(_fields(item).keys() == first.keys() for item in value[:_LOOKED_AT])
    return list(first) if alike else None


def _fields(item: Any) -> Any:
    if isinstance(item, Instance):
        return item.fields
    return item if isinstance(item, dict) else {}


def _is_number(value: Any) -> bool:
    is_plain = isinstance(value, int | float) and not isinstance(value, bool)
    return is_plain or value is None or isinstance(value, Written)
