"""`beautyspot copy`: copy results into another store."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from beautyspot_cli.ending import FOUND
from beautyspot_cli.filter_options import filter_options, with_function
from beautyspot_cli.formats import size
from beautyspot_cli.output import Output, output_options
from beautyspot_cli.progress import Progress
from beautyspot_cli.store_options import Place, store_options

if TYPE_CHECKING:
    from beautyspot import Copied, Fault, Where


@click.command
@click.argument("source")
@click.argument("target")
@click.option("--target-name", metavar="NAME", help="The Spot's name there; default: the same.")
@click.option("--target-storage", metavar="PLACE", help="Where the blobs go, if not beside it.")
@click.option(
    "--arguments-too/--no-arguments",
    "with_arguments",
    default=None,
    help="Whether the texts of arguments are copied. Default: where only you can read TARGET.",
)
@filter_options
@store_options
@output_options
def command(
    output: Output,
    place: Place,
    where: Where,
    source: str,
    target: str,
    target_name: str | None,
    target_storage: str | None,
    with_arguments: bool | None,
) -> None:
    """Copy results from one store into another one, which is made where there is none.

    What TARGET has already stays, unless SOURCE has it newer: a copy that was interrupted is
    completed by doing it again. Each result is checked on its way, and a damaged one is not copied:
    then the exit status is 1.
    """
    with place.at(source).open() as store:
        where = with_function(store, where)
        named = target_name or _name_of(store)
        store.total(**where)  # what is wrong shows before TARGET is made
        with _opened(target, named, target_storage) as there:
            copied = _copied(output, store, there, with_arguments, where)
            _tell(output, there, copied)


def _name_of(store: Any) -> str:
    return Path(store.place).stem


def _opened(target: str, name: str, storage: str | None) -> Any:
    from beautyspot import open_store

    path = Path(target)
    is_database = path.is_file() or (path.suffix == ".db" and not path.is_dir())
    name_too = None if is_database else name
    return open_store(target, name=name_too, storage=storage, create=True)


def _copied(
    output: Output, store: Any, there: Any, with_arguments: bool | None, where: Where
) -> Copied:
    with Progress(output, "copying", None) as progress:
        try:
            found: Copied = store.copy_to(
                there, progress=progress.at, with_arguments=with_arguments, **where
            )
        except KeyboardInterrupt:
            progress.end()
            output.say(
                f"interrupted at result {progress.count:,} of {progress.given or 0:,}: do it again "
                "to copy the others"
            )
            raise
    return found


def _subject(fault: Fault) -> str:
    if fault.key:
        return f"not copied: {fault.key} of {fault.function}"
    return "not all was copied"


def _tell(output: Output, there: Any, copied: Copied) -> None:
    for fault in copied.faults:
        output.say(f"{_subject(fault)}: {fault.problem}")
    if copied.faults:
        output.status = FOUND
    if output.as_json:
        numbers = copied._asdict() | {"faults": [fault._asdict() for fault in copied.faults]}
        output.json(store=there.place, **numbers)
        return
    output.say(
        f"copied {copied.entries:,} results, {size(copied.size)}, to {there.place}; "
        f"it had {copied.present:,} already, and {len(copied.faults):,} could not be copied"
    )
