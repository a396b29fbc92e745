"""`beautyspot strays`: blobs of other stores in the storage; adopt them, or remove them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from beautyspot_cli.command import Command
from beautyspot_cli.ending import FOUND
from beautyspot_cli.formats import iso, size
from beautyspot_cli.output import Output, output_options
from beautyspot_cli.progress import Progress
from beautyspot_cli.removing import confirmed, removal_options
from beautyspot_cli.store_options import Place, store_options

if TYPE_CHECKING:
    from beautyspot import Adopted, Collected, Store, Stray

_UNKNOWN = "(not known)"

_LOST = (
    "If its database was lost, give the Spot's --name, and --storage where no configuration says it"
)


@click.command(cls=Command)
@click.argument("at", metavar="[STORE]", required=False)
@click.option("--functions", is_flag=True, help="Show of which functions they are: looks at each.")
@click.option("--adopt", is_flag=True, help="Make their rows anew, so that calls find them.")
@click.option("--remove", is_flag=True, help="Remove them, for good. Needs --id.")
@click.option(
    "--id", "ids", metavar="ID", multiple=True, help="Of this store only; may be repeated."
)
@click.option("--force", is_flag=True, help="Remove also what another store may use.")
@removal_options
@store_options
@output_options
def command(
    output: Output,
    place: Place,
    at: str | None,
    functions: bool,
    adopt: bool,
    remove: bool,
    ids: tuple[str, ...],
    force: bool,
    dry_run: bool,
    yes: bool,
) -> None:
    """List blobs of other stores in the storage: adopt them, or remove them.

    They are of a store that is in use, or of one whose database was lost. The latter's are
    adopted: then its results are this store's, where they lie. Without --id, what is younger than
    an hour is not adopted; --remove refuses what is younger than a week, or adopted by another
    store, unless there is --force. The exit status is 1 where a blob could not be adopted or
    removed, or all were left alone. A lost database is made by --adopt, under the Spot's --name.
    """
    _check(adopt=adopt, remove=remove, ids=ids)
    with _opened(output, place.at(at), remove=remove) as store:
        found = _found(output, store, functions=functions, remove=remove, ids=ids)
        done: Any = None
        if not output.as_json:
            _show(output, store, found)
        if found and adopt and (dry_run or confirmed(output, yes=yes, verb="adopt")):
            would = _adopted(output, store, found, ids, dry_run=dry_run)
            done = None if dry_run else would
        if found and remove and not dry_run and confirmed(output, yes=yes):
            done = _removed(output, store, found, ids, force=force)
        if output.as_json:
            _say_json(output, store, found, done)


def _check(*, adopt: bool, remove: bool, ids: tuple[str, ...]) -> None:
    if adopt and remove:
        raise click.UsageError("--adopt and --remove are two things: give one of them")
    if remove and not ids:
        raise click.UsageError(
            "say whose blobs to remove, by --id: the ID as this command lists it"
        )


def _opened(output: Output, place: Place, *, remove: bool) -> Store:
    """The store, or what is left of one whose database was lost: nothing is removed there."""
    from beautyspot import ConfigError

    try:
        return place.open()
    except ConfigError as error:
        if remove:
            raise
        try:
            store = place.open(lost=True)
        except ConfigError:
            raise ConfigError(f"{error}. {_LOST}") from error
        output.say(f"{store.place} is not there, so all blobs in its storage are of other stores")
        return store


def _found(
    output: Output, store: Store, *, functions: bool, remove: bool, ids: tuple[str, ...]
) -> list[Stray]:
    with Progress(output, "looking", None) as progress:
        found = store.strays(functions=functions, progress=_counting(progress))
    if ids:
        found = [each for each in found if each.store_id.startswith(ids)]
        if remove or not found:
            store.remove_strays(*ids, dry_run=True)  # an ID that is none is an error
    return found


def _counting(progress: Progress) -> Any:
    return lambda more: progress.at(progress.count + more)


def _show(output: Output, store: Store, found: list[Stray]) -> None:
    if not found:
        output.say(f"no blobs of other stores are in the storage of {store.place}")
        return
    columns = ("ID", "FUNCTION", "BLOBS", "SIZE", "NEWEST", "ADOPTED BY")
    with_functions = any(each.functions is not None for each in found)
    shown = [name for name in columns if with_functions or name != "FUNCTION"]
    rows = [[row[name] for name in shown] for each in found for row in _rows(output, each)]
    right = [shown.index(name) for name in ("BLOBS", "SIZE")]
    with output.without_fail():
        output.table(shown, rows, right=right)
    blobs, total = sum(each.blobs for each in found), sum(each.size for each in found)
    output.say(
        f"{blobs:,} blobs, {size(total)}, of other stores are in the storage of {store.place}"
    )


def _rows(output: Output, stray: Stray) -> list[dict[str, str]]:
    functions = {"": (stray.blobs, stray.size)} if stray.functions is None else stray.functions
    return [
        {
            "ID": stray.store_id,
            "FUNCTION": name or _UNKNOWN,
            "BLOBS": output.format.count(blobs),
            "SIZE": size(count),
            "NEWEST": output.format.when(stray.newest),
            "ADOPTED BY": ", ".join(stray.adopted_by) or "-",
        }
        for name, (blobs, count) in sorted(functions.items(), key=lambda item: -item[1][1])
    ]


def _adopted(
    output: Output, store: Store, found: list[Stray], ids: tuple[str, ...], *, dry_run: bool
) -> Adopted:
    with Progress(output, "adopting", sum(each.blobs for each in found)) as progress:
        done = store.adopt(*ids, dry_run=dry_run, progress=_counting(progress))
    for fault in done.faults:
        output.say(f"not adopted: {fault.key}: {fault.problem}")
    if done.faults or (done.left and not done.entries):
        output.status = FOUND
    for store_id in done.left:
        output.say(
            f"left alone, since it may be in use, with blobs younger than an hour: {store_id}. "
            f"To adopt them all the same, give --id {store_id}"
        )
    if done.present:
        output.say(
            f"not adopted: {done.present:,} blobs of results that are there as new, or newer"
        )
    if done.untold:
        output.say(
            f"not adopted: {done.untold:,} blobs of which the storage knows nothing: they can only "
            "be removed"
        )
    what = "would adopt" if dry_run else "adopted"
    output.say(f"{what} {done.entries:,} results, {size(done.size)}")
    return done


def _removed(
    output: Output, store: Store, found: list[Stray], ids: tuple[str, ...], *, force: bool
) -> Collected:
    with Progress(output, "removing", sum(each.blobs for each in found)) as progress:
        done = store.remove_strays(*ids, force=force, progress=_counting(progress))
    output.say(f"removed {done.blobs:,} blobs, {size(done.size)}")
    if done.failed:
        output.say(f"{done.failed:,} blobs could not be removed: try again")
        output.status = FOUND
    return done


def _say_json(output: Output, store: Store, found: list[Stray], done: Any) -> None:
    names = None if done is None else done._asdict()
    if names is not None and "faults" in names:
        names["faults"] = [fault._asdict() for fault in names["faults"]]
    output.json(
        store=store.place,
        strays=[
            {
                "id": each.store_id,
                "blobs": each.blobs,
                "size": each.size,
                "newest": iso(each.newest),
                "adopted_by": each.adopted_by,
                "functions": None
                if each.functions is None
                else [
                    {"function": name or None, "blobs": one.entries, "size": one.size}
                    for name, one in each.functions.items()
                ],
            }
            for each in found
        ],
        adopted=names if names is not None and "untold" in names else None,
        removed=names if names is not None and "untold" not in names else None,
    )
