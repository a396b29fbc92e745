"""What a command writes, data to stdout and talk to stderr, and how its failures are said.

Data is a table for people, or with `--json` documents for programs: one, or a line each where
there may be many.
"""

from __future__ import annotations

import io
import json
import os
import re
import shutil
import sys
import unicodedata
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import click
from beautyspot import BeautyspotError, RecordNotFound

from beautyspot_cli.formats import NOTHING, safe, safe_lines

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator

SCHEMA: Final = 1
"""The number in each JSON document. It rises when a name in one goes or changes its meaning."""

FOUND: Final = 1
"""The exit status where something is found that should not be, or nothing that should be."""

INTERRUPTED: Final = 130
"""As a shell says it of a program that Ctrl-C ended."""

_NUMBERS: Final = frozenset(
    {"ENTRIES", "SIZE", "TOOK", "PRICE", "HITS", "RUNS", "FAILURES", "TIME SAVED", "TIME SPENT"}
    | {"MONEY SAVED", "MONEY SPENT", "GRANTS", "WAITS", "REFUSALS", "TIME WAITED", "P50", "P95"}
)
"""The columns that are aligned to the right."""

_GAP: Final = "  "
_LEAST: Final = 16
"""So many columns the last column of a table has, however narrow the terminal is."""

_WIDEST: Final = 24
"""So many columns a text takes among others, where there is no room for all of them."""

_IN_OPTIONS: Final = re.compile(
    r"(?<![\w(.=])(name|profile|config|storage|function|version|tag|key|older|newer|unused|larger|"
    r"smaller|arguments|code|since|max_size|max_entries|grace)= ?"
)
"""Arguments of the library that are options here, as its messages name them."""


class Output(NamedTuple):
    """The output of one command.

    Attributes:
        as_json: JSON is wanted.
        quiet: nothing but data and errors is wanted.
    """

    as_json: bool = False
    quiet: bool = False

    def say(self, text: str) -> None:
        """Tell the person something that is no data, unless `quiet`."""
        if not self.quiet:
            click.echo(safe_lines(text), err=True)

    def text(self, text: str) -> None:
        """Write data that people read, a line or several."""
        click.echo(safe_lines(text))

    def json(self, **names: Any) -> None:
        """Write one JSON document, on a line of its own."""
        text = json.dumps({"schema": SCHEMA, **names})
        if "Infinity" in text or "NaN" in text:  # as a damaged row may say; JSON has none
            text = json.dumps(json.loads(text, parse_constant=lambda _: None))
        click.echo(text)

    def table(
        self,
        headings: Iterable[str],
        rows: Iterable[Iterable[str]],
        *,
        numbers: Collection[str] = _NUMBERS,
        fits: bool = False,
    ) -> None:
        """Write a table, if it has rows; columns in which nothing is are left out.

        On a terminal the last column is cut where it has no room, and none of the others: half of a
        number is another one.

        Args:
            headings: of the columns.
            rows: the cells of each.
            numbers: the headings of columns that are aligned to the right.
            fits: leave out columns that a terminal has no room for, but not the first, and say so.
        """
        lines = [tuple(map(safe, row)) for row in (headings, *rows)]
        columns = [column for column in zip(*lines, strict=True) if {*column[1:]} - {NOTHING}]
        room = shutil.get_terminal_size((sys.maxsize, 0)).columns
        if fits:
            there = [heading for heading, *_ in columns]
            columns = _fitting(columns, room)
            if left_out := [name for name in there if name not in {each[0] for each in columns}]:
                self.say(f"no room for {', '.join(left_out)}: --columns takes what you want to see")
        widths = [max(map(_width, column)) for column in columns]
        last = max(_LEAST, room - sum(widths[:-1]) - len(_GAP) * (len(widths) - 1))
        for *cells, end in zip(*columns, strict=True):
            parts = []
            for column, width, cell in zip(columns, widths, [*cells, cut(end, last)], strict=True):
                blank = " " * (width - _width(cell))
                parts.append(blank + cell if column[0] in numbers else cell + blank)
            click.echo(_GAP.join(parts).rstrip())

    def pairs(self, lines: Iterable[tuple[str, str | None]]) -> None:
        """Write names and texts, a line each; nothing of what is not known."""
        known = [(name, text) for name, text in lines if text and text != NOTHING]
        width = max(len(name) for name, _ in known)
        for name, text in known:
            click.echo(f"{name:{width}}{_GAP}{safe(text)}")

    @contextmanager
    def progress(self, label: str) -> Iterator[Callable[[int, int], None]]:
        """Show on a terminal how far a long command is, in a bar on stderr.

        Gives a function that takes how many are done, and how many there are.
        """
        is_hidden = self.quiet or not sys.stderr.isatty()
        with click.progressbar(
            length=1, label=label, show_pos=True, file=sys.stderr, hidden=is_hidden
        ) as bar:

            def at(done: int, total: int) -> None:
                bar.length = total
                bar.update(done - bar.pos)

            yield at


