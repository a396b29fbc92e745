"""CSV and TSV, read for one page: the next page begins at a byte, so none is read from the start.

What is quoted may hold line ends, so where a row begins is known from reading alone. The link to
the next page tells the byte.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from beautyspot_dashboard.rendering.links import with_query
from beautyspot_dashboard.rendering.texts import count
from beautyspot_dashboard.values.soundness import check
from beautyspot_dashboard.values.spans import wanted
from beautyspot_dashboard.values.tables.table import (
    COLUMNS,
    ROWS,
    Column,
    Table,
    Window,
    cell,
    window_of,
)
from beautyspot_dashboard.values.views import View

if TYPE_CHECKING:
    from collections.abc import Iterator

    from beautyspot import Content

    from beautyspot_dashboard.values.views import Look

_LONGEST_LINE: Final = 1_000_000
_FARTHEST: Final = 8 * 2**20
"""Bytes that are read to find a row whose byte the query does not tell."""

_KINDS: Final = {"text/csv": "CSV", "text/tab-separated-values": "TSV", "text/tsv": "TSV"}


def view(look: Look) -> View | None:
    """CSV or TSV as a table; None of all else, and of what can't be read as that."""
    kind = _KINDS.get(look.content.content_type.partition(";")[0].strip().lower())
    if kind is None:
        return None
    check(look)
    links = [("As text", with_query(look.request, **{"as": "source"}))]
    try:
        found = _page(look, "\t" if kind == "TSV" else None)
    except csv.Error:
        return None
    except _TooFarError:
        note = "This row is too far to be looked for: go there page by page, or download the file."
        return View("table.html", kind, {"table": None, "note": note, "links": links, "crumbs": []})
    rows = "" if found.row_count is None else f"{count(found.row_count)} rows, "
    name = f"{kind} · {rows}{count(found.column_count)} columns"
    return View("table.html", name, {"table": found, "links": links, "crumbs": []})


class _TooFarError(Exception):
    """A row is farther from the beginning than is read."""


@dataclass
class _Lines:
    """The lines of a content from a byte on, and how far they have been read."""

    content: Content
    place: int

    def __iter__(self) -> Iterator[str]:
        rest = b""
        for part in self.content.part(self.place):
            *lines, rest = (rest + part).split(b"\n")
            for line in lines:
                yield self._line(line + b"\n")
            if len(rest) > _LONGEST_LINE:
                raise csv.Error("a line is too long")
        if rest:
            yield self._line(rest)

    def _line(self, line: bytes) -> str:
        if len(line) > _LONGEST_LINE:
            raise csv.Error("a line is too long")
        self.place += len(line)
        return line.decode("utf-8", "replace").replace("\0", "\N{SYMBOL FOR NULL}")


def _page(look: Look, delimiter: str | None) -> Table:
    window = window_of(look)
    head = _Lines(look.content, 0)
    first = next(iter(head), "").removeprefix("\ufeff")
    delimiter = delimiter or max(",;\t|", key=first.count)
    lines = _Lines(look.content, 0)
    rows = csv.reader(lines, delimiter=delimiter)
    names = [name.removeprefix("\ufeff") for name in next(rows, [])]
    byte = wanted(look, "byte")
    if byte > lines.place and window.row:
        lines = _Lines(look.content, byte)
        rows = csv.reader(lines, delimiter=delimiter)
    elif not _skip(rows, lines, window.row):
        raise _TooFarError
    found = _some(rows)
    following = lines.place
    has_more = next(rows, None) is not None
    links = _links(look, window, len(names), following if has_more else None)
    total = None if has_more else window.row + len(found)
    return _table(names, found, window, total, links)


def _skip(rows: Iterator[list[str]], lines: _Lines, number: int) -> bool:
    """Whether the row could be reached, or the end."""
    for _ in range(number):
        if lines.place > _FARTHEST:
            return False
        if next(rows, None) is None:
            break
    return True


def _some(rows: Iterator[list[str]]) -> list[list[str]]:
    found: list[list[str]] = []
    for row in rows:
        found.append(row)
        if len(found) == ROWS:
            break
    return found


def _table(
    names: list[str],
    rows: list[list[str]],
    window: Window,
    total: int | None,
    links: dict[str, dict[str, str | None]],
) -> Table:
    width = max([len(names), *(len(row) for row in rows)])
    wide = [[*row, *[""] * (width - len(row))][window.columns] for row in rows]
    titles = [*names, *[""] * (width - len(names))][window.columns]
    columns = [
        Column(title, "", _are_numbers([row[place] for row in wide]))
        for place, title in enumerate(titles)
    ]
    made = [
        (count(number), [cell(text) for text in row]) for number, row in enumerate(wide, window.row)
    ]
    return Table(columns, made, window, total, width, links)


def _are_numbers(texts: list[str]) -> bool:
    try:
        return bool([float(text) for text in texts if text.strip()])
    except ValueError:
        return False


def _links(
    look: Look, window: Window, width: int, following: int | None
) -> dict[str, dict[str, str | None]]:
    def at(**changes: object) -> str:
        return with_query(look.request, **changes)

    after = None if following is None else at(row=window.row + ROWS, byte=following)
    before = at(row=max(0, window.row - ROWS) or None, byte=None) if window.row else None
    first = at(row=None, byte=None) if window.row > ROWS else None
    left = at(column=max(0, window.column - COLUMNS) or None) if window.column else None
    right = at(column=window.column + COLUMNS) if window.column + COLUMNS < width else None
    return {
        "rows": {"first": first, "before": before, "after": after, "last": None},
        "columns": {"first": None, "before": left, "after": right, "last": None},
    }
