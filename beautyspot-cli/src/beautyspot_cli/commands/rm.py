"""`beautyspot rm`: remove results."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from beautyspot_cli.command import Command
from beautyspot_cli.completing import key_or_store
from beautyspot_cli.filter_options import filter_options, with_function
from beautyspot_cli.output import Output, output_options
from beautyspot_cli.removing import removal_options, remove
from beautyspot_cli.store_options import Place, store_options
from beautyspot_cli.words import keys_and_store

if TYPE_CHECKING:
    from collections.abc import Iterable

    from beautyspot import TaskRecord, Where


@click.command(cls=Command)
@click.argument("words", metavar="[KEY]... [STORE]", nargs=-1, shell_complete=key_or_store)
@filter_options
@removal_options
@store_options
@output_options
def command(
    output: Output,
    place: Place,
    where: Where,
    words: tuple[str, ...],
    dry_run: bool,
    yes: bool,
) -> None:
    """Remove results: those with the KEYs, or those that match all filters.

    It shows what would go, and asks. What is shown goes and nothing else: results that are stored
    or made anew meanwhile stay. Where nobody can be asked it wants --yes, and without that ends
    with status 2 and removes nothing.
    """
    place, keys = keys_and_store(words, place)
    if bool(keys) == bool(where):
        raise click.UsageError(
            "give KEYs or filters, not both"
            if keys
            else "say what to remove: KEYs, or a filter such as --function 'app:*' --older 7d; "
            "--function '*' is everything"
        )
    with place.open() as store:
        remove(output, store, _rows(store, keys, where), dry_run=dry_run, yes=yes)


def _rows(store: Any, keys: list[str], where: Where) -> Iterable[TaskRecord]:
    if not keys:
        rows: Iterable[TaskRecord] = store.rows(**with_function(store, where))
        return rows
    found = [store.row(key) for key in keys]
    return {record.cache_key: record for record in found}.values()
