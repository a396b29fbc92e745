"""`beautyspot prune`: remove results that are expired, old, unused, or too many."""

from __future__ import annotations

from typing import Any

import click

from beautyspot_cli.command import Command
from beautyspot_cli.completing import functions
from beautyspot_cli.filter_options import WITHOUT, checked_age, checked_version, with_function
from beautyspot_cli.output import Output, output_options
from beautyspot_cli.removing import removal_options, remove
from beautyspot_cli.store_options import Place, store_options


@click.command(cls=Command)
@click.argument("at", metavar="[STORE]", required=False)
@click.option("--max-size", metavar="SIZE", help="Evict the longest unused down to it: 5GB.")
@click.option(
    "--max-entries",
    metavar="NUMBER",
    type=click.IntRange(min=0),
    help="Evict the longest unused down to so many: 1000.",
)
@click.option(
    "--older", metavar="AGE", callback=checked_age, help="Remove what was made so long ago: 90d."
)
@click.option(
    "--unused",
    metavar="AGE",
    callback=checked_age,
    help="Remove what was not used for so long: 30d.",
)
@click.option("--keep-expired", is_flag=True, help="Keep what has expired.")
@click.option(
    "--function",
    metavar="PATTERN",
    help="Of this function, or of all that match: 'app:*'.",
    shell_complete=functions,
)
@click.option(
    "--version",
    metavar="VERSION",
    help=f"Of this version; {WITHOUT!r}: without one.",
    callback=checked_version,
)
@click.option("--tag", metavar="TAG", help="With this tag.")
@removal_options
@store_options
@output_options
def command(
    output: Output,
    place: Place,
    at: str | None,
    max_size: str | None,
    max_entries: int | None,
    older: str | None,
    unused: str | None,
    keep_expired: bool,
    dry_run: bool,
    yes: bool,
    **among: str | None,
) -> None:
    """Remove results that have expired, are old or unused, or take too much room.

    Without an option it removes what has expired. A result goes that is over any of the limits.
    --max-size and --max-entries count the results of --function, --version and --tag alone, where
    they are given.
    """
    given: Any = {name: value for name, value in among.items() if value is not None}
    with place.at(at).open() as opened:
        where: Any = with_function(opened, given)
        rows = opened.over_limits(
            max_size=max_size,
            max_entries=max_entries,
            older_than=older,
            unused_for=unused,
            expired=not keep_expired,
            **where,
        )
        remove(output, opened, rows, dry_run=dry_run, yes=yes)
