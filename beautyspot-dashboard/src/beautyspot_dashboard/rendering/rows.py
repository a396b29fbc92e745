"""What a row tells of its result, for tables and for the page of one."""

from __future__ import annotations

import re
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
    kind: str = ""  # classes of the style sheet; what is lesser is left out where room is small
    value: Callable[[TaskRecord], Any] | None = None  # if no row has one, the column is left out


COLUMNS: Final = (
    Column("Type", value=lambda row: kind_of(row).short),
    Column("Arguments"),
    Column("Function"),
    Column("Made", ("newest", "oldest")),
    Column("Used", ("unused",), "lesser", lambda row: row.used_at),
    Column("Size", ("largest", "smallest"), "number"),
    Column("Took", ("slowest",), "number"),
    Column("Price", ("dearest",), "number", lambda row: row.price),
    Column("Version", (), "lesser", lambda row: row.version),
    Column("Tags", value=lambda row: row.tags),
    Column("Expires", (), "lesser", lambda row: row.expires_at),
    Column("Key", ("key",), "lesser"),
)


class Heading(NamedTuple):
    """The head of a column."""

    label: str
    kind: str
    link: str = ""  # the query that sorts by it; "" where nothing does
    title: str = ""
    sorted: str = ""  # "ascending" or "descending" where the table is sorted by it


def headings(request: Request, rows: Sequence[TaskRecord], order: str) -> list[Heading]:
    """The heads of the columns of which the rows have something.

    Args:
        request: of the page.
        rows: what the table has.
        order: in which it is; "" where it can't be sorted.
    """
    found = []
    for column in COLUMNS:
        if column.value and order not in column.orders and not any(map(column.value, rows)):
            continue
        others = [each for each in column.orders if each != order]
        heading = Heading(column.label, column.kind)
        if order and column.orders:
            link = with_query(request, **{"sort": others[0], "from": None}) if others else ""
            title = f"Sort: {ORDERS[(*others, order)[0]]}"
            heading = heading._replace(link=link, title=title)
            if order in column.orders:
                direction = "ascending" if order in _ASCENDING else "descending"
                heading = heading._replace(sorted=direction)
        found.append(heading)
    return found


# ---------------------------------------------------------------------------- what kind of value


class Kind(NamedTuple):
    """What kind of value a row has, told by the row alone."""

    short: str
    name: str


_KINDS: Final = (
    (r"error:.* .*", "error", "error that is a result"),
    (r"stream:.* .*", "stream", "items of a generator"),
    (r".* image/svg\+xml", "SVG", "drawing"),
    (r".* image/.*", "", "picture"),
    (r".* audio/.*", "", "sound"),
    (r".* video/.*", "", "film"),
    (r".* application/pdf", "PDF", "document"),
    (r".* text/html", "HTML", "document"),
    (r".* text/markdown", "MD", "document"),
    (r".* text/vnd\.(mermaid|graphviz)", "graph", "diagram"),
    (r".* (text/csv|application/vnd\.apache\..*)", "table", "table"),
    (r".* application/(.*\+)?json", "JSON", "data"),
    (r".* text/.*|.*raw:text .*", "text", "text"),
    (r".*raw:bytes .*", "bytes", "bytes"),
    (r"file:.*", "file", "file"),
    (r"2\.x .*", "2.x", "of a release before 3.0"),
)
"""Serializer and content type, with a blank between; a short word, "": the subtype; the name."""

_LONGEST: Final = 200
"""Characters of either that are looked at: for a long one the patterns take seconds."""


def kind_of(record: TaskRecord) -> Kind:
    """What kind of value a row has."""
    content_type = (record.content_type or "")[:_LONGEST].partition(";")[0].strip().lower()
    told = f"{plain_serializer(record)[:_LONGEST] or '2.x'} {content_type}"
    for pattern, short, name in _KINDS:
        if re.fullmatch(pattern, told, re.DOTALL):
            subtype = re.sub(r"^x-|[^a-z0-9]+.*$", "", content_type.partition("/")[2])
            return Kind(short or subtype[:5].upper() or name, name)
    return Kind("", "value")


def plain_serializer(record: TaskRecord) -> str:
    """What packed the value, whether or not it was compressed; "" of a release before 3.0."""
    return re.sub(r"\Azstd\.[0-9]{1,20}:", "", record.serializer or "")
