"""`beautyspot rm`, `prune` and `collect`: show what would go, ask, and remove exactly that."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from beautyspot_cli.formats import count, size
from beautyspot_cli.listing import show_rows
from beautyspot_cli.options import (
    filter_option,
    filter_options,
    keys,
    say_unstored,
    unit_asked,
    with_function,
)
from beautyspot_cli.output import FOUND, output_options

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from beautyspot import Removal, Store, TaskRecord, Where

    from beautyspot_cli.options import Place
    from beautyspot_cli.output import Output


def _removal_options(command: Callable[..., Any]) -> Callable[..., Any]:
    dry = "Show what would be removed, and remove nothing."
    yes = "Show nothing, and don't ask. Where nobody can be asked it is needed."
    command = click.option("-y", "--yes", is_flag=True, help=yes)(command)
    return click.option("--dry-run", is_flag=True, help=dry)(command)


@click.command
@click.argument("keys", metavar="[KEY]...", nargs=-1, shell_complete=keys)
@filter_options
@_removal_options
@output_options
@click.pass_obj
def rm(
    place: Place,
    output: Output,
    where: Where,
    keys: tuple[str, ...],
    dry_run: bool,
    yes: bool,
) -> int:
    """Remove results: those with the KEYs, or those that match all filters.

    It shows what would go, and asks. What is shown goes and nothing else: results that are stored
    or made anew meanwhile stay. Where nobody can be asked it wants --yes, and without that ends
    with status 2 and removes nothing. The status is 1 where rows of a damaged store can't be read.
    """
    if keys and where:
        raise click.UsageError("give KEYs or filters, not both")
    if not keys and not where:
        raise click.UsageError(
            "say what to remove: KEYs, or a filter such as --function 'app:*' --older 7d; "
            "--function '*' is everything"
        )
    with place.open() as store:
        rows: Iterable[TaskRecord] = {row.cache_key: row for row in map(store.row, keys)}.values()
        where = with_function(store, where)
        if where:
            rows = store.rows(**where)
        return _remove(output, store, rows, where, dry_run=dry_run, yes=yes)


@click.command
@click.option("--max-size", metavar="SIZE", help="Evict the longest unused down to it: 5GB.")
@click.option(
    "--max-entries", metavar="NUMBER", type=click.IntRange(min=0),
    help="Evict the longest unused down to so many: 1000.",
)  # fmt: skip
@filter_option("older", "Remove what was made so long ago: 90d.")
@filter_option("unused", "Remove what was not used for so long: 30d.")
@click.option("--keep-expired", is_flag=True, help="Keep what has expired.")
@filter_option("function")
@filter_option("version")
@filter_option("tag")
@_removal_options
@output_options
@click.pass_obj
def prune(
    place: Place,
    /,
    output: Output,
    max_size: str | None,
    max_entries: int | None,
    older: str | None,
    unused: str | None,
    keep_expired: bool,
    dry_run: bool,
    yes: bool,
    **among: str | None,
) -> int:
    """Remove results that have expired, are old or unused, or take too much room.

    Without an option it removes what has expired. A result goes that is over any of the limits.
    --max-size and --max-entries count the results of --function, --version and --tag alone, where
    they are given.
    """
    given: Any = {name: value for name, value in among.items() if value is not None}
    with place.open() as store:
        where: Any = with_function(store, given)
        rows = store.over_limits(
            max_size=max_size,
            max_entries=max_entries,
            older_than=older,
            unused_for=unused,
            expired=not keep_expired,
            **where,
        )
        return _remove(output, store, rows, where, dry_run=dry_run, yes=yes)


def _remove(
    output: Output,
    store: Store,
    rows: Iterable[TaskRecord],
    where: Where,
    *,
    dry_run: bool,
    yes: bool,
) -> int:
    """Show what would be removed, and remove it unless it is a dry run or refused.

    With `yes` nothing is shown before: whether it goes must not depend on who reads the output.
    Gives the exit status, 1 where rows of a damaged store could not be read.
    """
    removal, done = store.removal(rows), None
    if not removal.entries:
        output.say(f"nothing in {store.place} is to be removed")
        say_unstored(output, store, where)
    elif not output.as_json and (dry_run or not yes):
        _show(output, store, removal)
    if not dry_run and (not removal.entries or _confirmed(output, yes=yes)):
        with output.progress("removing") as at:
            done = removal.carry_out(lambda one: at(one.entries + one.kept, removal.entries))
        kept = f"; {done.kept:,} stayed, which were made anew meanwhile" if done.kept else ""
        if removal.entries:
            output.say(f"removed {done.entries:,} results, {size(done.size)}{kept}")
    if output.as_json:
        output.json(
            store=store.place,
            entries=removal.entries,
            size=removal.size,
            functions=[
                {"function": name, "entries": one.entries, "size": one.size}
                for name, one in removal.functions.items()
            ],
            keys=removal.keys,
            removed=None if done is None else done._asdict(),
        )
    return FOUND if store.metadata.lost else 0


def _show(output: Output, store: Store, removal: Removal) -> None:
    largest = sorted(removal.functions.items(), key=lambda item: -item[1].size)
    cells = ((name, count(one.entries), size(one.size)) for name, one in largest)
    output.table(("FUNCTION", "ENTRIES", "SIZE"), cells)
    click.echo()
    show_rows(output, store, removal.first)
    more = removal.entries - len(removal.first)
    click.echo(f"and {more:,} more" if more else "")
    output.say(f"{removal.entries:,} results, {size(removal.size)}, in {store.place}")


def _confirmed(output: Output, *, yes: bool) -> bool:
    """Whether the person wants what was shown to be removed.

    Raises:
        UsageError: nobody can be asked, or has seen it, and `--yes` is not given.
        Abort: Ctrl-C.
    """
    if yes:
        return True
    if output.as_json or not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise click.UsageError(
            "nothing was removed: nobody can be asked here. Give --yes to remove it, or --dry-run "
            "to see it only"
        )
    wanted = click.confirm("Remove this?", err=True)
    if not wanted:
        output.say("nothing was removed")
    return wanted


@click.command
@click.option(
    "--grace", metavar="AGE", default="1h", show_default=True,
    help="Keep younger ones: they may belong to a result that is just being saved.",
)  # fmt: skip
@click.option(
    "--store-id", metavar="ID",
    help="Remove all blobs of another store instead, one that is gone: an ID that doctor lists.",
)  # fmt: skip
@_removal_options
@output_options
@click.pass_obj
def collect(
    place: Place, output: Output, grace: str, store_id: str | None, dry_run: bool, yes: bool
) -> int:
    """Remove blobs that belong to no result, and what interrupted saves have left.

    GRACE must be longer than any save takes. Blobs of another store are removed only where its
    --store-id is given, and the newest of them is older than GRACE: nobody can tell from here
    whether they are needed. The exit status is 1 where a blob could not be removed.
    """
    if asked := unit_asked(grace):
        raise click.UsageError(f"--grace {asked}")
    with place.open() as store:
        found, done = store.collect(grace, store_id=store_id, dry_run=True), None
        whose = f"are of the store {store_id}, beside" if store_id else "belong to no result in"
        output.say(f"{found.blobs:,} blobs, {size(found.size)}, {whose} {store.place}")
        there = found.blobs or found.leftovers
        if there and not dry_run and _confirmed(output, yes=yes):
            done = store.collect(grace, store_id=store_id)
            output.say(
                f"removed {done.blobs:,} blobs, {size(done.size)}, and {done.leftovers:,} leftovers"
                + (f"; {done.failed:,} could not be removed: try again" if done.failed else "")
            )
        if output.as_json:
            removed = None if done is None else done._asdict()
            output.json(store=store.place, blobs=found.blobs, size=found.size, removed=removed)
    return FOUND if done and done.failed else 0
