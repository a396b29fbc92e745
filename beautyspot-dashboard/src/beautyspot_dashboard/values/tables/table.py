"""`Table`: some rows and columns of what has rows and columns, ready to be shown."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from beautyspot_dashboard.values.leaves import leaf
from beautyspot_dashboard.values.spans import pages, wanted

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from beautyspot_dashboard.values.views import Look

ROWS: Final = 100
COLUMNS: Final = 30
_CELL: Final = 200
_NULLS: Final = ("NaTType", "NAType")


class Column(NamedTuple):
    """A column: its name, its type, and whether its cells are numbers."""

    name: str
    type: str
    is_number: bool


class Cell(NamedTuple):
    """A cell: its text, and whether it stands for no value."""

    text: str
    is_null: bool


@dataclass(frozen=True)
class Window:
    """The rows and columns that a page shows, by the query."""

    row: int
    column: int

    @property
    def rows(self) -> slice:
        """The rows of the page."""
        return slice(self.row, self.row + ROWS)

    @property
    def columns(self) -> slice:
        """The columns of the page."""
        return slice(self.column, self.column + COLUMNS)


@dataclass(frozen=True)
class Table:
    """Some rows and columns.

    Attributes:
        columns: those of the page.
        rows: those of the page: a label, and a cell for each column.
        window: where in the whole table they are.
        row_count: of the whole table; None where that is not known.
        column_count: of the whole table.
        links: the URLs of pages beside this one, by axis and name.
    """

    columns: Sequence[Column]
    rows: Sequence[tuple[str, Sequence[Cell]]]
    window: Window
    row_count: int | None
    column_count: int
    links: dict[str, dict[str, str | None]] = field(default_factory=dict)


def window_of(look: Look) -> Window:
    """The rows and columns that the query names."""
    return Window(wanted(look, "row"), wanted(look, "column"))


def table(
    look: Look,
    columns: Sequence[Column],
    rows: Iterable[tuple[str, Iterable[Any]]],
    shape: tuple[int, int],
) -> Table:
    """The page of a table whose shape is known.

    Args:
        look: what is shown.
        columns: those of the page.
        rows: those of the page, each a label and its values.
        shape: rows and columns of the whole table.
    """
    window = window_of(look)
    made = [(label, [cell(value) for value in values]) for label, values in rows]
    links = {
        "rows": pages(look, "row", window.row, ROWS, shape[0]),
        "columns": pages(look, "column", window.column, COLUMNS, shape[1]),
    }
    return Table(columns, made, window, *shape, links)


def cell(value: Any) -> Cell:
    """A value as the text of a cell."""
    if value is None:
        return Cell("null", True)
    if type(value).__name__ in _NULLS:
        return Cell(str(value), True)
    shown = leaf(value, _CELL)
    if shown.kind == "bytes":
        return Cell(f"0x{shown.text}", False)
    return Cell(f"{shown.text}…" if shown.is_cut else shown.text, shown.text == "nan")
