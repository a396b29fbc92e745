"""Where a command writes: data to stdout, talk to stderr; how, its options and the terminal say.

Tables are drawn as wide as a terminal is. In a pipe they are columns with tabs between them, as
`cut` and `grep` take them. `--json` gives one document, or a line each where rows may be many.
"""

from __future__ import annotations

import json
import os
import sys
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, Final

import click

from beautyspot_cli.formats import FOR_PROGRAMS, Format, ForPeople
from beautyspot_cli.texts import safe, safe_lines

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from beautyspot import Store

SCHEMA: Final = 1
"""The number in each JSON document. It rises when a name in one goes or changes its meaning."""


class Output:
    """The output of one command.

    Attributes:
        as_json: JSON is wanted.
        quiet: nothing but data is wanted: no headings, no talk.
        status: the exit status, if the command ends well.
        lost: why what is written to stdout reaches nobody any more, if so.
    """

    def __init__(self) -> None:
        self.as_json = False
        self.quiet = False
        self.status = 0
        self.lost: OSError | None = None
        self._unit = ""

    @contextmanager
    def without_fail(self) -> Iterator[None]:
        """Go on where stdout can't be written; the end of the command says it.

        A removal must not depend on whether anybody reads what goes.
        """
        try:
            yield
        except OSError as exc:
            self.lost = exc
            write_nowhere()

    @property
    def on_terminal(self) -> bool:
        """Whether a person sees the output."""
        return sys.stdout.isatty() and not self.as_json

    @property
    def format(self) -> Format:
        """How numbers and times are written in tables."""
        return ForPeople(self._unit) if self.on_terminal else FOR_PROGRAMS

    def price_in_unit_of(self, store: Store) -> None:
        """Write amounts in the unit that a store knows, where a person sees them."""
        self._unit = store.price_unit if self.on_terminal else ""

    def say(self, text: str) -> None:
        """Tell the person something that is no data, unless `quiet`."""
        if not self.quiet:
            with suppress(OSError):  # what can't be flushed is an error at the end
                sys.stdout.flush()  # so that it comes behind the data where both go to a terminal
            with suppress(OSError):  # a reader that is gone stops no command
                click.echo(safe_lines(text), err=True)

    def line(self, text: str) -> None:
        """Write one line of data."""
        click.echo(safe(text))

    def json(self, **names: Any) -> None:
        """Write one JSON document, on a line of its own."""
        click.echo(json.dumps({"schema": SCHEMA, **names}, separators=(", ", ": ")))

    def table(
        self,
        headings: Sequence[str],
        rows: Iterable[Sequence[str]],
        *,
        right: Iterable[int] = (),
        dropped: Iterable[str] = (),
    ) -> int:
        """Write a table; how many rows it had.

        Args:
            headings: one for each column; none for a table without.
            rows: their cells, as texts.
            right: the numbers of the columns that are aligned to the right.
            dropped: the columns for which a narrow terminal has no room, the first to go first.
        """
        if self.on_terminal:
            from beautyspot_cli.tables import draw

            drawn = draw(headings, rows, frozenset(right), dropped, is_headed=not self.quiet)
            if drawn.dropped:
                names = ", ".join(drawn.dropped)
                self.say(f"no room for {names}: a wider terminal shows more, and --json all")
            return drawn.rows
        if headings and not self.quiet:
            click.echo("\t".join(headings))
        number = 0
        for row in rows:
            click.echo("\t".join(map(safe, row)))
            number += 1
        return number

    def pairs(self, lines: Sequence[tuple[str, str]]) -> None:
        """Write names and texts, a line each; on a terminal a long text goes on below itself."""
        if self.on_terminal:
            from beautyspot_cli.tables import draw_pairs

            draw_pairs(lines)
            return
        for name, text in lines:
            click.echo(f"{name}\t{safe(text)}")


def write_nowhere(number: int = 1) -> None:
    """Let stdout (or stderr: 2), and what it still holds, go nowhere."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, number)
    os.close(nowhere)


def output_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command `--json` and `--quiet`; it gets the `Output` as its first argument."""
    for name, attribute, text in (
        ("-q/--quiet", "quiet", "Write data only: no headings, no talk."),
        ("--json", "as_json", 'Write JSON, with "schema": 1.'),
    ):
        command = click.option(
            *name.split("/"),
            attribute,
            is_flag=True,
            expose_value=False,
            callback=_setting(attribute),
            help=text,
        )(command)
    return click.pass_obj(command)


def _setting(attribute: str) -> Callable[[click.Context, click.Parameter, bool], None]:
    def set_it(ctx: click.Context, _: click.Parameter, value: bool) -> None:
        setattr(ctx.obj, attribute, value)

    return set_it
