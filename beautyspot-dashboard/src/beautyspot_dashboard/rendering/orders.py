"""The columns of a table of results, and the orders that their heads give."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from beautyspot_dashboard.rendering.links import with_query

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from beautyspot import TaskRecord
    from starlette.requests import Request

ORDERS: Final = {
    "newest": "newest first",
    "oldest": "oldest first",
    "largest": "largest first",
    "smallest": "smallest first",
    "slowest": "slowest first",
    "dearest": "dearest first",
    "unused": "longest unused first",
    "key": "by key",
}
"""The orders of `Store.rows`, and what people call them."""

_ASCENDING: Final = frozenset({"oldest", "smallest", "unused", "key"})


class Column(NamedTuple):
    """A column; `orders` are those that its head gives, one after the other."""

    label: str
    orders: tuple[str, ...] = ()
    is_number: bool = False
    is_lesser: bool = False  # left out where there is little room
    value: Callable[[TaskRecord], Any] | None = None  # if no row has one, the column is left out


COLUMNS: Final = (
    Column("Type"),
    Column("Arguments"),
    Column("Function"),
    Column("Made", ("newest", "oldest")),
    Column("Used", ("unused",), is_lesser=True, value=lambda row: row.used_at),
    Column("Size", ("largest", "smallest"), is_number=True),
    Column("Took", ("slowest",), is_number=True, is_lesser=True),
    Column("Price", ("dearest",), is_number=True, value=lambda row: row.price),
    Column("Version", is_lesser=True, value=lambda row: row.version),
    Column("Tags", value=lambda row: row.tags),
    Column("Expires", is_lesser=True, value=lambda row: row.expires_at),
    Column("Key", ("key",), is_lesser=True),
)


class Heading(NamedTuple):
    """The head of a column."""

    label: str
    is_number: bool
    is_lesser: bool
    link: str  # the query that sorts by it; "" where nothing does
    order: str  # what that gives
    sorted: str  # "ascending" or "descending" where the table is sorted by it


def headings(request: Request, order: str, rows: Sequence[TaskRecord]) -> list[Heading]:
    """The heads of the columns of which the rows have something, in a table of this order."""
    return [
        _heading(request, order, column)
        for column in COLUMNS
        if column.value is None or order in column.orders or any(map(column.value, rows))
    ]


def _heading(request: Request, order: str, column: Column) -> Heading:
    following = next((each for each in column.orders if each != order), None)
    is_sorted = order in column.orders
    direction = "ascending" if order in _ASCENDING else "descending"
    return Heading(
        column.label,
        column.is_number,
        column.is_lesser,
        with_query(request, **{"sort": following, "from": None}) if following else "",
        ORDERS[following or order],
        direction if is_sorted else "",
    )