def _fitting(columns: list[tuple[str, ...]], room: int) -> list[tuple[str, ...]]:
    """Those that a terminal has room for; what is the same in all rows goes first."""
    if sum(max(map(_width, each)) + len(_GAP) for each in columns) <= room + len(_GAP):
        return columns
    columns = [tuple(cut(cell, _WIDEST) for cell in column) for column in columns]
    same = [column for column in columns[1:] if len({*column[1:]}) == 1]
    for column in (*same, *reversed(columns[1:])):
        if sum(max(map(_width, each)) + len(_GAP) for each in columns) <= room + len(_GAP):
            break
        columns = [each for each in columns if each is not column]
    return columns


def _width(text: str) -> int:
    """How many columns a text takes on a terminal."""
    if text.isascii():
        return len(text)
    wide = sum(unicodedata.east_asian_width(char) in "WF" for char in text)
    return len(text) + wide - sum(map(bool, map(unicodedata.combining, text)))


def cut(text: str, width: int) -> str:
    """The text, or as much of it as takes so many columns, with "…" at its end."""
    if _width(text) <= width:
        return text
    text = text[: width - 1]
    while _width(text) >= width:
        text = text[:-1]
    return f"{text}…"


def output_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command `--json` and `--quiet`; it gets an `Output` as `output`."""

    @click.option("--json", "as_json", is_flag=True, help='Write JSON, with "schema": 1.')
    @click.option("-q", "--quiet", is_flag=True, help="Write data only: no talk.")
    @wraps(command)
    def with_output(*args: Any, as_json: bool, quiet: bool, **given: Any) -> Any:
        return command(*args, output=Output(as_json, quiet), **given)

    return with_output


@contextmanager
def plain_errors() -> Iterator[None]:
    """Have failures of the library, of the disk and of pipes end the program as click's own do.

    Raises:
        ClickException: one of ours, with its exit status.
        Exit: Ctrl-C ended it, or nobody reads the output any more.
    """
    _open_what_is_closed()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # some encodings lack "é"
    try:
        yield
        click.echo(nl=False)  # which flushes
    except (click.Abort, KeyboardInterrupt):
        click.echo("beautyspot: interrupted", err=True)
        raise click.exceptions.Exit(INTERRUPTED) from None
    except BrokenPipeError:
        nowhere = os.open(os.devnull, os.O_WRONLY)  # the interpreter flushes both at its end
        os.dup2(nowhere, 1)
        os.dup2(nowhere, 2)
        raise click.exceptions.Exit from None
    except OSError as exc:
        why = exc.strerror or str(exc)
        if exc.filename is not None:
            why = f"{exc.filename}: {why}: give another file, or mend this one"
        raise _Bad(safe(why)) from None
    except BeautyspotError as exc:
        is_missing = isinstance(exc, RecordNotFound) and not exc.candidates
        said = _IN_OPTIONS.sub(lambda name: f"--{name[1].replace('_', '-')} ", str(exc))
        raise (click.ClickException if is_missing else _Bad)(safe(said)) from None


def _open_what_is_closed() -> None:
    """Have the standard streams lead nowhere that a shell has closed."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open(mode))  # noqa: SIM115 - as long as we run


class _Bad(click.ClickException):
    """Bad input, or a store that can't be opened; what is not found has click's own status, 1."""

    exit_code = 2
