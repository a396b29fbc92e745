"""`beautyspot copy` and `verify`: read every result to its end, and say what is not sound."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click
from beautyspot import Copied, Store, Where, open_store

from beautyspot_cli.formats import size
from beautyspot_cli.options import filter_options, say_unstored, with_function
from beautyspot_cli.output import FOUND, output_options

if TYPE_CHECKING:
    from beautyspot_cli.options import Place
    from beautyspot_cli.output import Output


@click.command
@filter_options
@output_options
@click.pass_obj
def verify(place: Place, output: Output, where: Where) -> int:
    """Read every result to its end, and say which are not what was stored.

    A line each: kind, key, function, problem. Nothing is changed; a damaged result is a miss, and
    its call is computed again. The exit status is 1 where one is damaged or missing. What can't be
    checked here, as for want of a signing key, is said, and is no fault. The last line
    of --json is what it comes to.
    """
    done = read = faults = 0
    with place.open() as store:
        where = with_function(store, where)
        total = store.total(**where).entries
        with output.progress("verifying") as show:

            def at(count: int, size: int) -> None:
                nonlocal done, read
                done, read = count, size
                show(count, total)

            for fault in store.verify(progress=at, **where):
                faults += fault.is_damage
                if sys.stderr.isatty():
                    click.echo(err=True)  # below the bar
                if output.as_json:
                    output.json(**fault._asdict())
                else:
                    output.text("  ".join((fault.kind, fault.key, fault.function, fault.problem)))
        if not total:
            say_unstored(output, store, where)
    output.say(f"verified {done:,} results, {size(read)}: {faults or 'no'} faults")
    if output.as_json:
        output.json(verified=done, size=read, faults=faults)
    return FOUND if faults else 0


@click.command
@click.argument("places", metavar="[SOURCE] TARGET", nargs=-1)
@click.option("--target-name", metavar="NAME", help="The Spot's name there; default: the same.")
@click.option("--target-storage", metavar="PLACE", help="Where the blobs go, if not beside it.")
@click.option(
    "--target-profile",
    metavar="PROFILE",
    help="The profile of the configuration file that says where it is, in place of TARGET.",
)
@click.option("--target-config", metavar="FILE", help="The configuration file that does.")
@click.option(
    "--arguments-too/--no-arguments",
    "with_arguments",
    default=None,
    help="Whether the texts of arguments are copied. Default: where only you can read TARGET.",
)
@click.option("--vouch", is_flag=True, help="Sign what nobody has signed, for a TARGET that signs.")
@filter_options
@output_options
@click.pass_obj
def copy(
    place: Place,
    output: Output,
    where: Where,
    places: tuple[str, ...],
    target_name: str | None,
    target_storage: str | None,
    target_profile: str | None,
    target_config: str | None,
    with_arguments: bool | None,
    vouch: bool,
) -> int:  # fmt: skip
    """Copy results from one store into another one, which is made where there is none.

    Without a SOURCE it is the store of all commands. What TARGET has already stays, unless SOURCE
    has it newer: a copy that was interrupted is completed by doing it again. Each result is checked
    on its way. What is damaged, or finds no place in TARGET, is said and not copied: then the exit
    status is 1.
    """
    is_set = target_profile is not None or target_config is not None
    *sources, target = (*places, None) if is_set else places or (None, None, None)
    if len(sources) > 1:
        raise click.UsageError(
            "say where to: beautyspot copy SOURCE TARGET, or a profile by --target-profile"
        )
    if sources:
        place = place._replace(store=sources[0])
    with place.open() as store:
        where = with_function(store, where)
        store.total(**where)  # what is wrong shows before TARGET is made
        known = None if "://" in store.place else Path(store.place).stem  # a URL does not tell
        name = target_name or place.name or known
        is_database = target and (target.endswith(".db") or Path(target).is_file())
        with open_store(
            target,
            name=None if is_database else name,
            storage=target_storage,
            profile=target_profile,
            config=target_config,
            create=True,
        ) as there:
            with output.progress("copying") as at:
                done = store.copy_to(
                    there, progress=at, with_arguments=with_arguments, vouch=vouch, **where
                )
            _tell(output, there, done)
        if not done.entries + done.present:
            say_unstored(output, store, where)
    return FOUND if done.faults else 0


def _tell(output: Output, there: Store, done: Copied) -> None:
    for fault in done.faults:
        what = f"not copied: {fault.key} of {fault.function}" if fault.key else "not all was copied"
        output.say(f"{what}: {fault.problem}")
    if output.as_json:
        numbers = done._asdict() | {"faults": [fault._asdict() for fault in done.faults]}
        output.json(store=there.place, **numbers)
        return
    output.say(
        f"copied {done.entries:,} results, {size(done.size)}, to {there.place}; it had "
        f"{done.present:,} already, and {len(done.faults):,} could not be copied"
    )
    if done.entries and there.signing_keys is None:
        output.say(
            "copied results count as shared: those of classes of your program run anew there, "
            "unless the function's annotation, or spot.register, names the class"
        )
