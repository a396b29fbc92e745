"""`beautyspot collect`: remove blobs that belong to no result."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING, Any

import click

from beautyspot_cli.command import Command
from beautyspot_cli.ending import FOUND
from beautyspot_cli.formats import size
from beautyspot_cli.output import Output, output_options
from beautyspot_cli.removing import confirmed, removal_options
from beautyspot_cli.store_options import Place, store_options

if TYPE_CHECKING:
    from beautyspot import Collected


@click.command(cls=Command)
@click.argument("at", metavar="[STORE]", required=False)
@click.option(
    "--grace",
    metavar="AGE",
    default="1h",
    show_default=True,
    help="Keep younger ones: they may belong to a result that is just being saved.",
)
@click.option(
    "--store-id",
    metavar="ID",
    help="Remove all blobs of another store instead, one that is gone: an ID that doctor lists.",
)
@removal_options
@store_options
@output_options
def command(
    output: Output,
    place: Place,
    at: str | None,
    grace: str,
    store_id: str | None,
    dry_run: bool,
    yes: bool,
) -> None:
    """Remove blobs that belong to no result, and what interrupted saves have left.

    GRACE must be longer than any save takes. Blobs of another store are removed only where its
    --store-id is given, and the newest of them is older than GRACE: nobody can tell from here
    whether they are needed. The exit status is 1 where a blob could not be removed.
    """
    with place.at(at).open() as opened:
        asked = time.time()
        found = opened.collect(grace, store_id=store_id, dry_run=True)
        if not output.as_json:
            whose = f"are of the store {store_id}, beside" if store_id else "belong to no result in"
            output.say(f"{_blobs(found)} {whose} {opened.place}")
        nothing = not found.blobs and not found.leftovers
        if dry_run or nothing:
            _say_json(output, opened, found, None)
        elif confirmed(output, yes=yes):
            _collect(output, opened, found, grace, store_id, asked)


def _collect(
    output: Output, store: Any, found: Collected, grace: str, store_id: str | None, asked: float
) -> None:
    """Remove them, and none that has become old enough only since it was asked."""
    done = store.collect(_longer(grace, math.ceil(time.time() - asked)), store_id=store_id)
    output.say(f"removed {_blobs(done)}, and {done.leftovers:,} leftovers")
    if done.failed:
        output.say(f"{done.failed:,} blobs could not be removed: try again")
        output.status = FOUND
    _say_json(output, store, found, done)


def _longer(grace: str, seconds: int) -> str | float:
    try:
        return float(grace) + seconds
    except ValueError:
        return f"{grace} {seconds}s"


def _blobs(count: Collected) -> str:
    return f"{count.blobs:,} blobs, {size(count.size)},"


def _say_json(output: Output, store: Any, found: Collected, done: Collected | None) -> None:
    if output.as_json:
        removed = None if done is None else done._asdict()
        output.json(store=store.place, blobs=found.blobs, size=found.size, removed=removed)
