"""The table of a function's results, and `beautyspot compare`: some of them side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import click

from beautyspot_cli.formats import NOTHING, ago, duration, money, size
from beautyspot_cli.options import keys
from beautyspot_cli.output import cut, output_options

if TYPE_CHECKING:
    from collections.abc import Callable

    from beautyspot import Run, Runs, TaskRecord

    from beautyspot_cli.options import Place
    from beautyspot_cli.output import Output

_OF_ROWS: Final[dict[str, Callable[[TaskRecord, str], str]]] = {
    "key": lambda row, _: row.cache_key[:12],
    "made": lambda row, _: ago(row.made_at),
    "took": lambda row, _: duration(row.took),
    "price": lambda row, unit: money(row.price, unit),
    "version": lambda row, _: row.version or NOTHING,
    "size": lambda row, _: size(row.size),
}
"""The columns of `Store.runs` that are the row's, and how people read them."""


_LONGEST: Final = 60
"""Characters of a text beside others."""


def show_runs(output: Output, table: Runs, unit: str) -> None:
    """Write a table of results: what their rows say, what they were given, what came out."""
    own = {*_OF_ROWS} - {*table.arguments}
    texts = {name for run in table.runs for name, cell in run.cells.items() if type(cell) is str}
    numbers = {*table.columns} - (texts - own) - (own & {"key", "made", "version"})
    rows = ([_cell(run, name, own, unit) for name in table.columns] for run in table.runs)
    output.table(table.columns, rows, numbers=numbers, fits=True)


def _cell(run: Run, name: str, own: set[str], unit: str) -> str:
    if name in own:
        return _OF_ROWS[name](run.record, unit)
    cell = run.cells.get(name, NOTHING)
    return f"{cell:.6g}" if isinstance(cell, float) else str(cell)


@click.command
@click.argument("given", metavar="KEY KEY...", nargs=-1, required=True, shell_complete=keys)
@output_options
@click.pass_obj
def compare(place: Place, output: Output, given: tuple[str, ...]) -> None:
    """Show two to five results side by side: what differs, then what does not.

    Long texts that differ are compared line by line, each with that of the first KEY.
    """
    with place.open() as store:
        found, unit = store.compare(given), store.price_unit
    if output.as_json:
        results = [{"key": run.record.cache_key, "cells": run.cells} for run in found.runs]
        differs = [name for name in found.columns if name in found.differs]
        output.json(differs=differs, results=results, diffs=found.diffs)
        return
    own = {*_OF_ROWS} - {*found.arguments}
    sides = [run.record.cache_key[:12] for run in found.runs]
    lines = [
        [name, *(cut(_cell(run, name, own, unit), _LONGEST) for run in found.runs)]
        for name in found.columns
    ]
    lines = [line for line in lines if {*line[1:]} - {NOTHING} and line[1:] != sides]
    output.table(("DIFFERS", *sides), (line for line in lines if line[0] in found.differs))
    click.echo()
    output.table(("SAME", "IN ALL"), (line[:2] for line in lines if line[0] not in found.differs))
    for name, diff in found.diffs.items():
        output.text("\n".join(["", f"{name}:", *diff]))
