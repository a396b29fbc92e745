"""Tables on a terminal. This is the one module that imports `rich` for them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table
from rich.text import Text

from beautyspot_cli.texts import safe

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


def draw(headings: Sequence[str], rows: Iterable[Sequence[str]], right: frozenset[int]) -> None:
    """Draw a table as wide as the terminal; the last column gives way where there is no room."""
    rows = [list(row) for row in rows]
    columns = len(headings) or max(map(len, rows), default=0)
    table = Table(box=None, pad_edge=False, show_header=bool(headings), padding=(0, 2, 0, 0))
    for number in range(columns):
        table.add_column(
            Text(headings[number], style="bold") if headings else "",
            justify="right" if number in right else "left",
            no_wrap=True,
            overflow="ellipsis",
        )
    for row in rows:
        table.add_row(*(Text(safe(cell)) for cell in row))  # a Text: nothing in it is markup
    Console(highlight=False, markup=False).print(table)
