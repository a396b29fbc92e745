"""CSV and TSV, as tables."""

from __future__ import annotations

import csv
import io
from itertools import islice
from typing import TYPE_CHECKING, Final

from beautyspot_dashboard.rendering.links import with_query
from beautyspot_dashboard.rendering.texts import count
from beautyspot_dashboard.values.tables.table import Column, table, window_of
from beautyspot_dashboard.values.views import LARGEST, View

if TYPE_CHECKING:
    from beautyspot_dashboard.values.views import Look

_KINDS: Final = {"text/csv": "CSV", "text/tab-separated-values": "TSV", "text/tsv": "TSV"}


def view(look: Look) -> View | None:
    """CSV or TSV as a table; None of all else, and of what can't be read as that."""
    kind = _KINDS.get(look.file.kind)
    if kind is None or look.file.size > LARGEST:
        return None
    text = look.file.read().decode("utf-8-sig", "replace").replace("\0", "\N{SYMBOL FOR NULL}")
    first = text.partition("\n")[0]
    delimiter = "\t" if kind == "TSV" else max(",;\t|", key=first.count)
    window = window_of(look)
    try:
        total = sum(1 for _ in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))
        rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
        names = next(rows, [])
        found = list(islice(rows, window.rows.start, window.rows.stop))
    except csv.Error:
        return None
    width = max(len(names), *map(len, found), 0)
    wide = [[*row, *[""] * (width - len(row))][window.columns] for row in found]
    columns = [
        Column(title, "", _are_numbers([row[place] for row in wide]))
        for place, title in enumerate([*names, *[""] * (width - len(names))][window.columns])
    ]
    numbered = ((count(number), row) for number, row in enumerate(wide, window.row))
    made = table(look, columns, numbered, (max(0, total - 1), width))
    links = [("As text", with_query(look.request, **{"as": "source"}))]
    name = f"{kind} · {count(max(0, total - 1))} rows, {count(width)} columns"
    return View("table.html", name, {"table": made, "links": links, "crumbs": []})


def _are_numbers(texts: list[str]) -> bool:
    try:
        return bool([float(text) for text in texts if text.strip()])
    except ValueError:
        return False
