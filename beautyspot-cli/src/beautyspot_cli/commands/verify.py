"""`beautyspot verify`: whether every result is what was stored."""

from __future__ import annotations

import sys
from functools import partial
from typing import TYPE_CHECKING

import click

from beautyspot_cli.command import Command
from beautyspot_cli.ending import FOUND
from beautyspot_cli.filter_options import filter_options, with_function
from beautyspot_cli.formats import size
from beautyspot_cli.output import Output, output_options
from beautyspot_cli.progress import Progress, is_shown
from beautyspot_cli.store_options import Place, store_options

if TYPE_CHECKING:
    from beautyspot import Fault, Where


@click.command(cls=Command)
@click.argument("at", metavar="[STORE]", required=False)
@filter_options
@store_options
@output_options
def command(output: Output, place: Place, where: Where, at: str | None) -> None:
    """Read every result to its end, and say which are not what was stored.

    A line each: kind, key, function, problem. Nothing is changed; a damaged result is a miss, and
    its call is computed again. The exit status is 1 where one is damaged or missing. What can't be
    checked here, for want of a signing key or a serializer, is said, and is no fault. The last line
    of --json is what it comes to.
    """
    with place.at(at).open() as store:
        where = with_function(store, where)
        total = store.total(**where).entries if is_shown(output) else None
        faults = 0
        with Progress(output, "verifying", total) as progress:
            try:
                for fault in store.verify(progress=progress.at, **where):
                    if not progress.count and not store.metadata.lost:
                        _check_readable(fault)
                    faults += fault.is_damage
                    progress.above(partial(_show, output, fault))
            finally:
                progress.end()
                if progress.count or sys.exception() is None:
                    output.say(
                        f"verified {progress.count:,} results, {size(progress.given or 0)}: "
                        f"{faults or 'no'} fault{'' if faults == 1 else 's'}"
                    )
        if output.as_json:
            output.json(verified=progress.count, size=progress.given or 0, faults=faults)
    if faults:
        output.status = FOUND


def _check_readable(fault: Fault) -> None:
    """Refuse what is no store, where nothing was read.

    Raises:
        MetadataError: it is none.
    """
    if fault.kind == "database":
        from beautyspot import MetadataError

        raise MetadataError(fault.problem)


def _show(output: Output, fault: Fault) -> None:
    if output.as_json:
        output.json(**fault._asdict())
    else:
        key = output.format.key(fault.key)
        output.table((), [(fault.kind, key, fault.function, fault.problem)])
