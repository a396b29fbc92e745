"""Tables on a terminal. This is the one module that imports `rich` for them."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from beautyspot_cli.formats import NOTHING
from beautyspot_cli.texts import safe

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_KEPT: Final = 48
"""So many characters of a column are shown however narrow the terminal is."""


def draw(headings: Sequence[str], rows: Iterable[Sequence[str]], right: frozenset[int]) -> int:
    """Draw a table as wide as the terminal; how many rows it had.

    Columns in which nothing is are left out. Where there is no room the last one gives way.
    """
    cells = [[safe(cell) for cell in row] for row in rows]
    if not cells:
        return 0
    columns = [[row[number] for row in cells] for number in range(len(cells[0]))]
    shown = [number for number, column in enumerate(columns) if set(column) - {NOTHING}]
    table = Table(box=None, pad_edge=False, show_header=bool(headings), padding=(0, 2, 0, 0))
    for number in shown:
        heading = headings[number] if headings else ""
        widest = max(map(cell_len, [heading, *columns[number]]))
        table.add_column(
            Text(heading, style="bold"),  # a Text: nothing in it is markup
            justify="right" if number in right else "left",
            no_wrap=True,
            overflow="ellipsis",
            min_width=min(widest, _KEPT) if number != shown[-1] else None,
        )
    for row in cells:
        table.add_row(*(Text(row[number]) for number in shown))
    _print(table)
    return len(cells)


def draw_pairs(lines: Sequence[tuple[str, str]]) -> None:
    """Write names, and beside them texts, which go on below where they are too long."""
    table = Table(box=None, pad_edge=False, show_header=False, padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for name, text in lines:
        table.add_row(Text(name, style="bold"), Text(safe(text)))
    _print(table)


def _print(table: Table) -> None:
    plain = bool(os.environ.get("NO_COLOR"))
    Console(highlight=False, markup=False, color_system=None if plain else "auto").print(table)
