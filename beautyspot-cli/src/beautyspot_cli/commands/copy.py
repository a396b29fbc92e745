"""`beautyspot copy`: copy results into another store."""

from __future__ import annotations

from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from beautyspot_cli.command import Command
from beautyspot_cli.ending import FOUND
from beautyspot_cli.filter_options import filter_options, with_function
from beautyspot_cli.formats import size
from beautyspot_cli.output import Output, output_options
from beautyspot_cli.progress import Progress
from beautyspot_cli.store_options import Place, store_options

if TYPE_CHECKING:
    from collections.abc import Callable

    from beautyspot import Copied, Fault, Store, Where


class Target(NamedTuple):
    """Which store is copied into; None: not said."""

    store: str | None
    name: str | None
    storage: str | None
    profile: str | None
    config: str | None

    @property
    def by_settings(self) -> bool:
        """Whether a configuration says where it is."""
        return self.profile is not None or self.config is not None

    def opened(self, source_name: str | None) -> Store:
        """The store, which is made where there is none; its Spot is called as the source's."""
        from beautyspot import open_store

        path = Path(self.store or "")
        is_database = path.is_file() or (path.suffix == ".db" and not path.is_dir())
        name = None if is_database and self.store else self.name or source_name
        if name is None and self.store and not is_database and "://" not in self.store:
            raise click.UsageError(
                f"a URL does not tell how the Spot is called: give --target-name for {self.store}"
            )
        return open_store(
            self.store,
            name=name,
            storage=self.storage,
            profile=self.profile,
            config=self.config,
            create=True,
        )


def target_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options of a target; it gets it as `target`, without its place."""

    @wraps(command)
    def with_target(*args: Any, **given: Any) -> Any:
        fields = {field: given.pop(f"target_{field}") for field in Target._fields[1:]}
        return command(*args, target=Target(None, **fields), **given)

    wrapped: Callable[..., Any] = with_target
    for name, metavar, text in reversed(_TARGET):
        wrapped = click.option(f"--target-{name}", metavar=metavar, help=text)(wrapped)
    return wrapped


_TARGET = (
    ("name", "NAME", "The Spot's name there; default: the same."),
    ("storage", "PLACE", "Where the blobs go, if not beside it."),
    ("profile", "PROFILE", "The profile of the configuration file that says where it is."),
    ("config", "FILE", "The configuration file that does."),
)


@click.command(cls=Command)
@click.argument("places", metavar="[SOURCE] [TARGET]", nargs=-1)
@target_options
@click.option(
    "--arguments-too/--no-arguments",
    "with_arguments",
    default=None,
    help="Whether the texts of arguments are copied. Default: where only you can read TARGET.",
)
@click.option("--vouch", is_flag=True, help="Sign what nobody has signed, for a TARGET that signs.")
@filter_options
@store_options
@output_options
def command(
    output: Output,
    place: Place,
    where: Where,
    places: tuple[str, ...],
    target: Target,
    with_arguments: bool | None,
    vouch: bool,
) -> None:
    """Copy results from one store into another one, which is made where there is none.

    SOURCE is left out where --profile or --config says which it is, and TARGET where
    --target-profile or --target-config does. What TARGET has already stays, unless SOURCE has it
    newer: a copy that was interrupted is completed by doing it again. Each result is checked on
    its way. What is damaged, or finds no place in TARGET, is said and not copied: then the exit
    status is 1.
    """
    place, target = _ends(places, place, target)
    with place.open() as store:
        where = with_function(store, where)
        store.total(**where)  # what is wrong shows before TARGET is made
        with target.opened(_name_of(place, store)) as there:
            copied = _copied(output, store, there, with_arguments, where, vouch=vouch)
            _tell(output, there, copied)


def _ends(places: tuple[str, ...], place: Place, target: Target) -> tuple[Place, Target]:
    """The source and the target, of up to two places and the settings for each."""
    source_is_said = (place.store, place.profile, place.config) != (None, None, None)
    if len(places) > 2:
        raise click.UsageError(
            f"a SOURCE and a TARGET, and not {len(places)} places: leave some out"
        )
    if len(places) == 2:
        return place.at(places[0]), target._replace(store=places[1])
    if target.by_settings:
        return place.at(places[0] if places else None), target
    if places and source_is_said:
        return place, target._replace(store=places[0])
    raise click.UsageError(
        "say where to: beautyspot copy SOURCE TARGET, or a profile by --target-profile"
    )


def _name_of(place: Place, store: Store) -> str | None:
    """What the Spot of the source is called, if that is known: a URL does not tell."""
    if place.name is not None:
        return place.name
    return None if "://" in store.place else Path(store.place).stem


def _copied(
    output: Output,
    store: Store,
    there: Store,
    with_arguments: bool | None,
    where: Where,
    *,
    vouch: bool,
) -> Copied:
    from beautyspot import BeautyspotError

    with Progress(output, "copying", None) as progress:
        try:
            return store.copy_to(
                there,
                progress=progress.at,
                with_arguments=with_arguments,
                vouch=vouch,
                **where,
            )
        except (KeyboardInterrupt, BeautyspotError) as error:
            progress.end()
            if progress.count or isinstance(error, KeyboardInterrupt):
                what = "stopped" if isinstance(error, BeautyspotError) else "interrupted"
                output.say(
                    f"{what} at result {progress.count:,} of {progress.given or 0:,}: do it again "
                    "to copy the others"
                )
            raise


def _subject(fault: Fault) -> str:
    if fault.key:
        return f"not copied: {fault.key} of {fault.function}"
    return "not all was copied"


def _tell(output: Output, there: Store, copied: Copied) -> None:
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
    if copied.entries and there.signing_keys is None:
        output.say(
            "copied results count as shared: those of classes of your program run anew there, "
            "unless the function's annotation, or spot.register, names the class"
        )
