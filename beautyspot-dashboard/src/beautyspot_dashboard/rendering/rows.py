"""What a row tells of its result, for tables and for the page of one."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from beautyspot import TaskRecord

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

ASCENDING: Final = frozenset({"oldest", "smallest", "unused", "key"})


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


def columns(rows: Sequence[TaskRecord], order: str = "") -> list[Column]:
    """The columns of which the rows have something, and the one that they are sorted by."""
    return [
        each
        for each in COLUMNS
        if each.value is None or order in each.orders or any(map(each.value, rows))
    ]


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
