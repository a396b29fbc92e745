"""Parquet and Arrow files, read by PyArrow in a process of its own."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from beautyspot_dashboard.rendering.texts import count
from beautyspot_dashboard.values.children.running import run_module
from beautyspot_dashboard.values.files import TooLargeError
from beautyspot_dashboard.values.leaves import by
from beautyspot_dashboard.values.spans import pages
from beautyspot_dashboard.values.tables.table import (
    COLUMNS,
    ROWS,
    Cell,
    Column,
    Table,
    window_of,
)
from beautyspot_dashboard.values.views import View

if TYPE_CHECKING:
    from typing import Any

    from beautyspot_dashboard.values.views import Look

LARGEST: Final = 500_000_000
"""Bytes of a file that is read: it is copied to a temporary one, since its index is at its end."""

_SECONDS: Final = 30
_KINDS: Final = {
    "application/vnd.apache.parquet": ("parquet", "Parquet"),
    "application/x-parquet": ("parquet", "Parquet"),
    "application/vnd.apache.arrow.file": ("arrow", "Arrow"),
    "application/vnd.apache.arrow.stream": ("arrow", "Arrow"),
}


def view(look: Look) -> View | None:
    """A Parquet or Arrow file as a table; None of all else."""
    kind, name = _KINDS.get(look.file.content_type.lower(), ("", ""))
    if not kind:
        return None
    if (look.file.size or 0) > LARGEST:
        raise TooLargeError(LARGEST)
    window = window_of(look)
    words = [kind, str(window.row), str(window.column)]
    ran = run_module("columnar", words, [look.file.read()], _SECONDS)
    if ran.problem:
        return _noted(name, f"This file can't be read as {name}: {ran.problem}")
    made = json.loads(ran.output)
    if "missing" in made:
        return _noted(name, "Install pyarrow where the dashboard runs to see this table here.")
    found = _table(look, made)
    shape = by(made["shape"])
    return View("table.html", f"{name} · {shape}", {"table": found, "links": [], "crumbs": []})


def _noted(name: str, note: str) -> View:
    return View("table.html", name, {"table": None, "note": note, "links": [], "crumbs": []})


def _table(look: Look, made: dict[str, Any]) -> Table:
    window = window_of(look)
    height, width = made["shape"]
    rows = [
        (count(number), [Cell(*each) for each in row])
        for number, row in enumerate(made["rows"], window.row)
    ]
    links = {
        "rows": pages(look, "row", window.row, ROWS, height),
        "columns": pages(look, "column", window.column, COLUMNS, width),
    }
    return Table([Column(*each) for each in made["columns"]], rows, window, height, width, links)
