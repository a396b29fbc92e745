"""Tables on a terminal, as wide as that: a number is never cut, since half of it is another one."""

from __future__ import annotations

import os
import shutil
import unicodedata
from typing import TYPE_CHECKING, Final, NamedTuple

import click

from beautyspot_cli.formats import NOTHING
from beautyspot_cli.texts import safe

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

_GIVE_WAY: Final = {"ARGUMENTS": 16, "FUNCTION": 24}
"""Columns of text that are shortened where there is no room, in this order, and what stays."""

_GAP: Final = "  "


class Drawn(NamedTuple):
    """What became of a table: how many rows it had, and which columns had no room."""

    rows: int
    dropped: list[str]


def draw(
    headings: Sequence[str],
    rows: Iterable[Sequence[str]],
    right: Collection[int],
    dropped: Iterable[str],
    *,
    is_headed: bool,
) -> Drawn:
    """Draw a table. Columns in which nothing is are left out.

    Args:
        headings: one for each column; none for a table without.
        rows: their cells.
        right: the numbers of the columns that are aligned to the right.
        dropped: the columns that go where shorter texts do not do, the first one first.
        is_headed: whether the headings are written.
    """
    cells = [[safe(cell) for cell in row] for row in rows]
    named = headings or [""] * len(cells[0] if cells else ())
    is_headed = is_headed and bool(headings)
    columns = {
        number: [heading * is_headed, *(row[number] for row in cells)]
        for number, heading in enumerate(named)
        if any(row[number] != NOTHING for row in cells)
    }
    widths = {number: max(map(width_of, column)) for number, column in columns.items()}
    names = {heading: number for number, heading in enumerate(headings)}
    gone: list[str] = []
    for name in dropped:
        if _total(_shortened(widths, names)) <= columns_of_terminal():
            break
        if widths.pop(names[name], 0):
            gone.append(name)
    shortened = _shortened(widths, names)
    for line in range(0 if is_headed else 1, 1 + len(cells) if cells else 0):
        parts = [
            _placed(columns[number][line], width, named[number], is_right=number in right)
            for number, width in shortened.items()
        ]
        text = _GAP.join(parts).rstrip()
        click.echo(bold(text) if line == 0 else text)
    return Drawn(len(cells), gone)


def _shortened(widths: dict[int, int], names: dict[str, int]) -> dict[int, int]:
    """The widths, less what texts can do without where it is too much."""
    found = dict(widths)
    for name, least in _GIVE_WAY.items():
        number, over = names.get(name), _total(found) - columns_of_terminal()
        if number in found and over > 0:
            found[number] = min(found[number], max(least, found[number] - over))
    return found


def _total(widths: dict[int, int]) -> int:
    return sum(widths.values()) + len(_GAP) * (len(widths) - 1)


def _placed(text: str, width: int, heading: str, *, is_right: bool) -> str:
    """A cell of so many columns; of a name the end tells more than the beginning."""
    if width_of(text) > width:
        is_name, room = heading == "FUNCTION", width - 1
        text = f"…{cut(text[::-1], room)[::-1]}" if is_name else f"{cut(text, room)}…"
    blank = " " * (width - width_of(text))
    return blank + text if is_right else text + blank


def draw_pairs(lines: Sequence[tuple[str, str]]) -> None:
    """Write names, and beside them texts, which go on below where they are too long."""
    indent = max((width_of(name) for name, _ in lines), default=0) + len(_GAP)
    room = max(20, columns_of_terminal() - indent)
    for name, text in lines:
        first, *others = _folded(safe(text), room)
        click.echo(bold(name) + " " * (indent - width_of(name)) + first)
        for other in others:
            click.echo(" " * indent + other)


def _folded(text: str, width: int) -> Iterator[str]:
    while width_of(text) > width:
        part = cut(text, width)
        words = part.rpartition(" ")[0]
        part = words if words.strip() else part
        yield part
        text = text[len(part) :].removeprefix(" ")
    yield text


def columns_of_terminal() -> int:
    """How wide it is, or what ``COLUMNS`` says."""
    return shutil.get_terminal_size().columns


def bold(text: str) -> str:
    """The text as a heading, unless colours are not wanted."""
    return text if os.environ.get("NO_COLOR") else click.style(text, bold=True)


def width_of(text: str) -> int:
    """How many columns a text takes on a terminal."""
    return len(text) if text.isascii() else sum(map(_width, text))


def cut(text: str, width: int) -> str:
    """As much of the beginning of a text as has room."""
    taken = 0
    for place, char in enumerate(text):
        taken += _width(char)
        if taken > width:
            return text[:place]
    return text


def _width(char: str) -> int:
    if unicodedata.combining(char):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1
